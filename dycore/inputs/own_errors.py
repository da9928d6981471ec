"""Errors that dycore raises, told from faults: the traceback ends at a `raise` of dycore, not at a line that went wrong."""

from __future__ import annotations

import dis
from types import TracebackType


def is_raised_by_dycore(trace: TracebackType) -> bool:
    """Whether the innermost frame is one of dycore and stands at a `raise`, not at a line that went wrong."""
    while trace.tb_next is not None:
        trace = trace.tb_next
    raises = dis.opname[trace.tb_frame.f_code.co_code[trace.tb_lasti]] == "RAISE_VARARGS"
    return raises and is_of_dycore(trace)


def is_of_dycore(trace: TracebackType) -> bool:
    """Whether a frame is one of dycore."""
    return str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0] == "dycore"
