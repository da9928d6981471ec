"""Datasets with CF names that xgcm understands, states from them, and records on a schedule."""

import dataclasses
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import channel, random_velocity

import dycore
from dycore import Model, cases
from dycore.equations.advection import upwind3
from dycore.fluid import Ocean
from dycore.grid import EARTH_RADIUS, interior
from dycore.output import state_from_dataset
from dycore.parameters import Parameters
from dycore.running.progress import DAY
from dycore.running.run import Report
from dycore.state import initial_state
from dycore.writing import Means, Snapshots

xr = pytest.importorskip("xarray")
FORMATS = (".zarr", ".nc")


def wave(backend, cells=(3, 8, 12), **options):
    """A small atmosphere and its first state."""
    grid, parameters, state = cases.baroclinic_wave(cells, time_step=1800.0, **options)
    return Model(grid, parameters, backend), state


@pytest.fixture
def ocean(numpy_backend, random):
    """A channel with an island and a step, and a state that differs in every cell."""
    grid = channel((4, 7, 10))
    parameters = Parameters(Ocean(), time_step=600.0, substeps=20, tracer_names=("temperature", "salinity"))
    u, v = (interior(part) for part in random_velocity(grid, random))
    tracers = 10.0 + random.random(grid.cells), 35.0 + random.random(grid.cells)
    state = initial_state(grid, u=0.1 * u, v=0.1 * v, surface=0.1 * random.random(grid.cells[1:]), tracers=tracers)
    return Model(grid, parameters, numpy_backend), state


def opened(path):
    """What a reader finds, in memory."""
    with xr.open_dataset(path) as found:
        return found.load()


def test_all_variables_say_what_they_are_and_cells_have_boundaries(numpy_backend):
    model, state = wave(numpy_backend)
    dataset = model.dataset(state)
    assert all(dataset[name].attrs["long_name"] for name in (*dataset.data_vars, *dataset.dims) if name != "bound")
    assert all("units" in dataset[name].attrs for name in (*dataset.data_vars, *dataset.dims) if name != "bound")
    for name in ("longitude", "latitude", "air_pressure"):
        bounds = dataset[dataset[name].attrs["bounds"]].values
        assert (bounds[1:, 0] == bounds[:-1, 1]).all()
        assert ((bounds[:, 0] < dataset[name]) & (dataset[name] < bounds[:, 1])).all()
    # bands between parallels are exact
    assert float(dataset.cell_area.sum()) == pytest.approx(4.0 * np.pi * EARTH_RADIUS**2, rel=1e-12)
    assert float(dataset.surface_pressure.min().item()) == pytest.approx(1.0e5)


def test_time_is_a_date_that_xarray_decodes(numpy_backend):
    model, state = wave(numpy_backend)
    day = xr.decode_cf(model.dataset(state._replace(step=48 * 60))).time.item()
    assert (day.year, day.month, day.day) == (1, 3, 2)  # the sixtieth day after the first of January


def test_xgcm_finds_the_faces_on_either_side_of_a_cell(ocean):
    xgcm = pytest.importorskip("xgcm")
    model, state = ocean
    state = model.steps(state, 3)
    grid = xgcm.Grid(model.dataset(state).fillna(0.0), padding={"X": "periodic", "Y": "fill", "Z": "fill"}, fill_value=0.0)
    levels, inner = slice(2, -2), slice(3, -3)
    dataset = grid._ds
    u, v, w = (np.asarray(part) for part in (state.u, state.v, state.w))
    for name, axis, low, high in (("eastward_velocity", "X", u[levels, inner, 3:-3], u[levels, inner, 4:-2]),
                                  ("northward_velocity", "Y", v[levels, 3:-3, inner], v[levels, 4:-2, inner]),
                                  ("vertical_velocity", "Z", w[2:-2, inner, inner], w[3:-1, inner, inner])):
        both = grid.interp(dataset[name], axis).transpose("height", "y", "x").values
        np.testing.assert_allclose(both, np.where(model.grid.wet, 0.5 * (low + high), both), rtol=1e-12, atol=1e-15)


def test_land_is_nan_and_nothing_flows_through_a_coast(ocean):
    model, state = ocean
    dataset = model.dataset(model.steps(state, 2))
    wet = model.grid.wet
    west, south = np.roll(wet, 1, 2), np.roll(wet, 1, 1)
    south[:, 0] = False  # a wall
    for name, here, there in (("temperature", wet, wet), ("eastward_velocity", wet, west), ("northward_velocity", wet, south)):
        assert (np.isnan(dataset[name]) == ~(here | there)).all()
        assert (dataset[name].values[here ^ there] == 0.0).all()
    assert not wet.all() and (wet ^ west).any()


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_state_comes_back_from_a_file(ocean, tmp_path, suffix):
    pytest.importorskip("zarr" if suffix == ".zarr" else "netCDF4")
    model, state = ocean
    model.run(state, steps=0, write=(Snapshots(tmp_path / f"state{suffix}", 1.0),), progress=False)
    dataset = opened(tmp_path / f"state{suffix}")
    again = state_from_dataset(model, dataset.transpose(*list(dataset.dims)[::-1]))
    ones, others = (model.dataset(model.steps(each, 5)) for each in (state, again))
    assert all(ones[name].equals(others[name]) for name in ones.data_vars)


@pytest.mark.parametrize("change, sentence", [
    (lambda d: d.drop_vars(["salinity", "eastward_velocity"]), "lacks eastward_velocity, salinity"),
    (lambda d: d.isel(x=slice(1, None)), "values along x; this grid has 10"),
    (lambda d: d.assign_coords(y=d.y + 1000.0), r"y\[0\] of eastward_velocity is .* that of this grid is"),
    (lambda d: d.assign(salinity=d.salinity.isel(height=0)), "salinity has the dimensions y, x; this model needs height, y, x"),
    (lambda d: xr.concat([d, d], "time"), r"has 2 times. Choose one"),
    (lambda d: d.assign(temperature=d.temperature.where(d.temperature.x > 2e5)), "temperature has .* values where there is fluid"),
])
def test_a_dataset_that_is_no_state_is_refused_by_name(ocean, change, sentence):
    model, state = ocean
    with pytest.raises(ValueError, match=sentence):
        state_from_dataset(model, change(model.dataset(state)))


@pytest.mark.parametrize("suffix", FORMATS)
def test_snapshots_are_the_states_of_their_times(numpy_backend, tmp_path, suffix):
    pytest.importorskip("zarr" if suffix == ".zarr" else "netCDF4")
    model, start = wave(numpy_backend, precision="float32")
    path, reports = tmp_path / f"made/here{suffix}", []
    model.run(start, steps=10, write=(Snapshots(path, 4 * 1800.0 / DAY),), progress=False, report=reports.append)
    found = opened(path)
    # every four steps, and no record at the end, which is none of them
    assert [(t - found.time.values[0]).total_seconds() for t in found.time.values] == [0.0, 7200.0, 14400.0]
    for record, steps in enumerate((0, 4, 8)):
        expected = model.dataset(model.steps(start, steps))
        for name in expected.data_vars:
            assert found[name].dtype == np.float32
            assert (found[name].values[record] == expected[name].values).all()
    (report,) = reports
    assert isinstance(report, Report) and 0.0 < report.writing < report.seconds


@pytest.mark.parametrize("suffix", FORMATS)
def test_means_are_those_of_their_states_and_say_what_they_cover(numpy_backend, tmp_path, suffix):
    pytest.importorskip("zarr" if suffix == ".zarr" else "netCDF4")
    model, start = wave(numpy_backend)
    path = tmp_path / f"means{suffix}"
    model.run(start, steps=14, write=(Means(path, 7 * 1800.0 / DAY, ("surface_pressure",), samples=3),), progress=False)
    found = opened(path)
    assert list(found.data_vars) == ["surface_pressure"] or {*found.data_vars} == {"surface_pressure", "time_bounds"}
    assert found.surface_pressure.attrs["cell_methods"] == "time: mean"
    assert [t.total_seconds() for t in (found.time_bounds.values[:, 1] - found.time_bounds.values[:, 0])] == [7 * 1800.0] * 2
    # thirds of seven steps end at 2.33, 4.67 and 7
    for record, steps in enumerate(((3, 5, 7), (10, 12, 14))):
        states = [interior(model.steps(start, n).surface) for n in steps]
        np.testing.assert_allclose(found.surface_pressure.values[record], np.mean(states, axis=0), rtol=1e-14)


def test_an_interval_is_rounded_to_whole_steps_as_a_run_is(numpy_backend, tmp_path):
    pytest.importorskip("zarr")
    model, start = wave(numpy_backend)
    model = Model(model.grid, dataclasses.replace(model.parameters, time_step=1700.0), numpy_backend)
    model.run(start, steps=4, write=(Snapshots(tmp_path / "x.zarr", 0.039),), progress=False)  # 1.98 steps
    assert opened(tmp_path / "x.zarr").sizes["time"] == 3


@pytest.mark.parametrize("wanted, sentence", [
    (Snapshots("x.zarr", 1.0, ("surface_presure",)), "no field 'surface_presure': did you mean 'surface_pressure'"),
    (Snapshots("x.hdf", 1.0), "'x.hdf' does not end in .zarr, .icechunk or .nc"),
    (Snapshots("x.zarr", 0.0), "days=0.0 of 'x.zarr' must be a positive number"),
    (Means("x.nc", 1.0, samples=0), "samples=0 of 'x.nc' must be at least 1"),
])
def test_what_cannot_be_written_is_said_before_the_run(numpy_backend, tmp_path, monkeypatch, wanted, sentence):
    monkeypatch.chdir(tmp_path)
    model, start = wave(numpy_backend)
    with pytest.raises(ValueError, match=sentence):
        model.run(start, steps=1, write=(wanted,), progress=False)
    assert not Path(wanted.path).exists()


@pytest.mark.parametrize("path, library, sentence", [
    ("x.nc", "xarray", "'x.nc' needs xarray, which is not installed: pip install 'dycore[io]'."),
    ("x.nc", "netCDF4", "'x.nc' needs netCDF4, which is not installed: pip install 'dycore[io]'."),
    ("x.zarr", "zarr", "'x.zarr' needs zarr, which is not installed: pip install 'dycore[io]'."),
    ("x.icechunk", "icechunk", "Paths that end in .icechunk need Icechunk: pip install 'dycore[stores]'.")])
def test_a_library_that_is_missing_is_said_with_the_pip_line_before_anything_is_made(
        numpy_backend, tmp_path, monkeypatch, path, library, sentence):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, library, None)
    model, start = wave(numpy_backend)
    for ask in (lambda: model.run(start, steps=1, write=(Snapshots(path, 1.0),), progress=False), lambda: dycore.open(path)):
        with pytest.raises(ValueError, match=re.escape(sentence)):
            ask()
    assert [*tmp_path.iterdir()] == []


def test_the_source_says_which_schemes_made_it(numpy_backend):
    model, state = wave(numpy_backend)
    attributes = model.dataset(state).attrs
    assert attributes["Conventions"].startswith("CF-") and attributes["source"].startswith("dycore ")
    assert attributes["tracer_scheme"] == upwind3.__name__ and attributes["time_step"] == 1800.0
