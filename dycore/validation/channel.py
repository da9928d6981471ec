"""A re-entrant channel with a ridge: what holds the current against the wind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from dycore.cases.baroclinic_channel import LENGTH, WIDTH, WIND_STRESS, baroclinic_channel
from dycore.fluid import Ocean, no_buoyancy
from dycore.grid import Grid, interior
from dycore.model import Model
from dycore.state import initial_state
from dycore.tiles import HALO_LEVELS
from dycore.validation.evidence import Evidence, close_to, within
from dycore.validation.measures import cells_of

SVERDRUP, DAY = 1.0e6, 86400.0  # m3/s, s


class Box(NamedTuple):
    """The geometry of the channel without halo, x periodic and walls in y."""

    wet: np.ndarray  # [k, j, i]
    open_u: np.ndarray  # west faces [k, j, i]
    open_v: np.ndarray  # south faces [k, j, i]
    dr: np.ndarray  # [k, 1, 1] (m)
    dx: float  # m
    dy: float
    f: np.ndarray  # at south-west corners [j, i] (1/s)


def box(grid: Grid) -> Box:
    """The `Box` of a rectilinear grid."""
    levels = HALO_LEVELS + np.arange(grid.cells[0])[:, None, None]
    return Box(grid.wet, levels >= interior(grid.metrics.floor_u), levels >= interior(grid.metrics.floor_v),
               np.diff(grid.interfaces)[:, None, None], float(grid.x[1] - grid.x[0]), float(grid.y[1] - grid.y[0]),
               interior(grid.metrics.coriolis))


# The forces on a row of the channel, over density (m4/s2) [j]; they are sums over all levels and longitudes


def pressure_on_steps(box: Box, phi: np.ndarray) -> np.ndarray:
    """Pressure / density phi [j, i] (m2/s2) of the cells beside the steps of the bottom, on steps to their west and their east."""
    push = box.dr * box.wet * phi * box.dy
    return (push * ~box.open_u - push * ~np.roll(box.open_u, -1, axis=2)).sum(axis=(0, 2))


def pressure_to_steps(box: Box, v: np.ndarray) -> np.ndarray:
    """Addition to `pressure_on_steps` by geostrophy, d(phi)/dx = f v, over the half cell from its centre to the step."""
    coriolis = 0.5 * box.f * v
    centre = box.dr * box.wet * 0.5 * box.dx * box.dy * (coriolis + northern(coriolis))
    return -(centre * ~box.open_u + centre * ~np.roll(box.open_u, -1, axis=2)).sum(axis=(0, 2))


def coriolis_of_transport(box: Box, v: np.ndarray) -> np.ndarray:
    """f times the whole northward transport, mean of both sides of a row: nothing once the sea surface is steady."""
    coriolis = box.f * v
    return (box.dr * box.dx * box.dy * 0.5 * (coriolis + northern(coriolis))).sum(axis=(0, 2))


def friction(box: Box, u: np.ndarray, v: np.ndarray, viscosity: float) -> np.ndarray:
    """Harmonic friction nu (d(div)/dx - d(zeta)/dy), with no vorticity at coasts."""
    divergence = (np.roll(u, -1, axis=2) - u) / box.dx + (northern(v) - v) / box.dy
    southern = np.concatenate([np.zeros_like(u[:, :1]), u[:, :-1]], axis=1)
    zeta = (v - np.roll(v, 1, axis=2)) / box.dx - (u - southern) / box.dy
    zeta = np.where(box.open_v & np.roll(box.open_v, 1, axis=2) & box.open_u, zeta, 0.0)
    force = (divergence - np.roll(divergence, 1, axis=2)) / box.dx - (northern(zeta) - zeta) / box.dy
    return viscosity * (box.dr * np.where(box.open_u, force, 0.0) * box.dx * box.dy).sum(axis=(0, 2))


def northern(values: np.ndarray) -> np.ndarray:
    """Values one row to the north, zero at the wall."""
    return np.concatenate([values[:, 1:], np.zeros_like(values[:, :1])], axis=1)


def momentum(box: Box, u: np.ndarray) -> np.ndarray:
    """Zonal momentum over density (m4/s) [j]."""
    return (box.dr * u * box.dx * box.dy).sum(axis=(0, 2))


def budget(backend: Any, cells: tuple[int, int, int], spin_up: float, mean: float) -> dict[str, Any]:
    """Terms of the momentum budget (m4/s2) [j], mean over `mean` days after `spin_up` days from rest; transport (Sv) and maps."""
    grid, parameters, _ = baroclinic_channel(cells)
    # one density, so that a steady state is weeks away instead of decades
    parameters = replace(parameters, fluid=Ocean(buoyancy=no_buoyancy), tracer_names=(), diffusivity=None)
    assert parameters.friction is not None and parameters.surface_stress is not None
    model, shape = Model(grid, parameters, backend), box(grid)
    state = model.run(initial_state(grid, surface=0.0), days=spin_up, progress=False)
    every, dt = 20, parameters.time_step
    samples = round(mean * DAY / (every * dt))
    before = cells_of(model, state.u)
    terms: dict[str, np.ndarray] = {}
    surface = np.zeros(cells[1:])
    for _ in range(samples):
        state = model.steps(state, every)
        u, v, eta = (cells_of(model, field) for field in (state.u, state.v, state.surface))
        surface += eta / samples
        pressure = parameters.fluid.surface_gravity * eta
        for name, term in (("pressure in the cells beside the steps", pressure_on_steps(shape, pressure)),
                           ("its rise to the steps", pressure_to_steps(shape, v)),
                           ("Coriolis force of the transport", coriolis_of_transport(shape, v)),
                           ("friction", friction(shape, u, v, parameters.friction.vorticity))):  # type: ignore[arg-type]
            terms[name] = terms.get(name, 0.0) + term / samples
    assert isinstance(parameters.fluid, Ocean)
    stress = np.broadcast_to(parameters.surface_stress[0], cells[1:])
    return {"wind": (stress * shape.dx * shape.dy / parameters.fluid.reference_density).sum(axis=1), **terms,
            "tendency": (momentum(shape, u) - momentum(shape, before)) / (samples * every * dt), "surface": surface,
            "transport": float((shape.dr * u * shape.dy).sum(axis=(0, 1)).mean()) / SVERDRUP, "grid": grid,
            "depth": interior(grid.metrics.thickness)}


def channel_with_ridge(backend: Any, short: bool = False) -> Evidence:
    """A wind-driven channel with a ridge: the wind is held by the pressure on the bottom.

    Munk and Palmen (1951), Tellus 3, 53; Munday, Johnson and Marshall (2015), Ocean Modelling 85, 1. The case
    baroclinic_channel with one density; the terms of the budget are summed from u, v and the surface by NumPy alone.
    There is no drag at the bottom, and walls let the flow slip. On steps of whole cells the pressure at the step itself is
    that of the cell beside it and its geostrophic rise over half a cell.
    """
    terms = budget(backend, (10, 16, 32), 175.0, 25.0) if short else budget(backend, (20, 40, 80), 350.0, 50.0)
    wind = terms["wind"].sum()
    names = ("pressure in the cells beside the steps", "its rise to the steps", "Coriolis force of the transport", "friction",
             "tendency")
    share = {name: float(terms[name].sum() / wind) for name in names}
    drag = share["pressure in the cells beside the steps"] + share["its rise to the steps"]
    left = 1.0 + drag + share["Coriolis force of the transport"] + share["friction"] - share["tendency"]
    theory = "Munk and Palmen 1951"
    rows = [
        close_to("form drag / wind stress, whole channel", -drag, 1.0, 0.01,
                 "1 %: the energy-conserving vorticity flux conserves momentum to its order only", theory),
        within("what the budget leaves open / wind stress", abs(left), None, 0.01, "0",
               "advection, which only moves momentum about, and samples every 20 steps", "momentum of a closed channel"),
        within("friction / wind stress", abs(share["friction"]), None, 0.01, "small", "walls let the flow slip", theory),
        within("Coriolis force of the net transport / wind stress", abs(share["Coriolis force of the transport"]), None, 0.01, "0",
               "the mean is over a finite time, in which the surface still moves", "mass of a closed channel"),
        within("tendency / wind stress", abs(share["tendency"]), None, 0.01, "0", "what is left of the spin-up", "steady state"),
        within(f"transport (Sv), {terms['transport']:.3g}: eastward", terms["transport"], 0.0, None, "with the wind",
               "no published value for this channel", "direction of the wind"),
    ]
    return Evidence(rows, {"budget": budget_figure(terms)})


def budget_figure(terms: dict[str, Any]) -> Any:
    """The surface over the ridge, and the budget by latitude."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.3, 1.0))
    grid, eta = terms["grid"], terms["surface"] * 100.0
    x, y = grid.x / 1e3, grid.y / 1e3
    largest = np.abs(eta).max()
    filled = left.contourf(x, y, eta, np.linspace(-largest, largest, 21), cmap="RdBu_r")
    figure.colorbar(filled, ax=left, label="mean surface height (cm)")
    contours = left.contour(x, y, terms["depth"], levels=4, colors="0.3", linewidths=0.7)
    left.clabel(contours, fmt="%.0f m", fontsize=7)
    left.set(xlabel="x (km)", ylabel="y (km)", title=f"Surface and depth; transport {terms['transport']:.3g} Sv")
    density, area = Ocean().reference_density, LENGTH * (grid.y[1] - grid.y[0])
    drag = terms["pressure in the cells beside the steps"] + terms["its rise to the steps"]
    rest = -(terms["wind"] + drag + terms["friction"] + terms["Coriolis force of the transport"] - terms["tendency"])
    for values, label, style in ((terms["wind"], "wind stress", "k-"), (drag, "form drag", "C3-"),
                                 (terms["friction"], "friction", "C1-"),
                                 (terms["Coriolis force of the transport"], "Coriolis force of the transport", "C2-"),
                                 (rest, "advection of momentum (the rest)", "C0--")):
        right.plot(values * density / area, y, style, label=label, lw=1.3)
    right.axvline(0.0, color="0.8", lw=0.8)
    right.set(xlabel="N/m2, mean along the channel", ylabel="y (km)", ylim=(0.0, 1.45 * WIDTH / 1e3),
              xlim=(-1.6 * WIND_STRESS, 1.6 * WIND_STRESS), title="Momentum by latitude")
    right.legend(fontsize=7, loc="upper right")
    return figure
