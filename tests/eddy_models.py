"""Small oceans with unresolved eddies, and what these make of them: for tests."""

from dataclasses import replace
from functools import cache

import numpy as np
from conftest import channel, computed, filled

from dycore import Model, cases
from dycore.assembly.values import joined
from dycore.backends import on_numpy
from dycore.equations import column, continuity, eddies, pressure
from dycore.equations.continuity import Flow
from dycore.equations.eddies import Eddies
from dycore.fluid import Ocean
from dycore.forcing import Instant
from dycore.grid import interior, latitude_longitude, rectilinear
from dycore.parameters import Parameters
from dycore.state import State, initial_state
from dycore.tiles import Boundary, Place
from dycore.vertical import stretched, uniform

KAPPA, TRACERS = 1000.0, ("temperature", "salinity")
BOTH = Eddies(KAPPA, KAPPA, 5.0e-3)
EXPANSION = Ocean().gravity * Ocean().thermal_expansion  # of temperature to buoyancy (m/s2 per K)


def made(grid, eddies, temperature, tracers=(), **others):
    """A model with temperature, salinity 35 and other tracers, and its state."""
    names = (*TRACERS, *(f"dye_{number}" for number in range(len(tracers))))
    parameters = Parameters(Ocean(), **{"time_step": 600.0, "substeps": 24, "tracer_names": names, "eddies": eddies} | others)
    model = Model(grid, parameters, on_numpy)
    return model, model.asarrays(initial_state(grid, surface=0.0, tracers=(temperature, 35.0 + 0.0 * temperature, *tracers)))


def of_eddies(model, state, function, *arrays):
    """What function(on, equations, layers, eddies of a state, *padded arrays) makes: fields without halo."""
    def all_of_it(on, numbers, tracers, closure, surface, *arrays):
        equations = joined(model.choices, numbers)
        layers = column.stretched(on, equations.grid, equations.parameters.fluid, surface)
        now = State(None, None, None, surface, tracers, (), (), 0, 0.0)
        _, b = pressure.hydrostatic_balance(on, equations, layers, now)
        at = Instant(None, None, None, surface, tracers, closure=closure, layers=layers, buoyancy=b)
        return function(on, equations, layers, eddies.diagnosed(on, equations, at), *arrays)

    return computed(model.backend, model.grid, all_of_it, model.numbers, state.tracers, state.closure, state.surface, *arrays)


def rates(model, state, tracers):
    """(all, the implicit part) of what neutral diffusion makes of tracers (their unit per s, times the volume of a cell)."""
    def fluxes(on, equations, layers, unresolved, *tracers):
        across = eddies.diffusivity_across(on, equations.grid, layers, unresolved, None)
        own = [eddies.neutral_flux(on, equations, layers, unresolved, tracer) for tracer in tracers]
        return (across, *(field for each in own for field in (*on.store(each.along), each.across)))

    grid = model.grid
    diffusivity, *found = of_eddies(model, state, fluxes, *(filled(grid, Place.CENTER, tracer) for tracer in tracers))
    dr, area = grid.metrics.dr[2:-2, None, None], interior(grid.metrics.area)
    stretching = (interior(state.surface) - interior(grid.metrics.fixed)) * interior(grid.metrics.inverse_thickness)
    distance = np.concatenate([dr[:1], 0.5 * (dr[1:] + dr[:-1])]) * np.where(grid.wet.any(axis=0), stretching, 1.0)

    def fall(w):
        return -area * (np.concatenate([w[1:], 0.0 * w[:1]]) - w)

    def rate(tracer, u, v, w):
        implicit = fall(-diffusivity * np.diff(tracer, axis=0, prepend=tracer[:1]) / distance)
        north = np.concatenate([v[:, 1:], 0.0 * v[:, :1]], axis=1)  # a wall
        return -dr * (np.roll(u, -1, -1) - u + north - v) + fall(w) + implicit, implicit

    return [rate(tracer, *found[3 * number: 3 * number + 3]) for number, tracer in enumerate(tracers)]


def matrices(model, state):
    """As `rates`, of all wet cells: matrices (m3/s), that of a linear map and that of its implicit part."""
    wet, cells = np.flatnonzero(model.grid.wet.ravel()), model.grid.cells
    found = rates(model, state, [unit.reshape(cells) for unit in np.eye(model.grid.wet.size)[wet]])
    return (np.array([each[part].ravel()[wet] for each in found]).T for part in (0, 1))


@cache
def rough(kind, noise=0.4):
    """A grid with walls, land, stretched levels and maybe partial cells or meridians that converge, and a noisy temperature."""
    options = {"partial cells": {"partial_cells": 0.2}}.get(kind, {})
    grid = channel((4, 5, 6), **options)
    if kind == "sphere":
        grid = latitude_longitude((4, 5, 6), interfaces=stretched(4, 4000.0, 4.0), latitudes=(40.0, 70.0), longitudes=(0.0, 40.0))
    z = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])[:, None, None]
    return grid, 10.0 + z / 400.0 + noise * np.random.default_rng(4).uniform(-1.0, 1.0, grid.cells)


def front(nz=20, nx=50, ny=1, axis="x"):
    """(grid, temperature, b, slopes, N2) of a smooth front between walls, in a section of 1000 km x 1000 m."""
    extent = (1.0e6, 2.0e4 * ny)
    walls = {"x_boundary": Boundary.WALL, "y_boundary": Boundary.PERIODIC}
    cells = (nz, ny, nx)
    if axis == "y":
        extent, cells, walls = extent[::-1], (nz, nx, ny), {}
    grid = rectilinear(cells, extent=extent, interfaces=uniform(nz, -1000.0, 0.0), **walls)
    z = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])[:, None, None]
    x = (grid.x[None, None, :] if axis == "x" else grid.y[None, :, None]) - 5.0e5
    shape = 1.0 / np.cosh(x / 1.5e5) ** 2
    depth = np.sin(np.pi * z / 1000.0) ** 2  # level at the surface and the floor, where the outer half of a level has no triads
    b = 1.0e-5 * z + 1.0e-3 * np.tanh(x / 1.5e5) * depth
    bx = 1.0e-3 / 1.5e5 * shape * depth
    n2 = 1.0e-5 + 1.0e-3 * np.tanh(x / 1.5e5) * np.pi / 1000.0 * np.sin(2.0 * np.pi * z / 1000.0)
    return grid, 10.0 + b / EXPANSION, -bx / n2, n2


def bolus_transports(model, state):
    """(through west faces, through south faces) of the bolus flow alone, per thickness (m2/s), and its W (m/s), without halo."""
    def transports(on, equations, layers, unresolved, rest, total):
        flow = eddies.residual_flow(on, equations.grid, layers, unresolved, Flow(rest, rest, None, None))
        divergence = on(continuity.divergence, equations.grid, flow.transport_u, flow.transport_v)
        return flow.transport_u, flow.transport_v, continuity.through_levels(on, equations.grid, divergence, total)

    rest = np.zeros(model.grid.tile.region.padded)
    return of_eddies(model, state, transports, rest, rest[0])


def ocean(kind, stepper=None, salt=0.0, **others):
    """(grid, parameters, state) of a small ocean under wind, with eddies, where salinity varies by `salt` (g/kg)."""
    _, parameters, _ = cases.baroclinic_channel((4, 6, 8))
    grid, temperature = rough(kind)
    others |= {"stepper": stepper} if stepper else {}
    parameters = replace(parameters, time_step=600.0, eddies=BOTH, surface_stress=(0.1, 0.0), friction=None, diffusivity=None)
    parameters = replace(parameters, **others)
    salinity = 35.0 + salt * np.random.default_rng(9).uniform(-1.0, 1.0, grid.cells)
    return grid, parameters, initial_state(grid, surface=0.0, tracers=(temperature, salinity))
