"""Where Numba keeps what it compiled, so that a second start is quick.

In NUMBA_CACHE_DIR, else in the user's cache folder (dycore.backends.user_cache). Where that cannot be written, as in a batch job
or a container without a home, in a temporary folder of the user.
"""

from __future__ import annotations

import os
import stat
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import numba

from dycore.backends.launchers import launched
from dycore.backends.user_cache import user_cache


class CacheWarning(UserWarning):
    """Compiled code is kept where it need not last."""


def cache_folder() -> Path:
    """Where generated sources lie; Numba keeps what it compiled beside them. Raises RuntimeError where nothing can be written."""
    usual = os.environ.get("NUMBA_CACHE_DIR") or str(user_cache())
    problem = why_not_written(usual)
    folder = Path(temporary_folder(problem) if problem else usual) / "loops"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@cache
def why_not_written(folder: str) -> str | None:
    """Why no file can be written in a folder, which is made if need be; None where one can."""
    if folder.startswith("~"):
        return "this user has no home"
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as problem:
        return f"'{folder}': {problem.strerror}"


@cache
def temporary_folder(problem: str) -> str:
    """A folder that this user alone can write, the same for all its processes if possible; a warning says so on the first rank."""
    try:
        folder = Path(tempfile.gettempdir()) / f"dycore-{os.getuid()}"
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        status = folder.lstat()
        # what is found in it is run: it must not be one that another user has made, or can write
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            folder = Path(tempfile.mkdtemp(prefix="dycore-"))
    except OSError as none:
        raise RuntimeError(f"Compiled code cannot be kept ({problem}), nor in a temporary folder ({none.strerror}). Set "
                           "NUMBA_CACHE_DIR to a folder that can be written.") from None
    if launched()[0] == 0:
        warnings.warn(f"Compiled code cannot be kept where it usually is ({problem}): it goes to '{folder}', which may be emptied. "
                      "Set NUMBA_CACHE_DIR to a folder that stays.", CacheWarning, stacklevel=2)
    return str(folder)


def kept(function: Callable, **options: object) -> Callable:
    """A function of a source file, compiled when it is first called (`numba.njit` with these options), and kept on disk.

    Numba looks for a place at once, and raises where it finds none: it is then shown that of generated sources, if there is one.
    """
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:
        usual = numba.config.CACHE_DIR
        try:
            numba.config.CACHE_DIR = str(cache_folder())
            return numba.njit(cache=True, **options)(function)
        except RuntimeError:
            return numba.njit(**options)(function)
        finally:
            numba.config.CACHE_DIR = usual
