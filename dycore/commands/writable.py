"""Whether files can be written where a user wants them, found out before the work."""

import tempfile
from pathlib import Path

from dycore.files import end_of_links


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
