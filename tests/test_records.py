"""Forcing from files: any convention gives the same records on the grid, in the run's calendar, or is refused with a reason."""

import pickle
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from dycore.backends import on_numpy
from dycore.calendars import date
from dycore.directions import along_grid
from dycore.fluid import Ocean
from dycore.geometry.geographic import unit_vectors
from dycore.grid import interior, latitude_longitude, rectilinear
from dycore.model import Model
from dycore.parameters import Parameters
from dycore.physics import heat_flux
from dycore.records import records, stress_records
from dycore.regridding import conservative
from dycore.tiles import Place
from dycore.time_series import at_step, between, pair

xr = pytest.importorskip("xarray")
cftime = pytest.importorskip("cftime")
sparse = pytest.importorskip("scipy.sparse")
pytest.importorskip("cf_units")

DAY = 86400.0
START = date("2000-01-01", "noleap")
LON, LAT = np.arange(2.5, 360.0, 5.0), np.arange(-87.5, 90.0, 5.0)


def sphere(cells=(2, 12, 18), **options):
    """An ocean between walls at 60 degrees south and north, with an island."""
    land = np.zeros(cells[1:], bool)
    land[4:6, 3:5] = True
    return latitude_longitude(cells, **({"interfaces": np.array([-300.0, -50.0, 0.0]), "latitudes": (-60.0, 60.0), "land": land}
                                        | options))


def wave(lon, lat):
    """A field without a seam, of unit size; its second derivatives (per radian squared) are at most 1 and 4."""
    return np.cos(np.radians(lon - 30.0)) * np.cos(np.radians(2.0 * lat))


def data(lon=LON, lat=LAT, n=3, units="W m-2", calendar="noleap"):
    """Daily records [time, lat, lon], each of them ten larger than the one before."""
    times = cftime.num2date(np.arange(n), "days since 2000-01-01", calendar)
    values = wave(np.asarray(lon, float), np.asarray(lat, float)[:, None]) + 10.0 * np.arange(n)[:, None, None]
    return xr.DataArray(values, {"time": times, "lat": lat, "lon": lon}, ("time", "lat", "lon"), "flux", {"units": units})


def on_grid(series):
    return np.stack([series.record(n) for n in range(len(series.values))])


def wet(grid):
    return grid.wet.any(axis=0)


def test_a_smooth_field_comes_to_cells_and_faces_within_the_error_of_bilinear_interpolation():
    grid, bound = sphere(), (1.0 + 4.0) * np.radians(5.0) ** 2 / 8.0
    for place in (Place.CENTER, Place.WEST_FACE, Place.SOUTH_FACE):
        series, places = records(data(), grid, "W m-2", start=START, place=place), grid.geographic(place)
        for n in range(3):
            found = series.record(n)
            here = np.isfinite(found)
            error = np.abs(found - wave(places.longitude, places.latitude) - 10.0 * n)[here].max()
            assert here.sum() > 150 and 0.05 * bound < error < bound


def from_minus_180(field):
    return field.assign_coords(lon=(field.lon + 180.0) % 360.0 - 180.0)


CONVENTIONS = {
    "from -180, as it stands": from_minus_180, "from -180, in order": lambda d: from_minus_180(d).sortby("lon"),
    "rolled": lambda d: d.roll(lon=17, roll_coords=True), "westward": lambda d: d.isel(lon=slice(None, None, -1)),
    "southward": lambda d: d.isel(lat=slice(None, None, -1)), "other order": lambda d: d.transpose("lon", "time", "lat"),
    "seam twice": lambda d: xr.concat([d, d.isel(lon=[0]).assign_coords(lon=[362.5])], "lon"),
    "radians": lambda d: d.assign_coords(lat=("lat", np.radians(d.lat.values), {"units": "radian"})),
    "by standard names": lambda d: d.rename(lat="a", lon="b").assign_coords(
        a=("a", LAT, {"standard_name": "latitude", "units": "degrees_north"}),
        b=("b", LON, {"standard_name": "longitude", "units": "degrees_east"})),
    "other axes": lambda d: d.expand_dims(height=[10.0], member=[1], axis=(1, 0)),
    "in kilowatts": lambda d: (1e-3 * d).assign_attrs(units="kW m-2"),
    "without units": lambda d: d.drop_attrs(), "dates of NumPy": lambda d: d.assign_coords(time=np.arange(
        "2000-01-01", "2000-01-04", dtype="datetime64[D]").astype("datetime64[ns]")),
    "numbers since a date": lambda d: d.assign_coords(time=("time", [0.0, 24.0, 48.0], {
        "units": "hours since 2000-01-01", "calendar": "noleap"})),
    "missing by a number": lambda d: d.where(d.lat > -80.0, -999.0).assign_attrs(d.attrs, _FillValue=-999.0),
    "of a region": lambda d: d.isel(lat=slice(4, 32))}


@pytest.mark.parametrize("change", CONVENTIONS.values(), ids=CONVENTIONS)
def test_every_convention_gives_the_records_of_the_plain_one(change):
    grid = sphere()
    plain, other = records(data(), grid, "W m-2", start=START), records(change(data()), grid, "W m-2", start=START)
    np.testing.assert_allclose(on_grid(other), on_grid(plain), rtol=0.0, atol=1e-12)
    assert np.array_equal(other.times, plain.times) and np.array_equal(plain.times, [0.0, DAY, 2.0 * DAY])


@pytest.mark.parametrize(("west", "east"), [(-180.0, 180.0), (350.0, 20.0), (-100.0, 20.0), (160.0, -160.0)])
def test_grids_of_every_convention_take_a_global_and_a_regional_dataset(west, east):
    grid = sphere(longitudes=(west, east), land=None)
    middle = 0.5 * (grid.x[0] + grid.x[-1])
    sources = [data()] if east - west == 360.0 else [data(), data(lon=(middle + np.arange(-65.0, 66.0, 5.0)) % 360.0)]
    for source in sources:
        found = records(source, grid, "W m-2", start=START).record(0)
        np.testing.assert_allclose(found, wave(grid.longitude, grid.latitude), atol=5.0 * np.radians(5.0) ** 2 / 8.0)


@pytest.mark.parametrize(("own", "unit", "factor", "zero"), [
    ("K", "degree_C", 1.0, 273.15), ("degF", "degree_C", 1.8, 32.0), ("dyn cm-2", "N m-2", 10.0, 0.0), ("N/m2", "N m-2", 1.0, 0.0),
    ("mm/day", "kg m-2 s-1", DAY, 0.0), ("m s-1", "kg m-2 s-1", 1e-3, 0.0), ("kg m-2 day-1", "kg m-2 s-1", DAY, 0.0),
    ("MJ m-2 day-1", "W m-2", 1e-6 * DAY, 0.0)])
def test_units_are_converted(own, unit, factor, zero):
    grid = sphere()
    other = (data() * factor + zero).assign_attrs(units=own)
    plain = on_grid(records(data(units=unit), grid, unit, start=START))
    np.testing.assert_allclose(on_grid(records(other, grid, unit, start=START)), plain, rtol=1e-12, atol=1e-12)


def test_land_takes_the_nearest_water_before_it_is_interpolated_and_a_place_without_any_is_refused():
    grid, field = sphere(), data(n=2)
    shore = field.where(~((field.lon > 100.0) & (field.lon < 120.0)))  # missing at 102.5 to 117.5
    found = on_grid(records(shore, grid, "W m-2", start=START))[0]
    i = [n for n in range(18) if 100.0 < grid.x[n] < 120.0]
    assert list(grid.x[i]) == [110.0]  # half way between 107.5 and 112.5, which take the values of 97.5 and 122.5
    filled = 0.5 * (wave(97.5, field.lat.values) + wave(122.5, field.lat.values))
    np.testing.assert_allclose(found[:, i[0]], np.interp(grid.y, field.lat.values, filled), atol=1e-12)
    elsewhere = np.delete(np.arange(18), [*i, 5])
    np.testing.assert_array_equal(found[:, elsewhere], on_grid(records(field, grid, "W m-2", start=START))[0][:, elsewhere])
    with pytest.raises(ValueError, match=r"Record 0 of flux has no value within 5 degrees of 12 of the 212 wet places of the grid, "
                                         r"first at \[j, i\] = \[0, 5\], -55 degrees north, 110 east\. Make land of them"):
        records(shore, grid, "W m-2", start=START, fill=5.0)
    later = field.where(~((field.lon > 60.0) & (field.time > field.time[0])))  # found when the second record is read
    series = records(later, grid, "W m-2", start=START)
    with pytest.raises(ValueError, match="Record 1 of flux has no value within 60 degrees"):
        series.record(1)


REFUSED = {
    "a part in latitude": (lambda d: d.isel(lat=slice(8, None)), r"18 of the 212 wet places of the grid, which are from -55 to 55 "
                           r"degrees north and from 10 to 350 east, lie outside of the dataset, from -47.5 to 87.5 north"),
    "a part in longitude": (lambda d: d.isel(lon=slice(10, 40)), r"lie outside of the dataset, .* and from 52.5 to 197.5 east"),
    "units": (lambda d: d.assign_attrs(units="m"), "The units of flux are 'm', which cannot be converted to 'W m-2'"),
    "twice": (lambda d: d.isel(time=[0, 1, 1]), r"Record 2 of flux is of 2000-01-02 00:00:00, not later than record 1, .*drop_dup"),
    "unsorted": (lambda d: d.isel(time=[0, 2, 1]), r"Record 2 of flux is of 2000-01-02 00:00:00, not later .*\.sortby\('time'"),
    "no dates": (lambda d: d.assign_coords(time=[1.0, 2.0, 3.0]),
                 r"flux has no dates along time: without them only twelve .*\(repeat=True"),
    "text for dates": (lambda d: d.assign_coords(time=[*"abc"]), "The times of flux are of the type <U1 without units"),
    "no times": (lambda d: d.drop_vars("time"), "flux has no dates along time"),
    "a date that is missing": (lambda d: d.assign_coords(time=np.array(["2000-01-01", "NaT", "2000-01-03"], "datetime64[ns]")),
                               "1 of the 3 dates of flux are missing"),
    "one record": (lambda d: d.isel(time=0), r"flux has the dimensions lat \(36\), lon \(72\); records need time"),
    "levels": (lambda d: d.expand_dims(depth=[0.0, 10.0]), r"depth \(2\), time \(3\).*\.isel\(depth=0\)"),
    "curvilinear": (lambda d: d.drop_vars(["lat", "lon"]).assign_coords(nav_lat=(("lat", "lon"), np.zeros((36, 72)))),
                    "flux has no latitude of one dimension along lat, in degrees: it has the coordinates time, nav_lat"),
    "rotated": (lambda d: d.rename(lat="rlat", lon="rlon"), "flux has no latitude of one dimension along rlat"),
    "text": (lambda d: d.astype(str), "flux is of the type <U"),
    "one row": (lambda d: d.isel(lat=[3]), "flux has 1 latitudes .* It needs two different ones")}


@pytest.mark.parametrize(("change", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_brought_to_the_grid_is_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        records(change(data()), sphere(), "W m-2", start=START)


def test_arguments_that_make_no_sense_are_refused():
    grid = sphere()
    for sentence, options in ((r"have dates, from 2000-01-01 .*, and the run has none", {"start": None}),
                              ("repeat=1 must be True or False", {"repeat": 1}), ("fill=-1.0 must be", {"fill": -1.0}),
                              ("method='nearest' must be a function", {"method": "nearest"})):
        with pytest.raises(ValueError, match=sentence):
            records(data(), grid, "W m-2", **({"start": START} | options))
    with pytest.raises(ValueError, match="The dataset has no variable 'heat': it has flux"):
        records(data().to_dataset(), grid, "W m-2", "heat", start=START)
    with pytest.raises(ValueError, match="The grid is a plane: it has no longitudes and latitudes"):
        records(data(), rectilinear((1, 4, 5), extent=(1e6, 1e6), interfaces=np.array([-10.0, 0.0])), "W m-2", start=START)
    with pytest.raises(TypeError, match=r"data=3\.0 must be the path of a file, an xarray"):
        records(3.0, grid, "W m-2", start=START)


def test_records_of_another_grid_or_of_a_run_that_starts_on_another_date_are_refused():
    """Both have the shape that is needed: nothing else would tell that the wind is that of another place or year."""
    grid, elsewhere = sphere(land=None), sphere(land=None, longitudes=(20.0, 380.0))
    series, wind = records(data(), grid, "W m-2", start=START), stress_records((data(), data()), grid, unit="W m-2", start=START)

    def model(grid, start, **drivers):
        names = ("temperature", "salinity")
        return Model(grid, Parameters(Ocean(), 600.0, substeps=30, tracer_names=names, start=start, **drivers), on_numpy)

    for drivers in ({"forcing": (heat_flux(0, series),)}, {"surface_stress": wind}):
        model(grid, START, **drivers), model(grid, None, **drivers)
        with pytest.raises(ValueError, match=r"for a run that starts on 2000-01-01 .*noleap.*, and this one starts on 2001-01-01"):
            model(grid, date("2001-01-01", "noleap"), **drivers)
        with pytest.raises(ValueError, match=r"was brought to another grid, whose first place is -55 degrees north, (0|10) east"):
            model(elsewhere, START, **drivers)


# Times


def climatology(times=None, n=12):
    """Records that are the same everywhere: of month 1, 4, 9 and so on."""
    values = np.broadcast_to((np.arange(1.0, n + 1.0) ** 2)[:, None, None], (n, len(LAT), len(LON)))
    coords = {"lat": LAT, "lon": LON} | ({} if times is None else {"time": times})
    return xr.DataArray(values, coords, ("time", "lat", "lon"), "sst", {"units": "degree_C"})


def at_day(series, day, grid):
    """The value of a uniform series on a day, as a model with steps of six hours has it."""
    step = round(4 * day)
    found = between(lambda n: float(series.record(n)[wet(grid)].mean()), pair(series, step, 0.25 * DAY), 0.25 * DAY)
    return at_step(None, found, step)


@pytest.mark.parametrize("times", [
    None, np.arange(1, 13), ("time", np.arange(12) + 0.5, {"units": "months since 1955-01-01"}),
    np.array([f"1999-{month:02d}-01" for month in range(1, 13)], "datetime64[ns]"),
    cftime.num2date(30.0 * np.arange(12) + 15.0, "days since 0001-01-01", "360_day")],
    ids=["none", "numbers", "months", "NumPy", "360"])
def test_months_are_linear_in_time_between_their_middles_and_come_again(times):
    grid, start = sphere(), date("2000-01-01", "360_day")
    series = records(climatology(times), grid, "degree_C", start=start, repeat=True)
    assert [at_day(series, day, grid) for day in (15, 45, 345, 375, -15)] == pytest.approx([1.0, 4.0, 144.0, 1.0, 144.0], rel=1e-12)
    assert [at_day(series, day, grid) for day in (30, 22.5, 360, 720)] == pytest.approx([2.5, 1.75, 72.5, 72.5], rel=1e-12)


def test_months_that_begin_in_july_and_seasons_are_those_of_every_year_of_the_runs_calendar():
    grid, start = sphere(), date("2000-01-01", "standard")
    july = np.array([f"{1999 + month // 12}-{month % 12 + 1:02d}-15" for month in range(6, 18)], "datetime64[ns]")
    rolled = climatology().roll(time=-6).assign_coords(time=july)
    plain, turned = (records(each, grid, "degree_C", start=start, repeat=True) for each in (climatology(), rolled))
    days = [0, 15.5, 100, 200, 365, 366, 1000, 50000, 400 * 365.2425 + 10]
    assert [at_day(turned, day, grid) for day in days] == pytest.approx([at_day(plain, day, grid) for day in days], rel=1e-12)
    four = np.array(["2001-01-01", "2001-04-01", "2001-07-01", "2001-10-01"], "datetime64[ns]")
    seasons = records(climatology(four, 4), grid, "degree_C", start=start, repeat=True)
    # 1 April is day 91 of 2000 and day 90 of 2001, which begins on day 366
    found = [at_day(seasons, day, grid) for day in (0, 91, 366, 456, 366 + 45)]
    assert found == pytest.approx([1.0, 4.0, 1.0, 4.0, 2.5], rel=1e-12)
    two_years = np.array(["2001-01-01", "2001-04-01", "2002-01-01"], "datetime64[ns]")
    with pytest.raises(ValueError, match="are of one year, and these are from 2001-01-01 00:00:00 to 2002-01-01 00:00:00"):
        records(climatology(two_years, 3), grid, "degree_C", start=start, repeat=True)
    leap = np.array(["2000-01-01", "2000-02-29", "2000-07-01"], "datetime64[ns]")
    with pytest.raises(ValueError, match=r"a record of 2-29 \(month and day\), which the year 2001 of the calendar standard does"):
        records(climatology(leap, 3), grid, "degree_C", start=start, repeat=True)


def test_dates_of_another_calendar_are_the_same_dates_of_the_runs_or_refused():
    grid = sphere()
    for calendar, last in (("noleap", 59.0), ("standard", 60.0), ("360_day", 60.0)):
        times = [cftime.datetime(2000, month, 1, calendar="noleap") for month in (1, 3)]
        series = records(climatology(times, 2), grid, "degree_C", start=date("2000-01-01", calendar))
        assert np.array_equal(series.times, [0.0, last * DAY])
    times = [cftime.datetime(2000, 2, day, calendar="360_day") for day in (1, 30)]
    with pytest.raises(ValueError, match=r"a record of 2-30 \(month and day\), which the year 2000 of the calendar noleap does"):
        records(climatology(times, 2), grid, "degree_C", start=START)


@pytest.mark.parametrize("decoded", [True, False])
@pytest.mark.parametrize("calendar", ["standard", "noleap"])
def test_means_with_bounds_stand_in_the_middle_of_them(tmp_path, decoded, calendar):
    """Monthly means of 2001, each at the first of its month: 31 and 28 days."""
    pytest.importorskip("netCDF4")
    begins = np.array([0.0, 31.0, 59.0, 90.0])
    about = {"units": "days since 2001-01-01", "calendar": calendar}
    field = climatology(("time", begins[:3], about | {"bounds": "time_bnds"}), 3).to_dataset()
    field.assign(time_bnds=(("time", "bnds"), np.stack([begins[:-1], begins[1:]], axis=1))).to_netcdf(tmp_path / "means.nc")
    path = xr.open_dataset(tmp_path / "means.nc") if decoded else tmp_path / "means.nc"
    series = records(path, sphere(), "degree_C", "sst", start=date("2001-01-01", calendar))
    assert np.array_equal(np.asarray(series.times) / DAY, [15.5, 45.0, 74.5])


# Stress


@pytest.mark.parametrize("pole", [None, (150.0, 60.0)])
def test_a_stress_stands_on_faces_along_the_grid(pole):
    grid = latitude_longitude((1, 8, 10), interfaces=np.array([-100.0, 0.0]), latitudes=(-20.0, 20.0), longitudes=(-30.0, 30.0),
                              pole=pole)
    east, north = data(units="N m-2"), (0.5 + 0.0 * data()).assign_attrs(units="dyn cm-2").rename("tauy")
    both = xr.Dataset({"taux": east, "tauy": north})
    for found in (stress_records(both, grid, ("taux", "tauy"), start=START), stress_records((east, north), grid, start=START)):
        for number, (series, place) in enumerate(zip(found, (Place.WEST_FACE, Place.SOUTH_FACE), strict=True)):
            places = grid.geographic(place)
            right = along_grid(grid, wave(places.longitude, places.latitude) + 10.0, 0.05 + 0.0 * places.latitude, place)[number]
            here = np.isfinite(series.record(1))
            np.testing.assert_allclose(series.record(1)[here], right[here], atol=5.0 * np.radians(5.0) ** 2 / 8.0)
            assert here.sum() == (8 * 9 if number == 0 else 7 * 10)
    if pole is not None:
        with pytest.raises(ValueError, match="taux and tauy have records of other times"):
            stress_records((east.rename("taux"), north.isel(time=[0, 2])), grid, start=START)
    for given, name in (((north, east), "surface_downward_northward_stress"), ((east, east), "surface_upward_eastward_stress")):
        with pytest.raises(ValueError, match=f"has the standard name '{name}', and the stress wanted is eastward and down"):
            stress_records((given[0].assign_attrs(standard_name=name), given[1]), grid, start=START)
    with pytest.raises(ValueError, match="names='taux' must be those of the eastward and the northward component"):
        stress_records(both, grid, "taux", start=START)


# Files


@pytest.mark.parametrize("kind", ["nc", "zarr"])
def test_a_file_is_the_dataset_that_it_was_made_of_and_goes_through_pickle(tmp_path, kind):
    pytest.importorskip("netCDF4" if kind == "nc" else "zarr")
    grid, path = sphere(), tmp_path / f"flux.{kind}"
    encoding = {"flux": {"_FillValue": -1e9, "dtype": "float64"}}
    data().to_dataset().to_netcdf(path, encoding=encoding) if kind == "nc" else data().to_dataset().to_zarr(path, zarr_format=2)
    series, plain = records(path, grid, "W m-2", "flux", start=START), records(data(), grid, "W m-2", start=START)
    for found in (series, pickle.loads(pickle.dumps(series))):
        assert np.array_equal(on_grid(found), on_grid(plain), equal_nan=True) and np.array_equal(found.times, plain.times)


@pytest.mark.parametrize("what", ["text", "folder", "nothing"])
def test_what_is_no_file_of_records_is_said_in_a_sentence(tmp_path, what):
    path = tmp_path / "flux.nc"
    {"text": lambda: path.write_text("lat,lon"), "folder": path.mkdir, "nothing": lambda: None}[what]()
    with pytest.raises(ValueError, match=r"data='.*flux.nc' cannot be opened as a file of NetCDF or a store of Zarr \(.*\)"):
        records(path, sphere(), "W m-2", "flux", start=START)


def test_records_are_read_one_at_a_time():
    from xarray.backends import BackendArray
    from xarray.core import indexing

    class Counted(BackendArray):
        shape, dtype, read = (3, len(LAT), len(LON)), np.dtype(float), ()

        def __getitem__(self, key):
            return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self.count)

        def count(self, key):
            self.read = (*self.read, *np.arange(3)[key[0]].ravel().tolist())
            return data().values[key]

    values = Counted()
    field = xr.DataArray(xr.Variable(("time", "lat", "lon"), indexing.LazilyIndexedArray(values), {"units": "W m-2"}),
                         data().coords, name="flux").transpose("lat", "time", "lon")
    series = records(field, sphere(), "W m-2", start=START)
    assert values.read == (0,)  # whose gaps are those of all
    series.record(2)
    series.record(1)
    assert values.read == (0, 2, 1)


def test_a_series_and_parameters_say_how_records_come_to_the_grid():
    series = records(data(), sphere(), "W m-2", start=START)
    words = "TimeSeries(3 records from day 0 to 2; flux in W m-2, bilinear by scipy from 36 x 72 points)"
    assert series.in_words == words and series.values.attrs["regridding"] in words
    assert words[:60] in repr(Parameters(Ocean(), 600.0, forcing=(heat_flux(0, series),)))


# Conservative regridding


@pytest.mark.parametrize("change", [lambda d: d, from_minus_180, lambda d: d.isel(lat=slice(None, None, -1)).roll(
    lon=7, roll_coords=True)])
@pytest.mark.parametrize("longitudes", [(0.0, 360.0), (-180.0, 180.0)])
def test_conservative_regridding_keeps_the_integral_of_a_flux_in_cells_that_are_coarser_or_finer(change, longitudes):
    noise = data().copy(data=np.random.default_rng(2).standard_normal((3, 36, 72)))
    areas = np.diff(np.sin(np.radians(np.arange(-90.0, 91.0, 5.0))))[:, None] * np.ones(72)
    for cells in ((1, 12, 18), (1, 25, 46), (1, 60, 80)):
        grid = latitude_longitude(cells, interfaces=np.array([-100.0, 0.0]), longitudes=longitudes)
        found = on_grid(records(change(noise), grid, "W m-2", start=START, method=conservative))
        for n in range(3):
            assert np.average(found[n], weights=interior(grid.metrics.area)) == pytest.approx(
                np.average(noise.values[n], weights=areas), abs=1e-13)
    assert np.ptp(found) > 4.0


def test_conservative_means_are_those_of_the_cells_within_and_of_the_part_that_has_values():
    """Cells of 10 x 20 degrees hold 2 x 4 of the dataset, of which 2 x 2 are missing in some."""
    grid, field = sphere(land=None), data()
    series = records(field, grid, "W m-2", start=START, method=conservative)
    areas = np.diff(np.sin(np.radians(np.arange(-90.0, 91.0, 5.0))))[:, None] * np.ones(4)
    within = slice(18, 20), slice(8, 12)  # from 0 to 10 degrees north and from 40 to 60 east
    assert series.record(0)[6, 2] == pytest.approx(np.average(field.values[0][within], weights=areas[18:20]), rel=1e-13)
    assert "conservative by overlaps" in series.in_words
    holes = field.where((field.lon < 40.0) | (field.lon > 50.0))
    there = records(holes, grid, "W m-2", start=START, method=conservative, fill=0.0).record(0)
    rest = np.average(field.values[0][18:20, 10:12], weights=areas[18:20, :2])
    assert there[6, 2] == pytest.approx(rest, rel=1e-13) and there[6, 3] == series.record(0)[6, 3]
    with pytest.raises(ValueError, match=r"lie outside of the dataset, .* and from 52.5 to 197.5 east"):
        records(field.isel(lon=slice(10, 40)), grid, "W m-2", start=START, method=conservative)
    with pytest.raises(ValueError, match="goes to the cells of a grid, not to its faces"):
        stress_records((field, field), grid, unit="W m-2", start=START, method=conservative)


TILTED = {"interfaces": np.array([-100.0, 0.0]), "latitudes": (-20.0, 20.0), "longitudes": (-30.0, 30.0), "pole": (150.0, 60.0)}


def test_without_xesmf_conservative_regridding_to_a_rotated_grid_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "xesmf", None)
    with pytest.raises(ImportError, match=r"to a rotated grid needs xESMF.*conda-forge.*or choose method=dycore"):
        records(data(), latitude_longitude((1, 8, 10), **TILTED), "W m-2", start=START, method=conservative)


class StandIn:
    """What is asked of xESMF, which no wheel brings: each cell takes all of the value of the nearest one, by the great circle."""

    def __init__(self, there, here, method, unmapped_to_nan):
        assert method == "conservative_normed" and unmapped_to_nan
        for grid in (there, here):  # edges or corners lie about the centres
            assert grid.lat_b.size > grid.lat.size and grid.lat_b.min() < grid.lat.min() and grid.lat_b.max() > grid.lat.max()
        sources = unit_vectors(there.lon.values[None, :], there.lat.values[:, None]).reshape(3, -1)
        nearest = np.argmax(unit_vectors(here.lon.values, here.lat.values).reshape(3, -1).T @ sources, axis=1)
        matrix = sparse.coo_array((np.ones(nearest.size), (np.arange(nearest.size), nearest)), (nearest.size, sources.shape[1]))
        self.weights = SimpleNamespace(data=SimpleNamespace(to_scipy_sparse=lambda: matrix))


def test_conservative_regridding_to_a_rotated_grid_asks_xesmf_for_cells_and_takes_its_weights(monkeypatch):
    monkeypatch.setitem(sys.modules, "xesmf", SimpleNamespace(Regridder=StandIn))
    grid = latitude_longitude((1, 8, 10), **TILTED)
    series = records(data(), grid, "W m-2", start=START, method=conservative)
    np.testing.assert_allclose(series.record(0), wave(grid.longitude, grid.latitude), atol=0.3)
    assert np.isin(series.record(0), data()[0]).all() and "xESMF" in series.values.in_words
