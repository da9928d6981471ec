"""The fast mode on its own: depth-mean velocity and moving boundary in short forward-backward steps.

    d<u>/dt = <G> - g' grad(R - R_n),      dR/dt = -div(D J <u>)

<G> holds the whole force at the beginning of the step; the substeps add only what the change of R does
to the pressure, with g' = c^2 / D (g in an ocean). Averaged with the weights of Shchepetkin and
McWilliams (2005, Ocean Modelling 9, 347, section 2.3): their primary weights centre the velocity on
the end of the step, the secondary ones make the averaged transport consistent with it.

A stage of Runge-Kutta takes <G> from another state, with the pressure of its R: there the change of R counts from that
R, and begins with what has happened since (`surface_increment`). Only the last stage is averaged, the others take the last value.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from dycore.equations.continuity import Flow
from dycore.equations.open_boundaries import through_open_sides
from dycore.equations.records import Equations
from dycore.equations.steppers import Stage, off_centred, off_centred_columns, transport_velocity
from dycore.equations.velocity import Sums
from dycore.fields import Region, as_field
from dycore.stencils import absolute, stencil, where
from dycore.tiles import Halo, HaloWidth, Place, Tile

# the metrics that a substep reads, and where they stand
METRICS = {"dy_u": Place.WEST_FACE, "dx_v": Place.SOUTH_FACE, "inverse_dx_u": Place.WEST_FACE, "inverse_dy_v": Place.SOUTH_FACE,
           "inverse_area": Place.CENTER, "inverse_thickness": Place.CENTER, "thickness_u": Place.WEST_FACE,
           "thickness_v": Place.SOUTH_FACE}


class Weights(NamedTuple):
    """Primary (a) and secondary (b) weights of the substeps, and the length of one in steps (or stages)."""

    velocity: np.ndarray
    transport: np.ndarray
    substep: float


@cache
def averaging_weights(substeps: int) -> Weights:
    """Weights for about `substeps` substeps in the averaging window (two steps long)."""
    p, q, r = 2.0, 4.0, 0.18927
    tau0 = (p + 2.0) * (p + q + 2.0) / ((p + 1.0) * (p + q + 1.0))
    tau = 2.0 * np.arange(1, substeps + 1) / substeps
    shape = (tau / tau0) ** p * (1.0 - (tau / tau0) ** q) - r * tau / tau0
    last = np.flatnonzero(shape > 0.0).max() + 1
    a = shape[:last] / shape[:last].sum()
    substep = 1.0 / (a * np.arange(1, last + 1)).sum()
    return Weights(a, substep * np.cumsum(a[::-1])[::-1], float(substep))


@cache
def plain_weights(substeps: int) -> Weights:
    """Weights of so many substeps over the whole length of a stage, of which only the last value counts."""
    return Weights(np.eye(substeps)[-1], np.full(substeps, 1.0 / substeps), 1.0 / substeps)


class Portion(NamedTuple):
    """Substeps first .. stop - 1, on the cells and a `margin` of so many beyond them; with a message before if they need one."""

    first: int
    stop: int
    margin: int
    message: bool


def portions(substeps: int, substeps_per_exchange: int, split: bool) -> list[Portion]:
    """Substeps in portions, so many without a message; on fewer and fewer cells, because each needs one less beyond them."""
    groups = []
    for first in range(0, substeps, substeps_per_exchange):
        stop = min(first + substeps_per_exchange, substeps)
        parts = 3 if split and stop - first > 8 else 1
        bounds = [first + (stop - first) * number // parts for number in range(parts + 1)]
        groups += [Portion(a, b, (stop - a - 1) * split, first > 0 and a == first) for a, b in pairwise(bounds)]
    return groups


@stencil
def accelerated(j, i, grid, gravity, substep, forcing_u, forcing_v, change, u, v):
    """u, v at west and south faces [j, i] (m/s) one substep later."""
    push_u = forcing_u[j, i] - gravity * (change[j, i] - change[j, i - 1]) * grid.inverse_dx_u[j, i]
    push_v = forcing_v[j, i] - gravity * (change[j, i] - change[j - 1, i]) * grid.inverse_dy_v[j, i]
    return (where(grid.thickness_u[j, i] > 0.0, u[j, i] + substep * push_u, 0.0),
            where(grid.thickness_v[j, i] > 0.0, v[j, i] + substep * push_v, 0.0))


@stencil
def changed_widths(j, i, grid, column_width_u, column_width_v, change):
    """Stretched widths of west and south faces [j, i] (m) with the change of R on both sides."""
    return (column_width_u[j, i] + 0.5 * grid.dy_u[j, i] * (
                change[j, i] * grid.inverse_thickness[j, i] + change[j, i - 1] * grid.inverse_thickness[j, i - 1]),
            column_width_v[j, i] + 0.5 * grid.dx_v[j, i] * (
                change[j, i] * grid.inverse_thickness[j, i] + change[j - 1, i] * grid.inverse_thickness[j - 1, i]))


@stencil
def averaged(j, i, grid, weight, transport_weight, new_u, new_v, width_u, width_v, mean_u, mean_v, transport_u, transport_v):
    """New u and v [j, i] (m/s), running averages of velocity and transport / face with them (m/s), and that transport."""
    flux_u, flux_v = width_u * grid.thickness_u[j, i] * new_u, width_v * grid.thickness_v[j, i] * new_v
    return (new_u, new_v, mean_u[j, i] + weight * new_u, mean_v[j, i] + weight * new_v,
            transport_u[j, i] + transport_weight * flux_u, transport_v[j, i] + transport_weight * flux_v,
            flux_u, flux_v)


@stencil
def velocity_substep(j, i, grid, gravity, substep, weight, transport_weight, column_width_u, column_width_v,
                     forcing_u, forcing_v, change, u, v, mean_u, mean_v, transport_u, transport_v):
    """u, v at west and south faces [j, i] (m/s) one substep later, and running averages of velocity and transport / face (m/s)."""
    new_u, new_v = accelerated(j, i, grid, gravity, substep, forcing_u, forcing_v, change, u, v)
    width_u, width_v = changed_widths(j, i, grid, column_width_u, column_width_v, change)
    return averaged(j, i, grid, weight, transport_weight, new_u, new_v, width_u, width_v, mean_u, mean_v, transport_u, transport_v)


@stencil
def open_velocity_substep(j, i, grid, gravity, substep, weight, transport_weight, column_width_u, column_width_v, outer_u, outer_v,
                          slope_u, slope_v, forcing_u, forcing_v, change, u, v, mean_u, mean_v, transport_u, transport_v):
    """As `velocity_substep`, but for faces of open sides (dycore.equations.open_boundaries.Passage): there waves leave."""
    new_u, new_v = accelerated(j, i, grid, gravity, substep, forcing_u, forcing_v, change, u, v)
    width_u, width_v = changed_widths(j, i, grid, column_width_u, column_width_v, change)
    out_u, out_v = slope_u[j, i], slope_v[j, i]
    within_u = where(out_u > 0.0, change[j, i], change[j, i - 1])
    within_v = where(out_v > 0.0, change[j, i], change[j - 1, i])
    rate_u = 2.0 * substep * grid.inverse_dx_u[j, i] * grid.thickness_u[j, i] * absolute(out_u)  # 2 c dt / dx
    rate_v = 2.0 * substep * grid.inverse_dy_v[j, i] * grid.thickness_v[j, i] * absolute(out_v)
    through_u = (u[j, i] + rate_u * (outer_u[j, i] - out_u * within_u)) / (1.0 + rate_u)
    through_v = (v[j, i] + rate_v * (outer_v[j, i] - out_v * within_v)) / (1.0 + rate_v)
    within_u = within_u * where(out_u > 0.0, grid.inverse_thickness[j, i], grid.inverse_thickness[j, i - 1])
    within_v = within_v * where(out_v > 0.0, grid.inverse_thickness[j, i], grid.inverse_thickness[j - 1, i])
    is_open_u, is_open_v = absolute(out_u) > 0.0, absolute(out_v) > 0.0
    return averaged(j, i, grid, weight, transport_weight, where(is_open_u, through_u, new_u), where(is_open_v, through_v, new_v),
                    where(is_open_u, column_width_u[j, i] + grid.dy_u[j, i] * within_u, width_u),
                    where(is_open_v, column_width_v[j, i] + grid.dx_v[j, i] * within_v, width_v),
                    mean_u, mean_v, transport_u, transport_v)


@stencil
def surface_substep(j, i, grid, substep, change, flux_u, flux_v):
    """R - R_n at centres one substep later (unit of r)."""
    return change[j, i] - substep * transport_divergence(j, i, grid, flux_u, flux_v)


@stencil
def transport_divergence(j, i, grid, flux_u, flux_v):
    """Divergence of a column transport at centres [j, i] (unit of r per s)."""
    return grid.inverse_area[j, i] * (flux_u[j, i + 1] - flux_u[j, i] + (flux_v[j + 1, i] - flux_v[j, i]))


@stencil
def means(j, i, grid, sum_u, sum_v):
    """Depth means at west and south faces [j, i] (m/s) from column sums."""
    return sum_u[j, i] * grid.inverse_thickness_u[j, i], sum_v[j, i] * grid.inverse_thickness_v[j, i]


@stencil
def surface_increment(j, i, start, now):
    """Increment of the surface [j, i] (unit of r) with which substeps begin: R at the start of the step less R now."""
    return start[j, i] - now[j, i]


@stencil
def depth_means(j, i, grid, sums):
    """Depth means at both faces [j, i] (m/s) before and after the step, from the column sums."""
    return (*means(j, i, grid, sums.before_u, sums.before_v), *means(j, i, grid, sums.after_u, sums.after_v))


@stencil
def forces(j, i, inverse_time_step, before_u, before_v, after_u, after_v):
    """Mean force at west and south faces (m/s2) that took the depth means from before to after."""
    return (after_u[j, i] - before_u[j, i]) * inverse_time_step, (after_v[j, i] - before_v[j, i]) * inverse_time_step


@stencil
def transport_correction(j, i, grid, column, mean_u, mean_v, transport_u, transport_v):
    """Correction of a velocity of this depth mean to carry the averaged transport, at west and south faces [j, i] (m/s)."""
    return (transport_u[j, i] * grid.inverse_thickness_u[j, i] / where(grid.dy_u[j, i] > 0.0, column.width_u[j, i], 1.0)
            - mean_u[j, i],
            transport_v[j, i] * grid.inverse_thickness_v[j, i] / where(grid.dx_v[j, i] > 0.0, column.width_v[j, i], 1.0)
            - mean_v[j, i])


@stencil
def velocity_correction(j, i, mean_u, mean_v, predicted_u, predicted_v):
    """Barotropic correction of depth means at west and south faces [j, i] (m/s): those of the substeps less the predicted ones."""
    return mean_u[j, i] - predicted_u[j, i], mean_v[j, i] - predicted_v[j, i]


@stencil
def corrected_velocity(k, j, i, grid, u, v, correction_u, correction_v):
    """u and v at west and south faces [k, j, i] (m/s) with the barotropic correction of their depth mean; zero where closed."""
    return (where(k >= grid.floor_u[j, i], u[k, j, i] + correction_u[j, i], 0.0),
            where(k >= grid.floor_v[j, i], v[k, j, i] + correction_v[j, i], 0.0))


@stencil
def corrected_transports(k, j, i, grid, width_u, width_v, correction_u, correction_v, u, v):
    """Transport (m2/s) through west and south faces with the correction to the averaged one."""
    through_u = grid.open_fraction_of(k, j, i, grid.floor_u, grid.fraction_u, width_u[j, i] * (u[k, j, i] + correction_u[j, i]))
    through_v = grid.open_fraction_of(k, j, i, grid.floor_v, grid.fraction_v, width_v[j, i] * (v[k, j, i] + correction_v[j, i]))
    return where(k >= grid.floor_u[j, i], through_u, 0.0), where(k >= grid.floor_v[j, i], through_v, 0.0)


def on_faces(tile: Tile, width: HaloWidth | None = None) -> tuple[Halo, Halo]:
    """Halos of the components of a velocity, with how far beyond the cells both are needed: all of it by default."""
    return Halo(tile, Place.WEST_FACE, width), Halo(tile, Place.SOUTH_FACE, width)


def advanced(on: Any, equations: Equations, stage: Stage, layers: Any, start: Any, now: Any, sums_now: Any, u: Any, v: Any,
             sums: Sums) -> tuple:
    """The free-surface step (dycore.equations.free_surface) by barotropic substeps of the depth mean, and their transport."""
    backend, tile, grid, own = on.backend, on.tile, equations.grid, equations.barotropic
    assert own is not None
    wide = own.tile
    widths: Sequence[Any] = (layers.width_u, layers.width_v)
    depth_mean = on(depth_means, grid, sums)
    through = through_open_sides(on, equations, layers, now, sums)
    others = [] if now is start else [on(surface_increment, start.surface, now.surface)]
    others += (*widths, *through) if any(own.neighbours) else ()
    # so far beyond the cells that the substeps need no message for a while
    along_y, along_x = (own.substeps_per_exchange if split else 1 for split in tile.split)
    width = HaloWidth(along_x, along_x, along_y, along_y)
    of_others = [Halo(wide, Place.CENTER, width)] * len(others)
    if tile.fold_rows and any(own.neighbours):  # beyond a fold the widths of faces are not where those of cells are
        of_others[-2:] = (halo._replace(turns=False) for halo in on_faces(wide, width))
    halos = (*on_faces(wide, width) * 2, *of_others)
    u, v, *begin = on.exchange((Place.WEST_FACE, u), (Place.SOUTH_FACE, v), *(
        (halo, backend.retile(field, tile, wide)) for halo, field in zip(halos, (*depth_mean, *others), strict=True)))
    change = None if now is start else begin.pop(4)
    averages = substeps(on, equations, stage, begin[:4], change, begin[4:] or (*widths, *through))

    mean_u, mean_v, *transport, predicted_u, predicted_v = (
        backend.retile(field, wide, tile) for field in (*averages, *begin[2:4]))
    predicted = predicted_u, predicted_v
    old = None if stage.off_centring == 1.0 else on(means, grid, *sums_now)
    mean = transport_velocity(on, off_centred_columns, stage, predicted, old)
    correction = on(transport_correction, grid, layers, *mean, *transport)
    total = on(transport_divergence, grid, *transport)
    moving = transport_velocity(on, off_centred, stage, (u, v), (now.u, now.v))
    transports = on(corrected_transports, grid, *widths, *correction, *moving)
    u, v = on(corrected_velocity, grid, u, v, *on(velocity_correction, mean_u, mean_v, *predicted))
    return u, v, Flow(*transports, *widths), total


def substeps(on: Any, equations: Equations, stage: Stage, means: Sequence[Any], change: Any, faces: Sequence[Any]) -> tuple:
    """Averages over the substeps, of velocity and of transport: from depth means before and after, in the wide halo.

    `faces`: the widths of both kinds of faces and, where sides are open, their `Passage`.
    """
    backend, own, parameters = on.backend, equations.barotropic, equations.parameters
    assert own is not None
    wide, grid = own.tile, equations.grid if own.grid is None else own.grid
    averaging, (of_velocity, of_transport) = stage_weights(parameters.substeps, stage), own.averaging[stage.number]
    dt = stage.fraction * parameters.time_step
    groups = portions(len(averaging.velocity), own.substeps_per_exchange, any(own.neighbours))

    def around(portion: Portion) -> Region:
        return wide.region.columns.grow(*(portion.margin * side for side in own.neighbours))

    def substep(m: Any, cells: Region, carried: tuple) -> tuple:
        change, *moving = carried
        *moving, flux_u, flux_v = backend.apply(
            velocity_substep if len(faces) == 2 else open_velocity_substep, cells.grow(east=1, north=1), grid, own.gravity,
            averaging.substep * dt, of_velocity[m], of_transport[m], *faces, *forcing, change, *moving)
        change = backend.apply(surface_substep, cells, grid, averaging.substep * dt, change, flux_u, flux_v)
        return *backend.wrap((Halo(wide, Place.CENTER), change)), *moving

    forcing = backend.apply(forces, around(groups[0]).grow(east=1, north=1), 1.0 / dt, *means)
    u, v = (as_field(mean).array for mean in means[:2])
    zero = backend.zeros_like(u)
    carried = (zero if change is None else as_field(change).array, u, v, zero, zero, zero, zero)
    for portion in groups:
        if portion.message:
            halos = Halo(wide, Place.CENTER), *on_faces(wide)
            averages = (backend.whole(wide, as_field(average)).array for average in carried[3:])
            carried = (*backend.exchange(*zip(halos, carried[:3], strict=True)), *averages)
        carried = backend.iterate(lambda m, carried, portion=portion: substep(m + portion.first, around(portion), carried),
                                  carried, portion.stop - portion.first)
    return carried[3:]


def stage_weights(substeps: int, stage: Stage) -> Weights:
    """Weights of the substeps of a stage; only the last one is averaged."""
    averaged = averaging_weights(substeps)
    return averaged if stage.last else plain_weights(int(np.ceil(stage.fraction / averaged.substep)))
