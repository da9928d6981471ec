"""The thickness of columns: what a moving boundary leaves above the fixed one, which has to be something everywhere.

    thickness = R - r_fixed > 0      in every column that is not land      (m, or Pa)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore.grid import Grid, interior

FACTOR = 50.0  # between a column and its reference thickness, beyond which their units or signs differ: Pa and hPa do by 100


def thicknesses(grid: Grid, surface: Any, first: tuple[int, int] = (0, 0)) -> np.ndarray:
    """Thickness of the columns [j, i] under a surface without halo, or of the part that begins at the cell `first`; 1 on land."""
    surface = np.asarray(surface, float)
    part = tuple(slice(start, start + n) for start, n in zip(first, surface.shape, strict=True))
    fixed, floor = (interior(np.asarray(field))[part] for field in (grid.metrics.fixed, grid.metrics.floor))
    return np.where(floor < grid.metrics.top, surface - fixed, 1.0)


def place_in_words(grid: Grid, j: int, i: int) -> str:
    """Place of a column in words; on a rotated grid its true longitude and latitude."""
    if grid.supergrid is not None:
        return f"longitude = {grid.longitude[j, i]:.6g} degrees, latitude = {grid.latitude[j, i]:.6g} degrees"
    unit = " degrees" if grid.spherical else " m"
    return f"x = {grid.x[i]:.6g}{unit}, y = {grid.y[j]:.6g}{unit}"


def dry_column(grid: Grid, surface: Any, first: tuple[int, int] = (0, 0)) -> str | None:
    """Place of the first column without thickness, and how far its surface lies below the fixed boundary; None without one."""
    found = thicknesses(grid, surface, first)
    bad = np.argwhere(found <= 0.0)
    if not len(bad):
        return None
    j, i = bad[0].tolist()
    level = float(np.asarray(surface)[j, i])
    thickness, (j, i) = found[j, i], (j + first[0], i + first[1])
    others = f", nor in {len(bad) - 1} more" if len(bad) > 1 else ""
    return (f"in column [j={j}, i={i}] ({place_in_words(grid, j, i)}{others}): the surface is at "
            f"{level:.6g} and the fixed boundary at {level - thickness:.6g}, which leaves {thickness:.6g}")


def check_columns(grid: Grid, surface: Any) -> None:
    """Raise ValueError where a surface [j, i] leaves columns no thickness, or one that has nothing to do with the levels."""
    place = dry_column(grid, surface)
    advice = ("Levels of an ocean are heights, negative below the sea surface, and the surface is its height; those of an "
              "atmosphere are pressures in Pa, and so is the surface.")
    if place:
        raise ValueError(f"The initial surface leaves no thickness {place}. {advice}")
    wet, reference = interior(grid.metrics.floor) < grid.metrics.top, interior(grid.metrics.thickness).astype(float)
    ratio = float(np.median(thicknesses(grid, surface)[wet] / reference[wet]))
    if not 1.0 / FACTOR < ratio < FACTOR:
        raise ValueError(f"The initial surface makes columns {ratio:.4g} times as thick as their levels, which reach from "
                         f"{grid.interfaces[0]:.6g} to {grid.interfaces[-1]:.6g}: they are not in the same unit or sign. {advice}")
