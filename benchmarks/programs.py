"""What a worker runs: the steps of a case on a backend, or the passes of a triad.

The triad is no model: a step of it is one pass of a[n] = b[n] + scalar * c[n] over arrays far larger than a cache, 3 array
elements moved for each n (what a cache reads only in order to write it is not counted). It measures the bandwidth that the
floor is made of.
"""

import argparse
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy

TRIAD_ARRAY_BYTES = 2**27
OPTIONS = {"southern_channel": {"eddy_energy": False}}  # of cases, in their simplest form


class Program(NamedTuple):
    """What a worker runs: n steps, whether all is well after them, and what a step sends once one is done."""

    advance: Callable[[int], None]
    about: dict[str, Any]
    check: Callable[[], None] = lambda: None
    traffic: Callable[[], dict[str, Any]] = dict


def build_case(options: argparse.Namespace) -> Any:
    from dycore import cases

    cells = tuple(int(number) for number in options.cells.split(","))
    return getattr(cases, options.case)(cells=cells, precision=options.precision, **OPTIONS.get(options.case, {}))


def model(options: argparse.Namespace, ranks: Any) -> Program:
    """The steps of a case, on one rank or several (`ranks`, of worker.py)."""
    from dycore import Model
    from dycore.benchmarks.forms import backend_of

    communication = world(options) if options.ranks > 1 else None
    if options.backend.startswith("jax") and options.precision == "float64":
        use_double_precision()
    backend = backend_of(options.backend, options.threads, communication, options.form)
    grid, parameters, state = build_case(options)
    program = Model(grid, parameters, backend)
    steps_done = 0

    def advance(steps: int) -> None:
        nonlocal state, steps_done
        state = program.steps(state, steps)
        backend.synchronize(state)
        steps_done += steps

    def check() -> None:
        if ranks.largest(0.0 if options.silent or is_finite(program, state) else 1.0):
            raise ArithmeticError(f"the state was no longer finite after {steps_done} steps")

    def traffic() -> dict[str, Any]:
        if communication is None:
            return {}
        sent = (0, 0) if options.silent else program.traffic(state)
        return {"ranks": options.ranks, "processes": list(program.tile.processes),
                "messages_per_step": int(ranks.largest(sent[0])), "bytes_per_step": int(ranks.largest(sent[1]))}

    return Program(advance, {}, check, traffic)


def use_double_precision() -> None:
    """JAX has it where it is asked for, and this process is our own."""
    import jax

    jax.config.update("jax_enable_x64", True)


def world(options: argparse.Namespace) -> Any:
    """The communication between ranks of the core."""
    from dycore.backends import mpi

    if options.processes is None:
        return mpi.World(silent=options.silent)
    along_y, along_x = (int(number) for number in options.processes.split(","))
    return mpi.World(processes=(along_y, along_x), silent=options.silent)


def is_finite(model: Any, state: Any) -> bool:
    return all(numpy.isfinite(cells).all() for cells in cells_of(model, state))


def cells_of(model: Any, state: Any) -> list[Any]:
    """The cells that this process keeps of fields of a state, or of slopes by them: their halo may hold anything."""
    return [model.backend.communication.cells(model.tile, field) for field in fields_of(state) if numpy.ndim(field) > 1]


def fields_of(state: Any) -> list[Any]:
    return [field for part in state for field in fields_of(part)] if isinstance(state, tuple) else [state]


def triad(options: argparse.Namespace) -> Program:
    """The yardstick, and what all competitors compute alike: read once from the case itself.

    Each rank has arrays of its own; `bytes_per_pass` are those of all ranks.
    """
    from dycore.closures.records import prognostics_of

    _, parameters, _ = build_case(options)
    itemsize = numpy.dtype(options.precision).itemsize
    size = TRIAD_ARRAY_BYTES // itemsize
    scalar = numpy.dtype(options.precision).type(0.5)
    b, c = numpy.full(size, 1.0, options.precision), numpy.full(size, 2.0, options.precision)
    about = {"time_step": float(parameters.time_step), "substeps": int(parameters.substeps),
             "tracers": len(parameters.tracer_names), "closure_fields": len(prognostics_of(parameters)),
             "tracer_scheme": parameters.tracer_face.__name__,
             "bytes_per_pass": 3 * size * itemsize * options.ranks}

    if options.device == "gpu":
        return Program(triad_on_gpu(b, c, scalar, options.precision), about)

    a = numpy.zeros_like(b)
    try:
        one_pass = compiled_triad(options.threads)
    except ImportError:  # NumPy needs two passes and moves five elements
        about["bytes_per_pass"] = 5 * size * itemsize * options.ranks

        def one_pass(a: Any, b: Any, c: Any, scalar: Any) -> None:
            numpy.multiply(c, scalar, out=a)
            numpy.add(a, b, out=a)

    def advance(steps: int) -> None:
        for _ in range(steps):
            one_pass(a, b, c, scalar)

    return Program(advance, about)


def triad_on_gpu(b: numpy.ndarray, c: numpy.ndarray, scalar: Any, precision: str) -> Callable[[int], None]:
    """So many passes of the triad on the GPU, as a function of their number."""
    import jax

    if precision == "float64":
        use_double_precision()
    # The carry is what is written, so that no pass can be left out.
    passes = jax.jit(lambda a, c, n: jax.lax.fori_loop(0, n, lambda _, a: c + scalar * a, a), donate_argnums=0)
    a, c_there = jax.device_put(b), jax.device_put(c)

    def advance(steps: int) -> None:
        nonlocal a
        a = passes(a, c_there, steps).block_until_ready()

    return advance


def compiled_triad(threads: int) -> Callable[..., None]:
    import numba

    from dycore.backends.compiled.cache import kept

    def one_pass(a, b, c, scalar):
        for n in numba.prange(a.size):
            a[n] = b[n] + scalar * c[n]

    return kept(one_pass, parallel=threads > 1)
