"""Years of a global ocean across the Arctic, held against what climate models of its kind do."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dycore import cases, diagnostics, restart, writing
from dycore.cases import sea_surface
from dycore.cases.global_ocean import WIND
from dycore.fluid import Ocean as Fluid
from dycore.grid import EARTH_RADIUS, EARTH_ROTATION, Grid
from dycore.model import Model
from dycore.parameters import Parameters
from dycore.physics.surface import HEAT_CAPACITY
from dycore.running.progress import DAY
from dycore.validation import ocean_pictures
from dycore.validation.evidence import Evidence, Kind, Row, within
from dycore.validation.global_ocean import CLOSED_SEAS, SVERDRUP, transport_in

YEARS, YEAR = 10, 365.0  # days
FOLDER = Path("tripolar_ocean")
SEAS = CLOSED_SEAS | {"Arctic": (76.0, 90.0, 0.0, 360.0), "Gulf of Mexico": (18.0, 31.0, 262.0, 279.0)}
CMIP5 = "Meijers et al. 2012, Geophys. Res. Lett. 39, L23 608: models of CMIP5; Donohue et al. 2016 observe 173 Sv"
CMIP3 = "Cheng et al. 2013, J. Climate 26, 7187, of the models of CMIP3 (Gregory et al. 2005, Schmittner et al. 2005)"
CLIMATE = "rounded zonal means of the World Ocean Atlas (dycore.cases.sea_surface)"
TALLEY = "Talley 2003, J. Phys. Oceanogr. 33, 530, of hydrography"


class Ocean(NamedTuple):
    """Findings of a run: grid and parameters, means of its years, states at the end of each, transport through Drake Passage."""

    grid: Grid
    parameters: Parameters
    means: Any
    years: Any
    drake: Any


class Heat(NamedTuple):
    """Northward transport (W) across latitudes (degrees) [j]."""

    latitude: np.ndarray
    transport: np.ndarray


def drake_passage(dataset: Any) -> Any:
    """Eastward transport (sverdrup) through Drake Passage."""
    return diagnostics.section_transport(dataset, x=295.0, y=(-72.0, -50.0)).rename("drake_passage")


def world(cells: tuple[int, int, int], backend: Any) -> tuple[Model, Any]:
    """The model and its first state."""
    grid, parameters, state = cases.global_ocean(cells, tripolar=True, full_physics=True)
    return Model(grid, parameters, backend), state


def simulated(model: Model, state: Any, folder: Path, years: int, year: float = YEAR) -> Ocean:
    """Findings of so many years (of so many days) from a state, or from the newest restart in the folder if there is one."""
    import xarray

    folder.mkdir(parents=True, exist_ok=True)
    if restart.all_in(folder):
        state = restart.read(restart.latest(folder), model)
    steps = writing.whole_steps(years * year, model.parameters.time_step, "the run") - int(state.step)
    write = (writing.Means(folder / "means.zarr", year, samples=73),
             writing.Snapshots(folder / "years.zarr", year, ("temperature", "salinity", "sea_surface_height")),
             writing.Diagnostics(folder / "drake.zarr", 10.0, (drake_passage,)))
    if steps > 0:
        model.run(state, steps=steps, write=write, progress=year == YEAR, restarts=restart.Restarts(folder, year / 5.0))
    return Ocean(model.grid, model.parameters, *(xarray.open_dataset(folder / name, decode_times=False).load()
                                                 for name in ("means.zarr", "years.zarr", "drake.zarr")))


def into_the_surface(ocean: Ocean, tracer: int, name: str) -> np.ndarray:
    """Gain of cells by the relaxation of the surface in the last year [j, i] (unit of the tracer times m3/s)."""
    mean, forcing = ocean.means.isel(time=-1), ocean.parameters.forcing[tracer].values
    uppermost = diagnostics.cell_volume(mean).values[-1]
    return np.nan_to_num(uppermost * forcing.rate * (np.asarray(forcing.target) - mean[name].values[-1]))


def seconds(ocean: Ocean, first: int) -> float:
    """Time from the end of one year to that of the last (s)."""
    times = ocean.years.time
    return float(times[-1] - times[first]) * (DAY if times.units.startswith("days") else 1.0)


def gained(ocean: Ocean, name: str) -> np.ndarray:
    """Rate at which the content of columns [j, i] has grown in the last year (unit of the tracer times m3/s)."""
    content = [(diagnostics.cell_volume(at).values * np.nan_to_num(at[name].values)).sum(axis=0)
               for at in (ocean.years.isel(time=-2), ocean.years.isel(time=-1))]
    return (content[1] - content[0]) / seconds(ocean, -2)


def heat(ocean: Ocean, region: Any = True) -> Heat:
    """Northward transport of heat by all that moves it: what the sea to the north gains less what its surface takes in.

    `region` [j, i]: cells of a basin that is open in the south alone.
    """
    factor = float(ocean.parameters.fluid.reference_density) * HEAT_CAPACITY  # type: ignore[union-attr]
    lost = factor * ((gained(ocean, "temperature") - into_the_surface(ocean, 0, "temperature")) * region).sum(axis=1)
    northward = np.cumsum(lost[::-1])[::-1]
    edges = ocean.means.latitude_south_face.values
    straight = np.ptp(edges, axis=1) < 1e-3
    return Heat(edges[straight, 0], northward[straight])


def ekman_transport(latitude: float) -> float:
    """Northward transport (Sv) of the wind's layer across a parallel without land: -tau / (rho f) times its length."""
    stress, place = np.interp(latitude, *np.transpose(WIND)), np.radians(latitude)
    width = 2.0 * np.pi * EARTH_RADIUS * np.cos(place)
    return float(-stress * width / (Fluid().reference_density * 2.0 * EARTH_ROTATION * np.sin(place) * SVERDRUP))


def atlantic(ocean: Ocean) -> Any:
    """True in the cells of the Atlantic north of 34 degrees south and the Arctic [y, x], as an array of xarray."""
    places = ocean.means.latitude
    return (0.0 * places + sea_surface.atlantic(ocean.means.longitude.values, places.values)).astype(bool)


def tripolar_ocean(backend: Any, short: bool = False) -> Evidence:
    """A global ocean at 2 degrees across the Arctic with all physics, from a level rest (depths invented).

    cases.global_ocean((15, 93, 180), tripolar=True, full_physics=True): coasts of the package global-land-mask, invented depths,
    rounded zonal winds, temperature and salinity of the surface relaxed to rounded zonal means; no ice, no season. Some years
    are enough for winds, gyres and the upper overturning, and not for the abyss, so that ranges of models that ran for
    centuries are held against what is still on its way. The overturning is that of the resolved flow, without that
    of eddies; transports of heat are those of everything. The run (Numba: ten minutes a year, one core) stands in the folder
    tripolar_ocean below the working directory, and goes on from there where it was stopped.
    """
    cells, years, year = ((5, 31, 60), 2, 1.0) if short else ((15, 93, 180), YEARS, YEAR)
    model, state = world(cells, backend)
    if short:
        with tempfile.TemporaryDirectory() as folder:
            ocean = simulated(model, state, Path(folder), years, year)
    else:
        ocean = simulated(model, state, FOLDER, years, year)
    basin = atlantic(ocean)
    carried = heat(ocean), heat(ocean, basin.values)
    rows = conserved(ocean, short) + transports(ocean, basin, short) + heat_rows(ocean, *carried, short)
    return Evidence(rows, ocean_pictures.of(ocean, basin, *carried))


def conserved(ocean: Ocean, short: bool) -> list[Row]:
    """Rows of the length of the run, of what is kept, and of budgets that close."""
    volumes = [float(diagnostics.content(ocean.years.isel(time=at))) for at in (0, -1)]
    salt_in, salt_gained = into_the_surface(ocean, 1, "salinity"), gained(ocean, "salinity")
    warm_in, warm_gained = into_the_surface(ocean, 0, "temperature"), gained(ocean, "temperature")
    why = "round-off, and 73 states a year for its mean; a leak along a wall or the fold would show here"
    return [
        within("simulated years", seconds(ocean, 0) / (YEAR * DAY), 0.0 if short else 10.0, None, "centuries",
               "gyres and the upper overturning need some years; the time above is that since the run was last stopped", "plan"),
        within("drift of volume over the run, relative", abs(volumes[1] / volumes[0] - 1.0), None, 1e-12, "0",
               "round-off of every step", "conservation"),
        within("heat gained in the last year less what came through the surface, over what went either way",
               float(abs(warm_gained.sum() - warm_in.sum()) / np.abs(warm_in).sum()), None, 0.01, "0", why, "conservation"),
        within("salt gained in the last year less what came through the surface, over what went either way",
               float(abs(salt_gained.sum() - salt_in.sum()) / np.abs(salt_in).sum()), None, 0.01, "0", why, "conservation"),
    ]


def transports(ocean: Ocean, basin: Any, short: bool) -> list[Row]:
    """Rows of currents and of the overturning, that of the Atlantic too, which is `basin`."""
    last = ocean.means.isel(time=-1)
    psi = diagnostics.barotropic_stream_function(last).values[1:]
    overturning, in_atlantic = diagnostics.overturning(last), diagnostics.overturning(last, basin)
    edge, south = overturning.dims
    deep = overturning[edge] < -400.0
    north = in_atlantic.where(deep).where(in_atlantic[south] > 20.0)
    roaring = overturning.sel({south: slice(-56.0, -44.0)})
    wind = max(ekman_transport(latitude) for latitude in np.arange(-56.0, -43.0, 1.0))
    return [
        within("transport through Drake Passage (Sv)", float(drake_passage(last)), 0.1 if short else 90.0, 264.0,
               "90 to 264, 155 in the mean", "the range of the models", CMIP5, Kind.MODEL),
        within("overturning of the Atlantic north of 20 N below 400 m, greatest (Sv)", float(north.max()), -50.0 if short else 5.0,
               25.0, "less than 10 to 25", "the range of the models, with half of 10 as the least", CMIP3, Kind.MODEL),
        within("overturning by the wind at 44 to 56 S, greatest of the resolved flow (Sv)", float(roaring.max()),
               -50.0 if short else 0.7 * wind, 1.3 * wind, f"{wind:.1f}", "the layer of the wind is not all above the level of the "
               "greatest overturning, and gyres lie beside", "Ekman 1905, with this wind"),
        *(within(f"transport in the {name} (Sv)", transport_in(ocean.grid, psi, box), None, 40.0, "some Sv",
                 "closed seas, in which a tilted beginning drove 100", "sanity") for name, box in SEAS.items()),
    ]


def heat_rows(ocean: Ocean, whole: Heat, part: Heat, short: bool) -> list[Row]:
    """Rows of transports of heat, by all seas and by the Atlantic, of the temperature of the surface and of the drift."""
    at_24 = [float(np.interp(24.0, each.latitude, each.transport)) / 1e15 for each in (whole, part)]
    last = ocean.means.isel(time=-1)
    target = np.asarray(ocean.parameters.forcing[0].values.target)
    departure = last.temperature.values[-1] - target
    area = np.where(np.isfinite(departure), ocean.grid.area, 0.0)
    rms = float(np.sqrt((area * np.nan_to_num(departure) ** 2).sum() / area.sum()))
    mean = float((area * np.nan_to_num(departure)).sum() / area.sum())
    south = float(whole.transport[whole.latitude < 0.0].min()) / 1e15
    means = [float(diagnostics.content(at, "temperature") / diagnostics.content(at))
             for at in (ocean.years.isel(time=number) for number in (0, -2, -1))]
    wide = 20.0 if short else 0.0
    return [
        within("northward transport of heat across 24 N (PW)", at_24[0], 1.0 - wide, 3.0 + wide, "2.1",
               "half of what is observed, and half more", TALLEY),
        within("the same in the Atlantic (PW)", at_24[1], 0.4 - wide, 1.6 + wide, "1.3",
               "models with half of the overturning carry half of it", TALLEY),
        within("least northward transport of heat south of the equator (PW)", south,
               -3.0 - wide, -0.2 + wide, "southward", "the sign", "Trenberth and Caron 2001, J. Climate 14, 3433"),
        within("mean temperature of the surface less that to which it is relaxed (K)", mean, -1.0 - wide, 1.0 + wide, "0",
               "fluxes of tens of W/m2 into a surface that is relaxed with 47 W m-2 K-1", CLIMATE),
        within("the same, root mean square (K)", rms, None, 1.5 + wide, "0", "fluxes of up to 70 W/m2", CLIMATE),
        within("mean temperature of the ocean, change in the last year (K)", means[2] - means[1], -0.05, 0.05, "0",
               "the abyss takes centuries", "sanity"),
        within("the same, change over the run (K)", means[2] - means[0], -1.0, 1.0, "0", "it begins level, and cools at high "
               "latitudes to the depth that is as cold as the surface there", "sanity"),
    ]
