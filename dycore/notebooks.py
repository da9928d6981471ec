"""Errors in notebooks and in IPython without what is inside dycore, where it refuses something in a sentence of its own.

The sentence comes last, right below the line of the user that it is about. A fault of dycore or of a library is shown whole: short
is only what ends at a `raise` of dycore. `%tb` shows the whole of that too, and `%debug` goes into it.

    dycore.notebooks.short_errors(False)        # as IPython shows other errors

Importing dycore calls `short_errors()`, unless somebody else has a handler of errors there.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

from dycore.inputs.own_errors import is_of_dycore, is_raised_by_dycore

HANDLED = (Exception,)  # kinds of errors; that it is this tuple tells our handler from that of another


def short_errors(wanted: bool = True) -> None:
    """Errors of dycore in the running IPython, shortened or as other errors. Outside IPython nothing happens."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None and (not shell.custom_exceptions or shell.custom_exceptions is HANDLED):
        shell.set_custom_exc(*((HANDLED, show) if wanted else ((), None)))


def show(shell: Any, kind: type, problem: BaseException, trace: TracebackType, tb_offset: int | None = None) -> None:
    """An error as IPython shows it, of one that dycore raises only what is outside."""
    if not is_raised_by_dycore(trace):
        shell.showtraceback((kind, problem, trace), tb_offset=tb_offset)
        return
    cause, suppressed = problem.__cause__, problem.__suppress_context__
    problem.__cause__, problem.__suppress_context__ = None, True
    try:
        shell.showtraceback((kind, problem, outside(trace)), tb_offset=tb_offset)
    finally:
        problem.__cause__, problem.__suppress_context__ = cause, suppressed
        sys.last_traceback = trace  # for %tb and %debug


def outside(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of dycore."""
    if trace is None:
        return None
    rest = outside(trace.tb_next)
    return rest if is_of_dycore(trace) else TracebackType(rest, trace.tb_frame, trace.tb_lasti, trace.tb_lineno)
