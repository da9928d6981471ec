"""Identity that a file and a model must share, by name: words and whole numbers exactly, other numbers but for rounding.

Metrics that two processors, or two versions of a mathematical library, compute may differ in their last digits.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dycore.calendars import words
from dycore.geometry.geographic import unit_vectors
from dycore.grid import interior
from dycore.inputs.given import PLANE, PROFILE, VOLUME, given, is_array

ROUNDING = {4: 1e-5, 8: 1e-12}  # relative to the largest value of a field, by the bytes of a number
NORTH_POLE = "north pole of the grid (longitude and latitude in degrees)"
IRRATIONAL = 0.5 * (5.0 ** 0.5 - 1.0)  # whose multiples weigh the values of a field, each in a way of its own


class Summary(NamedTuple):
    """Summary of a field that tells it from another: tolerance (relative), largest value, mean, and weighted mean."""

    tolerance: float
    largest: float
    mean: float
    weighted: float


def identity(model: Any) -> dict[str, Any]:
    """Identity of a model: what a file of it must have in common, by name, and the time step; what is None is not written."""
    grid, parameters = model.grid, model.parameters
    fluid = parameters.fluid
    found: dict[str, Any] = {
        "cells": list(grid.cells), "precision": grid.dtype.name, "tracers": list(parameters.tracer_names),
        "start": words(parameters.start), "time step": float(parameters.time_step),
        "time stepper": type(parameters.stepper).__name__, "fluid": type(fluid).__name__,
        "boundary in x": grid.tile.x.value, "boundary in y": grid.tile.y.value,
        NORTH_POLE: None if grid.north_pole is None else list(grid.north_pole)}
    if model.layout.closure:
        found["fields of closures"] = [field.name for field in model.layout.closure]
    for name, value in (fluid._asdict() if hasattr(fluid, "_asdict") else {}).items():
        if is_array(value) and not hasattr(value, "_fields"):  # whatever it is given as, and masked where there is no fluid
            value = given(f"fluid.{name}", value, grid.cells, PROFILE, PLANE, VOLUME, needed=grid.wet, places=grid.places())
        if not isinstance(value, tuple):  # a state of rest says how a force is discretised, as schemes do
            found[f"{name.replace('_', ' ')} of the fluid"] = getattr(value, "__name__", value)
    found |= {"x of faces": grid.x_face, "y of faces": grid.y_face, "interfaces": grid.interfaces}
    metrics = grid.metrics
    fields = {"lowest wet level": metrics.floor, "fraction of the lowest cell": metrics.fraction, "fixed boundary": metrics.fixed,
              "geopotential of the ground": metrics.surface_geopotential, "Coriolis parameter": metrics.coriolis}
    found |= {name: interior(value) if np.ndim(value) == 2 else value for name, value in fields.items()}
    if grid.supergrid is not None:  # as vectors, which have no seam where rounding would add 360 degrees
        found["places of cells on the unit sphere"] = unit_vectors(grid.longitude, grid.latitude)
    return found


def written(identity: dict[str, Any]) -> dict[str, Any]:
    """Identity as it goes into a file: all but None, which earlier versions did not write either."""
    return {name: value for name, value in identity.items() if value is not None}


def as_now(there: dict[str, Any], belongs: dict[str, Any]) -> dict[str, Any]:
    """Identity that a file holds, in today's words where an earlier version wrote it: in steps, and checksums alone."""
    if "steps between records" in there:
        dt = there["time step"]
        there = there | {"seconds between records": there["steps between records"] * dt, "begins": there["first step"] * dt}
        there |= {name: value for name, value in belongs.items() if name.startswith("summary of ")}
    return there


def difference(name: str, there: Any, here: Any) -> str | None:
    """Difference of a file and a model in something that they must have in common, in words; None where there is none."""
    if isinstance(here, Summary):
        if there is not None and abs(np.subtract(there, here)).max() <= here.tolerance * here.largest:
            return None
        return f"{name} (tolerance, largest, mean, weighted mean) is {there} there and {list(here)} in the model"
    if isinstance(here, np.ndarray):
        if there is None:
            return f"{name} is not there, and the model has it"
        if not isinstance(there, np.ndarray):
            return f"{name} is {there} there and a field of shape {here.shape} in the model"
        if there.shape != here.shape:
            return f"{name} has shape {there.shape} there and {here.shape} in the model"
        unequal = np.argwhere(~alike(there, here))
        if not len(unequal):
            return None
        first = unequal[0].tolist()
        return f"{name} {first} is {there[tuple(first)].item()} there and {here[tuple(first)].item()} in the model"
    if isinstance(here, float) and isinstance(there, float) and alike(np.array(there), np.array(here)):
        return None
    if there == here:
        return None
    there, here = ("that of the Earth" if name == NORTH_POLE and value is None else value for value in (there, here))
    return f"{name} is {there} there and {here} in the model"


def alike(there: np.ndarray, here: np.ndarray) -> np.ndarray:
    """Mask of numbers that are equal but for rounding."""
    if here.dtype.kind != "f":
        return there == here
    return (there == here) | (np.abs(there - here) <= ROUNDING[here.dtype.itemsize] * largest_of(here))


def largest_of(values: np.ndarray) -> float:
    """The largest magnitude of a field; zero for none."""
    return float(np.abs(values).max(initial=0.0))


def summary(values: np.ndarray) -> Summary:
    """Summary of a field. Its mean alone would not tell where a value stands, and a weighted sum drowns it unless scaled."""
    flat = values.astype(float).ravel()
    weights = np.modf(IRRATIONAL * np.arange(1, flat.size + 1))[0] - 0.5
    return Summary(ROUNDING[values.dtype.itemsize], largest_of(values), float(flat.mean()),
                   float((flat * weights).sum() / max(flat.size, 1) ** 0.5))
