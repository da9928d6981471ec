"""More calls for `malformed_calls`: time series, modules, closures, other numbers for a model, restarts, pictures, datasets."""

import datetime
from dataclasses import replace
from unittest import mock

import numpy as np
import xarray
from malformed_calls import GRID, MODEL, SPHERE, START, Call, above, anywhere, cell_numbers, model, precision, with_record
from malformed_values import (
    CELLS,
    PLANES,
    PRESSURES,
    VOLUMES,
    at_least,
    either,
    field,
    function,
    kind,
    nothing,
    number,
    numbers,
    one_of,
    truth,
)

from dycore import calendars, cases, datasets, directions, pictures, restart, stability
from dycore.closures import EddyKineticEnergy, Visbeck
from dycore.closures.eddy_kinetic_energy import POSITIVE
from dycore.equations.eddies import Eddies
from dycore.fluid import Ocean
from dycore.forcing import Forced, Module
from dycore.grid import Grid, latitude_longitude
from dycore.output import state_from_dataset
from dycore.parameters import Parameters
from dycore.physics import surface_flux
from dycore.physics.surface import Flux
from dycore.running import time_steps
from dycore.state import Prognostic, State
from dycore.tiles import Place
from dycore.time_series import TimeSeries


def unforced(on, grid, at, values, weights):
    return Forced()


class Resting:
    """A closure whose fields stay as they are."""

    def __init__(self, *prognostics):
        self.prognostics = prognostics

    def advance(self, on, equations, time_step, at, start):
        return start


FORCED = model(forcing=(surface_flux(0, 1.0e-5),), diffusivity=1.0)
HEATED = surface_flux(0, TimeSeries([0.0, 3600.0], [1.0e-5, 2.0e-5]))
DATA = MODEL.dataset(START)
FIELD = pictures.field(DATA, "temperature")
SERIES = pictures.field(xarray.concat([DATA, DATA.assign_coords(time=DATA.time + 86400.0)], "time"), "temperature")
ATLAS = DATA[["temperature"]].rename(x="lon", y="lat").assign_coords(lon=45.0 * np.arange(8), lat=np.linspace(-90.0, 90.0, 6))


def coasts(ny, nx, latitudes):
    """In place of those of the package: a continent."""
    return np.broadcast_to(np.arange(nx) < nx // 4, (ny, nx)).astype(float)


def global_ocean(**arguments):
    with mock.patch("dycore.cases.global_ocean.land_fraction", coasts):
        return cases.global_ocean(**arguments)


def with_start(**arguments):
    return model(start=calendars.date(**arguments))


def heated(**arguments):
    return model(forcing=(surface_flux(0, TimeSeries(**arguments)),)).step(START)


def carried(**arguments):
    return model(closures=(Resting(Prognostic(**arguments)),)).step(START)


def other_numbers(**arguments):
    return FORCED.with_parameters(replace(FORCED.parameters, **arguments)).step(START)


def rows(value):
    """Two records of planes."""
    try:
        return len(value) == 2 and not isinstance(value, (str, bytes, set, dict)) and all(map(field(*PLANES), value))
    except TypeError:
        return False


def is_ragged(value):
    """Whether a value is a list of layers of different shapes."""
    try:
        return isinstance(value, list) and np.ndim(value) < 0
    except ValueError:
        return True


def all_real(value):
    """Weights: arrays of real numbers in nested tuples and lists, or what is no array."""
    if isinstance(value, tuple) or is_ragged(value):
        return all(map(all_real, value))
    return not isinstance(value, (list, np.ndarray)) or np.ndim(value) == 0 or field(np.shape(value))(value)


def component(value):
    """Numbers [..., j, i], NaN where there are none."""
    try:
        array = np.ma.getdata(np.asanyarray(value, float))
    except (TypeError, ValueError, OverflowError):
        return False
    fits = array.ndim < 5 and all(n in (1, cells) for n, cells in zip(array.shape[::-1], CELLS[:0:-1], strict=False))
    return value is None or (fits and field(array.shape)(np.nan_to_num(array)))


increasing = lambda value: numbers(2)(value) and float(value[0]) < float(value[1])  # noqa: E731
places, degrees = kind(Place), either(nothing, lambda v: numbers(2)(v) and abs(float(v[1])) <= 90.0)
signed = field((), (CELLS[0],), *VOLUMES)
ours, state, anything = kind(type(MODEL)), kind(State), lambda value: True
moment = one_of("2000-01-31", "2000-01-31 12:00:00")
fluxes = lambda value: isinstance(value, (tuple, list)) and len(value) == 1 and isinstance(value[0], Flux)  # noqa: E731
picture = {"projection": either(nothing, function), "longitude": number}

MORE = {
    "TimeSeries": Call(heated, {"times": [0.0, 3600.0], "values": [1.0e-5, 2.0e-5]}, {
        "times": increasing, "values": rows, "period": either(nothing, lambda v: number(v) and float(v) > 3600.0),
        "extend": truth}),
    "Module": Call(lambda **parts: model(forcing=(Module(**parts),)).step(START), {"function": unforced}, {
        "function": function, "values": anything, "weights": all_real}),
    "Prognostic": Call(carried, {"name": "age", "place": Place.CENTER, "unit": "s"}, {
        "name": one_of("nan", "float16", "none", "x" * 300), "place": places, "unit": kind(str),
        "minimum": either(number, lambda v: isinstance(v, float) and v == -np.inf), "start": signed, "levels": truth}),
    "closures": Call(model, {}, {"closures": one_of((), [])}),
    "Eddies": Call(with_record("eddies", Eddies), {"neutral_diffusivity": 10.0, "greatest_slope": 1e-3}, {
        "neutral_diffusivity": either(nothing, anywhere), "transport_diffusivity": either(nothing, anywhere),
        "greatest_slope": above}),
    "Visbeck": Call(lambda **parts: model(eddies=Eddies(transport_diffusivity=Visbeck(**parts))), {},
                    dict.fromkeys(Visbeck._fields, at_least)),
    "EddyKineticEnergy": Call(lambda **parts: model(eddies=Eddies(transport_diffusivity=EddyKineticEnergy(**parts))), {},
                              dict.fromkeys(EddyKineticEnergy._fields, at_least) | dict.fromkeys(POSITIVE, above)),
    "seawater": Call(lambda **parts: model(fluid=Ocean(**parts)).step(START), {}, {
        "thermal_expansion": signed, "haline_contraction": signed, "reference_temperature": signed}),
    "with_parameters": Call(MODEL.with_parameters, {"parameters": MODEL.parameters}, {"parameters": kind(Parameters)}),
    "other numbers": Call(other_numbers, {}, {
        "time_step": above, "diffusivity": anywhere, "forcing": fluxes, "polar_damping": either(above, lambda v: v == np.inf)}),
    "steps with forcing": Call(FORCED.steps, {"state": START, "n": 1, "forcing": (Flux(2.0e-5),)}, {
        "state": state, "forcing": either(nothing, fluxes)}),
    "values of a forcing": Call(lambda flux: FORCED.steps(START, 1, forcing=(Flux(flux),)), {"flux": 2.0e-5}, {
        "flux": field(*PLANES[1:])}),
    "restart.write a model": Call(restart.write, {"path": "x.npz", "model": MODEL, "state": START}, {"model": ours}),
    "restart.read a model": Call(lambda model: restart.read(restart.write("y.npz", MODEL, START), model), {"model": MODEL}, {
        "model": ours}),
    "pole": Call(latitude_longitude, {"cells": CELLS, "interfaces": PRESSURES, "latitudes": (-20.0, 20.0),
                                      "longitudes": (-30.0, 30.0)}, {"pole": degrees, "coriolis": either(nothing, function)}),
    "global_ocean": Call(global_ocean, {"cells": (4, 6, 8)}, {
        "cells": cell_numbers, "precision": precision, "time_step": either(nothing, above), "tripolar": truth}),
    "suggested_time_step": Call(stability.suggested_time_step, {"grid": GRID, "parameters": MODEL.parameters}, {
        "grid": kind(Grid), "parameters": kind(Parameters), "state": either(nothing, state)}),
    "retimed": Call(time_steps.retimed, {"state": START, "before": 60.0, "after": 30.0}, {
        "state": state, "before": above, "after": above}),
    "to_east_north": Call(directions.to_east_north, {"grid": SPHERE, "u": 1.0, "v": 1.0}, {
        "grid": kind(Grid), "u": component, "v": component}),
    "along_grid": Call(directions.along_grid, {"grid": SPHERE, "eastward": 1.0, "northward": 1.0}, {
        "grid": kind(Grid), "eastward": component, "northward": component, "place": places}),
    "date": Call(with_start, {"text": "2000-01-31"}, {"text": moment, "calendar": one_of("standard")}),
    "seconds": Call(calendars.seconds, {"dates": [datetime.datetime(2000, 1, 2)], "start": calendars.date("2000-01-01")}, {
        "dates": lambda v: isinstance(v, (np.datetime64, np.ndarray)) and v.dtype.kind == "M", "start": nothing}),
    "monthly": Call(calendars.monthly, {"values": np.ones(12)}, {"values": nothing, "start": nothing}),
    "dataset to state": Call(state_from_dataset, {"model": MODEL, "dataset": DATA}, {"model": ours, "dataset": kind(type(DATA))}),
    "covering": Call(datasets.covering, {"data": ATLAS, "grid": SPHERE}, {
        "data": kind(type(DATA)), "grid": kind(Grid), "longitude": one_of("lon"), "latitude": one_of("lat")}),
    "cell_places": Call(datasets.cell_places, {"grid": SPHERE}, {
        "grid": kind(Grid), "longitude": kind(str), "latitude": kind(str)}),
    "in_units": Call(datasets.in_units, {"field": DATA["temperature"], "wanted": "K"}, {
        "field": kind(type(FIELD)), "wanted": one_of("degree_C")}),
    "pictures.field": Call(pictures.field, {"dataset": DATA, "name": "temperature"}, {
        "dataset": kind(type(DATA)), "name": one_of("temperature"), "level": either(nothing, at_least),
        "time": either(nothing, lambda v: number(v) and abs(float(v)) <= 0.5)}),
    "map_of": Call(pictures.map_of, {"field": FIELD}, {"field": kind(type(FIELD))} | picture),
    "section": Call(pictures.section, {"field": FIELD, "x": 100.0}, {"field": kind(type(FIELD)), "x": number}),
    "series": Call(pictures.series, {"fields": [SERIES]}, {"fields": nothing}),
    "animation": Call(pictures.animation, {"field": SERIES, "path": None}, {"path": nothing} | picture),
}
