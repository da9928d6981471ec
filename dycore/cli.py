"""The command line: `dycore cases`, `dycore run`, `dycore validate`, `dycore bench`, `dycore check`.

Bad input ends with one sentence and exit code 2, a run that failed with one sentence and exit code 1.
"""

import argparse
import difflib
import importlib
import importlib.metadata
import importlib.util
import os
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from typing import Any, NoReturn, TextIO

BACKENDS = ("numpy", "numba", "jax")
PRECISIONS = ("float64", "float32")
COMPETITORS = (*BACKENDS, "fortran")
SCALINGS = ("strong", "weak")
BENCHMARK_CASES = ("baroclinic_channel", "baroclinic_wave", "held_suarez")


class BadInput(Exception):
    """What the user asked for cannot be done as asked; the message says what to do."""


class FailedRun(Exception):
    """A run, or the writing of its result, that failed after it had started."""


class FailedAlone(FailedRun):
    """A failure that need not have happened on all ranks."""


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One sentence instead of the usage and a sentence."""
        end = "" if message.endswith("?") else "."
        raise BadInput(f"{message.removeprefix('argument ')}{end} See '{self.prog} --help'.")


def main(arguments: list[str] | None = None) -> int:
    try:
        options = command_line().parse_args(arguments)
        return options.command(options)
    except BadInput as problem:
        return complain(problem, 2)
    except FailedRun as problem:
        rank, size = launched()
        if size == 1 or not isinstance(problem, FailedAlone):
            return complain(problem, 1)
        complain(f"rank {rank}: {problem}", 1, everywhere=True)
        abort()  # the other ranks would wait for ever
        return 1
    except KeyboardInterrupt:
        return complain("interrupted.", 130)
    except BrokenPipeError:  # dycore cases | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception:
        if launched()[1] == 1:
            raise
        traceback.print_exc()
        abort()
        return 1


def complain(problem: object, code: int, everywhere: bool = False) -> int:
    """Say a problem that all ranks have found, once; or one that this rank alone has."""
    sentence = " ".join(str(problem).split())
    sentence += "" if sentence.endswith((".", "?")) else "."
    if everywhere or launched()[0] == 0:
        print(f"dycore: {sentence}", file=sys.stderr, flush=True)
    if not everywhere:
        wait_for_others()
    return code


def say_warning(message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None,
                line: str | None = None) -> None:
    """A warning as a line of its own; what Python warns of is for developers, and shown with its place."""
    if category.__module__.startswith("dycore"):
        print(f"dycore: warning: {message}", file=sys.stderr, flush=True)
    else:
        print(warnings.formatwarning(message, category, filename, lineno, line), end="", file=sys.stderr, flush=True)


def wait_for_others(seconds: float = 5.0) -> None:
    """Until all ranks are here, or so long: a launcher may end all when one fails, before the first has said why."""
    if launched()[1] > 1 and "mpi4py.MPI" in sys.modules:
        all_here = sys.modules["mpi4py.MPI"].COMM_WORLD.Ibarrier()
        end = time.monotonic() + seconds
        while not all_here.Test() and time.monotonic() < end:
            time.sleep(0.01)


# What the options may hold


def positive_integer(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least 1")
    return number


def positive_number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above zero")
    return number


def cell_numbers(text: str) -> tuple[int, int, int]:
    parts = text.split(",")
    if len(parts) != 3:
        raise argparse.ArgumentTypeError(f"'{text}' is not levels, rows and columns, as in 20,64,128")
    levels, rows, columns = (positive_integer(part) for part in parts)
    return levels, rows, columns


def process_numbers(text: str) -> tuple[int, int]:
    parts = text.split(",")
    if len(parts) != 2:
        raise argparse.ArgumentTypeError(f"'{text}' is not processes in j and in i, as in 2,2")
    in_j, in_i = (positive_integer(part) for part in parts)
    return in_j, in_i


def sizes(text: str) -> list[int]:
    """Numbers of cells: '1e4,1e5'."""
    return [positive_integer(str(round(positive_number(part)))) for part in text.split(",")]


def rank_numbers(text: str) -> list[int]:
    """Numbers of ranks: '1,2,4'."""
    return sorted({positive_integer(part) for part in text.split(",")})


def names_among(known: tuple[str, ...], what: str) -> Any:
    def names(text: str) -> list[str]:
        asked = [part.strip() for part in text.split(",")]
        for name in asked:
            if name not in known:
                raise argparse.ArgumentTypeError(no_such(what, name, known))
        return list(dict.fromkeys(asked))

    return names


def no_such(what: str, name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known)}"
    return f"there is no {what} '{name}': {hint}"


# The commands and their options


def command_line() -> argparse.ArgumentParser:
    parser = Parser(prog="dycore", description="One dynamical core for ocean and atmosphere.",
                    formatter_class=argparse.RawDescriptionHelpFormatter,
                    epilog="examples:\n  dycore cases\n"
                           "  dycore run baroclinic_wave --cells 10,32,64 --backend numba --days 1\n"
                           "  dycore bench --cells 1e4 --backends numba,jax")
    parser.add_argument("--version", action="version", version=f"dycore {version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, action: Any, purpose: str, examples: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=purpose, description=purpose,
                                    formatter_class=argparse.RawDescriptionHelpFormatter,
                                    epilog=f"examples:\n{examples}")
        added.set_defaults(command=action)
        return added

    command("cases", list_cases, "List the cases, each with a line that says what it is.", "  dycore cases")

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

    published = command("validate", validate, "Hold the core against published cases: rows of numbers, figures and one page.",
                        "  dycore validate williamson_2\n"
                        "  dycore validate --short --output quick-look\n"
                        "  dycore validate held_suarez --backend jax")
    published.add_argument("case", nargs="*", metavar="CASE", help="(default: all of them)")
    published.add_argument("--short", action="store_true", help="the versions that the tests run, of seconds each")
    published.add_argument("--backend", choices=BACKENDS, default="numba", help="(default: %(default)s)")
    published.add_argument("--threads", type=positive_integer, default=1, metavar="N", help="(default: %(default)s)")
    published.add_argument("--output", type=Path, default=Path("validation-results"), metavar="DIR",
                       help="results.json, results.md and pictures; other cases in it stay (default: %(default)s)")

    bench = command("bench", run_benchmarks, "Measure wall time per step per 1M cells against the Fortran reference.",
                    "  dycore bench\n"
                    "  dycore bench --cases baroclinic_wave --cells 1e5 --backends numba,fortran --precisions float32\n"
                    "  dycore bench --backends jax --device gpu --cells 1e6,1e7\n"
                    "  dycore bench --ranks 1,2,4 --scaling strong,weak --cells 1e5")
    bench.add_argument("--cases", type=names_among(BENCHMARK_CASES, "benchmark case"), default=list(BENCHMARK_CASES),
                       metavar="A,B", help=f"(default: {','.join(BENCHMARK_CASES)})")
    bench.add_argument("--cells", type=sizes, default=[10**4, 10**5, 10**6], metavar="N,N",
                       help="numbers of cells (default: 1e4,1e5,1e6)")
    bench.add_argument("--backends", type=names_among(COMPETITORS, "competitor"), default=list(COMPETITORS),
                       metavar="A,B", help=f"(default: {','.join(COMPETITORS)})")
    bench.add_argument("--precisions", type=names_among(PRECISIONS, "precision"), default=list(PRECISIONS),
                       metavar="A,B", help=f"(default: {','.join(PRECISIONS)})")
    bench.add_argument("--threads", type=positive_integer, default=1, metavar="N",
                       help="threads and cores for each competitor (default: %(default)s)")
    bench.add_argument("--ranks", type=rank_numbers, metavar="N,N",
                       help="MPI ranks, each on cores of its own (default: 1, and 2 in the first precision where there are "
                            "two cores and an mpiexec)")
    bench.add_argument("--processes", type=process_numbers, metavar="PJ,PI",
                       help="of several ranks, in j and in i (default: each program decides)")
    bench.add_argument("--scaling", type=names_among(SCALINGS, "scaling"), default=["strong"], metavar="A,B",
                       help="with several ranks strong keeps the cells, weak the cells of each rank (default: strong)")
    bench.add_argument("--samples", type=positive_integer, default=3, metavar="N",
                       help="samples of at least 20 steps, fewer where a step takes long (default: %(default)s)")
    bench.add_argument("--device", choices=("cpu", "gpu"), default="cpu",
                       help="gpu is for jax alone (default: %(default)s)")
    bench.add_argument("--output", type=Path, default=Path("bench-results"), metavar="DIR",
                       help="results.json is added to, results.md and the pictures are renewed (default: %(default)s)")

    check = command("check", check_machine, "Say what this machine offers, and try whether halos come right between processes.",
                    "  dycore check\n  mpiexec -n 4 dycore check --timeout 300")
    check.add_argument("--timeout", type=positive_number, default=180.0, metavar="SECONDS",
                       help="that each way of communication may take (default: %(default)g)")
    return parser


def version() -> str:
    try:
        return importlib.metadata.version("dycore")
    except importlib.metadata.PackageNotFoundError:
        return "(a checkout that is not installed)"


def case_functions() -> dict[str, Any]:
    from dycore import cases

    return cases.CASES


def list_cases(options: argparse.Namespace) -> int:
    functions = case_functions()
    width = max(map(len, functions))
    for name, function in functions.items():
        print(f"{name:{width}}  {(function.__doc__ or '').splitlines()[0]}")
    return 0


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


def validate(options: argparse.Namespace) -> int:
    """Run validation programs; 1 where a verdict is not met."""
    from dycore.validation import PROGRAMS
    from dycore.validation.evidence import gather

    names = options.case or list(PROGRAMS)
    for name in names:
        if name not in PROGRAMS:
            raise BadInput(no_such("validation case", name, tuple(PROGRAMS)))
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise BadInput(nothing_written(options.output, problem)) from problem
    unwritable = why_no_file(options.output)
    if unwritable is not None:
        raise BadInput(unwritable)
    backend = create_backend(options.backend, options.threads)
    failed = 0
    for name in names:
        command = f"dycore validate {name} --backend {options.backend}" + (" --short" if options.short else "")
        evidence = gather(name, PROGRAMS[name], backend, options.short, command, options.output)
        for row in evidence.rows:
            failed += not row.met
            print(f"{'met    ' if row.met else 'NOT MET'}  {name}: {row.quantity} {row.ours:.6g}; {row.tolerance}; "
                  f"published {row.published} ({row.source})", flush=True)
    print(f"Wrote {options.output}/results.json, {options.output}/results.md and the figures.")
    return 1 if failed else 0


def launched() -> tuple[int, int]:
    """(rank, ranks) as the launcher says; loads no MPI."""
    from dycore.backends import mpi

    return mpi.launched()


def abort() -> None:
    """End all ranks."""
    from mpi4py import MPI

    sys.stderr.flush()
    MPI.COMM_WORLD.Abort(1)


def world(processes: tuple[int, int] | None) -> Any:
    """How the ranks speak to each other; None for a single one."""
    if launched()[1] == 1 and processes in (None, (1, 1)):
        return None
    from dycore.backends import mpi

    if launched()[1] == 1:
        parts = processes[0] * processes[1]  # type: ignore[index]
        raise BadInput(f"--processes {processes[0]},{processes[1]} are {parts} parts, but there is one process: start it with "  # type: ignore[index]
                       f"'mpiexec -n {parts} dycore run ...'.")
    try:
        return mpi.World(processes)
    except ImportError as problem:
        raise BadInput(str(problem)) from problem


def create_backend(name: str, threads: int, communication: Any = None) -> Any:
    """The backend, its libraries told how many threads they have before they are loaded."""
    check_threads(threads)
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, str(threads))
    if threads == 1:
        os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    if name == "jax" and launched()[1] > 1 and importlib.util.find_spec("mpi4jax") is None:
        raise BadInput("JAX needs mpi4jax for several processes, and it is not installed: 'dycore check' says how to get it. "
                       "Or use one process, or another backend.")
    try:
        return importlib.import_module(f"dycore.backends.on_{name}").create(threads=threads, communication=communication)
    except ImportError as problem:
        raise BadInput(f"the {name} backend cannot be loaded ({problem}). "
                       f"Install what it needs with: pip install 'dycore[{name}]'.") from problem


def check_threads(threads: int) -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if threads > cores:
        raise BadInput(f"{threads} threads were asked for, and this process may use {cores} cores: "
                       f"give --threads {cores} or fewer.")


def check_processes(options: argparse.Namespace) -> None:
    if options.processes is None:
        return
    wanted = options.processes[0] * options.processes[1]
    for ranks in options.ranks or [1, 2]:
        if ranks not in (1, wanted):
            raise BadInput(f"--processes {','.join(map(str, options.processes))} is for {wanted} ranks, and {ranks} are to be "
                           f"measured: give --ranks 1,{wanted}.")


# Files


def why_unwritable(path: Path) -> str | None:
    """Found out before the run, not after it."""
    if path.suffix != ".npz":
        return f"'{path}' does not end in .npz, the only format there is. Use '{path.with_suffix('.npz')}'."
    if path.is_dir():
        return f"'{path}' is a folder. Name a file in it."
    return why_no_file(path.parent)


def why_no_file(folder: Path) -> str | None:
    """Why no file can be written in a folder; None where one can."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as problem:
        return nothing_written(folder, problem)


def nothing_written(folder: Path, problem: OSError) -> str:
    return f"nothing can be written in '{folder}': {problem.strerror}. Name another folder."


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


def check_machine(options: argparse.Namespace) -> int:
    from dycore import checking

    try:
        return checking.run(options.timeout)
    except ImportError as problem:
        raise BadInput(str(problem)) from problem


def run_benchmarks(options: argparse.Namespace) -> int:
    root = Path(__file__).resolve().parent.parent
    if not (root / "benchmarks" / "suite.py").is_file():
        raise BadInput("the benchmarks are not part of the installed package: "
                       "clone the repository and use 'make bench' in it.")
    check_threads(options.threads)
    check_processes(options)
    sys.path.insert(0, str(root))
    suite = importlib.import_module("benchmarks.suite")
    settings = {name: value for name, value in vars(options).items() if name != "command"}
    try:
        return suite.run(suite.Settings(**settings))
    except suite.CannotStart as problem:
        raise BadInput(str(problem)) from problem
    except suite.CannotWrite as problem:
        raise FailedRun(str(problem)) from problem


if __name__ == "__main__":
    sys.exit(main())
