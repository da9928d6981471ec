"""Open boundaries: waves leave through the faces next to the outermost cells, whose values are those of the sea outside.

    u = u_outside -+ sqrt(g / h) (R - R_outside)          Flather (1976, Mem. Soc. R. Sci. Liege 10, 141), at every substep

with R of the first cell within, half a cell from the face: the wave goes that way in dx / (2 c), and so u is relaxed to
it at the rate 2 c / dx, implicitly, which is the momentum equation of half a cell between R and its value for a wave that
leaves. Of a wave of wavenumber k (k dx / 4)^2 comes back, where u at once would send k dx / 4. The Coriolis force acts on the depth
mean there, for without it the force on the velocity along the side would do work and waves would grow; friction and advection do
not.

The rest of the velocity is a profile from outside, or leaves with the internal waves (`radiated`):

    du/dt + c du/dn = 0,      c = 1/pi sum of N dz      Chapman (1985, J. Phys. Oceanogr. 15, 1060), GWI, with the speed of the
                                                        first internal mode; a wave at speed c' leaves [(c - c') / (c + c')]2

of its energy behind. (The velocity of the next face within, as it is, would send all of it back: no divergence, hence no change of
buoyancy, in the cell between.) Cells outside (the outermost row) have no
divergence (`inverse_area` is zero there), so that nothing changes in them but what is set at the end of a stage: surface and
tangential velocity of the cells within; tracers, too, or what flows in. Mass and tracers of the others change by what passes the
faces.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from dycore.closures.columns import no_speed, wave_speed
from dycore.equations.neutral_slopes import inverse_stability
from dycore.equations.velocity import Sums, column_sums, no_column_sums
from dycore.stencils import coefficient_at, maximum, square_root, stencil, where
from dycore.terms import bound
from dycore.tiles import Place

FACES = Place.WEST_FACE, Place.SOUTH_FACE
LEAST_RATE = 1.0 / 86400.0  # 1/s: velocity follows that within at least in a day, where no internal wave takes it along


class Inflow(NamedTuple):
    """A part of the depth mean and the surface outside of a side: a number times planes [j, i], which are 0 on other faces."""

    weight: Any  # no unit: 1, or the cosine or the sine of the time of a tide
    velocity: Any  # m/s, across the side
    elevation: Any  # m


class Border(NamedTuple):
    """The sea outside of a side; () where a value is that within."""

    sign: Any  # 1.0 in the west and the south, -1.0 in the east and the north
    inflows: tuple[Inflow, ...]
    profile: Any = ()  # m/s: a number, a profile [k] or a volume [k, j, i]
    tracers: tuple = ()  # one for each, as the profile
    share: Any = 1.0  # of the way from a tracer outside to its value that goes in a step


class Where(NamedTuple):
    """Faces and cells at open sides: fields [j, i], which are 0 elsewhere."""

    normal_u: Any  # of west faces between outside and within: 1 where the grid is to the east, -1 to the west
    normal_v: Any  # of south faces
    along_u: Any  # of west faces between two cells outside: 1 where the grid is to the north, -1 to the south
    along_v: Any  # of south faces: 1 where it is to the east, -1 to the west
    into_x: Any  # of cells outside in the west (1) and in the east (-1)
    into_y: Any  # in the south (1) and in the north (-1), but for corners


class Openings(NamedTuple):
    """Open sides: where they are, and the sea outside of each."""

    at: Where
    x: tuple[Border, ...]  # in the west and the east
    y: tuple[Border, ...]


class Passage(NamedTuple):
    """The relation of depth mean and surface on open faces [j, i]: u = outer - slope (change of R within)."""

    outer_u: Any  # m/s
    outer_v: Any
    slope_u: Any  # sqrt(g / h) (1/s), with the sign of the normal; zero on other faces
    slope_v: Any


@stencil
def slope_of(normal, gravity, thickness, stretching):
    """sqrt(g / h) with the sign of the normal (1/s); zero where a face is closed or no boundary."""
    depth = thickness * stretching
    return where(depth > 0.0, normal * square_root(gravity / where(depth > 0.0, depth, 1.0)), 0.0)


@stencil
def slopes(j, i, grid, gravity, at, stretching):
    """`Passage.slope_u` and slope_v at [j, i] under a stretching of columns."""
    normal_u, normal_v = at.normal_u[j, i], at.normal_v[j, i]
    return (slope_of(normal_u, gravity, grid.thickness_u[j, i], where(normal_u > 0.0, stretching[j, i], stretching[j, i - 1])),
            slope_of(normal_v, gravity, grid.thickness_v[j, i], where(normal_v > 0.0, stretching[j, i], stretching[j - 1, i])))


@stencil
def with_inflow(j, i, weight, slope, velocity, elevation, total):
    """u + slope R on open faces [j, i] (m/s) with a part of what waves that come in bring."""
    return total[j, i] + weight * (velocity[j, i] + slope[j, i] * elevation[j, i])


@stencil
def turned(j, i, grid, gravity, sum_u, sum_v):
    """Change of u, v at west and south faces [j, i] (m/s) by the Coriolis force while a wave goes half a cell, dx / (2 c)."""
    time_u = 0.5 * grid.dx_u[j, i] / square_root(gravity * where(grid.thickness_u[j, i] > 0.0, grid.thickness_u[j, i], 1.0))
    time_v = 0.5 * grid.dy_v[j, i] / square_root(gravity * where(grid.thickness_v[j, i] > 0.0, grid.thickness_v[j, i], 1.0))
    northward = grid.coriolis[j, i] * (mean_v(j, i, grid, sum_v) + mean_v(j, i - 1, grid, sum_v)) + (
        grid.coriolis[j + 1, i] * (mean_v(j + 1, i, grid, sum_v) + mean_v(j + 1, i - 1, grid, sum_v)))
    eastward = grid.coriolis[j, i] * (mean_u(j, i, grid, sum_u) + mean_u(j - 1, i, grid, sum_u)) + (
        grid.coriolis[j, i + 1] * (mean_u(j, i + 1, grid, sum_u) + mean_u(j - 1, i + 1, grid, sum_u)))
    return 0.25 * time_u * northward, -0.25 * time_v * eastward


@stencil
def mean_u(j, i, grid, sum_u):
    """Depth mean of u at a west face (m/s) from its column sum."""
    return sum_u[j, i] * grid.inverse_thickness_u[j, i]


@stencil
def mean_v(j, i, grid, sum_v):
    """Depth mean of v at a south face (m/s) from its column sum."""
    return sum_v[j, i] * grid.inverse_thickness_v[j, i]


@stencil
def outer(j, i, slope_u, slope_v, incoming_u, incoming_v, surface):
    """`Passage.outer_u` and outer_v at [j, i], from what comes in and the surface at the beginning."""
    within_u = where(slope_u[j, i] > 0.0, surface[j, i], surface[j, i - 1])
    within_v = where(slope_v[j, i] > 0.0, surface[j, i], surface[j - 1, i])
    return incoming_u[j, i] - slope_u[j, i] * within_u, incoming_v[j, i] - slope_v[j, i] * within_v


@stencil
def radiated(k, j, i, grid, at, time_step, speed, before_u, before_v, u, v):
    """u, v at west and south faces (m/s), on open ones those before on their way to those of the next face within."""
    normal_u, normal_v = at.normal_u[j, i], at.normal_v[j, i]
    within_u = where(normal_u > 0.0, u[k, j, i + 1], u[k, j, i - 1])
    within_v = where(normal_v > 0.0, v[k, j + 1, i], v[k, j - 1, i])
    speed_u, speed_v = (where(normal_u > 0.0, speed[j, i], speed[j, i - 1]), where(normal_v > 0.0, speed[j, i], speed[j - 1, i]))
    courant_u = time_step * maximum(speed_u * grid.inverse_dx_u[j, i], LEAST_RATE)
    courant_v = time_step * maximum(speed_v * grid.inverse_dy_v[j, i], LEAST_RATE)
    new_u = where(normal_u != 0.0, (before_u[k, j, i] + courant_u * within_u) / (1.0 + courant_u), u[k, j, i])
    new_v = where(normal_v != 0.0, (before_v[k, j, i] + courant_v * within_v) / (1.0 + courant_v), v[k, j, i])
    return where(k >= grid.floor_u[j, i], new_u, 0.0), where(k >= grid.floor_v[j, i], new_v, 0.0)


@stencil
def clamped(k, j, i, floor, normal, sign, profile, velocity):
    """Velocity on faces (m/s), on those of one side that of a profile."""
    here = (normal[j, i] * sign > 0.0) & (k >= floor[j, i])
    return where(here, coefficient_at(k, j, i, profile), velocity[k, j, i])


@stencil
def outside_velocity(k, j, i, grid, at, u, v):
    """u, v at west and south faces (m/s), between cells outside those of the next row or column within."""
    along_u, along_v = at.along_u[j, i], at.along_v[j, i]
    new_u = where(along_u > 0.0, u[k, j + 1, i], where(along_u < 0.0, u[k, j - 1, i], u[k, j, i]))
    new_v = where(along_v > 0.0, v[k, j, i + 1], where(along_v < 0.0, v[k, j, i - 1], v[k, j, i]))
    return where(k >= grid.floor_u[j, i], new_u, 0.0), where(k >= grid.floor_v[j, i], new_v, 0.0)


@stencil
def outside_surface(j, i, at, surface):
    """Moving boundary at centres (unit of r), in cells outside that of the next cell within."""
    into_x, into_y = at.into_x[j, i], at.into_y[j, i]
    along_y = where(into_y > 0.0, surface[j + 1, i], where(into_y < 0.0, surface[j - 1, i], surface[j, i]))
    return where(into_x > 0.0, surface[j, i + 1], where(into_x < 0.0, surface[j, i - 1], along_y))


@stencil
def outside_tracer(k, j, i, grid, at, tracer):
    """Tracer at centres (its unit), in cells outside that of the next cell within; as it was below the floor of that."""
    into_x, into_y, own = at.into_x[j, i], at.into_y[j, i], tracer[k, j, i]
    floor_y = where(into_y > 0.0, grid.floor[j + 1, i], where(into_y < 0.0, grid.floor[j - 1, i], grid.floor[j, i]))
    floor = where(into_x > 0.0, grid.floor[j, i + 1], where(into_x < 0.0, grid.floor[j, i - 1], floor_y))
    along_y = where(into_y > 0.0, tracer[k, j + 1, i], where(into_y < 0.0, tracer[k, j - 1, i], own))
    within = where(into_x > 0.0, tracer[k, j, i + 1], where(into_x < 0.0, tracer[k, j, i - 1], along_y))
    return where(k >= floor, within, own)


@stencil
def inflow_x(k, j, i, at, sign, value, share, u, before, tracer):
    """Tracer at centres (its unit), in cells outside in the west or east on the way to a value where water flows in."""
    inward = where(sign > 0.0, u[k, j, i + 1], -u[k, j, i])
    own = before[k, j, i]
    return where((at.into_x[j, i] * sign > 0.0) & (inward > 0.0), own + share * (coefficient_at(k, j, i, value) - own),
                 tracer[k, j, i])


@stencil
def inflow_y(k, j, i, at, sign, value, share, v, before, tracer):
    """Tracer at centres (its unit), in cells outside in the south or north on the way to a value where water flows in."""
    inward = where(sign > 0.0, v[k, j + 1, i], -v[k, j, i])
    own = before[k, j, i]
    return where((at.into_y[j, i] * sign > 0.0) & (inward > 0.0), own + share * (coefficient_at(k, j, i, value) - own),
                 tracer[k, j, i])


def entering(on: Any, equations: Any, time_step: Any, now: Any, start: Any, u: Any, v: Any, sums: Sums) -> tuple:
    """u and v on open faces before the free-surface step, and the column sums with them; all as they are without such.

    now: the instant (dycore.forcing.Instant) whose stratification sets the speed of waves; start: the state one `time_step` (s)
    before.
    """
    grid, openings = equations.grid, equations.openings
    if openings is None:
        return u, v, sums
    at = openings.at
    stratification = bound(inverse_stability, grid, now.layers, equations.heights, equations.parameters.fluid,
                           equations.buoyant(now.tracers))
    (speed,), _ = on.upward(wave_speed, no_speed, grid, now.layers, stratification)
    u, v = on(radiated, grid, at, time_step, speed, start.u, start.v, *on.exchange(*zip(FACES, (u, v), strict=True)))
    for border in openings.x:
        if not isinstance(border.profile, tuple):
            u = on(clamped, grid.floor_u, at.normal_u, border.sign, border.profile, u)
    for border in openings.y:
        if not isinstance(border.profile, tuple):
            v = on(clamped, grid.floor_v, at.normal_v, border.sign, border.profile, v)
    (after_u, after_v), _ = on.upward(column_sums, no_column_sums, grid, u, v)
    return u, v, sums._replace(after_u=after_u, after_v=after_v)


def outside(on: Any, equations: Any, u: Any, v: Any, surface: Any, tracers: tuple) -> tuple:
    """u, v, the moving boundary and the tracers after a stage, with those of cells outside of open sides."""
    openings, grid = equations.openings, equations.grid
    if openings is None:
        return u, v, surface, tracers
    places = (*FACES, *[Place.CENTER] * (1 + len(tracers)))
    u, v, surface, *filled = on.exchange(*zip(places, (u, v, surface, *tracers), strict=True))
    moved = tuple(one_outside(on, grid, openings, number, u, v, tracer) for number, tracer in enumerate(filled))
    return *on(outside_velocity, grid, openings.at, u, v), on(outside_surface, openings.at, surface), moved


def one_outside(on: Any, grid: Any, openings: Openings, number: int, u: Any, v: Any, tracer: Any) -> Any:
    """A tracer with its values in cells outside."""
    found = on(outside_tracer, grid, openings.at, tracer)
    for borders, stencil_of, velocity in ((openings.x, inflow_x, u), (openings.y, inflow_y, v)):
        for border in borders:
            value = border.tracers[number]
            if not isinstance(value, tuple):
                found = on(stencil_of, openings.at, border.sign, value, border.share, velocity, tracer, found)
    return found


def through_open_sides(on: Any, equations: Any, layers: Any, now: Any, sums: Sums) -> tuple:
    """`Passage` of a stage; () where no side is open."""
    openings, grid = equations.openings, equations.grid
    if openings is None:
        return ()
    gravity = equations.barotropic.gravity
    slope = on(slopes, grid, gravity, openings.at, layers.stretching)
    before = on.exchange(*zip(FACES, (sums.before_u, sums.before_v), strict=True))
    coming = list(on(turned, grid, gravity, *before))
    for number, borders in enumerate((openings.x, openings.y)):
        for inflow in (each for border in borders for each in border.inflows):
            coming[number] = on(with_inflow, inflow.weight, slope[number], inflow.velocity, inflow.elevation, coming[number])
    return *on(outer, *slope, *coming, now.surface), *slope
