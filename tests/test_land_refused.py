"""Nonsense for the land: the right result or a sentence, of every argument."""

import malformed_calls
import numpy as np
import pytest
from malformed_calls import Call
from malformed_values import above, field, function, kind, one_of, whole

from dycore import land
from dycore.backends import on_numpy
from dycore.land.parameters import AMOUNT, BELOW_ONE, FRACTION, POSITIVE

CELLS = (6, 8)
PLANES = ((), CELLS, (6, 1), (1, 8), (1, 1))
COLUMNS = land.Land(CELLS, land.Parameters(), on_numpy)
WEATHER = {"latitude": 45.0, "minimum_temperature": 5.0, "maximum_temperature": 15.0, "shortwave": 10.0,
           "vapour_pressure_deficit": 5.0, "precipitation": 2.0, "carbon_dioxide": 400.0, "longwave": 300.0}
DAYS = land.weather(CELLS, np.arange(3.0), **WEATHER)


def columns(**parts):
    made = land.Land(**{"cells": CELLS, "parameters": land.Parameters(), "backend": on_numpy} | parts)
    return made.step(made.start(), DAYS.at(0)) if made.cells == CELLS else made


def of(record):
    """The land with a parameter of carbon or water."""
    place = record.__name__.lower()
    return lambda **values: columns(parameters=land.Parameters(**{place: record(**values)}))


def within(name):
    """A rule of what a parameter may be."""
    kinds = {id(AMOUNT): lambda v: ((v >= 0.0) & (v <= 1e12)).all(),
             id(POSITIVE): lambda v: ((v >= 1e-12) & (v <= 1e12)).all(),
             id(FRACTION): lambda v: ((v >= 0.0) & (v <= 1.0)).all(), id(BELOW_ONE): lambda v: ((v > 0.0) & (v < 1.0)).all()}
    fits = kinds.get(id(land.RANGES[name].kind), lambda v: (abs(v) <= 1e12).all())
    return lambda value: field(*PLANES)(value) and fits(np.asarray(value, float)) and np.isfinite(np.asarray(value, float)).all()


def drivers(least, greatest):
    def rule(value):
        shapes = ((), (3,), (1, 1, 1), (3, 6, 8), (1, 6, 8), (3, 1, 1))
        return field(*shapes)(value) and bool(((np.asarray(value, float) >= least) & (np.asarray(value, float) <= greatest)).all())

    return rule


def cells(value):
    return isinstance(value, (tuple, list)) and len(value) == 2 and all(whole(n) and float(n) >= 1 for n in value)


LAND = {
    "Land": Call(columns, {}, {
        "cells": cells, "parameters": kind(land.Parameters), "backend": lambda v: v is on_numpy or hasattr(v, "communication"),
        "photosynthesis": function, "process": function, "days": lambda v: above(v) and 1e-6 <= float(v) <= 1.0,
        "precision": one_of("float64", "float32")}),
    "Carbon": Call(of(land.Carbon), {}, {name: within(name) for name in land.Carbon._fields}),
    "Water": Call(of(land.Water), {}, {name: within(name) for name in land.Water._fields}),
    "weather": Call(lambda **parts: land.weather(**{"cells": CELLS, "days": np.arange(3.0)} | parts), WEATHER, {
        "cells": cells, "days": lambda v: isinstance(v, (list, tuple, np.ndarray, range, memoryview)),
        "latitude": lambda v: field(*PLANES)(v) and bool((abs(np.asarray(v, float)) <= 90.0).all()),
        "minimum_temperature": drivers(-100.0, 15.0), "maximum_temperature": drivers(5.0, 70.0), "shortwave": drivers(0.0, 100.0),
        "vapour_pressure_deficit": drivers(0.0, 200.0), "precipitation": drivers(0.0, 5000.0),
        "carbon_dioxide": drivers(10.0, 1e5), "longwave": lambda v: v is None or drivers(0.0, 1000.0)(v)}),
    "step": Call(COLUMNS.step, {"state": COLUMNS.start(), "weather": DAYS.at(0)}, {
        "state": kind(land.LandState), "weather": kind(land.Weather)}),
    "run of land": Call(COLUMNS.run, {"state": COLUMNS.start(), "weather": DAYS}, {
        "state": kind(land.LandState), "weather": kind(land.Weather), "see": lambda v: v is None or callable(v), "every": whole}),
    "with_values": Call(land.with_values, {"parameters": land.Parameters(), "values": {"albedo": 0.1}}, {
        "parameters": kind(land.Parameters), "values": kind(dict)}),
}


@pytest.mark.parametrize("name", LAND)
def test_an_argument_that_is_nonsense_is_refused_in_a_sentence(name):
    tried = [each for each in malformed_calls.attempts(LAND) if each[0] == name]
    tried = tried if len(tried) < 1500 else malformed_calls.random.Random(3).sample(tried, 500)
    problems = [said for attempt in tried if (said := malformed_calls.problem_of(LAND, attempt))]
    assert not problems, "\n".join(problems[:20])


@pytest.mark.parametrize("change, said", [
    ({"canopy_efficiency": -1.0}, r"canopy_efficiency must be numbers that are not negative, up to 1e12 \(g C/\(m2 leaf day\)\)"),
    ({"leaf_fall_fraction": 1.0}, r"leaf_fall_fraction must be numbers above 0 and below 1 \(1\), and has others, being 1\."),
    ({"root_turnover": np.full(CELLS, 1.5)}, r"root_turnover must be numbers from 0 to 1 \(1/day\), and has others, at 48 of 48"),
    ({"initial_wood": np.ones((3, 2))}, r"initial_wood has shape \(3, 2\); the grid needs"),
    ({"albedo": np.nan}, "albedo has values that are not finite numbers"),
    ({"canopy_eficiency": 10.0}, "The land has no parameter 'canopy_eficiency'. Its parameters are decomposition_rate"),
])
def test_parameters_without_sense_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        land.Land(CELLS, land.with_values(land.Parameters(), change), on_numpy)


@pytest.mark.parametrize("change, said", [
    ({"maximum_temperature": 288.0}, r"maximum_temperature has values that are not within -100 to 70 degrees C, at 1 of 1 points"),
    ({"maximum_temperature": 0.0}, "minimum_temperature is above maximum_temperature in some of the steps"),
    ({"shortwave": np.ones(4)}, r"shortwave has shape \(4,\)\. Give a number, a series \[time\] of shape \(3,\) or planes"),
    ({"precipitation": [1.0, np.nan, 1.0]}, r"precipitation has values that are not within 0 to 5000 mm/day, at 1 of 3 .* nan"),
    ({"latitude": 91.0}, r"latitude=91\.0 goes beyond the poles"),
])
def test_weather_without_sense_is_refused(change, said):
    with pytest.raises(ValueError, match=said):
        land.weather(CELLS, np.arange(3.0), **WEATHER | change)


def test_a_state_or_weather_of_other_columns_is_refused():
    other = land.Land((2, 8), land.Parameters(), on_numpy)
    with pytest.raises(ValueError, match=r"labile of the state is float64 \[2, 8\], and this land has float64 \[6, 8\]"):
        COLUMNS.step(other.start(), DAYS.at(0))
    with pytest.raises(ValueError, match=r"minimum_temperature of the weather has the shape \(1, 1, 1\), .* as Weather\.at gives"):
        COLUMNS.step(COLUMNS.start(), DAYS)
    wide = land.weather((2, 8), np.arange(3.0), **WEATHER | {"shortwave": np.ones((3, 2, 8))})
    with pytest.raises(ValueError, match=r"shortwave of the weather has the shape \(3, 2, 8\), and the land has 6 x 8 columns"):
        COLUMNS.run(COLUMNS.start(), wide)


def test_pools_that_are_no_longer_finite_end_a_run():
    growing = land.Land(CELLS, land.Parameters(), on_numpy, photosynthesis=lambda canopy, *_: canopy.leaf_area * np.inf)
    with pytest.raises(FloatingPointError, match="Pools are no longer finite numbers after the run"):
        growing.run(growing.start(), DAYS)
