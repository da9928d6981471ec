"""States between users and a model: whether one belongs to it, its fields as arrays of the backend, and gathered again."""

from __future__ import annotations

from typing import Any

from dycore.inputs.given import check_kind
from dycore.state import Prognostic, State, beginning, map_state, padded, without_history

ADVICE = "Make states with dycore.state.initial_state."


def check_state(model: Any, state: State) -> None:
    """Raise ValueError where a state does not belong to a model's grid and parameters."""
    check_kind("state", state, State, ADVICE)
    names = model.parameters.tracer_names
    if len(state.tracers) != len(names):
        raise ValueError(f"The state has {len(state.tracers)} tracers, but parameters.tracer_names names {len(names)}: "
                         f"{names}. Give one name for each.")
    declared = [field.name for field in model.layout.closure]
    if state.closure and len(state.closure) != len(declared):
        raise ValueError(f"The state has {len(state.closure)} fields of closures, but those of the parameters have "
                         f"{len(declared)}: {', '.join(declared)}. Start without them, or with all.")
    whole, own = model.grid.tile.region.padded, model.backend.padded(model.tile)
    for name, array in (("u", state.u), ("v", state.v), ("w", state.w), *zip(names, state.tracers, strict=True),
                        *zip(declared, state.closure, strict=False)):
        if tuple(array.shape) not in (whole[-array.ndim:], own[-array.ndim:]):
            raise ValueError(f"{name} has shape {tuple(array.shape)}, but this grid needs {whole}, halo included. {ADVICE}")


def asarrays(model: Any, state: State) -> State:
    """The state with arrays of a model's backend: of a state of the whole domain, the cells of this process.

    Fields of closures that it lacks begin as declared. Raises ValueError where it has no history and the time stepper needs one.
    """
    check_kind("state", state, State, ADVICE)
    backend, whole, own = model.backend, model.grid.tile.region.padded, model.backend.padded(model.tile)
    if model.history and not state.history:
        raise ValueError("The state has no history, which Adams-Bashforth needs: it comes from another time stepper. Start "
                         "anew from its fields with dycore.state.initial_state.")
    if not model.history:
        state = without_history(state)
    if not state.closure:
        state = state._replace(closure=tuple(beginning(model.grid, field) for field in model.layout.closure))

    def as_own(array: Any) -> Any:
        if whole != own and tuple(array.shape) == whole[-array.ndim:]:
            return backend.scatter(model.tile, array)
        return backend.asarray(array)

    return map_state(as_own, state)._replace(step=backend.whole_number(state.step),
                                             time=backend.number(state.time, model.grid.dtype))


def gathered(model: Any, state: State) -> State | None:
    """The state of the whole domain in NumPy arrays, on rank 0; None on the others. All processes have to call it."""
    check_kind("state", state, State, ADVICE)
    communication = model.backend.communication

    def whole(array: Any, about: Prognostic) -> Any:
        cells = communication.gather(model.tile, model.backend.to_numpy(array))
        return None if cells is None else padded(model.grid, about.place, cells)

    together = map_state(whole, state, model.layout)._replace(step=int(state.step), time=float(state.time))
    return together if communication.rank == 0 else None
