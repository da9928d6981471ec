"""Validation programs: each runs a published case and holds the core against its published numbers.

A program is a function (backend, short) -> Evidence (dycore.validation.evidence). `short` is the version
that the tests run: the same comparison at a resolution or over a time that takes seconds. A backend is
one with its verbs (`dycore.backends.on_numba.create()`). Run them with `dycore validate`.
"""

from __future__ import annotations

from collections.abc import Callable

from dycore.validation.baroclinic_wave import jablonowski_williamson_steady, jablonowski_williamson_wave
from dycore.validation.barotropic_jet import galewsky
from dycore.validation.budgets import budgets, lake_at_rest
from dycore.validation.channel import channel_with_ridge
from dycore.validation.deformational_flow import deformational_flow
from dycore.validation.eady import eady
from dycore.validation.evidence import Evidence, Kind, Row, close_to, within
from dycore.validation.global_ocean import global_ocean
from dycore.validation.gyre import wind_driven_gyre
from dycore.validation.held_suarez import held_suarez
from dycore.validation.mixed_layers import free_convection, kato_phillips
from dycore.validation.shallow_water import williamson_2, williamson_5, williamson_6
from dycore.validation.solid_body_rotation import tracer_over_the_pole
from dycore.validation.tripolar_ocean import tripolar_ocean
from dycore.validation.waves import linear_waves

_ALL: tuple[Callable[..., Evidence], ...] = (
    budgets,
    channel_with_ridge,
    deformational_flow,
    eady,
    free_convection,
    galewsky,
    global_ocean,
    held_suarez,
    jablonowski_williamson_steady,
    jablonowski_williamson_wave,
    kato_phillips,
    lake_at_rest,
    linear_waves,
    tracer_over_the_pole,
    tripolar_ocean,
    williamson_2,
    williamson_5,
    williamson_6,
    wind_driven_gyre,
)

PROGRAMS = {program.__name__: program for program in _ALL}

__all__ = ["PROGRAMS", "Evidence", "Kind", "Row", "close_to", "within"]
