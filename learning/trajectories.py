"""Runs of a model that JAX differentiates, of which no more states are kept than about the square root of their number.

Reverse mode needs the states of a run from the last to the first. Kept are those at the beginning of segments, a square root
of the number of steps; on the way back the states of one segment at a time are computed again, and from each of them its step
(Griewank 1992, Optim. Methods Softw. 1, 35). A gradient so takes three runs ahead and one back.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from math import sqrt
from typing import Any

import jax
import jax.numpy as jnp

from dycore.inputs.given import check_function, check_model, integer
from dycore.model import Model
from dycore.state import State


def trajectory(model: Model, state: State, steps: int, every: int | None = None,
               see: Callable[[State], Any] | None = None) -> tuple[State, Any]:
    """The state after `steps` time steps, and what `see` makes of the states after `every`, twice `every`, ... steps, stacked.

    see: a function of a state that returns a tree of arrays; in the tree that is returned each has a first axis of length
    steps / every. Without `see` the tree is None; without `every` it is asked once, at the end. Pure: `jax.jit` (better:
    `dycore.backends.on_jax.jit`), `grad`, `vjp`, `jvp`, `linearize` and `vmap` take functions of it, by the state, by numbers of
    the parameters (`model.with_parameters`), and by what `see` is made of. Reverse mode keeps at most three times the square root
    of `steps` states, and those of one step. With `on_jax.create(native=True)` kernels of Numba go both ways, which is several
    times as fast on a CPU, but in reverse mode alone (TypeError); where these know no slope, as by an exponent (`fluid.kappa`), it
    is XLA's, and a `dycore.backends.native.GradientWarning` says so.

    Raises TypeError for what is no model, or no function, and ValueError for a backend other than JAX, numbers of steps that are
    not whole and positive, `steps` that are no multiple of `every`, and a time series that ends before the run where the number
    of the first step is known; where it is not, values beyond a series are no numbers (NaN). On several processes of MPI reverse
    mode alone can be had, `see` may hold nothing that is traced, and losses are made of `dycore.learning.total`.
    """
    check_model(model)
    if getattr(model.backend, "library", None) is not jnp:
        raise ValueError(f"learning.trajectory differentiates with JAX, but the backend of the model is {model.backend.name}. Make "
                         "the model with dycore.backends.on_jax.")
    steps = integer("steps", steps, 1)
    every = steps if every is None else integer("every", every, 1)
    if steps % every:
        raise ValueError(f"steps={steps} are no multiple of every={every}, the steps from one look at the state to the next. Give "
                         f"steps={max(every, steps // every * every)}, for example.")
    if see is not None:
        check_function("see", see, "state")
    state = model.asarrays(state)
    check_records(model, state, steps)
    see = see or (lambda state: None)
    if model.backend.communication.ranks == 1:
        if getattr(model.backend, "everywhere", False) and not model.records.series:
            return in_reverse_alone(lambda: in_blocks(model, state, steps // every, every, see))
        return observed(step_of(model), state, steps, every, see, remembered)
    (_, end), seen = observed(explicit_step_of(model), (traced_numbers(model), state), steps, every, lambda now: see(now[1]), again)
    return end, seen


def step_of(model: Model) -> Callable[[State], State]:
    """One time step that keeps the types of the arrays of a state, as loops of JAX need it."""
    def step(state: State) -> State:
        return jax.tree.map(lambda old, new: jnp.asarray(new, jnp.result_type(old)), state, model.pure_step(state))

    return step


def traced_numbers(model: Model) -> list:
    """Numbers of a model that JAX traces."""
    return [number for number in model.numbers if isinstance(number, jax.core.Tracer)]


def explicit_step_of(model: Model) -> Callable[[tuple], tuple]:
    """As `step_of`, of (numbers that JAX traces, state): `again` has slopes by what a function is given alone."""
    def step(now: tuple) -> tuple:
        own, rest = copy.copy(model), iter(now[0])
        own.numbers = tuple(next(rest) if isinstance(number, jax.core.Tracer) else number for number in model.numbers)
        return now[0], step_of(own)(now[1])

    return step


def check_records(model: Model, state: State, steps: int) -> None:
    """Raise ValueError where time series of forcings do not cover a run whose first step is known."""
    if isinstance(state.step, jax.core.Tracer):
        return
    model.records.check_covered(int(state.step), int(state.step) + steps - 1)


def observed(step: Callable, state: Any, steps: int, every: int, see: Callable, checkpoint: Callable) -> tuple[Any, Any]:
    """The state after so many steps, and what was seen of those on the way; see `remembered` for `checkpoint`."""
    goal, looks = sqrt(steps), steps // every
    if every == 1 and checkpoint is remembered:  # seen with the step that leads there, whose beginning is kept anyway
        def once(state: Any, _: Any) -> tuple:
            state = step(state)
            return state, see(state)

        return in_segments(checkpoint(once), state, looks, length_near(looks, goal), checkpoint)

    def ahead(state: Any, _: Any) -> tuple:
        return step(state), None

    ahead, seen = checkpoint(ahead), checkpoint(see) if checkpoint is remembered else see
    if every < goal:  # several looks within a segment
        def block(state: Any, _: Any) -> tuple:
            state, _ = jax.lax.scan(ahead, state, length=every)
            return state, seen(state)

        return in_segments(block, state, looks, length_near(looks, goal / every), checkpoint)

    def blocks(state: Any, _: Any) -> tuple:  # several segments from one look to the next
        state, _ = in_segments(ahead, state, every, length_near(every, goal), checkpoint)
        return state, seen(state)

    return jax.lax.scan(blocks, state, length=looks)


def in_reverse_alone(run: Callable) -> tuple[State, Any]:
    """The result of a run by kernels. Raises TypeError with what to use where JAX takes it forwards (jvp, linearize)."""
    try:
        return run()
    except TypeError as problem:
        if "forward-mode" not in str(problem):
            raise
        raise TypeError("Kernels of Numba give slopes in reverse mode (jax.grad, jax.vjp), and jvp and linearize go forwards. Make "
                        "the model with dycore.backends.on_jax.create(native=False) for these.") from None


def in_blocks(model: Model, state: State, looks: int, every: int, see: Callable) -> tuple[State, Any]:
    """As `observed`, by kernels of Numba, which go back through several steps at once and then keep few states themselves."""
    def block(state: State, _: Any) -> tuple:
        state = model.steps(state, every)
        return state, see(state)

    return in_segments(block if looks == 1 else remembered(block), state, looks, length_near(looks, sqrt(looks)), remembered)


def remembered(function: Callable, in_loop: bool = True) -> Callable:
    """A function of which only the arguments are kept, and all else is computed again on the way back."""
    return jax.checkpoint(function, prevent_cse=not in_loop)


def again(function: Callable, in_loop: bool = True) -> Callable:
    """As `remembered`, of a function that sends messages, which `jax.checkpoint` refuses; in reverse mode alone."""
    computed = jax.custom_vjp(function)
    computed.defvjp(lambda *given: (function(*given), given), lambda given, slopes: jax.vjp(function, *given)[1](slopes))
    return computed


def in_segments(once: Callable, state: Any, n: int, length: int, checkpoint: Callable, series: Any = None) -> tuple[Any, Any]:
    """As `jax.lax.scan` of n times `once`, of which the states at the beginning of every so many are kept.

    series: a tree of arrays [n, ...], of which each time is given the next.
    """
    def segment(length: int) -> Callable:
        return lambda state, part: jax.lax.scan(once, state, part, length=length)

    whole, rest = divmod(n, length)
    parts = jax.tree.map(lambda values: values[: n - rest].reshape(whole, length, *values.shape[1:]), series)
    state, seen = jax.lax.scan(checkpoint(segment(length)), state, parts, length=whole)
    seen = jax.tree.map(lambda values: values.reshape(-1, *values.shape[2:]), seen)
    if rest:
        last = jax.tree.map(lambda values: values[n - rest:], series)
        state, more = checkpoint(segment(rest), in_loop=False)(state, last)
        seen = jax.tree.map(lambda *parts: jnp.concatenate(parts), seen, more)
    return state, seen


def length_near(n: int, goal: float) -> int:
    """A length of segments of n: a divisor between half the goal and twice as much, or else the goal, with a shorter last one."""
    divisors = [length for length in range(max(1, round(goal / 2)), min(n, round(2 * goal)) + 1) if n % length == 0]
    return min(divisors, key=lambda length: max(length / goal, goal / length), default=min(n, max(1, round(goal))))


