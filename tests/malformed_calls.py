"""Calls of the Python interface with one argument that is nonsense, or makes sense in other dress than the usual one.

CALLS are the functions by name, with arguments that make sense and, for each, a rule that says of another value whether it
may be taken. Every call has to give a result, where the rule takes the value, or a sentence of dycore's own.
"""

import random
import traceback
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from malformed_values import (
    CELLS,
    LEVELS,
    PLANES,
    PRESSURES,
    VOLUMES,
    above,
    at_least,
    either,
    field,
    function,
    kind,
    nothing,
    number,
    numbers,
    one_of,
    path,
    truth,
    values,
    whole,
)

import dycore
from dycore import cases, closures, physics, restart, writing
from dycore.backends import on_numpy
from dycore.closures import Convective, PacanowskiPhilander, TurbulentKineticEnergy, Uniform
from dycore.closures.turbulent_kinetic_energy import POSITIVE
from dycore.equations import steppers
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Atmosphere, Ocean, shallow_water
from dycore.forcing import Forcing
from dycore.grid import latitude_longitude, rectilinear, tripolar
from dycore.inputs.choices import SEAWATER
from dycore.parameters import Mixing, Parameters
from dycore.physics.short_wave import Water
from dycore.state import initial_state
from dycore.tiles import Boundary
from dycore.vertical import stretched, uniform


class Call(NamedTuple):
    """A function, arguments that make sense, and by which rule other values of each are taken."""

    function: Any
    usual: dict[str, Any]
    rules: dict[str, Any]


class Outcome(NamedTuple):
    """What came of a call: 'taken', 'refused', or what is wrong with it."""

    verdict: str
    said: str


def outcome(call, changes):
    """Of one call with some arguments replaced."""
    if any(argument in ("n", "steps", "days") and call.function.__name__ in ("run", "steps") and number(value)
           and float(value) > (0.1 if argument == "days" else 20) for argument, value in changes.items()):
        return Outcome("taken", "too long to try")
    try:
        call.function(**(call.usual | changes))
    except (ValueError, TypeError, IndexError) as problem:
        frames = traceback.extract_tb(problem.__traceback__)
        sentence = str(problem)
        own = "/dycore/" in frames[-1].filename and "raise" in (frames[-1].line or "")
        whole = len(sentence) > 20 and sentence.endswith((".", "?", ")")) and len(sentence) < 900
        verdict = "refused" if own and whole else "not a sentence of ours"
        return Outcome(verdict, f"{type(problem).__name__}: {sentence} [{Path(frames[-1].filename).name}:{frames[-1].lineno}]")
    except Exception as problem:
        frame = traceback.extract_tb(problem.__traceback__)[-1]
        return Outcome("a traceback", f"{type(problem).__name__}: {problem} [{Path(frame.filename).name}:{frame.lineno}]")
    return Outcome("taken" if all(call.rules[argument](value) for argument, value in changes.items()) else "nonsense taken", "")


GRID = rectilinear(CELLS, extent=(8.0e5, 6.0e5), interfaces=LEVELS)
SPHERE = latitude_longitude(CELLS, interfaces=PRESSURES)
START = initial_state(GRID, surface=0.0, tracers=(10.0, 35.0))
PARAMETERS = {"fluid": Ocean(), "time_step": 60.0, "tracer_names": ("temperature", "salinity")}
MODEL = dycore.Model(GRID, Parameters(**PARAMETERS), on_numpy)


def model(**changes):
    return dycore.Model(GRID, Parameters(**(PARAMETERS | changes)), on_numpy)


def with_record(name, record):
    """A model with a record of parameters that is made of the arguments."""
    return lambda **parts: model(**{name: record(**parts)})


def mixed(scheme, record):
    return lambda **parts: model(vertical_mixing=VerticalMixing(scheme, record(**parts)))


def written(record, **usual):
    """A run that writes."""
    def run(**parts):
        made = record(**(usual | parts))
        return MODEL.run(START, steps=1, progress=False, **({"restarts": made} if record is restart.Restarts else
                                                            {"write": (made,)}))
    return run


switch, levels = truth, numbers(5)


def positive_field(*shapes):
    """Numbers that are not negative, one or in one of these shapes."""
    rule = field((), *shapes)
    return lambda value: at_least(value) or (rule(value) and bool((np.ma.filled(np.ma.asarray(value, float), np.nan) >= 0.0).all()))


anywhere, on_floor = positive_field((CELLS[0],), *PLANES, *VOLUMES), positive_field(*PLANES)
has_restarts = lambda value: isinstance(value, (str, Path)) and any(Path(value).glob("restart_*.npz"))  # noqa: E731
increasing = lambda value: field((5,))(value) and (np.diff(np.asarray(value, float)) > 0.0).all()  # noqa: E731
cell_numbers = lambda value: numbers(3)(value) and all(float(n) >= 1 and float(n) == int(n) for n in value)  # noqa: E731
precision = one_of("float32", "float64")
IN_COMMON = {"cells": cell_numbers, "interfaces": increasing, "bottom": either(nothing, field(*PLANES)),
             "land": either(nothing, field(*PLANES)), "terrain_following": switch, "partial_cells": either(nothing, above),
             "precision": precision}
USUAL = {"cells": CELLS, "interfaces": LEVELS}
shares = lambda value: number(value) and 0.0 <= float(value) <= 1.0  # noqa: E731
positive_days = above

CALLS = {
    "rectilinear": Call(rectilinear, USUAL | {"extent": (8.0e5, 6.0e5)}, IN_COMMON | {
        "extent": lambda v: numbers(2)(v) and min(map(float, v)) > 0.0, "x_boundary": one_of(Boundary.WALL),
        "y_boundary": one_of(Boundary.WALL), "coriolis": number, "beta": number}),
    "latitude_longitude": Call(latitude_longitude, USUAL, IN_COMMON | {
        "latitudes": numbers(2), "longitudes": numbers(2), "x_boundary": nothing, "radius": above, "rotation": number,
        "coriolis": either(nothing, function)}),
    "tripolar": Call(tripolar, {"cells": (4, 17, 16), "interfaces": LEVELS}, IN_COMMON | {
        "south": number, "join": number, "pole": number, "radius": above, "rotation": number,
        "coriolis": either(nothing, function)}),
    "with_surface_geopotential": Call(GRID.with_surface_geopotential, {"values": 0.0}, {"values": field(*PLANES)}),
    "uniform": Call(uniform, {"nz": 4, "first": -400.0, "last": 0.0}, {"nz": either(above, whole), "first": number,
        "last": number}),
    "stretched": Call(stretched, {"nz": 4, "depth": 400.0}, {"nz": above, "depth": above, "ratio": above}),
    "shallow_water": Call(lambda gravity: model(fluid=shallow_water(gravity)), {"gravity": 9.8}, {"gravity": at_least}),
    "initial_state": Call(initial_state, {"grid": GRID, "surface": 0.0}, {
        "grid": kind(type(GRID)), "surface": field(*PLANES), "u": field(*VOLUMES), "v": field(*VOLUMES),
        "tracers": lambda v: not len(v) or field((len(v),), *((len(v), *s) for s in VOLUMES))(v) or all(map(field(*VOLUMES), v))}),
    "Model": Call(dycore.Model, {"grid": GRID, "parameters": MODEL.parameters, "backend": on_numpy}, {
        "grid": kind(type(GRID)), "parameters": kind(Parameters), "backend": either(lambda v: v is on_numpy,
        kind(type(MODEL.backend)))}),
    "Parameters": Call(model, {}, {
        "fluid": kind(Ocean), "time_step": above, "substeps": whole,
        "tracer_names": one_of(("temperature", "salinity"), ["temperature", "salinity"]), "tracer_face": function,
        "vertical_face": function, "advection": function, "friction": either(nothing, kind(Mixing)),
        "diffusivity": either(nothing, anywhere), "biharmonic_diffusion": switch, "surface_stress": either(nothing, kind(tuple,
        list), lambda v: isinstance(v, np.ndarray) and v.ndim == 0 and v.item() is None),
        "polar_filter": either(nothing, at_least), "polar_damping": either(above, lambda v: isinstance(v, float) and v == np.inf),
        "extrapolated_pressure": shares, "vertical_mixing": either(nothing, kind(VerticalMixing)), "forcing": kind(tuple, list),
        "stepper": kind(steppers.AdamsBashforth3, steppers.WickerSkamarock)}),
    "Mixing": Call(with_record("friction", Mixing), {}, {
        "divergence": anywhere, "vorticity": anywhere, "biharmonic": switch, "no_slip": switch, "share": function}),
    "VerticalMixing": Call(with_record("vertical_mixing", VerticalMixing), {}, {
        "scheme": function, "values": kind(Uniform, Convective, PacanowskiPhilander), "linear_drag": either(nothing, on_floor),
        "quadratic_drag": either(nothing, on_floor)}),
    "Uniform": Call(mixed(closures.uniform, Uniform), {"viscosity": 0.0, "diffusivity": 0.0},
                    dict.fromkeys(Uniform._fields, anywhere)),
    "Convective": Call(mixed(closures.convective, Convective), {}, dict.fromkeys(Convective._fields, anywhere)),
    "PacanowskiPhilander": Call(mixed(closures.pacanowski_philander, PacanowskiPhilander), {},
                                dict.fromkeys(PacanowskiPhilander._fields, anywhere)),
    "TurbulentKineticEnergy": Call(lambda **parts: model(vertical_mixing=VerticalMixing(TurbulentKineticEnergy(**parts))), {}, {
        **dict.fromkeys(TurbulentKineticEnergy._fields, at_least), **dict.fromkeys(POSITIVE, above), "diffusivity": anywhere,
        "least_prandtl": lambda value: above(value) and float(value) <= 10.0,
        "largest_prandtl": lambda value: at_least(value) and float(value) >= 1.0}),
    "Ocean": Call(with_record("fluid", Ocean), {}, {
        name: function if name in ("buoyancy", "scale") else nothing if name == "rest" else
        field((), (CELLS[0],), *PLANES, *VOLUMES) if name in SEAWATER else number for name in Ocean._fields}),
    "Atmosphere": Call(lambda **parts: dycore.Model(SPHERE, Parameters(
        Atmosphere(**parts), 60.0, tracer_names=("potential_temperature",)), on_numpy), {}, {
        name: function if name in ("buoyancy", "scale") else nothing if name == "rest" else number for name in Atmosphere._fields}),
    "at_rest": Call(Atmosphere().at_rest, {
        "interfaces": np.linspace(0.0, 1e5, 9), "potential_temperature": np.linspace(400, 300, 8)}, {
        "interfaces": nothing, "potential_temperature": field((), (8,)), "tropopause": at_least}),
    "WickerSkamarock": Call(with_record("stepper", steppers.WickerSkamarock), {}, {"theta": shares}),
    "Forcing": Call(lambda **parts: model(forcing=(Forcing(**parts),)), {}, {
        "u": either(nothing, function), "v": either(nothing, function), "tracers": kind(tuple, list), "values": lambda value: True,
        "names": kind(tuple, list)}),
    "surface_flux": Call(lambda **parts: model(forcing=(physics.surface_flux(**parts),)), {"tracer": 0, "flux": 1.0}, {
        "tracer": one_of(0, 1, np.int8(1)), "flux": field(*PLANES)}),
    "heat_flux": Call(lambda **parts: model(forcing=(physics.heat_flux(**parts),)), {"tracer": 0, "flux": 1.0}, {
        "tracer": one_of(0, 1), "flux": field(*PLANES), "density": above}),
    "fresh_water_flux": Call(lambda **parts: model(forcing=(physics.fresh_water_flux(**parts),)), {"tracer": 1, "flux": 1.0}, {
        "tracer": one_of(0, 1), "flux": field(*PLANES), "salinity": above, "density": above}),
    "short_wave": Call(lambda **parts: model(forcing=(physics.short_wave(**parts),)), {"grid": GRID, "tracer": 0, "flux": 1.0}, {
        "grid": kind(type(GRID)), "tracer": one_of(0, 1), "flux": field(*PLANES), "water": kind(Water), "density": above}),
    "surface_relaxation": Call(lambda **parts: model(forcing=(physics.surface_relaxation(**parts),)),
                               {"tracer": 0, "target": 1.0, "seconds": 1.0e5}, {
        "tracer": one_of(0, 1), "target": field(*PLANES), "seconds": either(above, lambda v: isinstance(v,
        float) and v == np.inf)}),
    "physics.held_suarez": Call(physics.held_suarez, {"grid": SPHERE, "fluid": Atmosphere()}, {
        "grid": kind(type(GRID)), "fluid": kind(Atmosphere), "tracer": whole}),
    "run": Call(MODEL.run, {"state": START, "steps": 1, "progress": False}, {
        "state": kind(type(START)), "steps": whole, "progress": switch, "write": one_of((), []), "restarts": nothing,
        "stop": either(nothing, function), "report": either(nothing, function)}),
    "run for days": Call(MODEL.run, {"state": START, "days": 0.001, "progress": False}, {"days": above}),
    "step": Call(MODEL.step, {"state": START}, {"state": kind(type(START))}),
    "steps": Call(MODEL.steps, {"state": START, "n": 1}, {"n": whole}),
    "pure_step": Call(MODEL.pure_step, {"state": START}, {"state": kind(type(START))}),
    "dataset": Call(MODEL.dataset, {"state": START}, {"state": kind(type(START))}),
    "suggested_time_step": Call(MODEL.suggested_time_step, {"state": START}, {"state": either(nothing, kind(type(START)))}),
    "gather": Call(MODEL.gather, {"state": START}, {"state": kind(type(START))}),
    "Snapshots": Call(written(writing.Snapshots, path="s.nc", days=1.0), {}, {
        "path": nothing, "days": above, "fields": either(nothing, one_of(("temperature",), ("temperature", "salinity")))}),
    "Means": Call(written(writing.Means, path="m.nc", days=1.0), {}, {
        "path": nothing, "days": above, "fields": either(nothing, one_of(("temperature",), ("temperature", "salinity"))),
        "samples": above}),
    "Restarts": Call(written(restart.Restarts, folder="r", days=1.0), {}, {"folder": path, "days": above, "keep": above}),
    "restart.read": Call(restart.read, {"path": "none.npz", "model": MODEL}, {"path": nothing}),
    "restart.latest": Call(restart.latest, {"folder": "none"}, {"folder": has_restarts}),
    "restart.write": Call(restart.write, {"path": "x.npz", "model": MODEL, "state": START}, {
        "path": path, "state": kind(type(START))}),
    "cells_for": Call(cases.cells_for, {"case": "held_suarez", "n_cells": 1000}, {"case": nothing, "n_cells": above}),
}
TAKEN = {"angle": number, "perturbation": number, "speed": number, "dissipation": at_least, "friction": at_least,
         "viscosity": at_least, "linear": switch, "no_slip": switch, "eddy_energy": switch}
for name, case in cases.CASES.items():
    if name != "global_ocean":
        layers = 1 if name in ("barotropic_gyre", "barotropic_jet", "flow_over_mountain", "rossby_haurwitz_wave",
                               "steady_zonal_flow") else 4
        rules = {"cells": cell_numbers, "precision": precision, "time_step": either(nothing, above)} | TAKEN
        names = case.__code__.co_varnames[:case.__code__.co_argcount]
        CALLS[f"cases.{name}"] = Call(case, {"cells": (layers, 6, 8)}, {each: rules[each] for each in names})


def attempts(calls):
    """All calls with one argument replaced: the name of the call, and by argument the place of its value among `values()`."""
    return [(name, {argument: number}) for name, call in calls.items() for argument in call.rules
            for number in range(len(values()))]


def pairs(calls, size):
    """Some calls with two arguments replaced at once, the same every time."""
    chance, several = random.Random(21), [name for name, call in calls.items() if len(call.rules) > 1]
    return [(name, {argument: chance.randrange(len(values())) for argument in chance.sample([*calls[name].rules], 2)})
            for name in chance.choices(several, k=size)]


def sample(calls, size):
    """Some of the attempts, the same every time."""
    return random.Random(12).sample(attempts(calls), size)


def problem_of(calls, attempt):
    """What is wrong with the outcome of a call, or None."""
    name, changes = attempt
    verdict, said = outcome(calls[name], {argument: values()[number] for argument, number in changes.items()})
    return None if verdict in ("taken", "refused") else f"{name}, {changes}: {verdict} {said}"
