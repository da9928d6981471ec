"""Diagnostics of datasets of which something is missing, cut, turned or no number: a result, or a sentence that says what is."""

import os
import random
import traceback

import numpy as np
import pytest
import xarray

from dycore import Model, cases, diagnostics
from dycore.backends import on_numpy

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
