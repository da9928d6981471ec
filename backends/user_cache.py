"""The user's folder for what can be made again, and turns of processes that make it. Needs the extra numba or bench."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def user_cache() -> Path:
    """Folder dycore of the user's cache, as platformdirs has it: on Linux in XDG_CACHE_HOME, else in ~/.cache.

    It begins with ~ where the user has no home.
    """
    from platformdirs import user_cache_path

    return user_cache_path("dycore")


@contextmanager
def in_turn(file: Path) -> Iterator[None]:
    """Only one process of a machine at a time is within; all are where a disk has no locks, or cannot be written."""
    from filelock import FileLock

    lock = FileLock(file, fallback_to_soft=False)
    with suppress(OSError):
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
