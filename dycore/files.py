"""Files that are there whole or not at all, folders that one run has to itself, and failures that all processes speak of."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


class WritingFailed(RuntimeError):
    """What a run wrote could not be written; the message says what and why."""


def why(problem: BaseException) -> str:
    """The reason in short, without a full stop."""
    return (getattr(problem, "strerror", None) or str(problem) or type(problem).__name__).rstrip(".")


def together(communication: Any, problem: Exception | None) -> None:
    """Raise, on all processes, the problem of the first that has one."""
    found = communication.first(problem)
    if found is not None:
        raise found from None


def by_first(communication: Any, work: Callable[[], Any], failing: str) -> Any:
    """What some work gives that rank 0 alone does, on all processes.

    Raises there what it raises: ValueError as it is, and WritingFailed, which begins with `failing`, for all that can go
    wrong with files.
    """
    result = problem = None
    if communication.rank == 0:
        result, problem = attempt(work, failing)
    together(communication, problem)
    return communication.first(result)


def attempt(work: Callable[[], Any], failing: str) -> tuple[Any, Exception | None]:
    """(result, None), or (None, the problem)."""
    try:
        return work(), None
    except ValueError as problem:
        return None, problem
    except (OSError, RuntimeError, MemoryError) as problem:
        return None, problem if isinstance(problem, WritingFailed) else WritingFailed(f"{failing}: {why(problem)}.")


def aside(path: Path) -> Path:
    """Where a file or folder is written before it takes its name."""
    return path.with_name(f".{path.name}.partial")


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A place to write a file or a folder, which takes its name when it is complete and on the disk, or is removed."""
    partial = aside(path)
    remove(partial)
    try:
        yield partial
        if partial.is_file():
            synchronize(partial)
        os.replace(partial, path)
        synchronize(path.parent)
    finally:
        with suppress(OSError):
            remove(partial)


def synchronize(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, if there is one."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def lock(path: Path, what: str) -> Any:
    """Hold a file or folder (`what`) for this run; the system lets go of it when the process ends. Its `release` gives it up.

    Raises ValueError where another run holds it or nothing can be written there.
    """
    try:
        from filelock import FileLock, Timeout
    except ImportError:
        raise ValueError("Writing during a run needs filelock: install dycore with the extra 'io' "
                         "(pip install 'dycore[io]').") from None
    held = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held.acquire(timeout=0)
        path.write_text(f"process {os.getpid()} on {socket.gethostname()}")
    except Timeout:
        holder = path.read_text() or "another process"
        raise ValueError(f"{what} is being written by another run ({holder}). Name another, or wait for its end.") from None
    except OSError as problem:
        raise ValueError(f"Nothing can be written to {what}: {why(problem)}. Name another place.") from None
    return held
