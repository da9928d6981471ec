"""JAX: the same slices as NumPy, traced once and compiled for a CPU or GPU as one program.

On a CPU the kernels of Numba may take the steps instead (`native`, dycore.backends.native), on arrays of JAX all the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np

try:
    import jax
    import jax.numpy as jnp
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(f"JAX is not installed ({missing}): pip install 'dycore[jax]'.", name=missing.name) from None

from dycore.backends import native
from dycore.backends.common import collapsed, precision_of, within
from dycore.backends.halos import copied_strips
from dycore.backends.jax_halos import with_halo
from dycore.backends.jax_kernels import COMPILER_OPTIONS, Kernels, compiler_options, kernels_for, looped, only_adds, unrolled
from dycore.backends.jax_process import CannotStart, check_process, obstacle, start, use_double_precision
from dycore.backends.on_numpy import NumpyBackend, difference
from dycore.fields import Field, Region, as_field
from dycore.halo_sources import copies_x, copies_y
from dycore.tiles import Halo, Tile


def jit(function: Callable, **options: Any) -> Callable:
    """A function in which steps are taken, compiled as `jax.jit` does, with the options that keep the kernels of a step apart.

    JAX takes options of the compiler from the outermost function alone: under a plain `jax.jit` a step takes about twice as
    long on a CPU. options: those of `jax.jit`; its `compiler_options` come on top of ours.
    """
    ours = COMPILER_OPTIONS.get(jax.default_backend(), {})
    return jax.jit(function, **options | {"compiler_options": ours | (options.get("compiler_options") or {})})


def write(array: Any, strip: Any, start: tuple[int, ...]) -> Any:
    """The array with a strip at `start`; the barrier lets XLA write it in place instead of copying the array.

    (Fused with the read of the same array, the write would not be done in place.)
    """
    return jax.lax.dynamic_update_slice(array, jax.lax.optimization_barrier(strip), start)


def at_once(value: Any) -> Any:
    """A context in which what is known becomes an array now, also in a function that is traced: it may be kept after that."""
    return contextlib.nullcontext() if isinstance(value, jax.core.Tracer) else jax.ensure_compile_time_eval()


class JaxBackend(NumpyBackend):
    """The verbs of a backend, inside a program that XLA compiles."""

    library = jnp
    remembers = False

    def __init__(self, communication: Any = None, native: Any = None, everywhere: bool = False, kernels: Kernels | None = None):
        start()
        super().__init__(communication)
        self.native, self.everywhere, self.kernels = native, everywhere, kernels or kernels_for(jax.default_backend())
        self.name = "jax" if native is None else "jax-native"

    def __reduce__(self) -> Any:
        return type(self), (self.communication, self.native, self.everywhere, self.kernels)

    def use_precision(self, dtype: np.dtype) -> None:
        """As `NumpyBackend.use_precision`: JAX has float64 only where its whole process is switched to it."""
        if dtype == np.float64:
            use_double_precision()

    def asarray(self, values: Any) -> Any:
        """As `NumpyBackend.asarray`. Raises RuntimeError in a process in which JAX would hang."""
        check_process()
        if isinstance(values, jax.Array):
            return values
        with at_once(values):
            return super().asarray(values)

    def _prepare(self, stencil: Callable, region: Region, arguments: tuple, start: Callable | None = None) -> tuple:
        self.use_precision(precision_of(arguments))  # of NumPy arrays that no model has taken in
        return super()._prepare(stencil, region, arguments, start)

    def apply(self, stencil: Callable, region: Region, *arguments: Any) -> Any:
        """As `NumpyBackend.apply`, as kernels of its own unless XLA is to decide.

        Without the barrier XLA fuses the padding and halo writes that follow into the stencil, whose
        loops it then no longer vectorises (2 to 4 times slower on CPUs).
        """
        fields = super().apply(stencil, region, *arguments)
        several = fields if isinstance(fields, tuple) else (fields,)
        arrays = self._apart(tuple(field.array for field in several))
        kept = tuple(Field(array, field.region, field.origin) for array, field in zip(arrays, several, strict=True))
        return kept if isinstance(fields, tuple) else kept[0]

    def _apart(self, arrays: Any) -> Any:
        """Arrays that XLA stores before it goes on, where kernels are kept apart."""
        return jax.lax.optimization_barrier(arrays) if self.kernels.barriers else arrays

    def sweep(self, stencil: Callable, start: Callable, region: Region, direction: int, *arguments: Any) -> Any:
        """As `NumpyBackend.sweep`, as a loop of the compiled program or, where only sums are carried, without one."""
        arguments = self._prepare(stencil, region, arguments, start)
        columns = region.columns
        j, i = columns.indices()
        dtype = precision_of(arguments)
        assert region.k is not None

        def spread(values: tuple, region: Region) -> tuple:
            return tuple(jnp.broadcast_to(jnp.asarray(value, dtype), region.shape) for value in values)

        first = spread(start(j, i, *arguments), columns)

        def level(carried: tuple, k: Any) -> tuple:
            carried, values = stencil(k, j, i, carried, *arguments)
            return spread(carried, columns), spread(values, columns)

        levels = range(*region.k)
        if only_adds(lambda carried: stencil(levels[0], j, i, carried, *arguments), first):
            carried = first
            for k in levels[::direction]:
                carried, _ = level(carried, k)
            _, values = stencil(*region.indices(), first, *arguments)
            carried, values = self._apart((carried, spread(values, region)))
        elif self.kernels.unrolled_sweeps:
            carried, values = self._apart(unrolled(level, first, levels, direction))
        else:
            carried, values = looped(level, first, levels, direction)
        return tuple(self._field(c, columns) for c in carried), tuple(self._field(v, region) for v in values)

    def exchange(self, *placed: tuple[Halo, Any]) -> tuple:
        """As `NumpyBackend.exchange`."""
        if self.kernels.whole_halos and not any(split for halo, _ in placed for split in halo.tile.split):
            return within([halo for halo, _ in placed], self._with_halos(placed))
        whole = [(halo, self.whole(halo.tile, as_field(field)).array) for halo, field in placed]
        return within([halo for halo, _ in placed], self.communication.filled(whole, write))

    def _with_halos(self, placed: tuple) -> tuple:
        return jax.lax.optimization_barrier(tuple(with_halo(halo, as_field(field)) for halo, field in placed))

    def whole(self, tile: Tile, field: Field) -> Field:
        """As `NumpyBackend.whole`."""
        padded = tile.region.padded[-field.array.ndim:]
        return Field.whole(jnp.pad(field.array, [(r[0], n - r[1]) for r, n in zip(field.region, padded, strict=True)]))

    def wrap(self, *placed: tuple[Halo, Any]) -> tuple:
        """As `NumpyBackend.wrap`."""
        if self.kernels.whole_halos and not any(split for halo, _ in placed for split in halo.tile.split):
            return self._with_halos(placed)
        return tuple(copied_strips(self.whole(halo.tile, as_field(field)).array, (*copies_y(halo), *copies_x(halo)), write)
                     for halo, field in placed)

    def filter_rows(self, tile: Tile, *pairs: tuple[Field, Any]) -> tuple[Field, ...]:
        """As `NumpyBackend.filter_rows`, as new fields."""
        return tuple(self._filtered(tile, *pair) for pair in pairs)

    def _filtered(self, tile: Tile, field: Field, response: Any) -> Field:
        array = field.array
        region = tile.region if array.ndim == 3 else tile.region.columns
        for band, scale in self.communication.polar_bands(tile, response):
            at = region._replace(j=band)
            rows, own = self.communication.whole_rows(tile, field[at.indices()], scale)
            scaled = jnp.fft.irfft(jnp.fft.rfft(rows, axis=-1) * scale, n=rows.shape[-1], axis=-1)
            place = tuple(slice(r[0] - o, r[1] - o) for r, o in zip(at.ranges, field.origin, strict=True))
            array = array.at[place].set(own(scaled))
        return Field(array, field.region, field.origin)

    def traffic(self, step: Callable, steps: Callable, constants: Any, state: Any) -> Any:
        """As `NumpyBackend.traffic`; of a program of XLA without carrying out the step."""
        if self.native is not None:
            return super().traffic(step, steps, constants, state)
        return difference(self.communication, lambda: jax.eval_shape(self.communication.program(step), constants, state))

    def collapse(self, values: np.ndarray) -> Any:
        """A 2-D field of the grid, stored with length 1 along the axes on which it does not change."""
        return self.asarray(collapsed(values))

    def integer(self, value: Any) -> Any:
        """As `NumpyBackend.integer`: it may be known only while the program runs."""
        return value

    def number(self, value: Any, dtype: np.dtype) -> Any:
        """As `NumpyBackend.number`, an argument of a compiled program, of the precision of the model."""
        if isinstance(value, jax.Array) and value.dtype == dtype and not value.weak_type:
            return value
        with at_once(value):
            return jnp.asarray(value, dtype)

    def compile(self, function: Callable) -> Callable:
        """The function as a compiled program."""
        return jit(function, compiler_options=compiler_options(self.kernels, jax.default_backend()))

    def loop(self, step: Callable, period: int = 3, elsewhere: Callable | None = None) -> Callable:
        """A compiled function (constants, state, n) that takes n steps without returning to Python; with `native`, in kernels.

        What JAX traces are XLA's steps, but where kernels were asked for everywhere.
        """
        steps = native.outermost(self.compiled_loop(step, period))
        if self.native is None or elsewhere is None:
            return steps
        theirs = elsewhere(self.native)
        kernels = self.native.loop(theirs, period)
        known = native.known_steps(kernels)
        traced = self._traced(kernels, theirs, step) if self.everywhere else steps

        def either(constants: Any, state: Any, n: int) -> Any:
            return (traced if native.is_traced((constants, state)) else known)(constants, state, n)

        return either

    def within_programs(self, step: Callable, elsewhere: Callable) -> Callable:
        """As `NumpyBackend.within_programs`: XLA's step, but where kernels were asked for everywhere."""
        if not self.everywhere:
            return self.communication.program(step)
        theirs = elsewhere(self.native)
        kernels = self._traced(self.native.loop(theirs), theirs, step)
        return lambda constants, state: kernels(constants, state, 1)

    def _traced(self, kernels: Callable, theirs: Callable, step: Callable) -> Callable:
        """Steps of what JAX traces, by kernels of Numba."""
        return native.traced_steps(kernels, self.native.backward(theirs), step, self.communication.ranks > 1)

    def compiled_loop(self, step: Callable, period: int) -> Callable:
        """XLA's program of n steps.

        The loop takes `period` steps at a time: histories that are handed on from step to step are then
        back in their own buffers, which saves copying them (a fifth to a third of the time on a CPU).
        """

        def steps(constants: Any, state: Any, n: Any) -> Any:
            def once(_: Any, state: Any) -> Any:
                return step(constants, state)

            def several(_: Any, state: Any) -> Any:
                for _ in range(period):
                    state = step(constants, state)
                return state

            if period > 1:
                state = jax.lax.fori_loop(0, n // period, several, state)
            return jax.lax.fori_loop(0, n % period if period > 1 else n, once, state)

        return self.compile(self.communication.program(steps))

    def iterate(self, body: Callable, carried: Any, n: int) -> Any:
        """As `NumpyBackend.iterate`; the first time on its own, so that the loop may carry fields without their halos."""
        fields = tuple(as_field(value) for value in body(0, carried))

        def restored(arrays: tuple) -> tuple:
            return tuple(Field(array, field.region, field.origin) for array, field in zip(arrays, fields, strict=True))

        def again(m: Any, arrays: tuple) -> tuple:
            return tuple(as_field(value).array for value in body(m, restored(arrays)))

        return restored(jax.lax.fori_loop(1, n, again, tuple(field.array for field in fields)))

    def synchronize(self, state: Any) -> None:
        """Wait until the arrays of a state have been computed."""
        jax.block_until_ready(state)


def create(threads: int = 1, communication: Any = None, native: bool | None = None,
           kernels: Kernels | None = None) -> JaxBackend:
    """The JAX backend, named "jax" where XLA compiles the steps and "jax-native" where Numba's kernels take them.

    native: whether kernels take the steps of `Model.steps`, on arrays of JAX and on so many threads, as on_numba does. None:
    where they can be had, but within functions that JAX traces (`jit`, `vmap`, `grad`) XLA's form is used. True: there too;
    reverse mode (`grad`) takes kernels on its way back as well (XLA's form, with a warning, of a step with modules of arrays,
    with exponents that are differentiated or with messages of MPI), forward mode (`jvp`) is refused by JAX. Give `Model.steps`
    many steps at once then: it keeps about twice the square root of their number of states. False: XLA everywhere, whose threads
    are set by XLA_FLAGS before JAX starts. kernels: the form of the steps that XLA compiles, by default the one that suits the
    device (dycore.backends.jax_kernels).

    Raises RuntimeError where JAX cannot start, or where kernels were asked for and cannot be had.
    """
    start()
    problem = "they were not asked for" if native is False else obstacle(communication)
    if native and problem:
        raise CannotStart(f"native=True asks for kernels of Numba, but {problem}. Leave native out, and XLA takes the steps.")
    if problem:
        return JaxBackend(communication, kernels=kernels)
    from dycore.backends.on_numba import NumbaBackend  # here, because it need not be installed

    return JaxBackend(communication, NumbaBackend(threads, communication), bool(native), kernels)
