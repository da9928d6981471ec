"""The log of a run in a file, without which the run goes on where it can no longer be written."""

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

from dycore.commands.loading import launched
from dycore.commands.problems import BadInput
from dycore.files import DiskWarning, why
from dycore.running.progress import LOG, discard


class LogFile(logging.FileHandler):
    """A file of a log, given up with a warning when it cannot be written, such as on a full disk."""

    def handleError(self, record: logging.LogRecord) -> None:  # as Python calls it
        problem = sys.exc_info()[1]
        if not isinstance(problem, OSError) or self.stream is None:
            super().handleError(record)
            return
        discard(self.stream)  # first: the warning goes to the log, too
        warnings.warn(f"The log '{self.baseFilename}' can no longer be written: {why(problem)}. The run goes on without it.",
                      DiskWarning, stacklevel=2)


@contextlib.contextmanager
def logged(path: Path | None) -> Iterator[None]:
    """On the first rank, what is told to the log goes to a file as well, and so does what ends the run."""
    if path is None or launched()[0] > 0:
        yield
        return
    try:
        handler = LogFile(path, encoding="utf-8", errors="backslashreplace")
    except OSError as problem:
        raise BadInput(f"the log '{path}' cannot be opened: {problem.strerror}.") from problem
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    level = LOG.level
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    try:
        yield
    except Exception as problem:
        LOG.error(problem)
        raise
    finally:
        LOG.removeHandler(handler)
        LOG.setLevel(level)
        handler.close()
