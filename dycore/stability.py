"""Limits of the time step: what each process allows, the longest step that all of them do, and what is refused outright.

    dt * rate <= limit of the time stepper      (von Neumann analysis: tests/test_stepping.py, test_runge_kutta.py)

The rate of a process is its fastest on this grid: 2 c / dx for waves, f, |u| / dx for advection, 4 nu / dx^2 for
friction, its square for the biharmonic kind (for friction with c2 along rows in one of the two factors), in two
or three dimensions. The polar filter makes the cells of its rows as long as those at its latitude, once, which a biharmonic
operator needs twice. What is implicit (vertical mixing, drag) has no
limit; internal waves of an ocean, slower than 10 m/s, are not counted. With barotropic substeps rotation limits a step through
waves of omega dt = 2, where these are well resolved (short ones are turned less by the averages of the C grid).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from dycore.closures.records import prognostics_of
from dycore.coefficients import largest_in_columns, on_grid
from dycore.equations import advection, barotropic, friction
from dycore.fluid import Atmosphere
from dycore.grid import Grid, interior
from dycore.inputs.checked_states import check_fields
from dycore.inputs.choices import check_choices
from dycore.inputs.eddies import check_eddies, check_slopes, largest
from dycore.inputs.given import check_kind
from dycore.inputs.open_boundaries import check_open_boundaries
from dycore.parameters import Parameters, check_values, in_plain_form
from dycore.state import layout
from dycore.tiles import HALO, HALO_LEVELS, Boundary

LEAST_PRESSURE = 0.02  # of the reference pressure at the lowest interface of an atmosphere: in hPa it is 0.01
ROTATION, FRICTION, DIFFUSION, EDDIES = "rotation", "friction", "diffusion", "diffusion by unresolved eddies"
MARGIN = 0.95  # of the limits of linear analysis, but for rotation, which no flow changes
HOPELESS = 2.0  # times as long as friction or diffusion allows: beyond it they blow up on the smallest grids, too


class TimeStepWarning(UserWarning):
    """The time step is longer than what some process allows."""


class Speeds(NamedTuple):
    """Speeds of a flow that limit the step: cells that it crosses (1/s), and its largest velocity along a level (m/s)."""

    crossing: float = 0.0
    speed: float = 0.0


AT_REST = Speeds()


class Limit(NamedTuple):
    """A process and the longest step (s) that it allows."""

    process: str
    time_step: float


def squares(grid: Grid, parameters: Parameters, corners: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """1 / dx^2 and 1 / dy^2 of every column (1/m2) [j, i], and 1 / dx^2 as the polar filter leaves it to the change of a step.

    `corners`: on the rows of corners, without those at poles. Zero along a direction of one cell, where nothing varies, but
    for the friction between walls at which a flow stops.
    """
    dx, dy = interior(grid.metrics.dx_v if corners else grid.metrics.dx_u).astype(float), interior(grid.metrics.dy_v).astype(float)
    if grid.tile.y is Boundary.FOLD:  # whose cells are as small as one likes at its poles, on land
        dx, dy = (np.where(near_water(grid), length, np.inf) for length in (dx, dy))
    dx = felt = np.where(dx > 0.0, dx, np.inf)
    if grid.tile.y is Boundary.POLE and parameters.polar_filter is not None:
        felt = np.maximum(dx, interior(grid.metrics.dx_u).max() * np.cos(np.radians(parameters.polar_filter)))
    no_slip = parameters.friction is not None and parameters.friction.no_slip
    along_y, along_x = (0.0 if n == 1 and not (no_slip and boundary is Boundary.WALL) else 1.0
                        for n, boundary in zip(grid.cells[1:], (grid.tile.y, grid.tile.x), strict=True))
    return along_x / dx**2, along_y / dy**2, along_x / felt**2


def near_water(grid: Grid) -> np.ndarray:
    """True in wet columns and those beside them, interior [j, i]."""
    wet = grid.metrics.floor < grid.metrics.top
    for axis in (0, 1):
        wet = wet | np.roll(wet, 1, axis) | np.roll(wet, -1, axis)
    return interior(wet)


def fastest_decay(grid: Grid, parameters: Parameters, coefficient: Any, biharmonic: bool, corners: bool = False,
                  narrow: Any = 1.0) -> float:
    """The fastest decay (1/s) by friction or diffusion with a coefficient [j, i] (m2/s, or m4/s) at centres or corners.

    `narrow` [j, i]: what a first pass of the biharmonic kind has along rows of the coefficient.
    """
    in_x, in_y, felt = squares(grid, parameters, corners)
    if not biharmonic:
        return float((4.0 * coefficient * (felt + in_y)).max())
    # the filter scales the shortest wave of a row by in_x / felt, and leaves the longest that it does not touch
    with np.errstate(invalid="ignore"):
        shortest = np.nan_to_num(felt / in_x) * (in_x + in_y) * (narrow * in_x + in_y)
        longest = (felt + in_y) * (narrow * felt + in_y)
    return float((16.0 * coefficient * np.maximum(shortest, longest)).max())


def speeds(grid: Grid, parameters: Parameters, u: Any, v: Any, w: Any, surface: Any, first: tuple[int, int] = (0, 0)) -> Speeds:
    """Speeds of a flow [k, j, i], [j, i] without halo, or of the part of it that begins at the cell `first` of the grid."""
    u, v, w, surface = (np.asarray(values, float) for values in (u, v, w, surface))
    part = tuple(slice(start, start + n) for start, n in zip(first, surface.shape, strict=True))
    metrics = grid.metrics
    _, in_y, felt = (values[part] for values in squares(grid, parameters))
    fixed, thickness, floor = (interior(field)[part] for field in (metrics.fixed, metrics.thickness, metrics.floor))
    levels = HALO_LEVELS + np.arange(len(u))[:, None, None]
    wet = levels >= floor
    stretching = np.where(thickness > 0.0, (surface - fixed) / np.where(thickness > 0.0, thickness, 1.0), 1.0)
    fraction = np.where(levels == floor, np.broadcast_to(interior(metrics.fraction)[part] if np.ndim(metrics.fraction) else 1.0,
                                                         floor.shape), 1.0)
    height = np.diff(grid.interfaces)[:, None, None] * stretching * fraction
    across = np.maximum(abs(w), abs(np.concatenate([w[1:], np.zeros_like(w[:1])]))) / height  # the faster of both faces
    crossing = np.where(wet, abs(u) * np.sqrt(felt) + abs(v) * np.sqrt(in_y) + across, 0.0)
    return Speeds(float(crossing.max()), float(np.hypot(u, v).max()))


def largest_speeds(model: Any, state: Any) -> Speeds:
    """The largest speeds of a state in arrays of a model's backend, on all processes, which all have to call it."""
    communication, tile = model.backend.communication, model.tile
    u, v, w, surface = (communication.cells(tile, field) for field in (state.u, state.v, state.w, state.surface))
    own = speeds(model.grid, model.parameters, u, v, w, surface, (tile.rows[0], tile.columns[0]))
    return Speeds(*map(communication.largest, own))


def at_corners(grid: Grid, field: Any) -> np.ndarray:
    """Values of a field [j, i] on the corners of the cells: further out in the halo nothing moves."""
    _, ny, nx = grid.cells
    return np.asarray(field)[HALO: HALO + ny + 1, HALO: HALO + nx + 1]


def wave_rate(grid: Grid, parameters: Parameters) -> float:
    """The largest frequency of external waves on this grid (1/s)."""
    _, in_y, felt = squares(grid, parameters)
    return 2.0 * parameters.fluid.wave_speed(grid.interfaces) * float(np.sqrt((felt + in_y).max()))


def limits(grid: Grid, parameters: Parameters, flow: Speeds = AT_REST) -> list[Limit]:
    """The longest step that each process allows, without margin; the flow slows nothing where it is not given."""
    stepper, split = parameters.stepper, parameters.substeps > 1
    coriolis = max(float(np.abs(at_corners(grid, grid.metrics.coriolis)).max()), 1e-12)
    frequency = max(wave_rate(grid, parameters), 1e-12)
    if split:
        found = [Limit("external waves in the barotropic substeps",
                       2.0 / frequency / barotropic.averaging_weights(parameters.substeps).substep)]
    else:
        frequency *= 1.0 + flow.speed / parameters.fluid.wave_speed(grid.interfaces)
        found = [Limit("external waves", stepper.waves / frequency)]
    found.append(Limit(ROTATION, (stepper.rotation_split if split else stepper.rotation) / coriolis))
    upwind = any(face is not advection.centred for face in (parameters.tracer_face, parameters.vertical_face))
    if flow.crossing > 0.0:
        courant = stepper.upwind if upwind and parameters.tracer_names else stepper.rotation
        found.append(Limit("the speed of the flow", courant / flow.crossing))
    decays = []
    if parameters.friction:
        biharmonic, values = parameters.friction.biharmonic, friction.viscosities(grid, parameters.friction)
        for root, narrow, corners in ((values.centre, values.narrow_centre, False), (values.corner, values.narrow_corner, True)):
            viscosity = largest_in_columns(interior(root).astype(float)) ** (2.0 if biharmonic else 1.0)
            decays.append((FRICTION, fastest_decay(grid, parameters, viscosity, biharmonic, corners, interior(narrow))))
    if parameters.diffusivity is not None:
        diffusivity = largest_in_columns(parameters.diffusivity)
        decays.append((DIFFUSION, fastest_decay(grid, parameters, diffusivity, parameters.biharmonic_diffusion)))
    if parameters.eddies is not None:
        unfiltered = replace(parameters, polar_filter=None)  # as their flux is
        for diffusivity in map(largest, parameters.eddies.diffusivities.values()):
            decays.append((EDDIES, fastest_decay(grid, unfiltered, largest_in_columns(diffusivity), False)))
    return found + [Limit(process, stepper.decay / rate) for process, rate in decays if rate > 0.0]


def shortest_limit(grid: Grid, parameters: Parameters, flow: Speeds = AT_REST) -> Limit:
    """The process that allows the shortest step, and that step (s) with a margin."""
    found = (Limit(process, (1.0 if process is ROTATION else MARGIN) * time_step)
             for process, time_step in limits(grid, parameters, flow))
    return min(found, key=lambda limit: limit.time_step)


def suggested_time_step(grid: Grid, parameters: Parameters, state: Any = None) -> Limit:
    """The longest step that waves, rotation, friction, diffusion and, of a state, its flow allow, and which of them limits it.

    With a margin of 5 %, but for rotation. A guide, not a promise: flows become faster, and what is not linear may ask for less.
    """
    check_kind("grid", grid, Grid, "Make one with dycore.grid.rectilinear or latitude_longitude.")
    parameters = in_plain_form(parameters)
    check_choices(parameters)
    check_values(parameters)
    if state is None:
        return shortest_limit(grid, parameters)
    padded = grid.tile.region.padded
    check_fields(state, layout(parameters.tracer_names, prognostics_of(parameters), history=False), grid.dtype, padded, padded)
    u, v, w, surface = (interior(np.asarray(part)) for part in (state.u, state.v, state.w, state.surface))
    return shortest_limit(grid, parameters, speeds(grid, parameters, u, v, w, surface))


def stable_time_step(grid: Grid, parameters: Parameters) -> float:
    """The longest step (s) that external waves (or the barotropic substeps) and rotation allow, without mean flow."""
    waves, rotation, *_ = limits(grid, parameters)
    # with substeps a single wave grows beyond the limit of rotation, slowly at first, and friction may hold it
    return min(waves.time_step, (1.0 if parameters.substeps == 1 else 1.25) * rotation.time_step)


def check_parameters(grid: Grid, parameters: Parameters) -> None:
    """Raise ValueError where a parameter makes no sense on this grid."""
    check_kind("grid", grid, Grid, "Make one with dycore.grid.rectilinear or latitude_longitude.")
    check_choices(parameters)
    check_values(parameters)
    parameters = on_grid(grid, parameters)
    if parameters.substeps > 1 and grid.tile.y is Boundary.POLE:
        raise ValueError("Barotropic substeps are unstable between poles: use substeps=1 on a full sphere, or "
                         "walls before the poles.")
    fluid, surface = parameters.fluid, grid.interfaces[-1]
    if isinstance(fluid, Atmosphere) and surface < LEAST_PRESSURE * fluid.reference_pressure:
        raise ValueError(f"The interfaces of the atmosphere reach to {surface:.6g} Pa, while its reference pressure is "
                         f"{fluid.reference_pressure:.6g} Pa. Give interfaces in Pa (100 Pa are 1 hPa), or an "
                         "Atmosphere(reference_pressure=...) of its own.")
    with np.errstate(invalid="ignore"):  # of a root
        speed = fluid.wave_speed(grid.interfaces)
    if not 0.0 < speed < np.inf:
        raise ValueError(f"External waves of the fluid have a speed of {speed:.6g} m/s. Give a fluid of which it is a positive "
                         "number: that of gravity and depth, or of temperature and heat capacity.")
    advection.check_vertical_face(parameters.vertical_face)
    check_eddies(grid, parameters)
    check_open_boundaries(grid, parameters)
    check_time_step(grid, parameters)
    check_slopes(grid, parameters)


def check_time_step(grid: Grid, parameters: Parameters) -> None:
    """Raise ValueError where the step is one that no run survives; what may go well, a run warns of (TimeStepWarning)."""
    dt, limit = parameters.time_step, stable_time_step(grid, parameters)
    if dt > limit:
        raise ValueError(
            f"time_step={dt:g} s is unstable: external waves of {parameters.fluid.wave_speed(grid.interfaces):.0f} m/s "
            f"and rotation allow at most {limit:.4g} s on this grid with substeps={parameters.substeps}. Use a shorter step"
            + (" or more substeps." if grid.tile.y is not Boundary.POLE else "."))
    for process, limit in limits(grid, parameters):
        if process in (FRICTION, DIFFUSION, EDDIES) and dt > HOPELESS * limit:
            raise ValueError(f"time_step={dt:g} s is unstable: {process} along the levels allows at most {limit:.4g} s on this "
                             "grid. Use a shorter step or smaller coefficients"
                             + (", or friction that falls towards the poles (share=dycore.equations.friction.with_spacing)."
                                if process is FRICTION and grid.spherical else "."))
