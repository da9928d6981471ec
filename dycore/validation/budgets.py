"""Conservation: rest over topography, and the content of mass, tracers and energy over many steps."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from dycore import cases, diagnostics
from dycore.diagnostics.means import mass_of_columns
from dycore.equations.advection import centred
from dycore.fluid import Atmosphere, Ocean
from dycore.grid import interior, latitude_longitude, rectilinear
from dycore.model import Model
from dycore.parameters import Parameters
from dycore.state import State, initial_state
from dycore.validation.evidence import Evidence, Row, within
from dycore.validation.measures import cells_of, great_circle
from dycore.validation.mountain import at_rest
from dycore.validation.mountain import rows as over_schaers_mountain
from dycore.vertical import uniform

DAY = 86400.0  # s


# Rest ------------------------------------------------------------------------------------------------


def ridge(partial_cells: float | None, backend: Any) -> tuple[Model, State]:
    """An ocean of 4000 m with a ridge of 2500 m across it, temperature falling exponentially with depth, on an f-plane."""
    cells = (8, 6, 24)
    crest = -4000.0 + 2500.0 * np.exp(-(((np.arange(24) - 11.5) / 4.0) ** 2))
    grid = rectilinear(cells, extent=(1.2e6, 3.0e5), interfaces=uniform(8, -4000.0, 0.0), coriolis=1.0e-4,
                       bottom=np.broadcast_to(crest, cells[1:]), partial_cells=partial_cells)
    centre = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])[:, None, None]
    parameters = Parameters(Ocean(), time_step=1200.0, substeps=40, tracer_names=("temperature", "salinity"))
    state = initial_state(grid, surface=0.0, tracers=(2.0 + 18.0 * np.exp(centre / 800.0), 35.0))
    return Model(grid, parameters, backend), state


def mountain(isentropic: bool, cells: tuple[int, int, int], backend: Any) -> tuple[Model, State]:
    """Air over a mountain of 2000 m in middle latitudes, isentropic (300 K) or isothermal (288 K), balanced with gravity.

    Surface pressure is that of the fluid's own column: Exner function falls linearly with height where
    the potential temperature is uniform, pressure exponentially where the temperature is.
    """
    fluid = Atmosphere()
    grid = latitude_longitude(cells, interfaces=uniform(cells[0], 0.0, fluid.reference_pressure))
    longitude, latitude = np.radians(grid.x)[None, :], np.radians(grid.y)[:, None]
    height = 2000.0 * np.exp(-((great_circle(longitude, latitude, (0.5 * np.pi, 0.25 * np.pi)) / 0.35) ** 2))
    geopotential = fluid.gravity * height
    _, exner = fluid.reference_s(grid.interfaces)
    if isentropic:
        theta: Any = 300.0
        surface = fluid.reference_pressure * (1.0 - geopotential / (fluid.heat_capacity * 300.0)) ** (1.0 / fluid.kappa)
    else:
        surface = fluid.reference_pressure * np.exp(-geopotential / (fluid.gas_constant * 288.0))
        theta = 288.0 / (exner[:, None, None] * (surface / fluid.reference_pressure) ** fluid.kappa)
    grid = grid.with_surface_geopotential(geopotential)
    parameters = Parameters(fluid, time_step=14400.0 / cells[1], tracer_names=("potential_temperature",))
    return Model(grid, parameters, backend), initial_state(grid, surface=surface, tracers=(theta,))


# Content ---------------------------------------------------------------------------------------------


class Content(NamedTuple):
    """Content of a domain."""

    mass: float  # volume (m3), or mass times gravity (Pa m2)
    tracers: tuple[float, ...]  # mass times tracer
    energy: float  # J per kg/m3 of reference density (ocean), J times gravity (atmosphere)


def content(model: Model, state: State) -> Content:
    """Mass, tracers and total energy of a state."""
    dataset, fluid = model.dataset(state), model.parameters.fluid
    mass, factor = diagnostics.cell_volume(dataset).values, energy_factor(fluid)
    tracers = tuple(float((mass * cells_of(model, part)).sum()) for part in state.tracers)
    energy = float(diagnostics.energy(dataset).energy) / factor
    return Content(float(mass_of_columns(dataset).sum()), tracers, energy)


def energy_factor(fluid: Any) -> float:
    """The factor that makes J of the energy of a `Content`."""
    return 1.0 / fluid.gravity if isinstance(fluid, Atmosphere) else fluid.reference_density


class History(NamedTuple):
    """Contents at some steps, and the energy of motion at the same."""

    steps: np.ndarray
    contents: list[Content]


def history(model: Model, state: State, steps: int, samples: int) -> History:
    """Contents from the beginning to the end of a run."""
    at, contents = np.linspace(0, steps, samples + 1).astype(int), [content(model, state)]
    for before, after in pairwise(at):
        state = model.steps(state, int(after - before))
        contents.append(content(model, state))
    return History(at, contents)


# Programs --------------------------------------------------------------------------------------------


def lake_at_rest(backend: Any, short: bool = False) -> Evidence:
    """A stratified ocean over a ridge, and air over a mountain: what is balanced stays at rest.

    Exact in the discrete equations for a level surface of the ocean, with whole and with partial cells
    (Adcroft, Hill and Marshall 1997, Mon. Wea. Rev. 125, 2293), and for air of one potential temperature
    (the pressure force is that of Arakawa and Suarez 1983, Mon. Wea. Rev. 111, 34, in the hydrostatic
    balance of its own levels). Isothermal air is at rest to second order in the horizontal spacing. Over the steep
    hills of Schaer et al. (2002) the errors that are left set stratified air in motion; a state of rest that is taken out of
    the pressure force (`Atmosphere.at_rest`) removes all but a thousandth of that where the air is near that state.
    """
    days = 1.0 if short else 10.0
    rows: list[Row] = []
    for name, partial_cells in (("whole", None), ("partial", 0.2)):
        if short and partial_cells is None:
            continue  # a program of its own to compile; tests/test_pressure.py has it
        model, state = ridge(partial_cells, backend)
        state = model.steps(state, round(days * DAY / model.parameters.time_step))
        rows.append(within(f"ocean over a ridge of {name} cells, day {days:g}: largest speed (m/s)", at_rest(model, state), None,
                           1e-12, "0", "round-off of phi (1e3 m2/s2 times 2e-16) over 50 km, for days", "exact rest"))
    model, state = mountain(True, (10, 24, 48), backend)
    state = model.steps(state, round(DAY / model.parameters.time_step))
    rows.append(within("isentropic air over a mountain of 2 km, day 1: largest speed (m/s)", at_rest(model, state), None, 1e-9, "0",
                       "round-off of the geopotential (3e5 m2/s2 times 2e-16) over 50 km near the poles gives 1e-15 m/s2: "
                       "1e-10 m/s in a day, and what waves make of it", "exact rest"))
    speeds = []
    for ny in (24, 48):
        model, state = mountain(False, (10, ny, 2 * ny), backend)
        state = model.steps(state, round(0.25 * DAY / model.parameters.time_step))
        speeds.append(at_rest(model, state))
    rows.append(within("isothermal air over a mountain of 2 km, 96 columns, hour 6: largest speed (m/s)", speeds[1], None, 0.01,
                       "0 at high resolution", "an error of second order in the spacing; a hundredth of the speeds of any weather",
                       "stated"))
    rows.append(within("order of that speed, 48 to 96 columns", float(np.log2(speeds[0] / speeds[1])), 1.7, None, "2",
                       "the layer mean b of two columns stands for its integral between them: error ds^3, so second order",
                       "accuracy of the pressure force"))
    if not short:  # a program of its own to compile; tests/test_air_over_mountains.py has it
        rows += over_schaers_mountain(backend)
    return Evidence(rows, {})


def budgets(backend: Any, short: bool = False) -> Evidence:
    """Mass, tracers and energy over ten thousand steps of a small ocean and a small atmosphere.

    The baroclinic channel (no wind) and the baroclinic wave as they come, 8 x 24 x 48 cells: mass and
    tracer content have to stay to round-off. Total energy is held to its own budget without any dissipation
    (centred faces, no friction, no diffusion; Sadourny 1975, J. Atmos. Sci. 32, 680; Arakawa and Suarez
    1983, Mon. Wea. Rev. 111, 34): what is left are the errors of the time step.
    """
    steps, inviscid_steps = (300, 300) if short else (10_000, 400)
    frictionless: dict[str, Any] = {"tracer_face": centred, "vertical_face": centred, "friction": None, "diffusivity": None}
    made: tuple[tuple[str, Any, dict[str, Any]], ...] = (
        ("channel", cases.baroclinic_channel, {"surface_stress": None}), ("wave", cases.baroclinic_wave, {}))
    rows: list[Row] = []
    runs: dict[str, tuple[Model, History]] = {}
    for name, case, changes in made:
        grid, parameters, state = case((8, 24, 48))
        kinds = (("without dissipation", changes | frictionless, inviscid_steps),) if short else (
            ("as it comes", changes, steps), ("without dissipation", changes | frictionless, inviscid_steps))
        for kind, changed, n in kinds:
            model = Model(grid, replace(parameters, **changed), backend)
            past = history(model, state, n, 20)
            runs[f"{name} {kind}"] = model, past
            rows += _conservation(f"{name} {kind}", model, past)
            rows.append(_energy(name, model, past) if kind == "without dissipation" else _heating(name, model, past))
    return Evidence(rows, {"history": _picture_of_budgets(runs)})


def relative(history_: History, number: int | None) -> np.ndarray:
    """Relative departure of mass (None) or tracer content from its beginning."""
    values = np.array([part.mass if number is None else part.tracers[number] for part in history_.contents])
    return values / values[0] - 1.0


def _conservation(name: str, model: Model, past: History) -> list[Row]:
    names = ("mass", *model.parameters.tracer_names)
    rows = []
    for quantity, number in zip(names, (None, *range(len(model.parameters.tracer_names))), strict=True):
        worst, steps = np.abs(relative(past, number)).max(), past.steps[-1]
        rows.append(within(f"{name}: relative drift of {quantity} in {steps} steps, per step", worst / steps, None, 1e-16, "0",
                           "round-off of 2e-16 a step in every cell, which cancels in the sum over cells but for the rounding of "
                           "the thickness of a column", "conservation"))
    return rows


def energy_per_area(model: Model, past: History) -> np.ndarray:
    """Departure of the total energy from its beginning (J/m2)."""
    factor, energy = energy_factor(model.parameters.fluid), np.array([part.energy for part in past.contents])
    return factor * (energy - energy[0]) / interior(model.grid.metrics.area).sum()


def _energy(name: str, model: Model, past: History) -> Row:
    seconds = past.steps * model.parameters.time_step
    half = len(seconds) // 2  # the adjustment of the first state sends out waves that the scheme damps
    trend = float(np.polyfit(seconds[half:], energy_per_area(model, past)[half:], 1)[0])
    return within(f"{name} without dissipation: trend of the total energy, steps {past.steps[half]} to {past.steps[-1]} (W/m2)",
                  abs(trend), None, 0.02, "0", "errors of the time step; a hundredth of what a climate drifts by is 0.02 W/m2",
                  "Sadourny 1975; Arakawa and Suarez 1983")


def _heating(name: str, model: Model, past: History) -> Row:
    seconds = past.steps[-1] * model.parameters.time_step
    return within(f"{name} as it comes: mean change of the total energy in {past.steps[-1]} steps (W/m2)",
                  energy_per_area(model, past)[-1] / seconds, -1.0, 1.0, "0 without mixing",
                  "upwind faces and diffusion mix tracers across and along the levels, which changes potential energy; less than a "
                  "hundredth of the heat that the sun gives", "stated")


def _picture_of_budgets(runs: dict[str, tuple[Model, History]]) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.4, 1.7 * len(runs)), layout="constrained")
    for (name, (model, past)), (left, right) in zip(runs.items(), figure.subplots(len(runs), 2), strict=True):
        for quantity, number in zip(("mass", *model.parameters.tracer_names), (None, *range(len(model.parameters.tracer_names))),
                                    strict=True):
            left.plot(past.steps, relative(past, number) / 1e-15, label=quantity.replace("_", " "))
        left.set(title=name, ylabel="relative drift (1e-15)")
        left.legend(fontsize=7)
        right.plot(past.steps, energy_per_area(model, past) / 1e3, color="black")
        right.set(title=f"{name}: total energy", ylabel="departure (kJ/m2)")
    for axis in figure.axes[-2:]:
        axis.set_xlabel("step")
    return figure
