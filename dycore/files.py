"""Files that are there whole or not at all, folders that one run has to itself, and failures that all processes speak of."""

from __future__ import annotations

import codecs
import errno
import os
import re
import shutil
import socket
import tomllib
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

# what is said of a service that a disk does not offer: ENOSYS by Lustre without -o flock, ENOLCK by NFS without lockd, EINVAL
# of the names in a folder by CIFS, VirtualBox and FUSE
NOT_OFFERED = {errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP}
ADDRESS = re.compile(r"[A-Za-z][\w+.-]+:/")  # also one of which pathlib.Path has left one slash
LONGEST = 255  # bytes of a name, on all disks that matter
ZEROS = 2**20  # bytes written at a time where room cannot be reserved
NOT_OFFERED_OF_FOLDERS = NOT_OFFERED | {errno.EINVAL, errno.EBADF, errno.EISDIR, errno.EACCES}


class WritingFailed(RuntimeError):
    """Output or a restart that could not be written; the message says what and why."""


class DiskWarning(UserWarning):
    """Warning of what a disk does not offer, and what is lost without."""


@cache
def warn_once(sentence: str) -> None:
    """Warn, once in a process; filters of warnings alone forget what was said."""
    warnings.warn(sentence, DiskWarning, stacklevel=3)


def why(problem: BaseException) -> str:
    """The reason in short, without a full stop."""
    return (getattr(problem, "strerror", None) or str(problem) or type(problem).__name__).rstrip(".")


def raise_on_all(communication: Any, problem: Exception | None) -> None:
    """Raise, on all processes, the problem of the first that has one."""
    first = communication.first(problem)
    if first is not None:
        raise first from None


def by_first(communication: Any, work: Callable[[], Any], failing: str) -> Any:
    """Result of work that rank 0 alone does, on all processes.

    Raises there what it raises: ValueError as it is, and WritingFailed, which begins with `failing`, for all that can go
    wrong with files.
    """
    result = problem = None
    if communication.rank == 0:
        result, problem = attempt(work, failing)
    raise_on_all(communication, problem)
    return communication.first(result)


def attempt(work: Callable[[], Any], failing: str) -> tuple[Any, Exception | None]:
    """(result, None), or (None, the problem)."""
    try:
        return work(), None
    except ValueError as problem:
        return None, problem
    except (OSError, RuntimeError, MemoryError) as problem:
        return None, problem if isinstance(problem, WritingFailed) else WritingFailed(f"{failing}: {why(problem)}.")


def at_home(path: str | Path) -> Path:
    """A path in which a first ~ or ~user is the home that it stands for. Raises ValueError where there is no such home."""
    text = str(path) if isinstance(path, (str, os.PathLike)) else ""
    if not text or "\0" in text or len(os.fsencode(Path(text).name)) > LONGEST:
        raise ValueError(f"{path!r:.80} is no path. Give the name of a file or a folder, as text or pathlib.Path, with at most "
                         f"{LONGEST} bytes after the last slash.")
    if ADDRESS.match(text):
        lost = "has lost a slash of its address as a pathlib.Path: give it as text" if "://" not in text else "is an address"
        raise ValueError(f"'{text}' {lost}, where that can be read or written; here name a file of this machine.")
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ValueError(f"'{path}' begins with a home that is not known here. Write './{path}' for a file of that name.") from None


def read_text(path: Path) -> str:
    """Text of a file in UTF-8, without the mark that some editors put first.

    Raises ValueError for other encodings, and OSError for what cannot be read.
    """
    held = path.read_bytes()
    if held.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError("it is in UTF-16; save it in UTF-8")
    try:
        return held.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = held.count(b"\n", 0, problem.start) + 1
        raise ValueError(f"{problem} (in line {line}); save it in UTF-8") from None


def read_toml(path: str | Path) -> dict[str, Any]:
    """The table in a TOML file. Raises ValueError, in a sentence, for a path or a file that cannot be read, and what is no TOML."""
    place = at_home(path)
    try:
        return tomllib.loads(read_text(place))
    except OSError as problem:
        raise ValueError(f"'{path}' cannot be read: {why(problem)}.") from problem
    except (ValueError, RecursionError) as problem:  # also of what is no UTF-8
        raise ValueError(f"'{path}' is not TOML: {why(problem)}.") from problem


def end_of_links(path: Path) -> Path:
    """Path at the end of all links, whether something is there or not. Raises OSError for links in a circle."""
    end = Path(os.path.realpath(path))
    if end.is_symlink():
        raise OSError(errno.ELOOP, f"'{end}' is a link that leads back to itself")
    return end


def make_folder(path: Path) -> None:
    """Make a folder, with those that it is in, where there is none; at the end of links that lead to nothing."""
    end_of_links(path).mkdir(parents=True, exist_ok=True)


def aside(path: Path) -> Path:
    """Path at which a file or folder is written before it takes its name."""
    return path.with_name(f".{path.name}.partial")


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A place to write a file or a folder, which takes its name when it is complete and on the disk, or is removed.

    A link stays, and what it leads to is replaced.
    """
    end = end_of_links(path)
    if path.is_symlink() and not end.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, f"it is a link to '{end}', and there is no folder '{end.parent}'")
    partial = aside(end)
    remove(partial)
    try:
        yield partial
        if partial.is_file():
            synchronize(partial)
        os.replace(partial, end)
        synchronize(end.parent)
    finally:
        with suppress(OSError):
            remove(partial)


def synchronize(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk; warn once where a disk cannot say so."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as problem:
        folder = path.is_dir()
        if problem.errno not in (NOT_OFFERED_OF_FOLDERS if folder else NOT_OFFERED):
            raise
        warn_once(f"This disk does not say when {'the names in a folder' if folder else 'a file'} can no longer be lost (fsync: "
                  f"{why(problem)}): after a power failure the newest files may be missing. All else is as on other disks.")


def reserve(path: Path, size: int) -> None:
    """Make a file longer by so many bytes, so that there is room for them. Raises OSError where there is none."""
    with open(path, "r+b") as file:
        end = file.seek(0, os.SEEK_END)
        try:
            os.posix_fallocate(file.fileno(), 0, end + size)
        except (AttributeError, OSError) as problem:  # AttributeError: the system has no such call
            if isinstance(problem, OSError) and problem.errno not in NOT_OFFERED | {errno.EINVAL, errno.ENODEV}:
                raise
            # as good, and slower: nothing is lost
            for begun in range(0, size, ZEROS):
                file.write(bytes(min(ZEROS, size - begun)))
            file.flush()
            synchronize(path)  # some disks say that they are full only now


def save_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays to a file in NumPy's npz format, under any names: as `numpy.savez`, whose own arguments some names are."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, values in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(values), allow_pickle=False)


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all that is in it, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def lock(path: Path, folder: bool = False) -> Any:
    """Hold a file, or a folder, for this run, until `release` of what is returned or the end of the process.

    Where a link leads it is the end that is held. Raises ValueError where another run holds it or nothing can be written there.
    """
    try:
        from filelock import FileLock, Timeout
    except ImportError:
        raise ValueError("Writing during a run needs filelock: install dycore with the extra 'io' "
                         "(pip install 'dycore[io]').") from None
    try:
        end = end_of_links(path)
        file = end / ".lock" if folder else end.with_name(f".{end.name}.lock")
        make_folder(file.parent)
        held = FileLock(file, fallback_to_soft=False)
        try:
            held.acquire(timeout=0)
            file.write_text(f"process {os.getpid()} on {socket.gethostname()}")
        except Timeout:
            holder = file.read_text() or "another process"
            raise ValueError(f"'{path}' is being written by another run ({holder}). Name another, or wait for its end.") from None
        except OSError as problem:
            if problem.errno not in NOT_OFFERED:
                raise
            return lock_by_a_file(file.with_name(f"{file.name}ed"), path, why(problem))
    except OSError as problem:
        raise ValueError(f"Nothing can be written to '{path}': {why(problem)}. Name another place.") from None
    return held


def lock_by_a_file(file: Path, path: Path, lacking: str) -> Any:
    """Lock where a disk has none: a file that is there as long as a run holds the path.

    That of a run that was killed on this machine is taken over. Raises ValueError for that of another.
    """
    from filelock import SoftFileLock, Timeout

    warn_once(f"This disk has no locks (flock: {lacking}): a file is in their place, which stays where a run is killed. The next "
              "run on the same machine takes it over; from another machine it has to be removed by hand.")
    held = SoftFileLock(file)
    try:
        held.acquire(timeout=0.5, poll_interval=0.05)
    except Timeout:
        process, host = ([*file.read_text().split("\n"), "", ""])[:2]  # what filelock writes
        holder = f"process {process} on {host.partition('?')[0]}" if process and host else "another process"
        raise ValueError(f"'{path}' is being written by another run ({holder}), or by one that was killed, which a disk without "
                         f"locks does not tell. Name another, wait for its end, or remove '{file}' if it has ended.") from None
    return held
