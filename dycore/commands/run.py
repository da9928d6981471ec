"""Run a case."""

import argparse
import os
import warnings
from pathlib import Path
from typing import Any

from dycore.commands.shared import (
    BACKENDS,
    PRECISIONS,
    BadInput,
    FailedAlone,
    FailedRun,
    case_functions,
    cell_numbers,
    create_backend,
    launched,
    no_such,
    positive_integer,
    positive_number,
    process_numbers,
    say_warning,
    why_no_file,
    world,
)


def add(command: Any) -> None:
    """Register the command with its options."""
    run = command("run", run_case, "Run a case and, if asked, write its last state.",
                  "  dycore run baroclinic_channel --cells 10,24,32 --steps 20 --state-out channel.npz\n"
                  "  dycore run baroclinic_wave --cells 20,64,128 --backend jax --precision float32 --days 9\n"
                  "  mpiexec -n 4 dycore run baroclinic_wave --backend numba --processes 2,2 --days 1 --state-out wave.npz")
    run.add_argument("case", metavar="CASE", help="a name that 'dycore cases' lists")
    run.add_argument("--cells", type=cell_numbers, metavar="NZ,NY,NX",
                     help="levels, rows and columns (default: those of the case)")
    run.add_argument("--backend", choices=BACKENDS, default="numpy",
                     help="what does the arithmetic (default: %(default)s)")
    run.add_argument("--precision", choices=PRECISIONS, default="float64", help="of every field (default: %(default)s)")
    length = run.add_mutually_exclusive_group(required=True)
    length.add_argument("--steps", type=positive_integer, metavar="N", help="how many time steps")
    length.add_argument("--days", type=positive_number, metavar="D", help="how many days of simulated time")
    run.add_argument("--time-step", type=positive_number, metavar="SECONDS", help="(default: that of the case)")
    run.add_argument("--threads", type=positive_integer, default=1, metavar="N", help="(default: %(default)s)")
    run.add_argument("--processes", type=process_numbers, metavar="PJ,PI",
                     help="parts in j and in i, under mpiexec (default: the shape with the smallest halo)")
    run.add_argument("--state-out", type=Path, metavar="FILE.npz", help="global fields by name, without halo")


def run_case(options: argparse.Namespace) -> int:
    functions = case_functions()
    if options.case not in functions:
        raise BadInput(no_such("case", options.case, tuple(functions)))
    communication = world(options.processes)
    unwritable = None
    if options.state_out is not None and launched()[0] == 0:  # the rank that writes
        unwritable = why_unwritable(options.state_out)
    if communication is not None:
        unwritable = communication.first(unwritable)
    if unwritable is not None:
        raise BadInput(unwritable)
    backend = create_backend(options.backend, options.threads, communication)
    from dycore import Model

    cells = {} if options.cells is None else {"cells": options.cells}
    try:
        grid, parameters, state = functions[options.case](precision=options.precision, time_step=options.time_step,
                                                          **cells)
        model = Model(grid, parameters, backend)
    except ValueError as problem:
        raise BadInput(str(problem)) from problem
    except MemoryError as problem:
        raise FailedAlone("there is not enough memory for so many cells.") from problem
    length = {"steps": options.steps} if options.steps is not None else {"days": options.days}
    try:
        with warnings.catch_warnings():
            warnings.showwarning = say_warning
            state = model.run(state, **length)
    except ArithmeticError as problem:  # found by all ranks together
        raise FailedRun(str(problem)) from problem
    except (RuntimeError, ValueError, MemoryError) as problem:
        raise FailedAlone(str(problem) or "the run needed more memory than there is.") from problem
    if options.state_out is not None:
        gathered = model.gather(state)
        if gathered is not None:
            write_fields(options.state_out, global_fields(parameters.tracer_names, gathered))
            print(f"wrote {options.state_out}")
    return 0


def why_unwritable(path: Path) -> str | None:
    """Found out before the run, not after it."""
    if path.suffix != ".npz":
        return f"'{path}' does not end in .npz, the only format there is. Use '{path.with_suffix('.npz')}'."
    if path.is_dir():
        return f"'{path}' is a folder. Name a file in it."
    return why_no_file(path.parent)


def global_fields(tracer_names: tuple[str, ...], state: Any) -> dict[str, Any]:
    """u, v, w, surface and the tracers by name, without halo."""
    import numpy

    from dycore.grid import interior

    fields = {name: getattr(state, name) for name in ("u", "v", "w", "surface")}
    fields |= dict(zip(tracer_names, state.tracers, strict=True))
    return {name: interior(numpy.asarray(field)) for name, field in fields.items()}


def write_fields(path: Path, fields: dict[str, Any]) -> None:
    """Written aside and moved into place, so that no half file is ever found under the name."""
    import numpy

    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(aside, "wb") as file:
            numpy.savez(file, **fields)
        os.replace(aside, path)
    except OSError as problem:
        raise FailedRun(f"the state could not be written to '{path}': {problem.strerror}.") from problem
    finally:
        aside.unlink(missing_ok=True)
