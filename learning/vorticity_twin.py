"""Twin experiment with the vorticity of Kolmogorov flow: true flows, what is observed of them, and two analyses that run the model.

A window begins without observations; at even intervals after that vorticity is observed at each `stride`th corner. What is
known beforehand is the flow's climate: 4D-Var has its mean flow as background, with a covariance of the stream function of its
variance and length; the ensemble Kalman filter begins from states of it, drawn at random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dycore import Model
from dycore.learning.assimilation import assimilate
from dycore.learning.covariance import background_covariance
from dycore.learning.kolmogorov_flows import kolmogorov_flow
from dycore.learning.letkf import filtered
from dycore.learning.observations import Observations
from dycore.learning.seeds import random_numbers
from dycore.learning.state_fields import field
from dycore.state import State, initial_state


@dataclass(frozen=True, eq=False)
class VorticityTwin:
    """A model of the flow and how it is observed: `steps` from one time to the next, `times` in a window, at corners
    [::stride, ::stride], with an error (1/s)."""

    model: Model
    steps: int
    times: int
    stride: int
    error: float

    @property
    def cells(self) -> tuple[np.ndarray, np.ndarray]:
        """Indices (j, i) of the observed corners, each [b, a]."""
        lattice = np.arange(0, self.model.grid.cells[1], self.stride)
        j, i = np.meshgrid(lattice, lattice, indexing="ij")
        return j, i

    def seen(self, vorticity: Any) -> Any:
        """Observed values [..., b, a] of vorticity [..., j, i]."""
        return vorticity[..., :: self.stride, :: self.stride]

    def observations(self, values: np.ndarray) -> Observations:
        """Observed values [time, b, a] as analyses take them."""
        return Observations(lambda state: self.seen(vorticity_of(self.model, state)), values, self.error,
                            self.steps * self.model.parameters.time_step, self.cells)

    def trajectory(self, state: State) -> np.ndarray:
        """Vorticity [time, j, i] of a run from a state, at the times that are observed."""
        found = []
        for _ in range(self.times):
            state = self.model.steps(state, self.steps)
            found.append(np.asarray(vorticity_of(self.model, state)))
        return np.stack(found)


def vorticity_twin(backend: Any, cells: int, steps: int, times: int, stride: int, error: float) -> VorticityTwin:
    """The twin on a plane of cells x cells. error: of an observation of vorticity (1/s)."""
    grid, parameters, _ = kolmogorov_flow((1, cells, cells))
    return VorticityTwin(Model(grid, parameters, backend), steps, times, stride, error)


def vorticity_of(model: Model, state: State) -> Any:
    """Vorticity [j, i] (1/s) at the south-west corners of cells, of a plane that goes round; of NumPy or JAX."""
    u, v = (field(model, state, name)[0] for name in ("u", "v"))
    xp = u.__array_namespace__()
    return (v - xp.roll(v, 1, -1) - u + xp.roll(u, 1, -2)) / spacing(model)


def spacing(model: Model) -> float:
    return float(model.grid.x[1] - model.grid.x[0])


def stream_function(model: Model, vorticity: np.ndarray) -> np.ndarray:
    """The stream function [..., j, i] over the spacing (m/s) of which the flow without divergence has a vorticity at corners."""
    n = vorticity.shape[-1]
    waves = 2.0 * np.cos(2.0 * np.pi * np.fft.fftfreq(n)) - 2.0
    eigenvalues = waves[:, None] + waves
    eigenvalues[0, 0] = np.inf  # a mean has no flow
    return np.fft.ifft2(np.fft.fft2(spacing(model) * vorticity) / eigenvalues).real


def of_stream_function(psi: Any) -> tuple[Any, Any]:
    """Velocities (u, v) [..., j, i] on faces, of a stream function at corners over the spacing; of NumPy or JAX."""
    xp = psi.__array_namespace__()
    return psi - xp.roll(psi, -1, -2), xp.roll(psi, -1, -1) - psi


def flow_of(model: Model, vorticity: np.ndarray) -> State:
    """The state without divergence, and with a level surface, that has a vorticity [j, i]."""
    u, v = of_stream_function(stream_function(model, vorticity))
    return model.asarrays(initial_state(model.grid, surface=0.0, u=u[None], v=v[None]))


def variational(twin: VorticityTwin, values: np.ndarray, climate: np.ndarray, members: int, iterations: int, modes: int,
                seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Vorticity at the last time by 4D-Var: of the analysis [j, i], and of members [m, j, i] of its posterior run to there.

    values: observed [time, b, a]; climate: vorticity [n, j, i] of many states.
    """
    mean = np.broadcast_to(climate.mean(axis=(0, 2))[:, None], climate.shape[1:])
    psi = stream_function(twin.model, climate - mean)
    deviation, speed = float(psi.std()), float(np.sqrt(np.mean([each.var() for each in of_stream_function(psi)])))

    def balance(errors: dict[str, Any]) -> dict[str, Any]:
        u, v = of_stream_function(errors["surface"])  # which stands for the stream function
        return {"u": u[None], "v": v[None]}

    covariance = background_covariance(twin.model, {"surface": deviation}, length=spacing(twin.model) * deviation / speed,
                                       balance=balance)
    found = assimilate(twin.model, flow_of(twin.model, mean), twin.observations(values), covariance, iterations=iterations,
                       modes=modes)
    states = (found.state, *found.posterior.members(members, seed))
    last = np.stack([twin.trajectory(state)[-1] for state in states])
    return last[0], last[1:]


def kalman_filtered(twin: VorticityTwin, values: np.ndarray, climate: np.ndarray, members: int, radius: float, inflation: float,
                    seed: int) -> np.ndarray:
    """Vorticity [m, j, i] at the last time of members of an ensemble Kalman filter. Arguments as for `variational`."""
    drawn = random_numbers(seed).choice(len(climate), members, replace=False)
    states = [flow_of(twin.model, climate[number]) for number in drawn]
    found = filtered(twin.model, states, twin.observations(values), radius=radius, inflation=inflation, seed=seed)
    return np.stack([np.asarray(vorticity_of(twin.model, state)) for state in found.ensemble.states])
