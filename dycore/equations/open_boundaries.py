"""Open boundaries: waves leave through the faces next to the outermost cells, whose values are those of the sea outside.

    u = u_outside -+ sqrt(g / h) (R - R_outside)          Flather (1976, Mem. Soc. R. Sci. Liege 10, 141), at every substep

with R of the first cell within, half a cell from the face: the wave goes that way in dx / (2 c), and so u is relaxed to
it at the rate 2 c / dx, implicitly, which is the momentum equation of half a cell between R and its value for a wave that
leaves. Of a wave of wavenumber k (k dx / 4)^2 comes back, where u at once would send k dx / 4. Neither Coriolis force nor friction
nor advection act on the depth mean there.

The rest of the velocity is that of the next face within, or a profile from outside. Cells outside (the outermost row) have no
divergence (`inverse_area` is zero there), so that nothing changes in them but what is set at the end of a stage: surface and
tangential velocity of the cells within; tracers, too, or what flows in. Mass and tracers of the others change by what passes the
faces.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from dycore.equations.velocity import Sums, column_sums, no_column_sums
from dycore.stencils import coefficient_at, square_root, stencil, where
from dycore.tiles import Place

FACES = Place.WEST_FACE, Place.SOUTH_FACE


class TidalWave(NamedTuple):
    """A constituent outside: cos and sin of its time, and the amplitudes of both, of elevation (m) and velocity (m/s)."""

    cosine: Any
    sine: Any
    elevation_cosine: Any
    elevation_sine: Any
    velocity_cosine: Any
    velocity_sine: Any


class Border(NamedTuple):
    """The sea outside of a side; () where a value is that within."""

    elevation: Any = 0.0  # m
    velocity: Any = 0.0  # m/s, depth mean across the side
    tides: tuple = ()
    profile: Any = ()  # m/s
    tracers: tuple = ()  # one for each, as the profile
    share: Any = 1.0  # of the way from a tracer outside to its value that goes in a step


class Openings(NamedTuple):
    """Where sides are open, and the sea outside of each. Fields [j, i] are 0 elsewhere."""

    normal_u: Any  # of west faces between outside and within: 1 where the grid is to the east, -1 to the west
    normal_v: Any  # of south faces
    along_u: Any  # of west faces between two cells outside: 1 where the grid is to the north, -1 to the south
    along_v: Any  # of south faces: 1 where it is to the east, -1 to the west
    into_x: Any  # of cells outside in the west (1) and in the east (-1)
    into_y: Any  # in the south (1) and in the north (-1), but for corners
    west: Border
    east: Border
    south: Border
    north: Border


class Passage(NamedTuple):
    """The relation of depth mean and surface on open faces [j, i]: u = outer - slope (change of R within)."""

    outer_u: Any  # m/s
    outer_v: Any
    slope_u: Any  # sqrt(g / h) (1/s), with the sign of the normal; zero on other faces
    slope_v: Any


def plane_at(j: Any, i: Any, value: Any) -> Any:
    """A number, or the value of a plane [j, i] at a point."""
    return coefficient_at(0, j, i, value)


def elevation_at(j: Any, i: Any, border: Border) -> Any:
    """Elevation outside at a point (m)."""
    total = plane_at(j, i, border.elevation)
    for tide in border.tides:
        total = total + tide.cosine * plane_at(j, i, tide.elevation_cosine) + tide.sine * plane_at(j, i, tide.elevation_sine)
    return total


def velocity_at(j: Any, i: Any, border: Border) -> Any:
    """Depth mean of the velocity across a side, outside, at a point (m/s)."""
    total = plane_at(j, i, border.velocity)
    for tide in border.tides:
        total = total + tide.cosine * plane_at(j, i, tide.velocity_cosine) + tide.sine * plane_at(j, i, tide.velocity_sine)
    return total


def slope_of(normal: Any, gravity: Any, thickness: Any, stretching: Any) -> Any:
    """sqrt(g / h) with the sign of the normal (1/s); zero where a face is closed or no boundary."""
    depth = thickness * stretching
    return where(depth > 0.0, normal * square_root(gravity / where(depth > 0.0, depth, 1.0)), 0.0)


@stencil
def slopes(j, i, grid, gravity, openings, stretching):
    """`Passage.slope_u` and slope_v at [j, i] under a stretching of columns."""
    normal_u, normal_v = openings.normal_u[j, i], openings.normal_v[j, i]
    return (slope_of(normal_u, gravity, grid.thickness_u[j, i], where(normal_u > 0.0, stretching[j, i], stretching[j, i - 1])),
            slope_of(normal_v, gravity, grid.thickness_v[j, i], where(normal_v > 0.0, stretching[j, i], stretching[j - 1, i])))


@stencil
def incoming(j, i, slope_u, slope_v, west, east, south, north):
    """u + slope R outside of open faces [j, i] (m/s), which waves that come in bring with them."""
    return (where(slope_u[j, i] > 0.0, velocity_at(j, i, west), velocity_at(j, i, east))
            + slope_u[j, i] * where(slope_u[j, i] > 0.0, elevation_at(j, i, west), elevation_at(j, i, east)),
            where(slope_v[j, i] > 0.0, velocity_at(j, i, south), velocity_at(j, i, north))
            + slope_v[j, i] * where(slope_v[j, i] > 0.0, elevation_at(j, i, south), elevation_at(j, i, north)))


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
def outer(j, i, slope_u, slope_v, incoming_u, incoming_v, turned_u, turned_v, surface):
    """`Passage.outer_u` and outer_v at [j, i], from what comes in, the Coriolis force and the surface at the beginning."""
    within_u = where(slope_u[j, i] > 0.0, surface[j, i], surface[j, i - 1])
    within_v = where(slope_v[j, i] > 0.0, surface[j, i], surface[j - 1, i])
    return (incoming_u[j, i] + turned_u[j, i] - slope_u[j, i] * within_u,
            incoming_v[j, i] + turned_v[j, i] - slope_v[j, i] * within_v)


@stencil
def border_velocity(k, j, i, grid, openings, u, v):
    """u, v at west and south faces (m/s), on open ones those of the next face within or of a profile from outside."""
    normal_u, normal_v = openings.normal_u[j, i], openings.normal_v[j, i]
    from_west, from_east = or_within(k, j, i, openings.west, u[k, j, i + 1]), or_within(k, j, i, openings.east, u[k, j, i - 1])
    from_south, from_north = or_within(k, j, i, openings.south, v[k, j + 1, i]), or_within(k, j, i, openings.north, v[k, j - 1, i])
    new_u = where(normal_u > 0.0, from_west, where(normal_u < 0.0, from_east, u[k, j, i]))
    new_v = where(normal_v > 0.0, from_south, where(normal_v < 0.0, from_north, v[k, j, i]))
    return where(k >= grid.floor_u[j, i], new_u, 0.0), where(k >= grid.floor_v[j, i], new_v, 0.0)


def or_within(k: Any, j: Any, i: Any, border: Border, within: Any) -> Any:
    """The profile of a side at a point (m/s), or a value within."""
    return within if isinstance(border.profile, tuple) else coefficient_at(k, j, i, border.profile)


@stencil
def outside_velocity(k, j, i, grid, openings, u, v):
    """u, v at west and south faces (m/s), between cells outside those of the next row or column within."""
    along_u, along_v = openings.along_u[j, i], openings.along_v[j, i]
    new_u = where(along_u > 0.0, u[k, j + 1, i], where(along_u < 0.0, u[k, j - 1, i], u[k, j, i]))
    new_v = where(along_v > 0.0, v[k, j, i + 1], where(along_v < 0.0, v[k, j, i - 1], v[k, j, i]))
    return where(k >= grid.floor_u[j, i], new_u, 0.0), where(k >= grid.floor_v[j, i], new_v, 0.0)


@stencil
def outside_surface(j, i, openings, surface):
    """Moving boundary at centres (unit of r), in cells outside that of the next cell within."""
    into_x, into_y = openings.into_x[j, i], openings.into_y[j, i]
    along_y = where(into_y > 0.0, surface[j + 1, i], where(into_y < 0.0, surface[j - 1, i], surface[j, i]))
    return where(into_x > 0.0, surface[j, i + 1], where(into_x < 0.0, surface[j, i - 1], along_y))


def of_border(k: Any, j: Any, i: Any, value: Any, share: Any, inward: Any, within: Any, own: Any) -> Any:
    """A tracer outside of a side (its unit): that within, or, where water flows in, on the way to a value from outside."""
    if isinstance(value, tuple):
        return within
    return where(inward > 0.0, own + share * (coefficient_at(k, j, i, value) - own), within)


@stencil
def outside_tracer(k, j, i, grid, openings, values, shares, u, v, tracer):
    """Tracer at centres (its unit), in cells outside as `of_border`; as it was below the floor of the cell within."""
    into_x, into_y, own = openings.into_x[j, i], openings.into_y[j, i], tracer[k, j, i]
    west = of_border(k, j, i, values[0], shares[0], u[k, j, i + 1], tracer[k, j, i + 1], own)
    east = of_border(k, j, i, values[1], shares[1], -u[k, j, i], tracer[k, j, i - 1], own)
    south = of_border(k, j, i, values[2], shares[2], v[k, j + 1, i], tracer[k, j + 1, i], own)
    north = of_border(k, j, i, values[3], shares[3], -v[k, j, i], tracer[k, j - 1, i], own)
    along_y = where(into_y > 0.0, grid.floor[j + 1, i], where(into_y < 0.0, grid.floor[j - 1, i], grid.floor[j, i]))
    floor = where(into_x > 0.0, grid.floor[j, i + 1], where(into_x < 0.0, grid.floor[j, i - 1], along_y))
    value = where(into_x > 0.0, west, where(into_x < 0.0, east, where(into_y > 0.0, south, where(into_y < 0.0, north, own))))
    return where(k >= floor, value, own)


def entering(on: Any, equations: Any, u: Any, v: Any, sums: Sums) -> tuple:
    """u and v on open faces before the free-surface step, and the column sums with them; all as they are without such."""
    if equations.openings is None:
        return u, v, sums
    u, v = on(border_velocity, equations.grid, equations.openings, *on.exchange(*zip(FACES, (u, v), strict=True)))
    (after_u, after_v), _ = on.upward(column_sums, no_column_sums, equations.grid, u, v)
    return u, v, sums._replace(after_u=after_u, after_v=after_v)


def outside(on: Any, equations: Any, u: Any, v: Any, surface: Any, tracers: tuple) -> tuple:
    """u, v, the moving boundary and the tracers after a stage, with those of cells outside of open sides."""
    openings, grid = equations.openings, equations.grid
    if openings is None:
        return u, v, surface, tracers
    borders = openings.west, openings.east, openings.south, openings.north
    places = (*FACES, *[Place.CENTER] * (1 + len(tracers)))
    u, v, surface, *tracers = on.exchange(*zip(places, (u, v, surface, *tracers), strict=True))
    shares = tuple(border.share for border in borders)
    moved = tuple(on(outside_tracer, grid, openings, tuple(border.tracers[number] for border in borders), shares, u, v, tracer)
                  for number, tracer in enumerate(tracers))
    return *on(outside_velocity, grid, openings, u, v), on(outside_surface, openings, surface), moved


def through_open_sides(on: Any, equations: Any, layers: Any, now: Any, sums: Sums) -> tuple:
    """`Passage` of a stage; () where no side is open."""
    openings, grid = equations.openings, equations.grid
    if openings is None:
        return ()
    gravity = equations.barotropic.gravity
    slope = on(slopes, grid, gravity, openings, layers.stretching)
    coming = on(incoming, *slope, openings.west, openings.east, openings.south, openings.north)
    before = on.exchange(*zip(FACES, (sums.before_u, sums.before_v), strict=True))
    return *on(outer, *slope, *coming, *on(turned, grid, gravity, *before), now.surface), *slope
