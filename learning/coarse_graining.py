"""States of a fine grid on a coarse one of the same place: cells by volume, faces by transport.

    tracers    c = sum(V c) / sum(V),                    V = area h
    velocity   u = sum(transports through the face) / (length of the face times h there)

No cell of the coarse grid gains or loses volume or tracer thereby, and the transports through its faces are those of the fine flow:
its divergence, and so W and what the surface does, are means of the fine ones. Nothing is filtered before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dycore.grid import Grid, interior
from dycore.inputs.given import check_kind
from dycore.state import State, initial_state, padded
from dycore.tiles import Place

MADE = "Make one with dycore.grid.rectilinear or latitude_longitude."


def coarse_grained(fine: Grid, coarse: Grid) -> Callable[[State], State]:
    """The function of a state on a fine grid that gives one on the coarse grid, at the beginning of a run: without a history.

    Raises ValueError where cells of the coarse grid are no blocks of those of the fine one, of the same levels and volume.
    """
    ratios = blocks(fine, coarse)
    floors = {"u": ("floor_u", "fraction_u"), "v": ("floor_v", "fraction_v")}
    fine_open, coarse_open = ({name: grid.open_thickness(*(getattr(grid.metrics, part) for part in parts))
                               for name, parts in floors.items()} for grid in (fine, coarse))
    volumes = fine.volume

    def at(state: State) -> State:
        stretching = relative_thickness(fine, state.surface)
        area = interior(fine.metrics.area).astype(float)
        surface = block_sum(area * interior(np.asarray(state.surface)), ratios) / block_sum(area, ratios)
        there = relative_thickness(coarse, padded(coarse, Place.CENTER, surface))
        through = {name: on_faces(interior(face_widths(fine, stretching, name)) * fine_open[name] * interior(np.asarray(speed)),
                                  ratios, name) for name, speed in (("u", state.u), ("v", state.v))}
        speeds = {name: ratio(transport, interior(face_widths(coarse, there, name)) * coarse_open[name])
                  for name, transport in through.items()}
        weight = volumes * interior(stretching)
        tracers = tuple(ratio(block_sum(weight * interior(np.asarray(tracer)), ratios), block_sum(weight, ratios))
                        for tracer in state.tracers)
        w = block_sum(area * interior(np.asarray(state.w)), ratios) / block_sum(area, ratios)
        start = initial_state(coarse, surface=surface, tracers=tracers, **speeds)
        return start._replace(w=padded(coarse, Place.LOWER_FACE, w))

    return at


def blocks(fine: Grid, coarse: Grid) -> tuple[int, int]:
    """Numbers of fine cells in a coarse one along j and i. Raises ValueError where there are none such."""
    for name, grid in (("fine", fine), ("coarse", coarse)):
        check_kind(name, grid, Grid, MADE)
    (nz, *many), (levels, *few) = fine.cells, coarse.cells
    if nz != levels or not np.allclose(fine.interfaces, coarse.interfaces, rtol=1e-6):
        raise ValueError(f"The fine grid has {nz} levels and the coarse one {levels}, or other interfaces. Give grids of the same "
                         "levels.")
    if any(n % m for n, m in zip(many, few, strict=True)):
        raise ValueError(f"The {many[0]} x {many[1]} cells of the fine grid make no whole blocks of the {few[0]} x {few[1]} of the "
                         "coarse one. Give a fine grid of a whole multiple of the coarse cells.")
    ratios = many[0] // few[0], many[1] // few[1]
    if not np.allclose(block_sum(fine.volume, ratios), coarse.volume, rtol=1e-6) or (fine.tile.x, fine.tile.y) != (
            coarse.tile.x, coarse.tile.y):
        raise ValueError("Cells of the coarse grid are not as large as the fine cells in them together, or its boundaries are "
                         "others. Give grids of the same place, with a bottom and land that the coarse one has too.")
    return ratios


def block_sum(values: np.ndarray, ratios: tuple[int, int]) -> np.ndarray:
    """Sums over blocks of so many cells along j and i of values [..., j, i]."""
    *before, ny, nx = values.shape
    return values.reshape(*before, ny // ratios[0], ratios[0], nx // ratios[1], ratios[1]).sum(axis=(-3, -1))


def block_means(values: Any, factor: int) -> Any:
    """Means over blocks of factor x factor cells of fields [..., j, i]."""
    return block_sum(values, (factor, factor)) / factor**2


def on_faces(transports: np.ndarray, ratios: tuple[int, int], name: str) -> np.ndarray:
    """Transports [k, j, i] through the faces of blocks: sums along each of them."""
    along_j, along_i = ratios
    if name == "u":
        return block_sum(transports[..., ::along_i], (along_j, 1))
    return block_sum(transports[..., ::along_j, :], (1, along_i))


def relative_thickness(grid: Grid, surface: Any) -> np.ndarray:
    """Stretching J of columns under a surface, padded [j, i] (dycore.equations.column); 1 on land."""
    metrics = grid.metrics
    return np.where(metrics.floor < metrics.top, (np.asarray(surface, float) - metrics.fixed) * metrics.inverse_thickness, 1.0)


def face_widths(grid: Grid, stretching: np.ndarray, name: str) -> np.ndarray:
    """Lengths of west ("u") or south faces times the stretching there, padded [j, i] (m)."""
    length, axis = (grid.metrics.dy_u, 1) if name == "u" else (grid.metrics.dx_v, 0)
    return length * 0.5 * (stretching + np.roll(stretching, 1, axis))


def ratio(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """one / other, zero where the other is zero."""
    return np.divide(one, other, out=np.zeros_like(one), where=other != 0.0)
