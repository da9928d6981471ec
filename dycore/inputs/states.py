"""States between users and a model: whether one belongs to it, its fields as arrays of the backend, and gathered again."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from dycore.assembly.values import is_traced, split
from dycore.inputs import checked_states
from dycore.state import Prognostic, State, beginning, map_state, padded, without_history


def check_state(model: Any, state: State) -> None:
    """Raise ValueError where a state does not belong to a model's grid and parameters (dycore.inputs.checked_states)."""
    checked_states.check_state(state, model.layout, model.grid.dtype, model.grid.tile.region.padded,
                               model.backend.padded(model.tile), model.parameters.time_step)


def asarrays(model: Any, state: State) -> State:
    """The state with arrays of a model's backend: of a state of the whole domain, the cells of this process.

    Fields of closures that it lacks begin as declared. Raises ValueError as `check_state`.
    """
    check_not_traced(model.backend, state)
    check_state(model, state)
    backend, whole, own = model.backend, model.grid.tile.region.padded, model.backend.padded(model.tile)
    if not model.history:
        state = without_history(state)
    if not state.closure:
        state = state._replace(closure=tuple(beginning(model.grid, field) for field in model.layout.closure))

    def as_own(array: Any) -> Any:
        array = np.ma.getdata(array) if isinstance(array, np.ma.MaskedArray) else array  # of which nothing is masked
        if whole != own and tuple(array.shape) == whole[-array.ndim:]:
            return backend.scatter(model.tile, array)
        return backend.asarray(array)

    time = checked_states.time_of(state, model.parameters.time_step)
    return map_state(as_own, state)._replace(step=backend.integer(state.step), time=backend.number(time, model.grid.dtype))


def check_not_traced(backend: Any, record: Any) -> None:
    """Raise TypeError where JAX traces parts of a record and the backend computes with NumPy or Numba, which give no slopes."""
    if "jax" in sys.modules and getattr(backend, "library", None) is np and any(map(is_traced, split(record)[1])):
        raise TypeError(f"JAX differentiates, maps or compiles a function that steps a model on the backend {backend.name}, which "
                        "JAX cannot see into. Make the model with dycore.backends.on_jax.")


def gathered(model: Any, state: State) -> State | None:
    """The state of the whole domain in NumPy arrays, on rank 0; None on the others. All processes have to call it."""
    state, communication = asarrays(model, state), model.backend.communication

    def whole(array: Any, about: Prognostic) -> Any:
        cells = communication.gather(model.tile, model.backend.to_numpy(array))
        return None if cells is None else padded(model.grid, about.place, cells)

    domain = map_state(whole, state, model.layout)._replace(step=int(state.step), time=float(state.time))
    return domain if communication.rank == 0 else None
