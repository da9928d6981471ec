"""Steps of arrays of JAX that Numba's kernels take, on the CPU where these arrays lie: the programs of dycore.backends.on_numba.

What is known is stepped at once, n steps in one call from XLA. Within a function that JAX traces, the call becomes a part of
the function's program. Its slopes, in reverse mode alone, come from kernels too (dycore.backends.compiled.backward), or from XLA's
own form of the step where that has parts whose adjoint is not known there.
"""

from __future__ import annotations

import sys
import warnings
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dycore.backends import foreign
from dycore.backends.adjoint.expressions import NotDifferentiable
from dycore.backends.adjoint.segments import later_starts
from dycore.backends.recorded.operations import leaves_of


class GradientWarning(UserWarning):
    """Kernels that were asked for know no way back through a step."""


def is_traced(tree: Any) -> bool:
    """Whether JAX traces any leaf of a tree."""
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(tree))


def outermost(program: Callable) -> Callable:
    """The compiled program of steps. It raises ValueError, with what to use, where it is called in a function that JAX compiles."""

    def called(*arguments: Any) -> Any:
        try:
            return program(*arguments)
        except ValueError as problem:
            if "compiler_options" not in str(problem):
                raise
            raise ValueError("Model.steps is a compiled program of its own, and no part of a function that JAX compiles. Use "
                             "Model.pure_step in functions that JAX compiles, with dycore.backends.on_jax.jit.") from None

    called._cache_size = program._cache_size  # type: ignore[attr-defined]
    return called


def on_host(leaf: Any) -> Any:
    """An array of NumPy, which shares memory, or a number of Python, which takes the precision of what it meets."""
    array = np.asarray(leaf)
    return array if array.ndim else array.item()


def fill(made: list[np.ndarray], state: Any) -> None:
    """Put the leaves of a state into arrays."""
    for array, leaf in zip(made, jax.tree.leaves(state), strict=True):
        array[...] = leaf


class Constants:
    """Constants as programs of Numba are given them: for the same object the same, into which they then do not look again."""

    def __init__(self) -> None:
        self._last: tuple[Any, Any] = ((), ())

    def on_host(self, constants: Any) -> Any:
        """Constants in arrays of NumPy."""
        known, arrays = self._last
        if known is not constants:
            arrays = jax.tree.map(on_host, constants)
            self._last = constants, arrays
        return arrays


class Results:
    """The last states: the arrays of NumPy in which one was computed, and the arrays of JAX that show it.

    The steps that follow may write over the former instead of copying, and over the latter once nobody else has them. Of
    several threads one at a time gets hold of either.
    """

    def __init__(self) -> None:
        self._computed: deque[tuple[list, list]] = deque(maxlen=1)
        self._shown: deque[list] = deque(maxlen=2)  # the state that is being stepped, and the one before

    def keep(self, shown: list, computed: list) -> None:
        """Remember a state."""
        self._computed.append(([weakref.ref(array) for array in shown], computed))
        self._shown.append(shown)

    def computed(self, leaves: list) -> list | None:
        """The arrays in which a state was computed, where these are the very ones that show it; once."""
        try:
            shown, computed = self._computed.pop()
        except IndexError:
            return None
        own = len(shown) == len(leaves) and all(array() is leaf for array, leaf in zip(shown, leaves, strict=True))
        return computed if own else None

    def spare(self, like: tuple) -> list:
        """The arrays of JAX of a state that nobody has any more, where they are of these shapes and types; else none."""
        try:
            arrays = self._shown.popleft() if len(self._shown) > 1 else []
        except IndexError:
            return []
        # held by the list, the variable and the call
        unused = all(sys.getrefcount(array) == 3 and not array.is_deleted() for array in arrays)
        return arrays if unused and tuple((array.shape, array.dtype) for array in arrays) == like else []


def known_steps(steps: Callable) -> Callable:
    """A function (constants, state, n) of what is known, in arrays of JAX, by `steps`, that of on_numba for arrays of NumPy."""
    held, last = Constants(), Results()

    def native(constants: Any, state: Any, n: int) -> Any:
        leaves, form = jax.tree.flatten(state)
        if not n:
            return state
        arrays, own = held.on_host(constants), last.computed(leaves)
        like = tuple((np.shape(leaf), jnp.result_type(leaf)) for leaf in leaves)
        now = [on_host(leaf) if own is None or not np.ndim(leaf) else own[place] for place, leaf in enumerate(leaves)]
        results: list[Any] = []

        def stepped(_: list, made: list) -> None:
            after = steps(arrays, jax.tree.unflatten(form, now), n, spare=own is not None)
            fill(made, after)
            results.extend(jax.tree.leaves(after))

        made = foreign.call_now(foreign.Called(stepped), like, last.spare(like))
        last.keep(made, results)
        return jax.tree.unflatten(form, made)

    return native


def traced_steps(steps: Callable, backward_steps: Callable, step: Callable, messages: bool) -> Callable:
    """As `known_steps`, of what JAX traces: a part of its program.

    backward_steps: those of on_numba, for slopes; step: XLA's form of one step, of which slopes are taken where these know none;
    messages: whether processes exchange any in a step.
    """
    held = Constants()
    kept: list[foreign.Called] = []  # programs may outlive what traced them, so that all are kept

    def call(function: Callable, results: list[Any], arguments: list[Any]) -> Any:
        kept.append(foreign.Called(function))
        return foreign.call(kept[-1], results, arguments, messages)

    def native(constants: Any, state: Any, n: int) -> Any:
        state = jax.tree.map(jnp.asarray, state)
        values, put = parted(constants, held)
        taken = Taken(call, steps, put, jax.tree.structure(state), len(values), n)

        def prepared(values: list, state: Any) -> Callable | None:
            try:
                return backward_steps(put([placeholder(value) for value in values]), jax.tree.map(placeholder, state),
                                      traced_places(constants))
            except NotDifferentiable as why:
                warnings.warn("Steps go forward in native kernels, but their gradient takes XLA's form, which is slower on a CPU: "
                              f"{why}.", GradientWarning, stacklevel=2)
                return None

        def by_xla(values: list, state: Any) -> Any:
            return repeated(step, joined(constants, values), state, n)

        return differentiable(taken, prepared, by_xla)(values, state)

    return native


def differentiable(taken: Taken, prepared: Callable, by_xla: Callable) -> Callable:
    """A function (traced constants, state) that takes steps, with its slopes: of kernels, or of XLA's form."""

    @jax.custom_vjp
    def advance(values: list, state: Any) -> Any:
        return taken.states(values, state, [taken.n])[0]

    def forward(values: list, state: Any) -> tuple:
        if prepared(values, state) is None:
            return advance(values, state), (values, [state])
        *later, after = taken.states(values, state, [*later_starts(taken.n), taken.n])
        return after, (values, [state, *later])

    def backward(begun: tuple, slopes: Any) -> Any:
        values, states = begun
        go_back = prepared(values, states[0])
        if go_back is None:
            return jax.vjp(by_xla, values, states[0])[1](slopes)
        return taken.slopes(go_back, values, states, slopes)

    advance.defvjp(forward, backward)
    return advance


class Taken(NamedTuple):
    """Calls of kernels from a program that JAX traces: of how many traced constants, a state of some structure, n steps."""

    call: Callable
    steps: Callable
    put: Callable
    form: Any
    values: int
    n: int

    def states(self, values: list, state: Any, stops: list[int]) -> list[Any]:
        """The states after so many steps."""
        leaves, size = jax.tree.leaves(state), self.form.num_leaves

        def called(given: list, made: list) -> None:
            now = list(map(on_host, given))
            constants, reached = self.put(now[:self.values]), jax.tree.unflatten(self.form, now[self.values:])
            for place, (before, stop) in enumerate(zip([0, *stops], stops, strict=False)):
                reached = self.steps(constants, reached, stop - before)
                fill(made[place * size: (place + 1) * size], reached)

        arrays = self.call(called, shapes(leaves) * len(stops), [*values, *leaves])
        return [jax.tree.unflatten(self.form, arrays[at: at + size]) for at in range(0, len(arrays), size)]

    def slopes(self, go_back: Callable, values: list, states: list[Any], slopes: Any) -> tuple[list, Any]:
        """Slopes of traced constants and of the first of the states at which segments start; numbers of a state have none."""
        leaves, size = jax.tree.leaves(states[0]), self.form.num_leaves

        def called(given: list, made: list) -> None:
            now = list(map(on_host, given))
            ends = self.values + size * len(states)
            state, *later = (jax.tree.unflatten(self.form, now[at: at + size]) for at in range(self.values, ends, size))
            of_state, of_constants = go_back(self.put(now[:self.values]), state, self.n, tuple(now[ends:]), later)
            for array, slope in zip(made, (*of_state, *of_constants), strict=True):
                array[...] = slope

        after = [slope for leaf, slope in zip(leaves, jax.tree.leaves(slopes), strict=True) if leaf.ndim]
        arguments = [*values, *jax.tree.leaves(states), *after]
        arrays = iter(self.call(called, shapes([*(leaf for leaf in leaves if leaf.ndim), *values]), arguments))
        of_state = [next(arrays) if leaf.ndim else np.zeros(leaf.shape, leaf.dtype if leaf.dtype.kind == "f" else jax.dtypes.float0)
                    for leaf in leaves]
        return list(arrays), jax.tree.unflatten(self.form, of_state)


def traced_places(constants: Any) -> tuple[int, ...]:
    """Places of what JAX traces among the leaves of constants, as programs of Numba number them."""
    return tuple(place for place, leaf in enumerate(leaves_of(constants)) if isinstance(leaf, jax.core.Tracer))


def placeholder(value: Any) -> Any:
    """An array of NumPy, or a number, in place of one that JAX traces."""
    return on_host(np.ones(value.shape, value.dtype))


def shapes(leaves: list[Any]) -> list[Any]:
    """Shapes and types of arrays and numbers."""
    return [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves]


def parted(constants: Any, held: Constants) -> tuple[list, Callable[[list], Any]]:
    """(what JAX traces of constants, a function that puts numbers and arrays of NumPy there among the others).

    What is known comes from the same arrays in every call, and as the same object where nothing is traced.
    """
    leaves, form = jax.tree.flatten(constants)
    values = [leaf for leaf in leaves if isinstance(leaf, jax.core.Tracer)]
    if not values:
        whole = held.on_host(constants)
        return values, lambda _: whole
    places = [place for place, leaf in enumerate(leaves) if isinstance(leaf, jax.core.Tracer)]
    hosts = [None if place in places else on_host(leaf) for place, leaf in enumerate(leaves)]

    def put(values: list) -> Any:
        traced = dict(zip(places, values, strict=True))
        return jax.tree.unflatten(form, [traced.get(place, host) for place, host in enumerate(hosts)])

    return values, put


def joined(constants: Any, values: list) -> Any:
    """Constants with other values for what JAX traces of them."""
    rest = iter(values)
    return jax.tree.map(lambda leaf: next(rest) if isinstance(leaf, jax.core.Tracer) else leaf, constants)


def repeated(step: Callable, constants: Any, state: Any, n: int) -> Any:
    """The state after n steps, of the types that the given one has."""

    def once(state: Any, _: Any) -> tuple:
        return jax.tree.map(lambda old, new: jnp.asarray(new, old.dtype), state, step(constants, state)), None

    return once(state, None)[0] if n == 1 else jax.lax.scan(once, state, length=n)[0]
