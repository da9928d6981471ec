"""Transport by winds that are given: once round the sphere over the poles, and stretched into filaments and back.

The model's own step carries the tracers: its momentum is frozen (`still` in place of the advection of
momentum, next to no gravity, no rotation), and winds that vary are put into the state before every step.
They derive from a stream function at the corners of cells, so that they have no divergence to round-off.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dycore.advection import centred, upwind3, weno5
from dycore.fluid import shallow_water
from dycore.grid import Grid, interior, latitude_longitude
from dycore.model import Model
from dycore.parameters import Parameters
from dycore.state import State, initial_state, padded
from dycore.stencils import stencil
from dycore.tiles import Place
from dycore.validation.evidence import Evidence, Row, within

SCHEMES: dict[str, Callable] = {"centred": centred, "upwind3": upwind3, "weno5": weno5}
COLOURS = {"centred": "tab:gray", "upwind3": "tab:blue", "weno5": "tab:red"}
DEPTH, NO_GRAVITY = 1000.0, 1.0e-12  # m, m/s2
CENTRES = ((5.0 * np.pi / 6.0, 0.0), (7.0 * np.pi / 6.0, 0.0))  # longitude, latitude of the two hills
Function = Callable[[np.ndarray, np.ndarray], np.ndarray]  # of longitude and latitude (radians)


@stencil
def still(k, j, i, grid, column, motion, u, v, w):
    """In place of the advection of momentum: the wind stays as it is given."""
    return 0.0


class Norms(NamedTuple):
    """Errors relative to the exact field (Williamson et al. 1992, equations 82 to 84)."""

    l1: float
    l2: float
    linf: float


def sphere(ny: int, radius: float) -> Grid:
    """One layer, ny by 2 ny cells."""
    return latitude_longitude((1, ny, 2 * ny), interfaces=np.array([0.0, DEPTH]), radius=radius, rotation=0.0)


def carrier(grid: Grid, scheme: Callable, time_step: float, names: tuple[str, ...], backend: Any) -> Model:
    """A model that carries tracers and leaves the wind as it is."""
    return Model(grid, Parameters(fluid=shallow_water(NO_GRAVITY), time_step=time_step, tracer_names=names, tracer_face=scheme,
                                  advection=(still, still)), backend)


def wind(grid: Grid, stream_function: Function) -> tuple[np.ndarray, np.ndarray]:
    """u = -d psi / dy, v = d psi / dx (m/s) on west and south faces, padded [k, j, i], of psi (m2/s) at the corners."""
    psi = stream_function(np.radians(grid.x_face)[None, :], np.radians(grid.y_face)[:, None]) + 0.0 * grid.x_face
    u = (psi[:-1, :-1] - psi[1:, :-1]) / interior(grid.metrics.dy_u)
    v = (psi[:-1, 1:] - psi[:-1, :-1]) * interior(grid.metrics.inverse_dx_v)
    return padded(grid, Place.WEST_FACE, u[None]), padded(grid, Place.SOUTH_FACE, v[None])


def fields(grid: Grid, functions: dict[str, Function]) -> tuple[np.ndarray, ...]:
    """Tracers at the centres of cells."""
    longitude, latitude = np.radians(grid.x)[None, :], np.radians(grid.y)[:, None]
    return tuple(np.broadcast_to(function(longitude, latitude), grid.cells) for function in functions.values())


def great_circle(longitude: Any, latitude: Any, centre: tuple[float, float]) -> Any:
    """Angle (radians) between points."""
    cosine = np.sin(centre[1]) * np.sin(latitude) + np.cos(centre[1]) * np.cos(latitude) * np.cos(longitude - centre[0])
    return np.arccos(np.clip(cosine, -1.0, 1.0))


def norms(grid: Grid, found: np.ndarray, exact: np.ndarray) -> Norms:
    """Errors of an interior field [k, j, i]."""
    area, error = interior(grid.metrics.area), np.abs(found - exact)
    return Norms(float((area * error).sum() / (area * np.abs(exact)).sum()),
                 float(np.sqrt((area * error**2).sum() / (area * exact**2).sum())), float(error.max() / np.abs(exact).max()))


def tracer(model: Model, state: State, number: int) -> np.ndarray:
    """A tracer as a NumPy array, interior [k, j, i]."""
    return interior(np.asarray(model.backend.to_numpy(state.tracers[number])))


def content(model: Model, state: State, number: int) -> float:
    """Tracer content of the domain (m3 times its unit)."""
    depth = interior(np.asarray(model.backend.to_numpy(state.surface)))
    return float((interior(model.grid.metrics.area) * depth * tracer(model, state, number)).sum())


def order(coarse: float, fine: float, ratio: float) -> float:
    """Order of convergence from two errors at spacings so many times apart."""
    return float(np.log(coarse / fine) / np.log(ratio))


# Deformational flow ----------------------------------------------------------------------------------

PERIOD = 5.0  # the time unit of the test; its sphere has radius 1


# Parts of the stream function of case 4 of Nair and Lauritzen, with kappa = 2: two vortices that turn round
# at half time, 2 sin2(lambda - shift) cos2(phi) cos(pi t / T), on a background rotation -2 pi sin(phi) / T.
DEFORMATION: tuple[Function, ...] = (
    lambda longitude, latitude: -2.0 * np.pi * np.sin(latitude) / PERIOD,
    lambda longitude, latitude: np.cos(latitude) ** 2,
    lambda longitude, latitude: -np.cos(2.0 * longitude) * np.cos(latitude) ** 2,
    lambda longitude, latitude: -np.sin(2.0 * longitude) * np.cos(latitude) ** 2)


def weights(time: float) -> tuple[float, ...]:
    """How much of each part of `DEFORMATION` blows at a time."""
    shift, swing = 2.0 * np.pi * time / PERIOD, np.cos(np.pi * time / PERIOD)
    return 1.0, swing, swing * np.cos(2.0 * shift), swing * np.sin(2.0 * shift)


def gaussian_hills(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """0.95 exp(-5 |X - X_i|2) about both centres (equation 14 of Nair and Lauritzen)."""
    total = 0.0
    for centre in CENTRES:
        chord = 2.0 * np.sin(0.5 * great_circle(longitude, latitude, centre))
        total = total + 0.95 * np.exp(-5.0 * chord**2)
    return np.asarray(total)


def cosine_bells(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Two bells of radius 1/2 and height 0.9 on a background of 0.1."""
    total = 0.1
    for centre in CENTRES:
        distance = great_circle(longitude, latitude, centre)
        total = total + np.where(distance < 0.5, 0.45 * (1.0 + np.cos(np.pi * distance / 0.5)), 0.0)
    return np.asarray(total)


HILLS: dict[str, Function] = {
    "gaussian_hills": gaussian_hills, "cosine_bells": cosine_bells, "constant": lambda longitude, latitude: 1.0 + 0.0 * longitude}


class Deformed(NamedTuple):
    """What a run found."""

    grid: Grid
    errors: dict[str, Norms]
    constant: float  # largest departure of the constant tracer
    drift: float  # of the content of the hills, relative, over all steps
    half: np.ndarray  # cosine bells at half time, interior [j, i]
    end: np.ndarray
    steps: int


def deform(backend: Any, scheme: Callable, ny: int) -> Deformed:
    """One period of the flow; the greatest Courant number is about 0.3, of both directions together."""
    grid = sphere(ny, 1.0)
    steps = 40 * ny
    dt = PERIOD / steps
    model = carrier(grid, scheme, dt, tuple(HILLS), backend)
    initial = fields(grid, HILLS)
    state = model.asarrays(initial_state(grid, surface=DEPTH, tracers=initial))
    before, half = content(model, state, 0), initial[1]
    parts = [wind(grid, part) for part in DEFORMATION]
    for n in range(steps):
        u, v = (sum(weight * part[component] for weight, part in zip(weights((n + 0.5) * dt), parts, strict=True))
                for component in (0, 1))
        state = model.step(state._replace(u=u, v=v))
        if 2 * (n + 1) == steps:
            half = tracer(model, state, 1).copy()
    errors = {name: norms(grid, tracer(model, state, m), initial[m]) for m, name in enumerate(HILLS)}
    return Deformed(grid, errors, float(np.abs(tracer(model, state, 2) - 1.0).max()),
                    abs(content(model, state, 0) / before - 1.0), half[0], tracer(model, state, 1)[0].copy(), steps)


# Solid-body rotation over the poles -------------------------------------------------------------------

EARTH, DAYS = 6.37122e6, 12.0  # m, days of one revolution
SPEED = 2.0 * np.pi * EARTH / (DAYS * 86400.0)  # m/s
BELL = (1.5 * np.pi, 0.0)  # where it starts: longitude, latitude


def rotation(angle: float) -> Function:
    """Stream function (m2/s) of solid-body rotation about an axis tilted by `angle` (degrees; equation 77)."""
    alpha = np.radians(angle)
    return lambda longitude, latitude: -EARTH * SPEED * (
        np.sin(latitude) * np.cos(alpha) - np.cos(longitude) * np.cos(latitude) * np.sin(alpha))


def cosine_bell(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """500 (1 + cos(pi r / R)) m within R = a / 3 (equation 79)."""
    distance = great_circle(longitude, latitude, BELL)
    return np.where(distance < 1.0 / 3.0, 500.0 * (1.0 + np.cos(3.0 * np.pi * distance)), 0.0)


class Turned(NamedTuple):
    """What one revolution left of the bell."""

    grid: Grid
    errors: Norms
    constant: float
    drift: float
    end: np.ndarray  # [j, i]


BELLS: dict[str, Function] = {"bell": cosine_bell, "constant": lambda longitude, latitude: 1.0 + 0.0 * longitude}


def turn(backend: Any, scheme: Callable, ny: int, angle: float, days: float = DAYS) -> Turned:
    """One revolution; the greatest Courant number away from the poles is about 0.3."""
    grid = sphere(ny, EARTH)
    steps = 20 * ny
    model = carrier(grid, scheme, DAYS * 86400.0 / steps, tuple(BELLS), backend)
    initial = fields(grid, BELLS)
    u, v = (interior(part) for part in wind(grid, rotation(angle)))
    state = model.asarrays(initial_state(grid, surface=DEPTH, u=u, v=v, tracers=initial))
    before = content(model, state, 0)
    state = model.steps(state, steps)
    return Turned(grid, norms(grid, tracer(model, state, 0), initial[0]), float(np.abs(tracer(model, state, 1) - 1.0).max()),
                  abs(content(model, state, 0) / before - 1.0), tracer(model, state, 0)[0].copy())
