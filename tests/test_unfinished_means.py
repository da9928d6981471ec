"""An unfinished mean is gone on with wherever its file is and however its path is spelt, or a warning says that it is not."""

import json
import os
import shutil
import warnings

import numpy as np
import pytest
from conftest import channel

from dycore import Model, Parameters, initial_state, restart
from dycore.fluid import Ocean
from dycore.restart import Restarts
from dycore.running.progress import DAY
from dycore.writing import LostMeanWarning, Means

xr = pytest.importorskip("xarray")
pytest.importorskip("netCDF4")
STEP = 600.0 / DAY
FIELDS = ("temperature",)


@pytest.fixture
def model(numpy_backend, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parameters = Parameters(Ocean(), time_step=600.0, substeps=20, tracer_names=("temperature", "salinity"))
    return Model(channel((3, 6, 8)), parameters, numpy_backend)


def advanced(model, path, steps, folder="r", days=10 * STEP, fields=FIELDS, **others):
    """So many steps from the newest restart, if there is one."""
    random = np.random.default_rng(2).random(model.grid.cells)
    state = (restart.read(restart.latest(folder), model) if restart.all_in(folder) else
             initial_state(model.grid, surface=0.0, u=0.1 * random, tracers=(10.0 + random, 35.0)))
    write = tuple(Means(each, days, fields, samples=10) for each in ((path,) if isinstance(path, str) else path))
    return model.run(state, steps=steps, progress=False, write=write, restarts=Restarts(folder, 100.0), **others)


def records(path):
    with xr.open_dataset(path, decode_times=False) as found:
        return found.time_bounds.values.tolist(), found.temperature.values


def moved(model):
    os.mkdir("new")
    for name in ("m.nc", "r"):
        shutil.move(name, f"new/{name}")
    os.chdir("new")
    return "m.nc"


def linked(model):
    os.symlink("m.nc", "link.nc")
    return "link.nc"


def from_below(model):
    os.mkdir("below")
    os.chdir("below")
    os.symlink("../r", "r")
    return "../m.nc"


@pytest.mark.parametrize("respelt", [lambda _: os.path.abspath("m.nc"), lambda _: "./r/../m.nc", linked, from_below, moved],
                         ids=["absolute", "roundabout", "link", "other working folder", "moved"])
def test_a_mean_goes_on_however_the_path_of_its_file_is_spelt(model, tmp_path, respelt):
    advanced(model, "whole.nc", 10, "whole")
    advanced(model, "m.nc", 6)
    path = respelt(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        advanced(model, path, 4)
    (bounds, values), (_, whole) = records(path), records(tmp_path / "whole.nc")
    assert bounds == [[0.0, 6000.0]] and np.array_equal(values, whole, equal_nan=True)


def test_means_of_one_name_in_two_folders_each_go_on(model):
    for folder in "ab":
        os.mkdir(folder)
    advanced(model, ("a/m.nc", "b/m.nc"), 6)
    advanced(model, (os.path.abspath("b/m.nc"), "./a/m.nc"), 4)
    assert [records(f"{folder}/m.nc")[0] for folder in "ab"] == [[[0.0, 6000.0]]] * 2


def test_a_restart_of_an_earlier_version_goes_on_which_named_means_as_their_paths_were_spelt(model):
    advanced(model, "m.nc", 6)
    path = restart.latest("r")
    with np.load(path) as file:
        arrays = {name.replace(os.path.realpath("m.nc"), "m.nc"): file[name] for name in file.files}
    about = json.loads(str(arrays.pop("about")))
    about["means"] = {"m.nc": about["means"][os.path.realpath("m.nc")][:2]}
    np.savez(path, about=np.array(json.dumps(about)), **arrays)
    advanced(model, os.path.abspath("m.nc"), 4)
    assert records("m.nc")[0] == [[0.0, 6000.0]]


@pytest.mark.parametrize("changed", [{"path": "other.nc"}, {"path": ()}, {"path": "new/m.nc", "days": 5 * STEP},
                                     {"path": "new/m.nc", "fields": ("salinity",)}])
def test_a_mean_that_no_output_goes_on_with_is_warned_of(model, changed):
    os.mkdir("new")
    advanced(model, "m.nc", 6)
    with pytest.warns(LostMeanWarning, match="unfinished mean in '.*/m.nc' is left out: no output of this run is a mean"):
        advanced(model, steps=4, **changed)
    if changed["path"] == "other.nc":
        assert records("other.nc")[0] == [[3600.0, 6000.0]]
