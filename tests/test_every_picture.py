"""Every field of every case as a map, a section, a series and an animation, with a level and without: the data are drawn."""

from argparse import Namespace

import numpy as np
import pytest
from command_line import dycore
from test_pictures import mesh_of, with_times

from dycore import Model, cases, pictures
from dycore.commands.plot import read_fields
from dycore.plotting.plotted_fields import UNITS
from dycore.writing import Means, Snapshots

pytest.importorskip("matplotlib")
xarray = pytest.importorskip("xarray")
ROWS, COLUMNS = 8, 12


def made(case, backend):
    """(model, state) of a case on a few cells."""
    levels = 3 if case in ("baroclinic_channel", "baroclinic_wave", "global_ocean", "held_suarez", "southern_channel") else 1
    grid, parameters, state = cases.CASES[case](cells=(levels, ROWS, COLUMNS))
    return Model(grid, parameters, backend), state


@pytest.fixture(scope="module", params=[*cases.CASES])
def dataset(request, numpy_backend):
    """Records of a case, with noise that differs from record to record."""
    model, state = made(request.param, numpy_backend)
    one = model.dataset(state)
    records = with_times(one, np.random.default_rng(7)).isel(time=slice(1, None))
    return records.assign_coords({name: data.drop_vars("time") for name, data in one.coords.items() if name.endswith("_bounds")})


def as_asked(dataset, name, kind, level=None):
    """A field as `dycore plot` takes it from a file for a kind of picture."""
    return read_fields(dataset, [name], kind, Namespace(level=level, time=None, file="memory"))[0]


def expected(dataset, name):
    """(values [time, (k,) j, i] in the units of pictures, name of the levels or None)."""
    if name not in dataset:
        found = pictures.field(dataset, name)  # tests/test_pictures.py holds these against other ways to get them
        return found.transpose("time", pictures.along(found, "Z"), ...).values, pictures.along(found, "Z")
    data = dataset[name]
    levels = next((dim for dim in data.dims if dim.startswith(("height", "air_pressure"))), None)
    values = data.values * UNITS.get(data.units, ("", 1.0))[1]
    if "temperature" in dataset:  # there is land: faces at its coasts are not drawn
        for axis, number in (("longitude_face", 2), ("latitude_face", 1)):
            wet = dataset.temperature[0].notnull().values if axis in data.dims else True
            values = np.where(wet & np.roll(wet, 1, number) if axis in data.dims else True, values, np.nan)
    return values, levels


def depth_or_pressure(dataset, levels):
    """Where levels are, as pictures say it: m of depth or hPa."""
    return dataset[levels].values * (0.01 if levels.startswith("air_pressure") else -1.0)


def pictured(dataset):
    """Name, values, levels, and (level asked for, its number) of everything to draw; the level drawn without one is the last."""
    for name in pictures.fields(dataset):
        values, levels = expected(dataset, name)
        yield name, values, levels, None, -1
        if levels is not None:
            yield name, values, levels, float(depth_or_pressure(dataset, levels)[0]), 0


def assert_drawn(mesh, values):
    """The mesh has these values [j, i], and nothing where they are NaN."""
    shown = np.ma.filled(mesh.get_array().reshape(values.shape), np.nan)
    np.testing.assert_allclose(shown, values, rtol=1e-12, atol=1e-300)
    assert np.isfinite(values).any()


def test_maps_show_the_level_that_is_asked_for_or_that_next_to_the_moving_boundary(dataset):
    for name, values, levels, level, number in pictured(dataset):
        field = as_asked(dataset, name, "map", level)
        figure = pictures.map_of(field)
        assert_drawn(mesh_of(figure), values[-1] if levels is None else values[-1, number])
        corners = mesh_of(figure).get_coordinates()
        for axis, ends in (("X", corners[0, :, 0]), ("Y", corners[:, 0, 1])):
            there = dataset[pictures.along(field, axis)].values * (1e-3 if "x" in dataset.sizes else 1.0)
            np.testing.assert_allclose(0.5 * (ends[1:] + ends[:-1]), there[1 - ends.size:], atol=1e-9 * np.abs(there).max())
        one = dataset.sizes["height" if "height" in dataset.sizes else "air_pressure"] == 1
        title = figure.axes[0].get_title(loc="left")
        assert ("depth" in title or "hPa" in title) == (levels is not None and not (one and level is None)), title


def test_maps_of_one_level_taken_of_a_dataset_before_are_those_of_the_level(dataset):
    for name, values, levels, _, _ in pictured(dataset):
        if levels is not None:
            first = dataset.isel({dim: 0 for dim in dataset.dims if dim.startswith(("height", "air_pressure"))})
            assert_drawn(mesh_of(pictures.map_of(pictures.field(first, name))), values[-1, 0])


def test_sections_show_all_levels_at_a_place_or_their_zonal_mean(dataset):
    for name, values, levels, level, _ in pictured(dataset):
        if level is not None:
            continue
        field = as_asked(dataset, name, "section")
        if levels is None or values.shape[1] == 1:
            with pytest.raises(ValueError, match="has not the levels that a section needs"):
                pictures.section(field)
            continue
        across = pictures.along(field, "X")
        place = {across.removesuffix("_face"): float(field[across][5])}
        for at, there in (({}, np.nanmean(values[-1], axis=2)), (place, values[-1][:, :, 5])):
            mesh = mesh_of(pictures.section(field, **at))
            assert_drawn(mesh, there)
            if not levels.endswith("_face"):
                bounds = dataset[f"{levels}_bounds"].values * (0.01 if levels == "air_pressure" else -1.0)
                np.testing.assert_allclose(mesh.get_coordinates()[:, 0, 1], [*bounds[:, 0], bounds[-1, 1]])


def test_series_show_the_mean_and_the_extremes_of_all_levels_or_of_one(dataset):
    for name, values, levels, level, number in pictured(dataset):
        field = as_asked(dataset, name, "series", level)
        axes = pictures.series([field]).axes[0]
        shown = values if level is None or levels is None else values[:, number:number + 1]
        if shown.ndim == 3:
            shown = shown[:, None]
        row = field[pictures.along(field, "Y")]
        rows = np.cos(np.radians(row.values)) if "latitude" in dataset.dims else np.ones(row.size)
        bounds = dataset.get(f"{levels}_bounds")
        if level is not None or levels is None:
            thickness = np.ones(1)
        elif bounds is None:  # of faces: the layers about them
            centres = dataset[levels].values
            thickness = np.abs(np.gradient(centres)) if len(centres) > 1 else np.ones(1)
        else:
            thickness = np.abs(np.diff(bounds.values, axis=1))[:, 0]
        weights = np.where(np.isnan(shown), 0.0, thickness[:, None, None] * rows[:, None])
        means = np.sum(weights * np.nan_to_num(shown), axis=(1, 2, 3)) / weights.sum(axis=(1, 2, 3))
        scale = np.nanmax(np.abs(shown))
        np.testing.assert_allclose(axes.lines[0].get_data()[0], [1.5, 3.0])
        np.testing.assert_allclose(axes.lines[0].get_data()[1], means, rtol=1e-9, atol=1e-12 * scale, err_msg=name)
        band = axes.collections[0].get_paths()[0].vertices[:, 1]
        assert (band.min(), band.max()) == pytest.approx((np.nanmin(shown), np.nanmax(shown)), rel=1e-12)


def test_animations_show_every_time(dataset):
    for name, values, levels, level, number in pictured(dataset):
        _, frames = pictures.frames_of(as_asked(dataset, name, "animation", level), None, 0.0)
        shown = values if levels is None else values[:, number]
        for mesh, moment in zip(frames, shown, strict=True):
            assert_drawn(mesh, moment)


@pytest.mark.parametrize("case, field", [("baroclinic_channel", "temperature"), ("held_suarez", "eastward_velocity")])
@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_files_of_a_run_are_drawn_as_the_help_says(capsys, monkeypatch, tmp_path, numpy_backend, case, field, suffix):
    pytest.importorskip("zarr" if suffix == ".zarr" else "netCDF4")
    monkeypatch.chdir(tmp_path)
    model, state = made(case, numpy_backend)
    day = model.parameters.time_step / 86400.0
    model.run(state, steps=1, progress=False, write=(Snapshots(f"records{suffix}", day), Means(f"means{suffix}", day, (field,))))
    for name in ("records", "means"):
        with xarray.open_dataset(tmp_path / f"{name}{suffix}", decode_times=False) as written:
            assert_drawn(mesh_of(pictures.map_of(as_asked(written, field, "map"))), written[field].values[-1, -1])
            assert pictures.fields(written)[0] == ("eastward_velocity" if name == "records" else field)
    assert dycore(capsys, "plot", f"records{suffix}", field) == (0, f"wrote records-{field}-map.png\n", "")


def test_what_is_not_as_dycore_writes_it_is_refused_in_words(numpy_backend):
    model, state = made("baroclinic_channel", numpy_backend)
    sea = model.dataset(state)
    for other, words in (
            (sea.assign_coords(height=sea.height.assign_attrs(positive="down")), "height is not a pressure in Pa or a height up"),
            (sea.assign_coords(height=sea.height.assign_attrs(units="km")), "height is not a pressure in Pa or a height upward"),
            (sea.assign_coords(time=sea.time.assign_attrs(units="fortnights")), "the time has the unit 'fortnights'"),
            (sea.rename(x="lon"), "there is no field 'temperature' that can be drawn"),
            (xarray.concat([sea, sea], "member"), "there is no field 'temperature' that can be drawn"),
            (sea.drop_vars("y"), "there is no field 'temperature' that can be drawn"),
            (sea.assign(temperature=sea.temperature.astype(str)), "there is no field 'temperature' that can be drawn")):
        with pytest.raises(ValueError, match=words):
            pictures.field(other, "temperature")
    with pytest.raises(ValueError, match="at least two rows"):
        pictures.field(sea.isel(y=[3], y_face=[3]), "relative_vorticity")


def test_records_without_a_number_are_left_out_of_the_colours(numpy_backend):
    model, state = made("baroclinic_channel", numpy_backend)
    calm = model.dataset(state).temperature
    field = as_asked(xarray.concat([calm, np.nan * calm], "time").to_dataset(), "temperature", "animation")
    alone = pictures.field(calm.to_dataset(), "temperature").isel(height=-1)
    assert pictures.colours(field) == pictures.colours(alone)
