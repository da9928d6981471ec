"""Whether a state belongs to a model: its parts, their shapes and precision, and its time; looked at before every use.

Shapes and types are looked at, and the numbers of NumPy alone: an array on another device is not waited for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore.assembly.values import is_traced
from dycore.inputs.given import check_kind, is_masked, shown
from dycore.state import Past, Prognostic, State, leaves

ADVICE = "Make states with dycore.state.initial_state."
ANEW = "Start anew from its fields with dycore.state.initial_state."


def check_state(state: Any, layout: State, dtype: np.dtype, whole: tuple[int, ...], part: tuple[int, ...],
                time_step: Any) -> None:
    """Raise ValueError, or TypeError for what is no state at all, where a state does not belong to a model.

    layout: what the model keeps (dycore.state.layout). dtype: its precision. whole, part: the shapes of padded arrays [k, j, i]
    of the domain, and of what this process keeps.
    """
    check_fields(state, layout, dtype, whole, part)
    check_time(state, time_step)


def check_fields(state: Any, layout: State, dtype: np.dtype, whole: tuple[int, ...], part: tuple[int, ...]) -> None:
    """Check of a state (`check_state`), whatever its time."""
    check_kind("state", state, State, ADVICE)
    check_tuples(state, layout)
    if not layout.history:
        state = state._replace(history=())
    if not state.closure:
        layout = layout._replace(closure=())
    for about, array in zip(leaves(layout[:-2]), leaves(state[:-2]), strict=True):
        check_array(about, array, dtype, whole, part)


def check_tuples(state: State, layout: State) -> None:
    """Raise ValueError unless tracers, fields of closures and histories are as many as those of a model."""
    if not isinstance(state.tracers, tuple) or len(state.tracers) != len(layout.tracers):
        names = tuple(field.name.removeprefix("tracer ") for field in layout.tracers)
        raise ValueError(f"The state has {number_of(state.tracers)} tracers, but parameters.tracer_names names {len(names)}: "
                         f"{names}. Give one name for each.")
    if not isinstance(state.closure, tuple) or len(state.closure) not in (0, len(layout.closure)):
        declared = ", ".join(field.name for field in layout.closure) or "none"
        raise ValueError(f"The state has {number_of(state.closure)} fields of closures, but those of the parameters have "
                         f"{len(layout.closure)}: {declared}. Start without them, or with all.")
    if layout.history and (not isinstance(state.history, tuple) or not state.history):
        raise ValueError(f"The state has no history, which Adams-Bashforth needs: it comes from another time stepper. {ANEW}")
    if layout.history and not (len(state.history) == len(layout.history) and all(
            isinstance(past, Past) and isinstance(past.tracers, tuple) and len(past.tracers) == len(layout.tracers)
            for past in state.history)):
        raise ValueError(f"The history of the state is not that of {len(layout.history)} steps with {len(layout.tracers)} tracers "
                         f"each, which Adams-Bashforth needs. {ANEW}")
    for about, field in zip(layout[:4], state[:4], strict=True):
        if isinstance(field, tuple):
            raise ValueError(f"{about.name} of the state is a tuple, and must be one array. {ADVICE}")


def number_of(fields: Any) -> Any:
    """How many fields there are; where they are in no tuple, what stands there."""
    return len(fields) if isinstance(fields, tuple) else f"{shown(fields)} in place of a tuple of"


def check_array(about: Prognostic, array: Any, dtype: np.dtype, whole: tuple[int, ...], part: tuple[int, ...]) -> None:
    """Raise ValueError unless a field of a state is an array of the shape and the precision of a model, without a mask."""
    if not hasattr(array, "shape") or not hasattr(array, "dtype"):
        raise ValueError(f"{about.name} of the state is {shown(array)}, and must be an array, halo included. {ADVICE}")
    axes = 3 if about.levels else 2
    if tuple(array.shape) not in (whole[-axes:], part[-axes:]):
        raise ValueError(f"{about.name} has shape {tuple(array.shape)}, but this grid needs {whole[-axes:]}, halo included. "
                         f"{ADVICE}")
    if array.dtype != dtype:
        raise ValueError(f"{about.name} of the state is of the type {array.dtype}, but this model computes in {dtype}. Make the "
                         "state on the grid of the model, or a grid of that precision.")
    if isinstance(array, np.ma.MaskedArray) and is_masked(array):
        raise ValueError(f"{about.name} of the state has values that are masked. Give numbers there.")


def check_time(state: State, time_step: Any) -> None:
    """Raise ValueError unless the step of a state is a whole number, and its time is that of as many steps of a model."""
    for name, value, kinds in (("step", state.step, "iu"), ("time", state.time, "iuf")):
        found = np.asarray(value) if isinstance(value, (int, float)) else value
        if getattr(found, "shape", None) != () or getattr(found.dtype, "kind", "") not in kinds:
            what = "a whole number" if name == "step" else "a number (s)"
            raise ValueError(f"{name} of the state is {shown(value)}, and must be {what}. {ADVICE}")
    if not are_known(state.step, state.time, time_step):
        return
    step, time = int(state.step), time_of(state, time_step)
    if step < 0:
        raise ValueError(f"step of the state is {step}, and must not be negative. {ADVICE}")
    if not abs(time - step * time_step) <= 1e-3 * time_step + 1e-6 * abs(time):
        raise ValueError(f"The state is at step {step} and {time:g} s, which are not {step} of the time steps of this model of "
                         f"{time_step:g} s: it comes from a model of another time step. Write it with dycore.restart.write of that "
                         "model, and read it with this one, or use dycore.running.time_steps.retimed.")


def are_known(*numbers: Any) -> bool:
    """Whether numbers are known here: one on a device may not be computed yet, and what JAX traces has none."""
    return not any(is_traced(each) or (hasattr(each, "dtype") and not isinstance(each, (np.ndarray, np.generic)))
                   for each in numbers)


def time_of(state: State, time_step: Any) -> Any:
    """The time of a state (s); of one that was given a step and no time, that of its step."""
    if are_known(state.step, state.time) and state.time == 0.0:
        return int(state.step) * time_step
    return state.time
