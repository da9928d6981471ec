"""Diagnostics of datasets of which something is missing, cut, turned or no number: a result, or a sentence that says what is."""

import os
import random
import traceback

import numpy as np
import pytest
import xarray

from dycore import Model, bathymetry, calendars, cases, diagnostics
from dycore.backends import on_numpy

NEW_YEAR = calendars.date("2001-01-01", "noleap")
MONTHS = [calendars.date(f"2001-{month:02}-15", "noleap") for month in range(1, 13)]
TILE = cases.barotropic_gyre((1, 6, 8))[0].tile
FUNCTIONS = diagnostics.OF_STATES | {
    "area_mean": lambda dataset: diagnostics.area_mean(dataset, "northward_velocity"),
    "cell_volume": diagnostics.cell_volume,
    "eddy_kinetic_energy": diagnostics.eddy_kinetic_energy,
    "energy_tendency": diagnostics.energy_tendency,
    "northward_transport": lambda dataset: diagnostics.northward_transport(dataset, "salinity"),
    "overturning_in_density": lambda dataset: diagnostics.overturning_in_density(dataset, [1000.0, 1030.0]),
    "section_transport": lambda dataset: diagnostics.section_transport(dataset, x=30.0),
    "zonal_spectrum": lambda dataset: diagnostics.zonal_spectrum(dataset, "temperature")}


def dataset_of(case, cells):
    grid, parameters, state = cases.CASES[case](cells)
    return Model(grid, parameters, on_numpy).dataset(state)


@pytest.fixture(scope="module")
def whole():
    return {"sea": dataset_of("global_ocean", (3, 8, 16)), "air": dataset_of("held_suarez", (3, 8, 16)),
            "channel": dataset_of("baroclinic_channel", (3, 6, 8))}


def malformed(dataset):
    """Versions of a dataset, by what was done to it."""
    made = {"no dataset": None, "a path": "ocean.nc", "an array": np.zeros(3), "nothing in it": xarray.Dataset(),
            "without attributes": dataset.drop_attrs(), "one field": dataset[next(iter(dataset.data_vars))]}
    for name in (*dataset.data_vars, *dataset.coords):
        made[f"without {name}"] = dataset.drop_vars(name)
    for name in dataset.data_vars:
        made[f"{name} is text"] = dataset.assign({name: (dataset[name].dims, np.full(dataset[name].shape, "a"))})
        made[f"{name} is turned"] = dataset.assign({name: dataset[name].transpose()})
        made[f"{name} is not there"] = dataset.assign({name: dataset[name] * np.nan})
    for dim in dataset.dims:
        made[f"one of {dim}"] = dataset.isel({dim: 0})
        made[f"none of {dim}"] = dataset.isel({dim: slice(0, 0)})
        made[f"a part of {dim}"] = dataset.isel({dim: slice(0, 1)})
        made[f"{dim} turned round"] = dataset.isel({dim: slice(None, None, -1)})
    return made


@pytest.mark.parametrize("kind", ["sea", "air", "channel"])
def test_malformed_datasets_give_a_result_or_a_sentence(whole, kind):
    chance = random.Random(kind)
    versions = malformed(whole[kind])
    pairs = [(name, version) for name in FUNCTIONS for version in versions]
    faults = []
    for name, version in chance.sample(pairs, min(len(pairs), int(os.environ.get("MALFORMED_ATTEMPTS", 150)))):
        try:
            FUNCTIONS[name](versions[version])
        except (ValueError, TypeError) as problem:
            last = traceback.extract_tb(problem.__traceback__)[-1]
            if not ("/dycore/" in last.filename and len(str(problem)) > 20 and str(problem).endswith((".", "?", ")"))):
                faults.append(f"{name} of {kind}, {version}: {problem!r}")
        except Exception as problem:
            faults.append(f"{name} of {kind}, {version}: {problem!r}")
    assert not faults


@pytest.mark.parametrize("ask, sentence", [
    (lambda ocean: diagnostics.northward_transport(ocean, "sea_surface_height"), "sea_surface_height' has the dimensions"),
    (lambda ocean: diagnostics.northward_transport(ocean, "eastward_velocity"), "a tracer has those of cells: height"),
    (lambda ocean: diagnostics.northward_transport("salinity", ocean), "name=.* must be text"),
    (lambda ocean: diagnostics.cell_volume(ocean.isel(height=slice(None, None, -1))), "does not go from level to level"),
    (lambda ocean: diagnostics.overturning(ocean.sortby(["latitude", "latitude_face"], ascending=False)), "does not increase"),
    (lambda ocean: diagnostics.kinetic_energy(ocean.roll(longitude=8, roll_coords=True)), "are in different orders"),
    (lambda ocean: calendars.after(None, 3.0), "start=None has no dates after it"),
    (lambda ocean: calendars.after(NEW_YEAR, np.nan), "time=nan must be one finite number"),
    (lambda ocean: calendars.after(NEW_YEAR, 1e25), "is beyond the dates that there are"),
    (lambda ocean: calendars.yearly([], [], NEW_YEAR), "dates=.* must be dates"),
    (lambda ocean: calendars.yearly([1.0], ["2000-01-01"], NEW_YEAR), "some of them are none"),
    (lambda ocean: calendars.yearly(range(12), MONTHS[::-1], NEW_YEAR), "each of them later than the one before"),
    (lambda ocean: calendars.yearly(range(2), MONTHS[:4], NEW_YEAR), "There are 4 dates and 2 records"),
    (lambda ocean: bathymetry.largest_basin(np.zeros((3, 4), int)), "of which there has to be some"),
    (lambda ocean: bathymetry.kept_basins(np.ones((6, 8), bool), TILE, (-1, 2)), r"keep=\(-1, 2\) must be .* a cell"),
    (lambda ocean: bathymetry.kept_basins(np.ones((6, 7), bool), TILE, None), r"wet has shape \(6, 7\)"),
    (lambda ocean: bathymetry.depths_of(None, True, None), "field=None must be an xarray.DataArray"),
    (lambda ocean: bathymetry.depths_of(ocean.temperature, "down", None), "downward='down' must be True or False"),
])
def test_what_would_fail_deep_inside_or_give_a_wrong_number_is_refused_at_once(whole, ask, sentence):
    with pytest.raises((ValueError, TypeError), match=sentence):
        ask(whole["sea"])
