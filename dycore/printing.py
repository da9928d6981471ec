"""Grids, parameters, states and models in a few lines that a person reads, plain or as HTML in a notebook; never arrays."""

from __future__ import annotations

import dataclasses
import textwrap
from html import escape
from typing import Any, NamedTuple

import numpy as np

from dycore.tiles import HALO, HALO_LEVELS, Boundary

BOUNDARIES = {Boundary.PERIODIC: "periodic", Boundary.WALL: "walls", Boundary.POLE: "poles",
              Boundary.FOLD: "wall and fold"}


class Summary(NamedTuple):
    """A title and rows of (what, words)."""

    title: str
    rows: tuple[tuple[str, str], ...]

    def text(self) -> str:
        """Lines, the words of all rows one below the other."""
        width = max((len(what) for what, _ in self.rows), default=0)
        return "\n".join([self.title, *(f"  {what:<{width}}  {words}" for what, words in self.rows)])

    def html(self) -> str:
        """A table for a notebook."""
        rows = "".join(f"<tr><th style='text-align:left'>{escape(what)}</th><td style='text-align:left'>{escape(words)}</td></tr>"
                       for what, words in self.rows)
        return f"<div><strong>{escape(self.title)}</strong><table>{rows}</table></div>"


def words(value: Any) -> str:
    """A value of some parameter: a function by its name, a record by what differs from its defaults, an array by its range."""
    if callable(value) and hasattr(value, "__name__"):
        return value.__name__
    if hasattr(value, "in_words"):
        return value.in_words
    fields = getattr(value, "_fields", None) or ([f.name for f in dataclasses.fields(value)]
                                                 if dataclasses.is_dataclass(value) else None)
    if fields is not None:
        given = ", ".join(f"{name}={words(each)}" for name, each in changed(value, fields))
        return f"{type(value).__name__}({given})"
    if isinstance(value, (tuple, list)):
        return ", ".join(map(words, value))
    if getattr(value, "ndim", 0):
        return f"{range_of(value)} {list(value.shape)}"
    return f"{value:g}" if isinstance(value, (float, np.floating)) else str(value)


def changed(record: Any, fields: Any) -> list[tuple[str, Any]]:
    """(name, value) of what a record does not have by default."""
    defaults = getattr(type(record), "_field_defaults", None)
    if defaults is None:
        defaults = {f.name: f.default for f in dataclasses.fields(record)}
    found = [(name, getattr(record, name)) for name in fields]

    return [(name, value) for name, value in found if name not in defaults or not same(value, defaults[name])]


def same(one: Any, other: Any) -> bool:
    """Whether a value is another, leaf by leaf; arrays are not compared, and never are."""
    if type(one) is not type(other) or getattr(one, "ndim", False):
        return False
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if dataclasses.is_dataclass(one) and not isinstance(one, type):
        return all(same(getattr(one, field.name), getattr(other, field.name)) for field in dataclasses.fields(one))
    return bool(one == other)


def range_of(values: Any) -> str:
    """The least and the greatest value; of an array without values, such as one that is being compiled, its type."""
    try:
        values = np.asarray(values)
    except Exception:  # whatever a library says of an array that it traces, or has given away
        return f"without values here, {getattr(values, 'dtype', 'of unknown type')}"
    if not values.size or values.dtype.kind not in "biuf":
        return f"of {values.dtype}"
    unknown = "" if np.isfinite(values).all() else ", and values that are not finite numbers"
    finite = values[np.isfinite(values)]
    if not finite.size:
        return "no finite number"
    return (f"{finite.min():.6g} to {finite.max():.6g}" if finite.min() < finite.max() else f"{finite.min():.6g}") + unknown


def of_grid(grid: Any) -> Summary:
    """Cells, precision, extent, boundaries, spacing and levels of a dycore.grid.Grid."""
    nz, ny, nx = grid.cells
    unit, names = ("degrees", ("longitude", "latitude")) if grid.spherical else ("m", ("x", "y"))
    rows = []
    if grid.north_pole is not None:
        rows.append(("rotated", "its north pole is at longitude {:g}, latitude {:g}".format(*grid.north_pole)))
        names = "grid longitude", "grid latitude"
    if grid.tile.fold_rows:
        names = "nominal longitude", "nominal latitude"
    for name, boundary, faces, n in zip(names, (grid.tile.x, grid.tile.y), (grid.x_face, grid.y_face), (nx, ny), strict=True):
        rows.append((name, f"{faces[0]:g} to {faces[-1]:g} {unit}, {n} cells of {(faces[-1] - faces[0]) / n:g}, "
                           f"{BOUNDARIES[boundary]}"))
    rows.append(("levels", f"{nz} from {grid.interfaces[0]:g} to {grid.interfaces[-1]:g}, "
                           f"thickness {range_of(np.diff(grid.interfaces))} (m, or Pa)"))
    wet = int(grid.wet.sum())
    if wet < nz * ny * nx:
        rows.append(("wet", f"{wet} of {nz * ny * nx} cells"))
    return Summary(f"Grid of {nz} x {ny} x {nx} cells [k, j, i], {grid.dtype.name}", tuple(rows))


def of_parameters(parameters: Any) -> Summary:
    """The fluid, the time step and what else of a dycore.parameters.Parameters is not its default, or is a scheme."""
    always = ("stepper", "tracer_face", "vertical_face")
    names = [field.name for field in dataclasses.fields(parameters)]
    wanted = {**dict(changed(parameters, names)), **{name: getattr(parameters, name) for name in always}}
    rows = {name: textwrap.shorten(words(value), 120, placeholder=" ...") for name, value in wanted.items()}
    rows["time_step"] += " s"
    return Summary("Parameters", tuple((name.replace("_", " "), rows[name]) for name in names if name in rows))


def of_state(state: Any) -> Summary:
    """The step and the ranges of the fields of a dycore.state.State, without halo; of what this process keeps."""
    def cells(array: Any) -> Any:
        levels, cut = slice(HALO_LEVELS, -HALO_LEVELS), slice(HALO, -HALO)
        return array[(*([levels] if array.ndim == 3 else []), cut, cut)]

    def seen(array: Any) -> str:  # whatever somebody has put there
        return range_of(cells(array)) if getattr(array, "ndim", 0) in (2, 3) else textwrap.shorten(str(array), 60)

    rows = [(name, f"{seen(getattr(state, name))} {unit}") for name, unit in (
        ("u", "m/s eastward, at west faces"), ("v", "m/s northward, at south faces"),
        ("w", "m/s or Pa/s, at lower-r faces"), ("surface", "m or Pa"))]
    for name, fields in (("tracer", state.tracers), ("closure", state.closure)):
        several = fields if isinstance(fields, (tuple, list)) else (fields,)
        rows += [(f"{name} {number}", seen(field)) for number, field in enumerate(several)]
    step = state.step if isinstance(state.step, int) else range_of(state.step)
    size = ""
    if getattr(state.u, "ndim", 0) == 3:
        nz, ny, nx = cells(state.u).shape
        size = f", {nz} x {ny} x {nx} cells [k, j, i], {state.u.dtype}"
    return Summary(f"State at step {step}{size}", tuple(rows))


def of_model(model: Any) -> Summary:
    """The backend, the grid and the parameters of a dycore.model.Model."""
    grid, parameters, ranks = of_grid(model.grid), of_parameters(model.parameters), model.backend.communication.ranks
    processes = f" on {ranks} processes" if ranks > 1 else ""
    title = grid.title.replace("Grid of", "cells:").removeprefix("cells: ")
    return Summary(f"Model of {title}, {model.backend.name}{processes}", grid.rows + parameters.rows)
