"""What commands share: how problems are said, the values of options, backends and folders."""

import argparse
import difflib
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

from dycore.progress import LOG

BACKENDS = ("numpy", "numba", "jax")
PRECISIONS = ("float64", "float32")
MOST, MOST_CELLS, MOST_RANKS = 10**15, 10**12, 10**7  # so that products of them are still numbers


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
        print(f"dycore: warning: {text}" if ours else text, file=sys.stderr, flush=True)


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
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a file")
    try:
        Path(text).stat()
    except (FileNotFoundError, NotADirectoryError):
        pass  # of one that may come
    except OSError as problem:  # too long, or in a folder that is closed
        raise argparse.ArgumentTypeError(f"'{text:.60}' is no name of a file that can be used: {problem.strerror}") from None
    return Path(text)


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


def time_limit(text: str) -> str:
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
    from dycore.backends import mpi

    return mpi.launched()


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


# Files


def why_no_file(folder: Path) -> str | None:
    """Why no file can be written in a folder; None where one can."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as problem:
        return nothing_written(folder, problem)


def why_not_this_file(path: Path) -> str | None:
    """Why a file cannot be written; None where it can."""
    return f"'{path}' is a folder. Name a file in it." if path.is_dir() else why_no_file(path.parent)


def nothing_written(folder: Path, problem: OSError) -> str:
    return f"nothing can be written in '{folder}': {problem.strerror}. Name another folder."


# Cases


def case_functions() -> dict[str, Any]:
    from dycore import cases

    return cases.CASES
