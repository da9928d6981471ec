"""Pictures: what is drawn is what the data are, where they are; a mistake is one sentence, before anything is written."""

import numpy as np
import pytest
from command_line import dycore
from conftest import random_velocity

from dycore import Model, cases, pictures
from dycore.equations import operators
from dycore.grid import EARTH_RADIUS, interior
from dycore.plotting.plotted_fields import edges

pytest.importorskip("matplotlib")
xarray = pytest.importorskip("xarray")
CELLS = (3, 8, 12)
DAYS = (0.0, 1.5, 3.0)


def of_case(case, backend, cells=CELLS):
    """(model, state) of a case."""
    grid, parameters, state = case(cells=cells)
    return Model(grid, parameters, backend), state


def with_times(dataset, random):
    """The dataset at three times, with random numbers added that differ from time to time."""
    moments = [dataset.map(lambda data: data + 0.1 * float(abs(data).max()) * random.standard_normal(data.shape), keep_attrs=True)
               .assign_coords(time=((), 86400.0 * day, dataset.time.attrs)) for day in DAYS]
    return xarray.concat(moments, "time", coords="minimal", data_vars="all", compat="override", join="override",
                         combine_attrs="override")


@pytest.fixture(scope="module")
def air(numpy_backend):
    model, state = of_case(cases.baroclinic_wave, numpy_backend)
    return with_times(model.dataset(state), np.random.default_rng(5))


@pytest.fixture(scope="module")
def sea(numpy_backend):
    model, state = of_case(cases.global_ocean, numpy_backend, (3, 19, 36))
    return with_times(model.dataset(state), np.random.default_rng(6)).assign_attrs(wet=model.grid.wet)


@pytest.fixture(scope="module")
def air_file(air, tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "wave.nc"
    air.to_netcdf(path)
    return path


def mesh_of(figure):
    return figure.axes[0].collections[0]


def drawn_at(figure, x, y):
    """The value of the cell that covers a point of the axes."""
    from matplotlib.path import Path

    mesh = mesh_of(figure)
    corners, values = mesh.get_coordinates(), mesh.get_array()
    found = [values[j, i] for j, i in np.ndindex(values.shape) if not np.ma.getmaskarray(values)[j, i]
             and Path([corners[j, i], corners[j, i + 1], corners[j + 1, i + 1], corners[j + 1, i]]).contains_point((x, y))]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("projection, latitude, x, y", [
    (None, 40.0, 100.0, 40.0), (pictures.mollweide, 5.0, 0.0, None), (pictures.orthographic(40.0), 40.0, 0.0, 0.0)])
@pytest.mark.parametrize("name", ["surface_pressure", "eastward_velocity"])
def test_the_colour_at_a_place_is_that_of_the_data(air, name, projection, latitude, x, y):
    y = np.sqrt(2.0) * np.pi / 4.0 * np.sin(np.radians(latitude)) if y is None else y  # near the equator 2 theta = pi/2 sin
    figure = pictures.map_of(pictures.field(air, name), projection, longitude=100.0)
    field = air[name].isel(time=-1)
    field = field.isel(air_pressure=-1) if "air_pressure" in field.dims else field
    row, column = pictures.along(field, "Y"), pictures.along(field, "X")
    there = float(field.sel({row: latitude, column: 100.0}, method="nearest"))
    assert drawn_at(figure, x, y) == pytest.approx(there * (0.01 if name == "surface_pressure" else 1.0))


@pytest.mark.parametrize("name", ["surface_pressure", "eastward_velocity"])
@pytest.mark.parametrize("longitude", [0.0, 77.0, -160.0])
def test_the_cells_of_a_whole_sphere_fill_mollweides_ellipse_once(air, name, longitude):
    mesh = mesh_of(pictures.map_of(pictures.field(air, name), pictures.mollweide, longitude))
    (x, y), values = np.moveaxis(mesh.get_coordinates(), -1, 0), mesh.get_array()
    area = 0.5 * ((x[1:, 1:] - x[:-1, :-1]) * (y[1:, :-1] - y[:-1, 1:]) - (x[1:, :-1] - x[:-1, 1:]) * (y[1:, 1:] - y[:-1, :-1]))
    assert (np.abs(area).sum(), values.count()) == (pytest.approx(4.0 * np.pi, rel=0.06), values.size)  # straight edges


def test_colours_of_velocity_are_even_about_zero_and_those_of_tracers_are_not(air):
    air = air.isel(time=0)
    assert float(air.eastward_velocity.max()) > -1.5 * float(air.eastward_velocity.min())
    velocity = mesh_of(pictures.map_of(pictures.field(air, "eastward_velocity")))
    assert velocity.norm.vmin == -velocity.norm.vmax < 0.0
    assert velocity.cmap.name == "RdBu_r"
    tracer = mesh_of(pictures.map_of(pictures.field(air, "potential_temperature")))
    assert 0.0 < tracer.norm.vmin < tracer.norm.vmax
    speed = mesh_of(pictures.map_of(pictures.field(air, "speed")))
    assert speed.norm.vmin >= 0.0


def test_round_off_of_a_constant_is_not_drawn_as_a_pattern(air):
    salt = air.surface_pressure.copy(data=35.0 + 1e-13 * np.sign(air.surface_pressure - 1e5))
    norm = mesh_of(pictures.map_of(pictures.field(air.assign(surface_pressure=salt), "surface_pressure"))).norm
    assert norm.vmax - norm.vmin > 1.0


@pytest.mark.parametrize("name", ["temperature", "sea_surface_height", "speed"])
def test_land_is_not_drawn(sea, name):
    mask = np.ma.getmaskarray(mesh_of(pictures.map_of(pictures.field(sea, name))).get_array())
    assert (mask == ~sea.wet[-1]).all()
    assert 0.2 < mask.mean() < 0.7


def test_faces_at_coasts_are_not_drawn(sea):
    west = mesh_of(pictures.map_of(pictures.field(sea, "eastward_velocity"))).get_array()
    wet = sea.wet[-1]
    assert (np.ma.getmaskarray(west) == ~(wet & np.roll(wet, 1, axis=1))).all()


def test_sections_have_the_surface_of_the_sea_and_the_top_of_the_air_above(sea, air):
    for dataset, name, level, top, unit in ((sea, "temperature", "height", -1, "depth (m)"),
                                            (air, "potential_temperature", "air_pressure", 0, "pressure (hPa)")):
        figure = pictures.section(pictures.field(dataset, name), longitude=187.0)
        lower, upper = figure.axes[0].get_ylim()
        assert lower > upper >= -1e-9
        assert figure.axes[0].get_ylabel() == unit
        for latitude in (-35.0, 35.0):
            column = dataset[name].isel({level: top}).isel(time=-1).sel(longitude=187.0, latitude=latitude, method="nearest")
            value = drawn_at(figure, latitude, upper + 0.01 * (lower - upper))
            assert value == pytest.approx(float(column))


def test_a_section_without_a_place_is_the_zonal_mean(sea):
    figure = pictures.section(pictures.field(sea, "temperature"))
    row = np.nanmean(np.where(sea.wet, sea.temperature[-1], np.nan)[-1], axis=1)
    shown = mesh_of(figure).get_array()[-1]
    np.testing.assert_allclose(shown.compressed(), row[np.isfinite(row)], rtol=1e-12)
    assert "zonal mean" in figure.axes[0].get_title(loc="left")


@pytest.mark.parametrize("name, factor", [("surface_pressure", 0.01), ("potential_temperature", 1.0)])
def test_series_show_the_mean_by_area_and_thickness(air, numpy_backend, name, factor):
    model, _ = of_case(cases.baroclinic_wave, numpy_backend)
    weights = model.grid.volume if name == "potential_temperature" else interior(model.grid.metrics.area)
    values = air[name].values
    axes = pictures.series([pictures.field(air, name)]).axes[0]
    days, means = axes.lines[0].get_data()
    np.testing.assert_allclose(days, DAYS)
    expected = [factor * (weights * moment).sum() / (weights * np.ones(moment.shape)).sum() for moment in values]
    np.testing.assert_allclose(means, expected, rtol=1e-12)
    band = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (pytest.approx(factor * values.min()), pytest.approx(factor * values.max()))


def test_a_mean_leaves_land_out(sea):
    field = pictures.field(sea, "temperature", level=10.0, time=3.0)
    weights = np.cos(np.radians(sea.latitude.values))[:, None] * sea.wet[-1]
    expected = (weights * np.nan_to_num(sea.temperature.values[-1, -1])).sum() / weights.sum()
    assert float(pictures.mean(field)) == pytest.approx(expected)


def test_an_animation_has_a_frame_for_every_time(air, tmp_path):
    from PIL import Image

    path = tmp_path / "wave.gif"
    pictures.animation(pictures.field(air, "surface_pressure"), path)
    with Image.open(path) as film:
        assert film.n_frames == len(DAYS)


def test_the_colours_of_an_animation_are_wide_enough_for_a_wave_that_grows(air):
    growing = air.northward_velocity * xarray.DataArray([1e-6, 1e-3, 1.0], dims="time", coords={"time": air.time})
    field = pictures.field(air.assign(northward_velocity=growing.transpose("time", ...).assign_attrs(units="m s-1")),
                           "northward_velocity")
    (all_times, _), (last, _) = pictures.colours(field), pictures.colours(field.isel(time=-1))
    assert all_times["vmax"] == pytest.approx(last["vmax"])


def test_vorticity_of_solid_body_rotation_is_twice_its_rate_times_the_sine_of_latitude(air):
    rate = 1e-6
    u = air.eastward_velocity.copy(data=np.broadcast_to(
        (rate * EARTH_RADIUS * np.cos(np.radians(air.latitude.values)))[:, None], air.eastward_velocity.shape))
    turning = air.assign(eastward_velocity=u, northward_velocity=xarray.zeros_like(air.northward_velocity))
    found = pictures.field(turning, "relative_vorticity", time=0.0)
    exact = 2e5 * rate * np.sin(np.radians(found.latitude_face))
    spacing = np.radians(180.0 / CELLS[1])
    # centred differences: sin(d) / d
    np.testing.assert_allclose(found, (exact * np.sin(spacing) / spacing).broadcast_like(found), atol=1e-12)


def test_vorticity_of_a_plane_is_that_of_the_model(numpy_backend, random):
    model, state = of_case(cases.baroclinic_channel, numpy_backend)
    u, v = random_velocity(model.grid, random)
    found = pictures.field(model.dataset(state._replace(u=u, v=v)), "relative_vorticity")
    region = model.grid.tile.region
    ours = numpy_backend.apply(operators.vorticity, region, model.grid.metrics, u, v)[region.indices()]
    drawn = np.isfinite(found.values)
    assert drawn[-1].all()
    np.testing.assert_allclose(found.values[drawn], 1e5 * ours[:, 1:][drawn], rtol=1e-9, atol=1e-9)  # the channel goes round


def test_speed_of_a_uniform_flow(air):
    for name, value in (("eastward_velocity", 3.0), ("northward_velocity", -4.0)):
        air = air.assign({name: air[name].copy(data=np.full(air[name].shape, value))})
    np.testing.assert_allclose(pictures.field(air, "speed"), 5.0)


def test_titles_say_what_where_and_when(air, sea):
    title = pictures.map_of(pictures.field(air, "eastward_velocity", level=520.0, time=1.4)).axes[0].get_title(loc="left")
    assert title == "eastward velocity, 500 hPa, day 1.5"
    assert pictures.map_of(pictures.field(air, "surface_pressure")).axes[0].get_title(loc="left") == "surface pressure, day 3.0"
    assert "depth" in pictures.map_of(pictures.field(sea, "temperature")).axes[0].get_title(loc="left")
    assert pictures.degrees(270.0, "EW") == "90\N{DEGREE SIGN}W"


def test_times_that_xarray_has_decoded_are_days_too(air):
    attributes = {"units": "seconds since 0001-01-01 00:00:00", "calendar": "noleap"}
    decoded = xarray.decode_cf(air.assign_coords(time=("time", air.time.values, attributes)))
    assert not np.issubdtype(decoded.time.dtype, np.floating)
    np.testing.assert_allclose(pictures.field(decoded, "surface_pressure").time, DAYS)


@pytest.mark.parametrize("arguments, written", [
    ([], "wave-surface_pressure-map.png"),
    (["--kind", "section"], "wave-eastward_velocity-section.png"),
    (["--kind", "series"], "wave-all-series.png"),
    (["speed", "--level", 500, "--projection", "orthographic", "--at", "latitude=60", "longitude=20"], "wave-speed-map.png"),
    (["--output", "film.gif"], "film.gif")])
def test_a_command_draws_what_a_user_wants_to_see(capsys, monkeypatch, tmp_path, air_file, arguments, written):
    monkeypatch.chdir(tmp_path)
    code, out, err = dycore(capsys, "plot", air_file, *arguments)
    assert (code, out, err) == (0, f"wrote {written}\n", "")
    assert [path.name for path in tmp_path.iterdir()] == [written]


def test_a_zarr_store_is_drawn_as_a_netcdf_file_is(air, air_file, tmp_path):
    pytest.importorskip("zarr")
    air.to_zarr(tmp_path / "wave.zarr")
    one, other = (pictures.field(pictures.opened(path), "speed") for path in (air_file, tmp_path / "wave.zarr"))
    xarray.testing.assert_equal(one, other)


@pytest.mark.parametrize("arguments, words", [
    (["surface_presure"], "did you mean 'surface_pressure'?"),
    (["salinity"], "there is no field 'salinity'"),
    (["speed", "--level", 2000], "the pressure 2000 is not there: it goes from 166.67 to 833.33 hPa."),
    (["surface_pressure", "--level", 500], "surface_pressure has no level."),
    (["--time", 90], "the time 90 is not there: it goes from 0 to 3 days."),
    (["surface_pressure", "--kind", "section"], "draw a map."),
    (["--kind", "section", "--at", "x=3"], "there is no x on this grid, but longitude and latitude."),
    (["--kind", "section", "--at", "latitude=95"], "the latitude 95 is not there"),
    (["--kind", "section", "--at", "latitude=5", "longitude=3"], "a section is at one place"),
    (["--kind", "section", "--at", "latitude=x"], "'x' is not a number"),
    (["--kind", "section", "--at", "north"], "'north' is not one of longitude, latitude, x, y"),
    (["--kind", "series", "--time", 1], "--time is for a map or a section, and this is a series"),
    (["--at", "latitude=5"], "--at is for a section, or a map with a --projection"),
    (["--kind", "chart"], "'chart'"),
    (["--output", "x.gif", "--kind", "map"], "'x.gif' ends in none of .png,"),
    (["--output", "x.txt"], "'x.txt' ends in none of .png,"),
    (["--output", "/no/such/folder/x.png"], "nothing can be written in '/no/such/folder'"),
])
def test_a_mistake_is_one_sentence_and_nothing_is_written(capsys, monkeypatch, tmp_path, air_file, arguments, words):
    monkeypatch.chdir(tmp_path)
    code, out, err = dycore(capsys, "plot", air_file, *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.startswith("dycore: ") and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_files_that_cannot_be_drawn_are_refused(capsys, monkeypatch, tmp_path, air):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.nc").write_text("no data")
    xarray.Dataset({"a": ("b", [1.0])}).to_netcdf(tmp_path / "other.nc")
    air.isel(time=0).to_netcdf(tmp_path / "once.nc")
    before = sorted(tmp_path.iterdir())
    for file, options, words in (("none.nc", [], "there is no file 'none.nc'."), ("other.nc", [], "holds no field"),
                                 ("text.nc", [], "'text.nc' is neither a NetCDF file nor a Zarr store"),
                                 (tmp_path, [], "is neither a NetCDF file nor a Zarr store"),
                                 ("once.nc", ["--kind", "series"], "a series needs several"),
                                 ("once.nc", ["--kind", "animation"], "an animation needs several")):
        code, _, err = dycore(capsys, "plot", file, *options)
        assert code == 2 and words in err, err
    assert sorted(tmp_path.iterdir()) == before


def test_a_projection_of_a_plane_is_refused(numpy_backend):
    model, state = of_case(cases.baroclinic_channel, numpy_backend)
    with pytest.raises(ValueError, match="this grid is a plane"):
        pictures.map_of(pictures.field(model.dataset(state), "temperature"), pictures.mollweide)


def test_a_constant_is_said_to_be_one(air):
    salt = air.assign(surface_pressure=air.surface_pressure.copy(data=np.full(air.surface_pressure.shape, 35.0)))
    figure = pictures.map_of(pictures.field(salt, "surface_pressure"))
    bar = figure.axes[1]
    assert [label.get_text() for label in bar.get_yticklabels()] == ["0.35"]
    assert mesh_of(figure).cmap.N == 1 and figure.axes[0].get_title(loc="right") == "0.35 hPa everywhere"


def test_colours_reach_the_extremes_but_not_for_a_value_that_is_far_out(air):
    wave = pictures.field(air, "surface_pressure", time=0.0)
    options, ends = pictures.colours(wave)
    assert (options["vmin"], options["vmax"], ends) == (float(wave.min()), float(wave.max()), "neither")
    far = wave.copy(deep=True)
    far[{"latitude": 0, "longitude": 0}] = 1e6
    options, ends = pictures.colours(far)
    assert ends == "max" and options["vmax"] < float(wave.max()) + np.ptp(wave.values)


def test_what_is_not_on_the_grid_does_not_look_like_land(sea):
    figure = pictures.map_of(pictures.field(sea, "temperature"), pictures.orthographic(90.0))
    _, land = figure.axes[0].collections
    corners, values = land.get_coordinates(), np.ma.getmaskarray(land.get_array())
    distances = np.hypot(*np.moveaxis(corners, -1, 0))[:-1, :-1][~values]
    assert distances.size and distances.min() > 0.9 * np.cos(np.radians(76.0))  # the grid ends at 76 degrees north
    assert figure.axes[0].get_facecolor()[:3] == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("middle", [180.0, 0.0, 60.0])
def test_a_region_at_the_edge_of_a_map_is_drawn_on_both_sides(numpy_backend, middle):
    model, state = of_case(cases.southern_channel, numpy_backend)  # 0 to 60 degrees east
    field = pictures.field(model.dataset(state), "temperature")
    mesh = mesh_of(pictures.map_of(field, pictures.mollweide, middle))
    x, y = np.moveaxis(mesh.get_coordinates(), -1, 0)
    x, y = ([part[::2, ::2], part[::2, 1::2], part[1::2, 1::2], part[1::2, ::2]] for part in (x, y))
    area = 0.5 * ((x[2] - x[0]) * (y[3] - y[1]) - (x[3] - x[1]) * (y[2] - y[0]))
    shown = ~np.ma.getmaskarray(mesh.get_array())[::2, ::2]
    south, north = edges(field.latitude)[[0, -1]]
    exact = np.radians(60.0) * (np.sin(np.radians(north)) - np.sin(np.radians(south))) * np.mean(np.isfinite(field[-1].values))
    assert np.abs(area[shown]).sum() == pytest.approx(exact, rel=0.03)


def test_coastlines_are_where_the_land_ends(air):
    pytest.importorskip("global_land_mask")
    figure = pictures.map_of(pictures.field(air, "surface_pressure"), coastlines=True)
    places = figure.axes[0].lines[0].get_xydata()

    def distance(longitude, latitude):
        return np.nanmin(np.hypot(places[:, 0] - longitude % 360.0, places[:, 1] - latitude))

    for longitude, latitude in ((-9.5, 38.7), (18.4, -34.3), (103.8, 1.3), (-74.0, 40.5)):  # Lisbon, Cape Town, Singapore, New York
        assert distance(longitude, latitude) < 1.0
    assert distance(-130.0, -45.0) > 15.0 and distance(85.0, 45.0) > 15.0  # South Pacific, inner Asia
    assert figure.get_supxlabel() == "coasts: global-land-mask"


def test_coastlines_of_cartopy_are_read_where_they_are_and_never_downloaded(air, monkeypatch, tmp_path):
    cartopy, shapefile = pytest.importorskip("cartopy"), pytest.importorskip("shapefile")
    monkeypatch.setitem(cartopy.config, "pre_existing_data_dir", tmp_path)
    folder = tmp_path / "shapefiles" / "natural_earth" / "physical"
    folder.mkdir(parents=True)
    with shapefile.Writer(folder / "ne_110m_coastline.shp") as writer:
        writer.field("name", "C")
        writer.line([[[10.0, 20.0], [30.0, 40.0]]])
        writer.record("straight")
    figure = pictures.map_of(pictures.field(air, "surface_pressure"), coastlines=True)
    assert figure.get_supxlabel() == "coasts: Natural Earth, 110m"
    np.testing.assert_allclose(figure.axes[0].lines[0].get_xydata()[:2], [[10.0, 20.0], [30.0, 40.0]])


def test_a_projection_of_cartopy_has_the_colour_of_the_data_at_a_place(air):
    crs = pytest.importorskip("cartopy.crs").Robinson(central_longitude=200.0)
    figure = pictures.map_of(pictures.field(air, "surface_pressure"), crs)
    for longitude, latitude in ((185.0, 50.0), (100.0, -30.0), (25.0, 10.0)):  # the last two are near the edges of the map
        there = float(air.surface_pressure.isel(time=-1).sel(longitude=longitude, latitude=latitude, method="nearest"))
        assert drawn_at(figure, *crs.transform_point(longitude, latitude, crs.as_geodetic())) == pytest.approx(0.01 * there)


@pytest.mark.parametrize("make, sentence", [
    (lambda crs: ("robinson",), "projection='robinson' is none. Give mollweide"),
    (lambda crs: (crs.Robinson,), "is none. Give mollweide"),  # the class, without brackets
    (lambda crs: (crs.Geodetic(),), "is none. Give mollweide"),
    (lambda crs: (crs.Robinson(), 150.0), r"as in cartopy\.crs\.Robinson\(central_longitude=150\)"),
    (lambda crs: (pictures.orthographic(100.0),), "centre=100.0 must be a latitude")])
def test_what_is_no_projection_is_refused_with_those_that_there_are(air, make, sentence):
    crs = pytest.importorskip("cartopy.crs")
    with pytest.raises(ValueError, match=sentence):
        pictures.map_of(pictures.field(air, "surface_pressure"), *make(crs))


def test_an_mp4_is_written_where_there_is_ffmpeg_and_refused_in_words_where_not(air, monkeypatch, tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    field = pictures.field(air, "surface_pressure")
    pictures.animation(field, tmp_path / "wave.mp4")
    assert (tmp_path / "wave.mp4").read_bytes()[4:8] == b"ftyp"
    monkeypatch.setattr(pictures, "ffmpeg", lambda: "no-ffmpeg-here")
    with pytest.raises(ValueError, match=r"an MP4 needs ffmpeg, .* or write a \.gif"):
        pictures.animation(field, tmp_path / "none.mp4")
    assert not (tmp_path / "none.mp4").exists()
