"""Values of the options of commands: each function takes the words of a user and returns the value, or says what is wrong."""

import argparse
import errno
import math
import os
import re
from pathlib import Path
from typing import Any

from dycore.geometry.coordinates import MOST_CELLS
from dycore.inputs.nearest_name import instead_of
from dycore.locations import is_here, location

BACKENDS = ("numpy", "numba", "jax", "jax-native")
PRECISIONS = ("float64", "float32")
BY_ITSELF = "none"  # in place of numbers of processes
MOST, MOST_RANKS = 10**15, 10**7  # so that products of them are still numbers


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
        path = location(expanded)
        if is_here(path):
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


def local_file(text: str) -> Path:
    """A path of this machine."""
    path = file_name(text)
    if not is_here(path):
        raise argparse.ArgumentTypeError(f"'{text}' is an address: name a file of this machine")
    return path


def chunk_sizes(text: str) -> tuple[str, ...]:
    """NAME=N,NAME=N, whose names are looked up when there is a model."""
    parts = tuple(part.strip() for part in text.split(","))
    for part in parts:
        name, equals, size = part.partition("=")
        if not (name and equals):
            raise argparse.ArgumentTypeError(f"'{text}' is not sizes of chunks, as in time=10,latitude=64")
        positive_integer(size)
    return parts


def field_names(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(","))
    if not all(names):
        raise argparse.ArgumentTypeError(f"'{text}' is not names of fields, as in temperature,salinity")
    return names


def diagnostic_names(text: str) -> tuple[str, ...]:
    from dycore.diagnostics import OF_STATES

    names = tuple(part.strip() for part in text.split(","))
    for name in names:
        if name not in OF_STATES:
            raise argparse.ArgumentTypeError(no_such("diagnostic", name, tuple(OF_STATES)))
        if names.count(name) > 1:
            raise argparse.ArgumentTypeError(f"'{text}' names {name} twice")
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
    counts = [positive_integer(str(round(positive_number(part)))) for part in text.split(",")]
    if max(counts) > MOST_CELLS:
        raise argparse.ArgumentTypeError(f"'{text}' are more than 10^12 cells, which no machine holds")
    return counts


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
    return f"there is no {what} '{name}': {instead_of(name, known).removesuffix('.')}"
