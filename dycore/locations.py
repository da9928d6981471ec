"""Locations of output and restarts: paths of this machine, and places that fsspec reaches by an address (`s3://`, `gs://`).

An address is a `upath.UPath` (universal-pathlib), which has the methods of a path. Object stores put a whole object in its place
or none, as `dycore.files.whole` does on a disk, but hold no locks: a run says so once. Icechunk repositories need none.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from os import path as names
from pathlib import Path
from typing import Any

from dycore import files
from dycore.files import at_home, warn_once, why

ADDRESS = re.compile(r"([A-Za-z][\w+.-]+)://")
ENDINGS = "in .zarr, .icechunk or .nc"  # of output that grows (dycore.running.growing_files)
LIBRARIES = {".zarr": ("xarray", "zarr"), ".nc": ("xarray", "netCDF4"), ".icechunk": ("xarray", "icechunk")}
EXTRA = "pip install 'dycore[stores]'"
NO_ICECHUNK = f"Paths that end in .icechunk need Icechunk: {EXTRA}."


def location(path: Any) -> Any:
    """The pathlib.Path of a path or of `file://`, or the upath.UPath of another address, also of one that is given as UPath.

    Raises ValueError with what to install, or what there is, where an address cannot be reached by what is installed.
    """
    address = ADDRESS.match(str(path))
    if address is None:
        return at_home(path)
    if address[1] in ("file", "local"):
        return at_home(str(path)[address.end():])
    try:
        from upath import UPath
    except ImportError:
        raise ValueError(f"'{path}' is an address, and those need universal-pathlib: {EXTRA}.") from None
    try:
        found = UPath(path)
        found.fs  # noqa: B018 - loads the library of the protocol, and asks nobody
    except (ImportError, ValueError) as problem:
        raise ValueError(f"'{path}' cannot be reached: {to_install(address[1], problem)}.") from None
    if not found.name:
        raise ValueError(f"'{path}' names no file or folder: add one behind the last slash.")
    return found


def to_install(protocol: str, problem: Exception) -> str:
    """Words about a protocol that is not usable: what to install, or which ones there are."""
    from fsspec.registry import known_implementations

    if protocol not in known_implementations:
        return f"there is no protocol '{protocol}' (fsspec); there are s3, gs, az, memory, file and more"
    library = known_implementations[protocol]["class"].partition(".")[0]
    line = f"pip install {library}" if library != "fsspec" else f"pip install 'fsspec[{protocol}]'"
    return f"a library is missing ({why(problem)}): {line}"


def check_libraries(path: Any) -> None:
    """Raise ValueError, with what to install, where a library of the format of a path is missing."""
    for library in LIBRARIES.get(path.suffix, ()):
        try:
            import_module(library)
        except ImportError:
            if library == "icechunk":
                raise ValueError(NO_ICECHUNK) from None
            raise ValueError(f"'{path}' needs {library}, which is not installed: pip install 'dycore[io]'.") from None


def end_of(path: Any) -> str:
    """An address as it is, or a path at the end of all links: equal for what is one file."""
    text = str(path)
    return text if ADDRESS.match(text) else names.realpath(text)


def is_here(path: Any) -> bool:
    """Whether a location is on a disk of this machine."""
    return isinstance(path, Path)


def make_folder(path: Any) -> None:
    """Make a folder with those that it is in; nothing of an address, whose folders are part of names."""
    if is_here(path):
        files.make_folder(path)


@contextmanager
def whole(path: Any) -> Iterator[Path]:
    """A place on this machine to write a file, which takes its name when it is complete, at one stroke, or is removed."""
    with nullcontext() if is_here(path) else tempfile.TemporaryDirectory() as temporary:
        if temporary is None:
            with files.whole(path) as place:
                yield place
        else:
            place = Path(temporary) / "written"
            yield place
            with as_os_errors():
                path.fs.put_file(str(place), path.path)


@contextmanager
def as_os_errors() -> Iterator[None]:
    """Raise what libraries of stores have of their own (botocore, gcsfs, icechunk) as OSError, whose first line says why."""
    try:
        yield
    except (ValueError, OSError, RuntimeError, MemoryError):
        raise
    except Exception as problem:
        lines = [line.strip(" x|`->") for line in str(problem).splitlines()]
        raise OSError(next(filter(None, lines), type(problem).__name__)) from problem


class NoLock:
    """Lock of what has none."""

    def release(self) -> None:
        """Nothing to let go of."""


def lock(path: Any, folder: bool = False) -> Any:
    """Hold a location for this run, as `dycore.files.lock`; at an address nothing is held, of which a run warns once."""
    if is_here(path):
        return files.lock(path, folder)
    if path.suffix != ".icechunk":  # a second run is found out by its commits
        warn_once(f"{path.protocol}:// has no locks: see to it that no second run writes to the same paths. To one that ends in "
                  ".icechunk a second run cannot write unnoticed.")
    return NoLock()


def fresh(folder: Any) -> Any:
    """A folder of which nothing is remembered: what others have put there since is found."""
    if not is_here(folder):
        folder.fs.invalidate_cache()
    return folder
