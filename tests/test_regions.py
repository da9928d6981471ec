"""Regions from files of bathymetry: cell means, basins, straits, bounded slopes, and sponges along their sides."""

import numpy as np
import pytest
from test_examples import EXAMPLES, example

from dycore import Model
from dycore.backends import on_numpy
from dycore.bathymetry import basins, line_of_cells, smoothed, steepness
from dycore.fluid import shallow_water
from dycore.geometry.sides import Side
from dycore.grid import interior, rectilinear
from dycore.parameters import Parameters
from dycore.physics import sponge
from dycore.regions import from_bathymetry
from dycore.state import initial_state
from dycore.tiles import Boundary

xr = pytest.importorskip("xarray")
pytest.importorskip("scipy")

WALL = Boundary.WALL
BOX = (-4.0, 8.0, 30.0, 42.0)  # west, east, south, north
UP = {"units": "m", "standard_name": "height_above_mean_sea_level"}


def bathymetry(height=lambda x, y: -1000.0 + 0.0 * x * y, name="elevation", attributes=UP, step=0.25, west=-20.0):
    """A file of heights [latitude, longitude] from 20 degrees west to 20 east and 25 to 50 north, northernmost row first."""
    lat = 50.0 - step * (np.arange(round(25.0 / step)) + 0.5)
    lon = -20.0 + step * (np.arange(round(40.0 / step)) + 0.5)
    values = height(lon[None, :], lat[:, None])
    lon = west + (lon - west) % 360.0
    order = np.argsort(lon)
    return xr.Dataset({name: (("lat", "lon"), values[:, order], attributes)},
                      {"lat": ("lat", lat, {"units": "degrees_north"}), "lon": ("lon", lon[order], {"units": "degrees_east"})})


def depths(region):
    """Depths of the columns [j, i], zero on land."""
    return interior(region.grid.metrics.thickness) * region.grid.wet.any(axis=0)


def slope(x, y):
    return -3000.0 - 100.0 * x + 50.0 * (y - 36.0)


def test_depths_are_means_over_cells_whichever_way_a_file_counts():
    """A plane has its value at the centre as its mean, but for the weights of latitudes: 1e-3 of a cell of one degree."""
    found = from_bathymetry(bathymetry(slope), BOX, 1.0, np.linspace(-5000.0, 0.0, 501), partial_cells=0.01)
    x, y = -4.0 + np.arange(12.0) + 0.5, 30.0 + np.arange(12.0) + 0.5
    assert np.allclose(depths(found), -slope(x[None, :], y[:, None]), atol=0.2)
    assert found.grid.x == pytest.approx(x) and found.grid.y == pytest.approx(y)
    kilometres = {"units": "km", "positive": "down"}
    others = [bathymetry(lambda x, y: -slope(x, y), "depth", {}), bathymetry(slope, west=0.0),
              bathymetry(slope).elevation.transpose().sortby("lat"),
              bathymetry(lambda x, y: -1e-3 * slope(x, y), "z", kilometres)]
    for other in others:
        same = from_bathymetry(other, BOX, 1.0, np.linspace(-5000.0, 0.0, 501), partial_cells=0.01)
        assert np.allclose(depths(same), depths(found), rtol=1e-12)
    across = from_bathymetry(bathymetry(slope, west=0.0), (356.0, 8.0, 30.0, 42.0), (1.0, 0.5), 3)
    assert across.grid.cells == (3, 24, 12)


def test_a_cell_is_land_where_more_than_half_of_it_is_and_its_depth_is_that_of_its_sea():
    coast = bathymetry(lambda x, y: np.where(x < 2.25, -800.0, 500.0) + 0.0 * y)  # 3/4 of the cell from 2 to 3 degrees is land
    found = from_bathymetry(coast, BOX, 1.0, 4)
    assert (found.grid.wet.any(axis=0) == (found.grid.x < 2.0)).all() and np.allclose(depths(found)[:, :6], 800.0)
    found = from_bathymetry(bathymetry(lambda x, y: np.where(x < 2.75, -800.0, 500.0) + 0.0 * y), BOX, 1.0, 4)
    assert (found.grid.wet.any(axis=0) == (found.grid.x < 3.0)).all() and np.allclose(depths(found)[:, :7], 800.0)
    assert found.changes.volume == pytest.approx((interior(found.grid.metrics.area) * depths(found)).sum())


def two_basins(x, y):
    """A sea west of 1 degree east and a smaller one east of 3, with land between."""
    return np.where((x < 1.0) | (x > 3.0), -500.0, 300.0) + 0.0 * y


def test_the_greatest_basin_stays_or_the_one_that_is_asked_for():
    for keep, west, east in ((None, True, False), (Side.EAST, False, True), ((6.0, 35.0), False, True), (Side.NORTH, True, True)):
        found = from_bathymetry(bathymetry(two_basins), BOX, 1.0, 3, keep=keep)
        wet = found.grid.wet.any(axis=0)
        assert (wet[:, :5] == west).all() and (wet[:, 7:] == east).all() and not wet[:, 5:7].any(), keep
        assert found.changes.cut_off == (0 if west and east else 60)


FINE = np.linspace(-500.0, 0.0, 51)


def test_straits_stay_open_by_name():
    found = from_bathymetry(bathymetry(two_basins), BOX, 1.0, FINE, straits={"Gate": (0.5, 36.5, 3.5, 37.5, 200.0)})
    wet = found.grid.wet.any(axis=0)
    assert wet[:, :5].all() and wet[:, 7:].all() and found.changes.cut_off == 0
    assert dict(found.changes.straits) == {"Gate": wet[:, 5:7].sum()}
    sill = depths(found)[:, 5:7][wet[:, 5:7]]
    assert np.allclose(sill, 200.0) and "Gate (3)" in found.changes.in_words
    alike = from_bathymetry(bathymetry(two_basins), BOX, 1.0, FINE, straits={"Gate": (0.5, 36.5, 3.5, 37.5)})
    assert np.allclose(depths(alike)[alike.grid.wet.any(axis=0)], 500.0)  # without a depth, that of its ends
    cells = line_of_cells((0, 5), (4, 2))
    assert cells[0] == (0, 5) and cells[-1] == (4, 2) and (np.abs(np.diff(cells, axis=0)).sum(axis=1) == 1).all()


def test_smoothing_bounds_the_slope_keeps_the_volume_and_says_what_it_changed():
    rough = bathymetry(lambda x, y: -100.0 - 4000.0 * np.exp(-((x - 2.0) ** 2 + (y - 36.0) ** 2)))
    as_it_is = from_bathymetry(rough, BOX, 1.0, 30)
    found = from_bathymetry(rough, BOX, 1.0, 30, steepest=0.2)
    assert as_it_is.changes.steepest > 0.5 and as_it_is.changes.smoothed == 0
    assert found.changes.steepest <= 0.2
    assert found.changes.volume == pytest.approx(as_it_is.changes.volume, rel=1e-12)  # round-off of sums
    assert found.changes.smoothed > 20 and found.changes.greatest > 500.0
    random = np.random.default_rng(2)  # round a seam with an odd number of columns, cells of unequal size and land
    depth, area = random.uniform(10.0, 4000.0, (5, 7)), random.uniform(1.0, 2.0, (5, 7))
    wet = random.random((5, 7)) > 0.1
    smooth = smoothed(depth, wet, area, 0.3, True)
    assert steepness(smooth, wet, True) <= 0.3 and (area * smooth)[wet].sum() == pytest.approx((area * depth)[wet].sum())


def test_basins_go_on_over_the_seam_of_a_full_circle():
    wet = np.array([[1, 1, 0, 1, 0, 1], [0, 0, 0, 1, 0, 0]], bool)
    walled, closed = basins(wet, False), basins(wet, True)
    assert len(np.unique(walled[wet])) == 3 and len(np.unique(closed[wet])) == 2
    assert closed[0, 0] == closed[0, 5] != closed[0, 3] and (closed[~wet] == 0).all()


def test_a_region_runs_and_stays_at_rest():
    region = from_bathymetry(bathymetry(lambda x, y: slope(x, y) + 3500.0 * (x > 6.0)), BOX, 1.5, 5, steepest=0.3)
    model = Model(region.grid, region.parameters, on_numpy)
    end = model.run(region.state, steps=10, progress=False)
    # nothing drives it: mixing of a temperature of depth alone leaves currents of round-off and of partial cells
    assert np.abs(end.u).max() < 1e-4 and np.isfinite(end.tracers[0]).all()


def test_missing_values_are_land_or_refused():
    data = bathymetry(lambda x, y: np.where(x < 2.0, 700.0, np.nan) + 0.0 * y, "depth", {"units": "m"})
    found = from_bathymetry(data, BOX, 1.0, 3)
    assert (found.grid.wet.any(axis=0) == (found.grid.x < 2.0)).all() and found.changes.missing > 0
    holes = bathymetry(lambda x, y: np.where(x < 2.0, -700.0, 100.0) + np.where(np.abs(y - 36.0) < 0.3, np.nan, 0.0))
    with pytest.raises(ValueError, match=r"missing values .* beside values of land.*missing_is_land=True"):
        from_bathymetry(holes, BOX, 1.0, 3)
    assert from_bathymetry(holes, BOX, 1.0, 3, missing_is_land=True).changes.missing > 0
    with pytest.raises(ValueError, match="missing values"):
        from_bathymetry(data, BOX, 1.0, 3, missing_is_land=False)


REFUSED = {
    "no sea": ({"data": bathymetry(lambda x, y: 10.0 + 0.0 * x * y)}, "has no sea"),
    "outside of the file": ({"region": (10.0, 30.0, 30.0, 42.0)}, r"reaches from 10 to 30 degrees east.*Choose a region within"),
    "north of the file": ({"region": (-4.0, 8.0, 30.0, 60.0)}, "to 60 north"),
    "a region of three": ({"region": (0.0, 1.0, 2.0)}, r"\(west, east, south, north\)"),
    "latitudes that fall": ({"region": (-4.0, 8.0, 42.0, 30.0)}, "must increase"),
    "text as a region": ({"region": "Mediterranean"}, "must be four numbers"),
    "NaN as an edge": ({"region": (np.nan, 8.0, 30.0, 42.0)}, "two finite numbers"),
    "a spacing wider than the region": ({"spacing": 10.0}, "fewer than 2 cells of the 12 degrees"),
    "a negative spacing": ({"spacing": -1.0}, "spacing=-1.0 must be one positive"),
    "no spacing": ({"spacing": None}, "spacing=None must be one positive"),
    "no levels": ({"levels": 0}, "levels=0 must be at least 1"),
    "levels downward": ({"levels": [0.0, -100.0]}, "increasing numbers"),
    "levels below the surface": ({"levels": [-200.0, -100.0]}, "must be 0"),
    "a direction that is not said": ({"data": bathymetry(name="z", attributes={"units": "m"})}, "downward=True for depths"),
    "two directions": ({"data": bathymetry(attributes=UP | {"standard_name": "sea_floor_depth_below_geoid", "positive": "up"})},
                       "Correct one of them"),
    "units of a temperature": ({"data": bathymetry(attributes=UP | {"units": "K"})}, "cannot be converted to 'm'"),
    "no such variable": ({"name": "topography"}, "has no variable 'topography'"),
    "several variables": ({"data": bathymetry().assign(depth=-bathymetry().elevation)}, "2 variables"),
    "several times": ({"data": bathymetry().elevation.expand_dims(time=[0.0, 1.0])}, "latitude and longitude alone"),
    "a strait outside": ({"straits": {"Far": (50.0, 36.0, 51.0, 36.0)}}, r"The strait Far has the point 50 degrees east"),
    "a strait of one end": ({"straits": {"Half": (1.0, 36.0)}}, "The strait 'Half' is"),
    "a strait of no depth": ({"straits": {"Flat": (1.0, 36.0, 2.0, 36.0, -5.0)}}, "the depth of the strait Flat=-5.0"),
    "straits without names": ({"straits": [(1.0, 36.0, 2.0, 36.0)]}, "must be a dictionary"),
    "a point on land": ({"data": bathymetry(two_basins), "keep": (2.0, 36.0)}, "lies on land"),
    "a side in words": ({"keep": "west"}, r"dycore.geometry.sides.Side"),
    "a bound of slopes of zero": ({"steepest": 0.0}, "steepest=0.0 must be"),
    "a sea too shallow for its levels": ({"shallowest": 1e-3}, "the smallest cell of the uppermost level"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_region_is_refused_in_a_sentence(name):
    changes, sentence = REFUSED[name]
    arguments = {"data": bathymetry(), "region": BOX, "spacing": 1.0, "levels": 3} | changes
    with pytest.raises(ValueError, match=sentence):
        from_bathymetry(**arguments)


def test_what_is_no_dataset_is_refused():
    with pytest.raises(TypeError, match=r"must be the path of a file, an xarray.Dataset or an xarray.DataArray"):
        from_bathymetry(np.zeros((3, 4)), BOX, 1.0, 3)


# Sponges


def test_a_sponge_relaxes_within_its_width_and_leaves_the_rest_alone():
    """One Euler step (the first of Adams-Bashforth) of a resting tracer goes by the rate of the sponge, and of nothing else."""
    grid = rectilinear((2, 6, 10), extent=(1.0e6, 6.0e5), interfaces=np.array([-100.0, -50.0, 0.0]), x_boundary=WALL)
    warm = sponge(grid, (Side.EAST,), 4, 6000.0, tracers=(np.array([5.0, 8.0]),))
    model = Model(grid, Parameters(shallow_water(9.81), 60.0, substeps=20, tracer_names=("dye",), forcing=(warm,)), on_numpy)
    end = interior(model.step(initial_state(grid, surface=0.0, tracers=(0.0,))).tracers[0])
    rate = np.cos(0.125 * np.pi * np.array([3.5, 2.5, 1.5, 0.5])) ** 2 / 6000.0
    assert np.allclose(end[:, :, 6:], 60.0 * rate * np.array([5.0, 8.0])[:, None, None], rtol=1e-12, atol=0.0)
    assert (end[:, :, :6] == 0.0).all()


def test_a_sponge_takes_a_wave_out_of_a_box():
    """A pulse of the surface in a channel with a sponge of 15 cells at either end: energy left after it came back."""
    grid = rectilinear((1, 1, 60), extent=(1.2e6, 1.0e4), interfaces=np.array([-1000.0, 0.0]), x_boundary=WALL)
    pulse = 0.1 * np.exp(-(((grid.x - 6.0e5) / 8.0e4) ** 2))
    both = sponge(grid, (Side.WEST, Side.EAST), 15, 600.0)

    def energy(forcing):
        model = Model(grid, Parameters(shallow_water(9.81), 150.0, substeps=12, forcing=forcing), on_numpy)
        end = model.run(initial_state(grid, surface=pulse[None, :]), steps=500, progress=False)
        surface = interior(end.surface) - interior(end.surface).mean()  # the water of the pulse stays
        return (9.81 * surface**2).sum() + 1000.0 * (interior(end.u) ** 2).sum()

    assert energy((both,)) < 0.05 * energy(())


def test_sponges_that_make_no_sense_are_refused():
    grid = rectilinear((1, 6, 10), extent=(1.0e6, 6.0e5), interfaces=np.array([-100.0, 0.0]))  # periodic in x
    for arguments, sentence in (((Side.WEST,), "no side of this grid"), (Side.NORTH, "must be a tuple of sides"), ((), "a tuple")):
        with pytest.raises(ValueError, match=sentence):
            sponge(grid, arguments, 3, 3600.0)
    with pytest.raises(TypeError, match=r"dycore.geometry.sides.Side"):
        sponge(grid, ("north",), 3, 3600.0)
    for width, seconds, sentence in ((7, 3600.0, "of 1 to 6 cells"), (np.nan, 3600.0, "width=nan"), (3, -1.0, "seconds=-1.0")):
        with pytest.raises(ValueError, match=sentence):
            sponge(grid, (Side.NORTH,), width, seconds)


def test_the_example_opens_its_strait_says_so_and_draws_its_currents(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    found, end = example("my_region").main(days=0.2, picture=tmp_path / "region.png")
    assert dict(found.changes.straits) == {"Gate": 2} and found.changes.cut_off == 0
    assert "land opened in straits: Gate (2)" in capsys.readouterr().out
    assert (tmp_path / "region.png").stat().st_size > 5000 and np.nanmax(np.abs(end.eastward_velocity.values)) > 1e-3
    assert len((EXAMPLES / "my_region.py").read_text().splitlines()) <= 30
