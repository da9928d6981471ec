"""A re-entrant channel by Veros, for a Python that has it: python veros_channel.py NZ NY NX STEPS

Prints the processor time of a step, after as many steps that are not counted, with the backend that VEROS_BACKEND names.
Imports nothing of ours.
"""

import sys
import time

import jax
import numpy
from veros import VerosSetup, veros_routine
from veros.core.operators import at, update
from veros.core.operators import numpy as npx
from veros.variables import allocate

LENGTH, WIDTH, DEPTH = 4.0e6, 2.0e6, 4000.0  # m


class Channel(VerosSetup):
    """The channel of ours as near as Veros has it: its own superbee tracers and streamfunction, no mixing layer."""

    def __init__(self, nz, ny, nx):
        super().__init__()
        self.cells = nz, ny, nx

    @veros_routine
    def set_parameter(self, state):
        settings = state.settings
        settings.nz, settings.ny, settings.nx = self.cells
        spacing = LENGTH / settings.nx
        settings.dt_mom = settings.dt_tracer = 0.02 * spacing
        settings.runlen = 1e12
        settings.identifier = "channel"
        settings.coord_degree, settings.enable_cyclic_x = False, True
        settings.enable_hor_friction, settings.A_h = True, 0.01 * spacing
        settings.enable_hor_diffusion, settings.K_h = True, 0.001 * spacing
        settings.enable_implicit_vert_friction, settings.kappaM_0 = True, 1e-3
        settings.kappaH_0 = 1e-5
        settings.enable_superbee_advection = True
        settings.eq_of_state_type = 1

    @veros_routine
    def set_grid(self, state):
        vs, (nz, ny, nx) = state.variables, self.cells
        vs.dxt = update(vs.dxt, at[...], LENGTH / nx)
        vs.dyt = update(vs.dyt, at[...], WIDTH / ny)
        vs.dzt = update(vs.dzt, at[...], DEPTH / nz)

    @veros_routine
    def set_coriolis(self, state):
        vs = state.variables
        vs.coriolis_t = update(vs.coriolis_t, at[...], -1.1e-4 + 1.4e-11 * vs.yt[None, :])

    @veros_routine
    def set_topography(self, state):
        vs = state.variables
        ridge = 1500.0 * npx.exp(-(((vs.xt - 0.5 * LENGTH) / 3.0e5) ** 2))
        lowest = 1 + npx.floor(ridge / (DEPTH / self.cells[0]))
        vs.kbot = update(vs.kbot, at[...], npx.broadcast_to(lowest[:, None], vs.kbot.shape).astype("int"))

    @veros_routine
    def set_initial_conditions(self, state):
        vs = state.variables
        front = 0.5 * (1.0 + npx.tanh((vs.yt - 0.5 * WIDTH) / 3.0e5))
        decay = npx.exp(vs.zt / 1000.0)
        temperature = 0.5 + (2.5 + 9.0 * front[None, :, None]) * decay[None, None, :]
        vs.temp = update(vs.temp, at[...], (temperature * vs.maskT)[..., None])
        vs.salt = update(vs.salt, at[...], 35.0 * vs.maskT[..., None])
        stress = allocate(state.dimensions, ("yt",)) + 0.15 * npx.sin(npx.pi * vs.yt / WIDTH) ** 2
        vs.surface_taux = stress[None, :] * vs.maskU[:, :, -1]

    @veros_routine
    def set_forcing(self, state):
        pass

    @veros_routine
    def set_diagnostics(self, state):
        state.diagnostics.clear()

    @veros_routine
    def after_timestep(self, state):
        pass


def main(nz: int, ny: int, nx: int, steps: int) -> None:
    simulation = Channel(nz, ny, nx)
    simulation.setup()

    def advance() -> None:
        for _ in range(steps):
            simulation.step(simulation.state)
        jax.block_until_ready([simulation.state.variables.u, simulation.state.variables.temp])

    advance()
    begun = time.process_time()
    advance()
    seconds = time.process_time() - begun
    if not numpy.isfinite(simulation.state.variables.u).all():
        sys.exit(f"the velocity was no longer finite after {2 * steps} steps")
    print("seconds_per_step", seconds / steps)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
