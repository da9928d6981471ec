"""Shallow water on the sphere: tests 2, 5 and 6 of Williamson et al. (1992, J. Comput. Phys. 102, 211)."""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore import cases
from dycore.cases.flow_over_mountain import SPEED, balanced_surface, mountain
from dycore.cases.rossby_haurwitz_wave import WAVENUMBER, angular_speed, balanced_depth, velocity
from dycore.cases.steady_zonal_flow import exact_depth
from dycore.cases.water_on_a_sphere import places
from dycore.grid import interior
from dycore.validation import spectral
from dycore.validation.evidence import Evidence, Kind, Row, close_to, within
from dycore.validation.measures import Norms, norms
from dycore.validation.water import (
    Run,
    area_of,
    depth_of,
    energy_change,
    layer_of,
    map_of,
    mass_row,
    on_half_the_cells,
    orders,
    run_of,
)

TEST = "Williamson et al. 1992, section 3."
# MITgcm on the same grid of 64 x 128 cells: l1, l2, linf of depth and l2 of velocity after 5 days
MITGCM = {"l1(h)": 3.64e-5, "l2(h)": 3.90e-5, "linf(h)": 5.20e-5, "l2(u)": 2.75e-4}


def velocity_error(run: Run) -> float:
    """l2 of the change of velocity, relative to the velocity at the start."""
    metrics = run.model.grid.metrics
    change = size = 0.0
    for area, before, after in ((metrics.area_u, run.before.u, run.after.u), (metrics.area_v, run.before.v, run.after.v)):
        first = layer_of(run.model, before)
        change += (interior(area) * (layer_of(run.model, after) - first) ** 2).sum()
        size += (interior(area) * first**2).sum()
    return float(np.sqrt(change / size))


def williamson_2(backend: Any, short: bool = False) -> Evidence:
    """Steady zonal flow in geostrophic balance, along the equator and over the poles (Williamson et al. 1992, test 2).

    J. Comput. Phys. 102, 211, section 3.2; norms of equations (82) to (84) after 5 days. The exact solution is
    the initial state. MITgcm (checkpoint 69p, vector-invariant, no filter, steps of 200 s) ran it on the same
    latitude-longitude grid.
    """
    sizes, angles = ((32, 64), (0, 45)) if short else ((32, 64, 128), (0, 45, 90))
    runs = {(angle, rows): run_of(cases.steady_zonal_flow, backend, rows, 5.0, angle=float(angle))
            for angle in angles for rows in sizes}
    depth: dict[tuple[int, int], Norms] = {}
    for (angle, rows), run in runs.items():
        exact = exact_depth(*places(run.model.grid.cells).centre, angle)
        depth[angle, rows] = norms(area_of(run.model), depth_of(run.model, run.after), exact)
    velocity = {key: velocity_error(run) for key, run in runs.items()}

    ours = dict(zip(MITGCM, (*depth[0, 64], velocity[0, 64]), strict=True))
    source = "MITgcm checkpoint 69p, run on the same grid"
    rows_found = [within(f"{name} on day 5, 64 x 128 cells, angle 0", ours[name], None, published, f"{published:.3g}",
                         "another second-order scheme on the same grid: ours need not be worse", source, Kind.MODEL)
                  for name, published in MITGCM.items()]
    for angle in angles:
        for name, errors in (("depth", [depth[angle, rows].l2 for rows in sizes]),
                             ("velocity", [velocity[angle, rows] for rows in sizes])):
            rows_found.append(within(f"order of l2 of {name} from {sizes[-2]} to {sizes[-1]} rows, angle {angle}",
                                     orders(errors)[-1], 1.8, None, "2", "the scheme is of second order; 0.2 for cells that are "
                                     "not small yet", "theory"))
    rows_found.append(mass_row(runs[45, sizes[-1]], TEST + "2, angle 45"))

    figure = errors_of_steady_flow(runs[45, sizes[-1]], {key: each.l2 for key, each in depth.items()}, velocity)
    return Evidence(rows_found, {"errors": figure})


def errors_of_steady_flow(run: Run, depth: dict[tuple[int, int], float], velocity: dict[tuple[int, int], float]) -> Any:
    """The error of the depth of a run at 45 degrees, and l2 of depth and velocity by angle and number of rows."""
    from matplotlib.figure import Figure

    sizes, angles = sorted({rows for _, rows in depth}), sorted({angle for angle, _ in depth})
    figure = Figure(figsize=(11.0, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1.0))
    grid = run.model.grid
    error = depth_of(run.model, run.after) - exact_depth(*places(grid.cells).centre, 45.0)
    map_of(left, grid.x, grid.y, error, symmetric_levels(error), "RdBu_r", "m",
           f"error of the depth on day 5, flow at 45 degrees, {sizes[-1]} x {2 * sizes[-1]} cells")
    for angle in angles:
        (line,) = right.loglog(sizes, [depth[angle, rows] for rows in sizes], "o-", label=f"depth, {angle} degrees")
        right.loglog(sizes, [velocity[angle, rows] for rows in sizes], "s--", color=line.get_color(), markersize=4)
    right.loglog(64, MITGCM["l2(h)"], "*", color="black", markersize=11, label="MITgcm, depth, 0 degrees")
    right.loglog(64, MITGCM["l2(u)"], "*", color="grey", markersize=11, label="MITgcm, velocity, 0 degrees")
    scale = 3.0 * velocity[45, sizes[0]] * sizes[0] ** 2
    right.loglog(sizes, [scale / rows**2 for rows in sizes], ":", color="black", label="second order")
    right.set_xticks(sizes, [str(rows) for rows in sizes])
    right.minorticks_off()
    right.set_xlabel("rows of cells")
    right.set_ylabel("relative l2 on day 5 (dashed: velocity)")
    right.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2)
    return figure


def symmetric_levels(field: np.ndarray) -> np.ndarray:
    """Contour levels from -x to x without zero, that hold most of a field."""
    largest = float(np.quantile(np.abs(field), 0.995))
    unit = 10.0 ** np.floor(np.log10(largest / 6.0))
    step = unit * min((1.0, 2.0, 3.0, 5.0, 10.0), key=lambda number: abs(number * unit - largest / 6.0))
    return step * np.array([-6.0, -5.0, -4.0, -3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0])


def williamson_5(backend: Any, short: bool = False) -> Evidence:
    """Zonal flow over an isolated mountain (Williamson et al. 1992, test 5).

    J. Comput. Phys. 102, 211, section 3.5: 15 days, no dissipation. There is no exact solution: the surface height
    is compared between resolutions that double, and with a spectral transform model (dycore.validation.spectral),
    which is what the reference solutions of the test are made with. The range at 64 x 128 cells is also held
    against a prototype of this scheme.
    """
    sizes, days = ((32, 64, 128), 5) if short else ((64, 128, 256), 15)
    runs = [run_of(cases.flow_over_mountain, backend, rows, float(days)) for rows in sizes]
    heights = [layer_of(run.model, run.after.surface) for run in runs]
    steps = [norms(area_of(run.model), coarse, on_half_the_cells(fine)).l2
             for run, coarse, fine in zip(runs, heights, heights[1:], strict=False)]
    with_64 = runs[sizes.index(64)]
    model, state = with_64.model, with_64.after
    at_64 = layer_of(model, (model.run(state, days=15.0 - days, progress=False) if days < 15 else state).surface)

    reference = spectral.transform(42 if short else 63)
    longitude, latitude = spectral.places(reference)
    ground = mountain(longitude, latitude)
    waves = spectral.run(reference, spectral.waves_of(reference, SPEED * np.cos(latitude), 0.0, balanced_surface(latitude)), days,
                         ground)
    errors = [norms(area_of(run.model), height, spectral.on_cells(reference, waves.surface, rows)).l2
              for run, height, rows in zip(runs, heights, sizes, strict=True)]
    truth = spectral.on_cells(reference, waves.surface, sizes[-1])

    other = f"spectral model, T{reference.truncation}"
    rows_found = [
        mass_row(runs[-1], TEST + "5"),
        close_to("change of energy, relative", energy_change(runs[-1]), 0.0, 2e-6,
                 "space conserves it; the time step damps gravity waves: 2e-6 are 3e-4 of the kinetic energy", TEST + "5"),
        *rows_of_convergence(days, sizes, steps, errors, other, 1.0 if short else 1.5),
        *([] if short else rows_of_extremes(days, sizes[-1], heights[-1], truth, errors[-1], other)),
        *rows_of_prototype(at_64)]
    title = f"less that of the {other}: " + ", ".join(f"l2 {error:.1e} with {rows} rows"
                                                      for error, rows in zip(errors, sizes, strict=True))
    return Evidence(rows_found, {"height": height_over_mountain(runs[-1], heights[-1], truth, f"day {days}", title)})


def rows_of_convergence(days: int, sizes: tuple[int, ...], steps: list[float], errors: list[float], other: str,
                        least: float) -> list[Row]:
    """Orders of the height over the mountain: of l2 between three numbers of rows, and of l2 less the spectral model."""
    kinks = "2 where the flow is smooth, 1 for what the kinks of the cone send out (data that have 3/2 derivatives)"
    return [
        within(f"order of l2 of the height on day {days}, from {sizes[0]} over {sizes[1]} to {sizes[2]} rows", orders(steps)[0],
               least, None, "1 to 2", kinks + ("; on day 5 there is more of it" if days == 5 else ""), "theory"),
        within(f"order of l2 of height less that of the spectral model on day {days}, {sizes[0]} to {sizes[1]} rows",
               orders(errors)[0], least, None, "1 to 2", "as above; a wrong term would leave an error that stays",
               other, Kind.MODEL)]


def rows_of_extremes(days: int, rows: int, height: np.ndarray, truth: np.ndarray, error: float, other: str) -> list[Row]:
    """The height over the mountain and that of the spectral model [j, i] (m): l2 of the difference, lowest and highest."""
    allowed = 2.0 * error * truth.max()  # m
    return [
        within(f"l2 of height less that of the spectral model on day {days}, {rows} rows", error, None, 1e-3, "0",
               "0.1 %, 6 m: what the waves about the kinks of the cone may amount to in the reference", other, Kind.MODEL),
        close_to(f"lowest surface height on day {days} (m), {rows} rows", height.min(), truth.min(), allowed,
                 "twice the l2 of the difference", other, Kind.MODEL),
        close_to(f"highest surface height on day {days} (m), {rows} rows", height.max(), truth.max(), allowed,
                 "twice the l2 of the difference", other, Kind.MODEL)]


def rows_of_prototype(height: np.ndarray) -> list[Row]:
    """The range of the height [j, i] (m) on day 15 on 64 x 128 cells."""
    prototype = "prototype of this scheme, 64 x 128 cells"
    reason = "its filter and time step differ: by no more than 64 rows differ from 128 in this number"
    return [
        close_to("lowest surface height on day 15 (m), 64 x 128 cells", height.min(), 5041.7, 9.0, reason, prototype, Kind.MODEL),
        close_to("highest surface height on day 15 (m), 64 x 128 cells", height.max(), 5950.6, 3.0, reason, prototype, Kind.MODEL)]


def height_over_mountain(run: Run, height: np.ndarray, truth: np.ndarray, day: str, title: str) -> Any:
    """Maps of a height [j, i] (m) and of what it differs by from another, with the outline of the mountain."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 6.8), layout="constrained")
    grid = run.model.grid
    above, below = figure.subplots(2, 1, sharex=True)
    map_of(above, grid.x, grid.y, height, np.arange(5000.0, 6001.0, 50.0), "viridis", "m",
           f"surface height on {day}, {len(grid.y)} x {len(grid.x)} cells")
    map_of(below, grid.x, grid.y, height - truth, symmetric_levels(height - truth), "RdBu_r", "m", title)
    for axes in (above, below):
        axes.contour(grid.x, grid.y, mountain(np.radians(grid.x)[None, :], np.radians(grid.y)[:, None]), levels=[1.0, 1000.0],
                     colors="white" if axes is above else "grey", linewidths=1.0, linestyles="--")
    return figure


def williamson_6(backend: Any, short: bool = False) -> Evidence:
    """A Rossby-Haurwitz wave of zonal wavenumber 4 (Williamson et al. 1992, test 6).

    J. Comput. Phys. 102, 211, section 3.6, for 7 days, before it breaks (Thuburn and Li 2000, Tellus A 52, 181).
    In a nondivergent flow the pattern travels at [R (3 + R) omega - 2 Omega] / [(1 + R) (2 + R)] = 12.2 degrees a
    day. A free surface slows it down: n (n + 1) = 30 becomes 30 + F with F = 4 Omega^2 a^2 <sin^2> / (g H), about
    2.1, <sin^2> the mean over the wave, which gives 11.4. The same is measured in a spectral transform model.
    """
    rows, days, samples = (64, 4, 2) if short else (128, 7, 4)
    first = run_of(cases.rossby_haurwitz_wave, backend, rows, 1.0 / samples)
    model, before, steps = first.model, first.before, int(first.after.step)
    states = [before, first.after]
    while len(states) <= samples * days:
        states.append(model.steps(states[-1], steps))
    run = Run(model, before, states[-1])
    times = np.arange(len(states)) * steps * model.parameters.time_step
    speed = eastward_speed(times, [layer_of(model, state.surface) for state in states], model.grid.y)
    truth, other = spectral_wave(times, model.grid.y)

    heights = [layer_of(model, state.surface) for state in (before, run.after)]
    last = heights[-1]
    rows_found = [
        *rows_of_speed(days, speed, other),
        within(f"l2 of height less that of the spectral model on day {days}", norms(area_of(model), last, truth).l2, None,
               0.01 if short else 0.0025, "0", "second order: 32 cells a wave leave 1 % of a field that moves half a wave or more"
               + ("" if short else ", 64 a quarter of that"), "spectral model, T42", Kind.MODEL),
        mass_row(run, TEST + "6"),
        close_to("change of energy, relative", energy_change(run), 0.0, 2e-5,
                 "space conserves it; the time step damps gravity waves, of which the start is not free", TEST + "6"),
        *rows_of_symmetry(last)]
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 6.5), layout="constrained")
    for axes, day, height in zip(figure.subplots(2, 1, sharex=True), (0, days), heights, strict=True):
        map_of(axes, model.grid.x, model.grid.y, height, np.arange(8000.0, 10601.0, 200.0), "viridis", "m",
               f"surface height on day {day}, {rows} x {2 * rows} cells"
               + (f"; {speed:.2f} degrees a day, spectral model {other:.2f}" if day else ""))
    return Evidence(rows_found, {"height": figure})


def spectral_wave(times: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, float]:
    """The wave in a spectral model: height [j, i] (m) at the last of times (s), and eastward speed (degrees a day) over all."""
    reference = spectral.transform(42)
    longitudes, latitudes = spectral.places(reference)
    kept: list[tuple[float, np.ndarray]] = []
    start = spectral.waves_of(reference, *velocity(longitudes, latitudes), balanced_depth(longitudes, latitudes))
    waves = spectral.run(reference, start, times[-1] / 86400.0,
                         each=lambda time, waves: kept.append((time, waves.surface)))
    at = np.array([time for time, _ in kept])
    nearest = [kept[int(np.abs(at - time).argmin())] for time in times]  # the wave pulsates: sample both alike
    rows = len(latitude)
    speed = eastward_speed(np.array([time for time, _ in nearest]),
                           [spectral.on_cells(reference, surface, rows) for _, surface in nearest], latitude)
    return spectral.on_cells(reference, waves.surface, rows), speed


def rows_of_speed(days: int, speed: float, other: float) -> list[Row]:
    """The eastward speed of the wave (degrees a day), held against theory and that in the spectral model."""
    nondivergent = np.degrees(angular_speed()) * 86400.0
    return [
        within(f"eastward speed of the wave over {days} days (degrees a day)", speed, 0.9 * nondivergent, nondivergent,
               f"{nondivergent:.4g} without divergence", "a free surface makes it slower, by 7 % where the wave is small",
               TEST + "6"),
        close_to(f"eastward speed of the wave over {days} days (degrees a day)", speed, other, 0.01 * other,
                 "1 %: 32 cells a wave and second order leave (2 pi / 32)^2 / 6 of the speed at most", "spectral model, T42",
                 Kind.MODEL)]


def rows_of_symmetry(height: np.ndarray) -> list[Row]:
    """The height [j, i] (m) of a wave that is alike in both hemispheres and all quarters of the globe."""
    quarter = np.abs(height - np.roll(height, height.shape[1] // WAVENUMBER, axis=1)).max()
    return [
        within("largest difference of the height between hemispheres (m)", np.abs(height - height[::-1]).max(), None, 1e-8, "0",
               "round-off of the height (1e-12 m) some thousand steps and the instability of the wave later", "symmetry"),
        within("largest difference of the height between quarters of the globe (m)", quarter, None, 1e-8, "0", "as above",
               "symmetry")]


def eastward_speed(times: np.ndarray, heights: list[np.ndarray], latitude: np.ndarray) -> float:
    """Speed (degrees a day) of zonal wavenumber 4 of heights [j, i] at times (s), averaged over 30 to 60 degrees north."""
    band = (latitude > 30.0) & (latitude < 60.0)
    phases = [-np.angle(np.fft.rfft(height[band].mean(axis=0))[WAVENUMBER]) for height in heights]
    return float(np.degrees(np.polyfit(times, np.unwrap(phases), 1)[0]) / WAVENUMBER * 86400.0)
