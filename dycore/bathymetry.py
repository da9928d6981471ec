"""Bathymetry of a file brought to the cells of a grid: means over cells, connected basins, straits, bounded slopes.

Files have heights (upward, as GEBCO and ETOPO) or depths (downward); which of them is said by the attribute `positive`, by a
standard name of CF, or by the name of the variable. All functions here take and return arrays of depth (m, positive in the sea).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dycore.datasets import eastward, numbers, opened, variable
from dycore.geometry.sides import Side, edge
from dycore.grid import Grid
from dycore.inputs.checked_arguments import checked
from dycore.inputs.given import as_array, check_kind, check_labelled, check_switch, is_number, shown, truths
from dycore.inputs.named_axes import axis_of
from dycore.inputs.units import converted
from dycore.regridding import Source, conservative, edges, source_of, target_of
from dycore.tiles import Boundary, Place, Tile

HALF = 0.5 + 1e-9  # a cell of more land than that is land
SWEEPS = 10000  # of smoothing, after which a bound of slopes counts as out of reach
BEYOND = 3.0  # spacings of the file that are read beyond the region
TOUCHING = 1e-3  # of a spacing of the file, by which a region may reach beyond it


class Box(NamedTuple):
    """A region between meridians and parallels (degrees); `east` is more than `west`."""

    west: float
    east: float
    south: float
    north: float


# From a file to cells


def heights_of(data: Any, name: str | None, downward: bool | None) -> tuple[Any, bool]:
    """The variable of heights or depths of a path, a dataset or itself [latitude, longitude], and whether it counts downward.

    Nothing is read. Raises ValueError where there is none, or several, or the direction is not known.
    """
    import xarray

    if isinstance(data, (str, Path)):
        data = opened(data)
    if isinstance(data, xarray.Dataset) and name is None:
        found = [each for each in data.data_vars if said_direction(data[each]) is not None and data[each].ndim >= 2]
        found = found or [each for each in data.data_vars if data[each].ndim >= 2]
        if len(found) != 1:
            raise ValueError(f"The dataset has {len(found) or 'no'} variables that may be heights or depths, of "
                             f"{', '.join(map(str, data.data_vars)) or 'none'}. Give the name of the one to take.")
        name = str(found[0])
    field = variable(data, name)
    said = said_direction(field)
    if downward is None and said is None:
        raise ValueError(f"{field.name} does not say whether it counts upward (heights) or downward (depths), by an attribute "
                         "'positive', a standard_name or its name. Give downward=True for depths, or downward=False for heights.")
    if downward is not None:
        check_switch("downward", downward)
    return horizontal(field), bool(said if downward is None else downward)


def said_direction(field: Any) -> bool | None:
    """Whether a variable says that it counts downward; None where it says nothing. ValueError where it says both."""
    positive = str(field.attrs.get("positive", "")).strip().lower()
    standard, name = str(field.attrs.get("standard_name", "")).lower(), str(field.name).lower()
    by_words = next((direction for text in (standard, name) for word, direction in (
        ("depth", True), ("altitude", False), ("height", False), ("elevation", False)) if word in text), None)
    by_attribute = {"down": True, "up": False}.get(positive)
    if by_attribute is not None and "depth" in standard and not by_attribute:
        raise ValueError(f"{field.name} has the standard name {standard!r}, which counts downward, and the attribute "
                         "positive='up'. Correct one of them.")
    return by_words if by_attribute is None else by_attribute


def horizontal(field: Any) -> Any:
    """The field [latitude, longitude] without other dimensions of length 1. Raises ValueError where there are longer ones."""
    found = {axis_of(field, dim): dim for dim in field.dims}
    others = [dim for dim in field.dims if dim not in (found.get("j"), found.get("i"))]
    if "j" not in found or "i" not in found or any(field.sizes[dim] > 1 for dim in others):
        raise ValueError(f"{field.name} has the dimensions {', '.join(f'{dim} ({n})' for dim, n in field.sizes.items())}; a "
                         "bathymetry needs latitude and longitude alone, known by axis, standard_name, units or name.")
    return field.isel(dict.fromkeys(others, 0)).transpose(found["j"], found["i"])


def part_of_file(field: Any, box: Box) -> tuple[Any, Source]:
    """The part of a field about a region, of which nothing is read yet, and its points. ValueError where it does not cover it."""
    source = source_of(str(field.name), field, *field.dims)
    check_covered(str(field.name), source, box)
    margin = BEYOND * source.spacing
    rows = np.sort(source.rows[(source.latitude > box.south - margin) & (source.latitude < box.north + margin)])
    columns = source.columns
    if box.east - box.west + 2.0 * margin < 360.0:
        columns = columns[eastward(source.longitude, box.west - margin) < box.east + margin]
    part = field.isel({field.dims[0]: rows, field.dims[1]: np.sort(columns)})
    return part, source_of(str(field.name), part, *part.dims)


def check_covered(name: str, source: Source, box: Box) -> None:
    """Raise ValueError, with both extents, where a region goes beyond the cells about the points of a file."""
    south, north, west, east = edges(source)
    near = TOUCHING * source.spacing
    first = float(eastward(np.array(box.west + near), west)) - near
    within = source.closed or first + (box.east - box.west) <= east + near
    if not (within and south - near <= box.south and box.north <= north + near):
        raise ValueError(f"The region reaches from {box.west:g} to {box.east:g} degrees east and from {box.south:g} to "
                         f"{box.north:g} north, and {name} from {west:g} to {east:g} east and from {south:g} to {north:g} north. "
                         "Choose a region within, or a file that covers it.")


def depths_of(field: Any, downward: bool, missing_is_land: bool | None) -> tuple[np.ndarray, int]:
    """Depths (m) of a field, zero and less on land, and how many values were missing, which are land.

    Missing values are land by themselves only where the file has no other land: beside heights of land they are gaps.
    """
    check_labelled("field", field)
    check_switch("downward", downward)
    if missing_is_land is not None:
        check_switch("missing_is_land", missing_is_land)
    values = converted(numbers(field), field.attrs.get("units", ""), "m", str(field.name))
    depth = values if downward else -values
    missing = ~np.isfinite(depth)
    heights_of_land = bool((depth[~missing] <= 0.0).any())
    if missing.any() and (heights_of_land if missing_is_land is None else not missing_is_land):
        raise ValueError(f"{field.name} has {missing.sum()} missing values of {missing.size} in and about the region"
                         f"{' beside values of land' if heights_of_land else ''}. Fill them, or give missing_is_land=True.")
    return np.where(missing, 0.0, depth), int(missing.sum())


@checked
def on_cells(depth: np.ndarray, source: Source, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Mean depth of the part of every cell that is sea (m; NaN without any), and the share of land, [j, i] of a grid."""
    mean = conservative(source, target_of(grid, Place.CENTER))
    ordered, shape = source.ordered(depth), grid.cells[1:]
    return (mean(np.where(ordered > 0.0, ordered, np.nan)).reshape(shape), mean((ordered <= 0.0).astype(float)).reshape(shape))


# Basins


@checked
def basins(wet: np.ndarray, periodic: bool, fold: bool = False) -> np.ndarray:
    """Numbers of the connected parts of a sea [j, i], from 1; 0 on land. Cells are connected by faces, and over a seam in i.

    `fold`: the last row is connected with itself turned round, as on a tripolar grid without its extra row.
    """
    from scipy.ndimage import label
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    number, n = label(wet)
    seams = [(number[:, 0], number[:, -1])] * periodic + [(number[-1], number[-1, ::-1])] * fold
    if not seams:
        return np.asarray(number)
    one, other = (np.concatenate(cells) for cells in zip(*seams, strict=True))
    both = (one > 0) & (other > 0)
    joined = coo_array((np.ones(both.sum()), (one[both], other[both])), shape=(n + 1, n + 1))
    _, component = connected_components(joined, directed=False)
    return np.where(wet, component[number], 0)  # that of land, the first, is 0


@checked
def largest_basin(number: np.ndarray) -> np.ndarray:
    """The basin of most cells, True [j, i], of the numbers of basins; the first of several as large. ValueError without any."""
    found = as_array("number", number)
    if found.ndim != 2 or not (found > 0.0).any() or not (found == np.floor(found)).all() or found.min() < 0.0:
        raise ValueError(f"number={shown(number)} must be numbers of basins [j, i], 0 on land and from 1 on in the sea, of which "
                         "there has to be some.")
    return np.asarray(found == np.bincount(found[found > 0.0].astype(int)).argmax())


@checked
def kept_basins(wet: np.ndarray, tile: Any, keep: Any) -> np.ndarray:
    """The sea [j, i] that stays: the greatest basin, that of a cell (j, i), or all that reach a side.

    Raises ValueError where there is no sea, or none there, and for a cell beyond the grid.
    """
    check_kind("tile", tile, Tile, "That of a grid is its `tile`.")
    wet = truths("wet", wet, tile.cells)
    if not wet.any():
        raise ValueError("The region has no sea: more than half of every cell is land. Choose another region or a finer spacing, "
                         "or give downward=True or downward=False if the file counts the other way.")
    number = basins(wet, tile.x is Boundary.PERIODIC)
    if isinstance(keep, Side):
        chosen = np.unique(number[edge(keep)])
        if not (chosen > 0).any():
            raise ValueError(f"No cell at the {keep.value} of the region is sea. Give a side or a point of the sea as `keep`.")
        return np.isin(number, chosen[chosen > 0])
    if keep is not None:
        keep, (ny, nx) = tuple(keep) if isinstance(keep, (tuple, list)) else (keep,), wet.shape
        if len(keep) != 2 or not (all(is_number(n, float.is_integer) for n in keep) and 0 <= keep[0] < ny and 0 <= keep[1] < nx):
            raise ValueError(f"keep={shown(keep)} must be a dycore.geometry.sides.Side, a cell (j, i) of the {wet.shape} of the "
                             "region, or None.")
        keep = tuple(map(int, keep))
        if not wet[keep]:
            raise ValueError(f"The point given as `keep` lies on land, in the cell [j, i] = {list(keep)}. Give one in the sea.")
        return np.asarray(number == number[keep])
    return largest_basin(number)


@checked
def line_of_cells(start: tuple[int, int], stop: tuple[int, int]) -> list[tuple[int, int]]:
    """Cells (j, i) from one to another, each of which has a face in common with the one before."""
    (dj, di) = (b - a for a, b in zip(start, stop, strict=True))
    n = max(abs(dj) + abs(di), 1)
    along = [(step * abs(di) + n // 2) // n for step in range(abs(dj) + abs(di) + 1)]
    return [(start[0] + int(np.sign(dj)) * (step - east), start[1] + int(np.sign(di)) * east) for step, east in enumerate(along)]


@checked
def opened_strait(depth: np.ndarray, wet: np.ndarray, cells: list[tuple[int, int]], least: float | None) -> np.ndarray:
    """Depths [j, i] with a line of cells at least so deep; without a depth, cells of land take the lesser of those at its ends."""
    deeper = depth.copy()
    for cell in cells:
        if least is not None:
            deeper[cell] = max(least, depth[cell]) if wet[cell] else least
        elif not np.isfinite(depth[cell]):
            deeper[cell] = np.fmin(depth[cells[0]], depth[cells[-1]])
    return deeper


# Slopes


@checked
def steepness(depth: np.ndarray, wet: np.ndarray, periodic: bool) -> float:
    """The greatest |h1 - h2| / (h1 + h2) of neighbouring cells of the sea."""
    greatest = 0.0
    for axis in (0, 1):
        other, both = np.roll(depth, -1, axis), wet & np.roll(wet, -1, axis)
        if axis == 0 or not periodic:
            both[(-1, slice(None)) if axis == 0 else (slice(None), -1)] = False
        slope = np.abs(depth - other) / np.where(both, depth + other, 1.0)
        greatest = max(greatest, float(slope[both].max(initial=0.0)))
    return greatest


@checked
def smoothed(depth: np.ndarray, wet: np.ndarray, area: np.ndarray, steepest: float, periodic: bool) -> np.ndarray:
    """Depths [j, i] in which neighbours differ by at most `steepest` of their sum, with the volume as it was.

    As Mellor, Ezer and Oey (1994, J. Atmos. Oceanic Technol. 11, 1126): of two neighbours that differ by more, water is moved
    from the deep one to the shallow one, pair after pair, until none is left. ValueError where there is no end to it.
    """
    depth, bound = np.where(wet, depth, 1.0), steepest * (1.0 - 1e-6)
    for _ in range(SWEEPS):
        if steepness(depth, wet, periodic) <= steepest:
            return depth
        for axis in (0, 1):
            for here in pairs(depth.shape[axis], axis == 1 and periodic):
                depth = exchanged(depth, wet, area, bound, axis, here)
    raise ValueError(f"steepest={steepest:g} is not reached after {SWEEPS} passes of smoothing. Allow steeper slopes.")


def pairs(n: int, closed: bool) -> list[np.ndarray]:
    """The first cells of pairs of neighbours along an axis of n, in groups in which no cell is in two pairs."""
    return [np.arange(0, n - 1, 2), np.arange(1, n - 1, 2)] + ([np.array([n - 1])] if closed and n > 2 else [])


def exchanged(depth: np.ndarray, wet: np.ndarray, area: np.ndarray, bound: float, axis: int, here: np.ndarray) -> np.ndarray:
    """Depths after an exchange between some cells along an axis and the next ones."""
    there = (here + 1) % depth.shape[axis]
    (h1, h2), (wet1, wet2), (area1, area2) = ((np.take(field, here, axis), np.take(field, there, axis))
                                              for field in (depth, wet, area))
    excess, sign = np.abs(h1 - h2) - bound * (h1 + h2), np.sign(h1 - h2)
    rate = (1.0 / area1 + 1.0 / area2) + sign * bound * (1.0 / area2 - 1.0 / area1)
    moved = np.where(wet1 & wet2 & (excess > 0.0), sign * excess / rate, 0.0)
    new = depth.copy()
    for line, change in ((here, -moved / area1), (there, moved / area2)):
        new[(line, slice(None)) if axis == 0 else (slice(None), line)] += change
    return new
