"""Cells of a field on a map: their corners as they are projected, and their values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dycore.geometry.geographic import mean_longitude
from dycore.plotting.curved_cells import around, corners, curved_cells, geographic_of
from dycore.plotting.map_projections import ends_opposite
from dycore.plotting.plotted_fields import along, edges, goes_round


def land_of(field: Any) -> Any:
    """One where a field has no value, and no value elsewhere."""
    absent = field.isnull()
    return absent.astype(float).where(absent)


def cells(field: Any, projection: Callable | None, longitude: float) -> tuple[Any, Any, Any]:
    """x and y of the edges or corners of cells, and their values, the hidden ones masked."""
    x, y = along(field, "X"), along(field, "Y")
    values = np.ma.masked_invalid(field.transpose(y, x).values)
    if geographic_of(field):
        middle = longitude if projection else mean_longitude(geographic_of(field)["longitude"].values)
        return curved_cells(*corners(field, (y, x)), values, projection, ends_opposite(projection), middle)
    across, up = edges(field[x]), edges(field[y])
    if projection is None:
        return across, up, values
    if not goes_round(field[x]):
        east, north = np.meshgrid(across, np.clip(up, -90.0, 90.0))
        return curved_cells(around(east), around(north), values, projection, ends_opposite(projection), longitude)
    # from 180 degrees west of the middle; a cell there is cut in two
    first = int(np.argmax((across[:-1] - longitude + 180.0) % 360.0))
    start = (across[first] - longitude + 180.0) % 360.0 - 540.0
    across = np.clip(np.append(start + across - across[0], 180.0), -180.0, 180.0)
    values = np.ma.concatenate([np.roll(values, -first, axis=1), values[:, first:first + 1]], axis=1)
    flat_x, flat_y, seen = projection(*np.meshgrid(np.radians(across), np.radians(np.clip(up, -90.0, 90.0))))
    hidden = ~(seen[1:, 1:] | seen[1:, :-1] | seen[:-1, 1:] | seen[:-1, :-1])
    return flat_x, flat_y, np.ma.masked_where(hidden | np.ma.getmaskarray(values), values)
