"""Column physics by networks in place of a forcing: heating of each column, and drag on its wind.

    heating   d(theta)/dt = Q(theta of the column, surface pressure, sin^2 of latitude),    |Q| < 4 times its typical size
    drag      du/dt = -r u,    0 <= r <= FASTEST,    r(u^2 of the column at that face, sin^2 of latitude)

By construction: mass, and every tracer but potential temperature, are left as they are; a column does not feel its neighbours;
north and south, and east and west, are treated alike (Q and r are even in latitude, r in the wind), and v as u; the drag never
adds kinetic energy anywhere, and does not turn the wind within a step of less than 1 / FASTEST = 8 hours. Momentum and heat are
given and taken, as by the forcing that they replace, so no sum of these is conserved.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dycore.forcing import Forced, Module
from dycore.grid import Grid
from dycore.learning.column_network import ColumnNetwork, bounded, check_layers, of_columns, share
from dycore.terms import Vector

MOST = 4.0  # of the typical heating
FASTEST = 3.0 / 86400.0  # 1/s, of the drag
SPEED = 10.0  # m/s: where the drag sees best how fast the wind is


class ColumnPhysics(NamedTuple):
    """Networks of heating (K/s, all levels) and of drag (1/s, all levels)."""

    heating: ColumnNetwork
    drag: ColumnNetwork

    @property
    def layers(self) -> tuple:
        """All that is trained."""
        return self.heating.layers, self.drag.layers

    def with_layers(self, layers: tuple) -> ColumnPhysics:
        """The networks with other layers."""
        return ColumnPhysics(*(network._replace(layers=own) for network, own in zip(self, layers, strict=True)))


class Latitudes(NamedTuple):
    """sin^2 of latitude [j, i] at centres, as at west faces, and at south faces."""

    center: Any
    south: Any


def column_physics(grid: Grid, physics: ColumnPhysics) -> Module:
    """The networks as a forcing of a latitude-longitude grid whose first tracer is potential temperature (K).

    Raises ValueError for another grid, or networks of other levels, or whose layers do not fit.
    """
    for name, network, others in (("heating", physics.heating, 2), ("drag", physics.drag, 1)):
        inputs, outputs = np.shape(network.inputs)[-1], np.shape(network.outputs)[-1]
        if (inputs, outputs) != (grid.cells[0] + others, grid.cells[0]):
            raise ValueError(f"The network of the {name} is of columns of {outputs} levels, from {inputs} values, but the grid has "
                             f"{grid.cells[0]} levels. Take networks that were made for such a grid.")
        check_layers(network)
    return Module(forced, latitudes(grid), physics)


def latitudes(grid: Grid) -> Latitudes:
    """sin^2 of latitude on a grid. Raises ValueError for one that is not spherical."""
    if not grid.spherical:
        raise ValueError("Column physics depends on latitude: give a grid made by latitude_longitude.")
    center = np.radians(grid.latitude)
    south = np.concatenate([center[:1], 0.5 * (center[1:] + center[:-1])])  # through the southern boundary there is no wind
    return Latitudes(np.sin(center) ** 2, np.sin(south) ** 2)


def forced(on: Any, grid: Any, at: Any, values: Latitudes, weights: ColumnPhysics) -> Forced:
    """Rates by the networks, as a Module gives them."""
    heating = on.columns(heated, weights.heating, at.tracers[0], at.surface, values.center)
    return Forced(Vector(on.columns(slowed, weights.drag, at.u, values.center),
                         on.columns(slowed, weights.drag, at.v, values.south)), (heating,))


def heated(network: ColumnNetwork, theta: Any, surface: Any, sine2: Any) -> Any:
    """Heating [k, j, i] (K/s) of columns of potential temperature (K) under a surface pressure (Pa)."""
    return of_columns(network, theta, surface, sine2, limited=lambda values: bounded(values, MOST))


def slowed(network: ColumnNetwork, speed: Any, sine2: Any) -> Any:
    """Acceleration [k, j, i] (m/s2) of columns of one component of the wind (m/s) by drag."""
    return -of_columns(network, seen_speed(speed), sine2, limited=share) * speed


def seen_speed(speed: Any) -> Any:
    """A speed (m/s) as the drag sees it, from 0 to 1."""
    square = (speed / SPEED) ** 2
    return square / (1.0 + square)
