"""Metrics of cells in a dataset, from which dycore.diagnostics makes transports and budgets: lengths, areas, where columns begin.

Static fields [j, i] beside `cell_area`. Thicknesses of levels follow from the bounds of the levels and `column_base`; with the
moving boundary and `fixed_boundary` those of the stretched columns do.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from dycore.grid import Grid, interior
from dycore.tiles import HALO_LEVELS

GROUND = "surface_geopotential"  # of air alone
SHIFTED = {"": (0, 0), "_west_face": (0, 1), "_south_face": (1, 0)}  # endings of names: (south, west)


def column_base(grid: Grid, floor: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    """Reference level [j, i] at which what is open of a column begins (unit of r); the last interface where nothing is open.

    `floor`, `fraction`: those of the metrics for cells, west faces or south faces.
    """
    interfaces, lowest = grid.interfaces, interior(floor) - HALO_LEVELS
    missing = (1.0 - interior(fraction).astype(float)) * np.append(np.diff(interfaces), 0.0)[lowest]
    return interfaces[lowest] + missing


def coordinates(grid: Grid, x: str, y: str, unit: str) -> dict[str, tuple]:
    """(dimensions, values, attributes) of the metrics. `x`, `y`: names of the dimensions; `unit`: of the levels."""
    metrics = grid.metrics

    def plane(ending: str, values: np.ndarray, long_name: str, units: str) -> tuple:
        south, west = SHIFTED[ending]
        dims = f"{y}_face" if south else y, f"{x}_face" if west else x
        return dims, values, {"long_name": long_name, "units": units}

    # of a fold row: none about west faces, which are images, and half about south faces, which are there twice
    images = ~grid.counted[:, None]
    about_u, about_v = np.where(images, 0.0, 1.0).astype(grid.dtype), np.where(images, 0.5, 1.0).astype(grid.dtype)
    found = {
        "west_face_length": plane("_west_face", interior(metrics.dy_u), "length of west faces", "m"),
        "south_face_length": plane("_south_face", interior(metrics.dx_v), "length of south faces", "m"),
        "west_face_area": plane("_west_face", about_u * interior(metrics.area_u), "horizontal area about west faces", "m2"),
        "south_face_area": plane("_south_face", about_v * interior(metrics.area_v), "horizontal area about south faces", "m2"),
        "fixed_boundary": plane("", interior(metrics.fixed), "position of the fixed boundary (sea floor, or top of the air)", unit)}
    for ending, part in (("", ""), ("_west_face", "_u"), ("_south_face", "_v")):
        base = column_base(grid, getattr(metrics, f"floor{part}"), getattr(metrics, f"fraction{part}"))
        of = f" of {ending[1:].replace('_', ' ')}s" if ending else ""
        found[f"column_base{ending}"] = plane(ending, base, f"reference level at which the open column{of} begins", unit)
    if unit == "Pa":
        found[GROUND] = plane("", interior(metrics.surface_geopotential), "geopotential of the ground", "m2 s-2")
        found[GROUND][2]["standard_name"] = GROUND
    return found


def attributes(model: Any) -> dict[str, Any]:
    """Attributes that say what fluid it is, and what lies beyond the edges: constants by name, and the function of buoyancy.

    A coefficient that is a field, or a number of JAX that is traced, is left out.
    """
    fluid, tile = model.parameters.fluid, model.grid.tile
    constants = {name: float(value) for name, value in fluid._asdict().items()
                 if isinstance(value, Real | np.floating) and name != "shifts"}
    return {"buoyancy": getattr(fluid.buoyancy, "__name__", ""), "cells": [*tile.cells], "x_boundary": tile.x.value,
            "y_boundary": tile.y.value, **constants}
