"""Validation programs: each runs a published case and holds the core against its published numbers.

A program is a function (backend, short) -> Evidence (dycore.validation.evidence). `short` is the version
that the tests run: the same comparison at a resolution or over a time that takes seconds. A backend is
one with its verbs (`dycore.backends.on_numba.create()`). Run them with `dycore validate`.
"""

from __future__ import annotations

from collections.abc import Callable

from dycore.validation.baroclinic_wave import jablonowski_williamson_steady, jablonowski_williamson_wave
from dycore.validation.budgets import budgets, lake_at_rest
from dycore.validation.evidence import Evidence, Kind, Row, close_to, within
from dycore.validation.held_suarez import held_suarez
from dycore.validation.transport import deformational_flow, tracer_over_the_pole

_ALL: tuple[Callable[..., Evidence], ...] = (
    held_suarez,
    jablonowski_williamson_steady,
    jablonowski_williamson_wave,
    deformational_flow,
    tracer_over_the_pole,
    lake_at_rest,
    budgets,
)

PROGRAMS = {program.__name__: program for program in _ALL}

__all__ = ["PROGRAMS", "Evidence", "Kind", "Row", "close_to", "within"]
