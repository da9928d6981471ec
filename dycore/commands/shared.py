"""What commands share: how problems are said, the values of options, backends and folders."""

import argparse
import difflib
import errno
import importlib
import importlib.util
import math
import os
import re
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any, NoReturn, TextIO

from dycore.coordinates import MOST_CELLS
from dycore.files import at_home, end_of_links
from dycore.progress import LOG, tell

BACKENDS = ("numpy", "numba", "jax")
PRECISIONS = ("float64", "float32")
BY_ITSELF = "none"  # in place of numbers of processes
MOST, MOST_RANKS = 10**15, 10**7  # so that products of them are still numbers


class BadInput(Exception):
    """What the user asked for cannot be done as asked; the message says what to do."""


class FailedRun(Exception):
    """A run, or the writing of its result, that failed after it had started."""


class FailedAlone(FailedRun):
    """A failure that need not have happened on all ranks."""


class Interrupted(Exception):
    """A run that ended on a signal; the message says where it goes on."""

    def __init__(self, message: str, number: int):
        self.code = 128 + number  # as shells have it
        super().__init__(message)


class Parser(argparse.ArgumentParser):
    def parse_known_args(self, *arguments: Any, **named: Any) -> Any:
        """Refuse an option that is not known here, where the nearest name is, and not one level up."""
        namespace, unknown = super().parse_known_args(*arguments, **named)
        options = [name for name in unknown if name.startswith("-")]
        if options:
            name = options[0].partition("=")[0]
            near = difflib.get_close_matches(name, re.findall(r"--[a-z-]+", self.format_help()), n=1)
            self.error(f"there is no option '{name}'" + (f": did you mean '{near[0]}'?" if near else ""))
        return namespace, unknown

    def error(self, message: str) -> NoReturn:
        """One sentence instead of the usage and a sentence."""
        end = "" if message.endswith("?") else "."
        raise BadInput(f"{message.removeprefix('argument ')}{end} See '{self.prog} --help'.")


def say_warning(message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None,
                line: str | None = None, quiet: bool = False) -> None:
    """A warning as a line of its own; what Python warns of is for developers, and shown with its place."""
    ours = category.__module__.startswith("dycore")
    text = str(message) if ours else warnings.formatwarning(message, category, filename, lineno, line).rstrip()
    LOG.warning(text)
    if not quiet:
        tell(f"dycore: warning: {text}" if ours else text, sys.stderr)


# What the options may hold


def positive_integer(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= MOST:
        most = " and at most 10^15" if number > MOST else ""
        raise argparse.ArgumentTypeError(f"'{text:.40}' is not a whole number of at least 1{most}")
    return number


def positive_number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 1e-30 < number < 1e30:  # products of them are still numbers
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above zero" + (" and below 1e30" if number > 0.0 else ""))
    return number


def number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number")
    return value


def whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number") from None


def true_or_false(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"'{text}' is neither true nor false")
    return text.lower() == "true"


def file_name(text: str) -> Path:
    """A path, in which ~ and $NAME stand for what a shell would put there: it does not do so everywhere, and TOML never."""
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a file")
    expanded = os.path.expandvars(text)
    unknown = [name for name in re.findall(r"\$(\w+|\{[^}]*\})", text, re.ASCII) if not os.environ.get(name.strip("{}"))]
    if unknown:
        raise argparse.ArgumentTypeError(f"'{text}' names ${unknown[0]}, and that variable is not set, or empty")
    try:
        path = at_home(expanded)
        path.stat()
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem).rstrip(".")) from None
    except (FileNotFoundError, NotADirectoryError):
        pass  # of one that may come
    except OSError as problem:  # too long, or in a folder that is closed; links in a circle are told of where they are written
        if problem.errno == errno.ELOOP:
            return path
        raise argparse.ArgumentTypeError(f"'{text:.60}' is no name of a file that can be used: {problem.strerror}") from None
    return path


def field_names(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(","))
    if not all(names):
        raise argparse.ArgumentTypeError(f"'{text}' is not names of fields, as in temperature,salinity")
    return names


def cell_numbers(text: str) -> tuple[int, int, int]:
    parts = text.split(",")
    if len(parts) != 3:
        raise argparse.ArgumentTypeError(f"'{text}' is not levels, rows and columns, as in 20,64,128")
    levels, rows, columns = (positive_integer(part) for part in parts)
    if levels * rows * columns > MOST_CELLS:
        raise argparse.ArgumentTypeError(f"'{text}' are more than 10^12 cells, which no machine holds")
    return levels, rows, columns


def parts_or_none(text: str) -> tuple[int, int] | str:
    """Processes in j and in i; or 'none', for a process that runs by itself whatever a launcher says."""
    return BY_ITSELF if text == BY_ITSELF else process_numbers(text)


def process_numbers(text: str) -> tuple[int, int]:
    parts = text.split(",")
    if len(parts) != 2:
        raise argparse.ArgumentTypeError(f"'{text}' is not processes in j and in i, as in 2,2")
    in_j, in_i = (positive_integer(part) for part in parts)
    return in_j, in_i


def sizes(text: str) -> list[int]:
    """Numbers of cells: '1e4,1e5'."""
    found = [positive_integer(str(round(positive_number(part)))) for part in text.split(",")]
    if max(found) > MOST_CELLS:
        raise argparse.ArgumentTypeError(f"'{text}' are more than 10^12 cells, which no machine holds")
    return found


def rank_numbers(text: str) -> list[int]:
    """Numbers of ranks: '1,2,4'."""
    ranks = sorted({positive_integer(part) for part in text.split(",")})
    if ranks[-1] > MOST_RANKS:
        raise argparse.ArgumentTypeError(f"'{text}' are more than {MOST_RANKS} ranks, which no machine has")
    return ranks


def limit_of_time(text: str) -> str:
    """A limit of time as sbatch takes it: '30', '01:30:00' or '2-12'."""
    if not re.fullmatch(r"\d+(:\d+){0,2}|\d+-\d+(:\d+){0,2}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is not a limit of time: give minutes, hours:minutes:seconds or days-hours")
    return text


def seconds_to_wait(text: str) -> float:
    seconds = positive_number(text)
    if seconds > 1e6:
        raise argparse.ArgumentTypeError(f"'{text}' is longer than 1e6 seconds")
    return seconds


def names_among(known: tuple[str, ...], what: str) -> Any:
    def names(text: str) -> list[str]:
        asked = [part.strip() for part in text.split(",")]
        for name in asked:
            if name not in known:
                raise argparse.ArgumentTypeError(no_such(what, name, known))
        return list(dict.fromkeys(asked))

    return names


def name_among(known: tuple[str, ...], what: str) -> Any:
    def name(text: str) -> str:
        if text not in known:
            raise argparse.ArgumentTypeError(no_such(what, text, known))
        return text

    return name


def no_such(what: str, name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known)}"
    return f"there is no {what} '{name}': {hint}"


# Ranks and backends


def launched() -> tuple[int, int]:
    """(rank, ranks) as the launcher says; loads no MPI."""
    from dycore.backends import launchers

    return launchers.launched()


def world(processes: tuple[int, int] | str | None) -> Any:
    """How the ranks speak to each other; None for a single one."""
    from dycore.backends import launchers, mpi

    if processes == BY_ITSELF:
        launchers.forget_launcher()
        return None
    if launched()[1] == 1 and processes in (None, (1, 1)):
        return None
    if launched()[1] == 1:
        assert isinstance(processes, tuple)
        parts = processes[0] * processes[1]
        raise BadInput(f"--processes {processes[0]},{processes[1]} are {parts} parts, but there is one process: start it with "
                       f"'mpiexec -n {parts} dycore run ...'.")
    try:
        return mpi.World(processes=processes)  # type: ignore[arg-type]
    except ImportError as problem:
        raise BadInput(str(problem)) from problem


def create_backend(name: str, threads: int, communication: Any = None) -> Any:
    """The backend, its libraries told how many threads they have before they are loaded."""
    check_threads(threads)
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, str(threads))
    if threads == 1:
        os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    if name == "jax":
        os.environ.setdefault("JAX_ENABLE_X64", "1")  # nothing else in this process uses JAX
    if name == "jax" and launched()[1] > 1 and importlib.util.find_spec("mpi4jax") is None:
        raise BadInput("JAX needs mpi4jax for several processes, and it is not installed: 'dycore check' says how to get it. "
                       "Or use one process, or another backend.")
    backend, problem = None, None
    try:
        backend = importlib.import_module(f"dycore.backends.on_{name}").create(threads=threads, communication=communication)
    except ImportError as missing:
        problem = f"the {name} backend cannot be loaded ({missing}). Install what it needs with: pip install 'dycore[{name}]'."
    except RuntimeError as unable:
        problem = str(unable)
    if communication is not None:
        problem = communication.first(problem)  # nodes need not have the same
    if problem is not None:
        raise BadInput(problem)
    return backend


def check_threads(threads: int) -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if threads > cores:
        raise BadInput(f"{threads} threads were asked for, and this process may use {cores} cores: "
                       f"give --threads {cores} or fewer.")


# Files


def why_no_file(folder: Path) -> str | None:
    """Why no file can be written in a folder; None where one can."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as problem:
        return nothing_written(folder, problem)


def why_not_this_file(path: Path) -> str | None:
    """Why a file, or what a link of that name leads to, cannot be written; None where it can."""
    try:
        end = end_of_links(path)
    except OSError as problem:
        return f"'{path}' cannot be written: {problem.strerror}. Name another file."
    if path.is_symlink() and not end.parent.is_dir():
        return f"'{path}' is a link to '{end}', and there is no folder '{end.parent}'. Make it, or name another file."
    return f"'{path}' is a folder. Name a file in it." if end.is_dir() else why_no_file(end.parent)


def nothing_written(folder: Path, problem: OSError) -> str:
    return f"nothing can be written in '{folder}': {problem.strerror}. Name another folder."


# Cases


def case_functions() -> dict[str, Any]:
    from dycore import cases

    return cases.CASES
