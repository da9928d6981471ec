"""Tripolar grids: where points are, lengths and areas, images beyond the fold, and what is refused."""

import numpy as np
import pytest

from dycore.directions import along_grid, to_east_north
from dycore.geometry.geographic import unit_vectors
from dycore.geometry.sphere import arc
from dycore.grid import EARTH_RADIUS, interior, latitude_longitude, rectilinear, tripolar
from dycore.tiles import HALO, Boundary, Place

LEVELS = {"interfaces": np.array([-100.0, 0.0])}


def ocean(ny=47, nx=72, **options):
    return tripolar((1, ny, nx), **(LEVELS | options))


@pytest.fixture(scope="module")
def grid():
    """About 4 by 5 degrees: 46 rows, and the fold row."""
    return ocean()


# Points


def test_south_of_the_join_are_parallels_and_meridians(grid):
    rows = grid.latitude.max(axis=1) < 60.0
    assert rows.sum() == 35 and np.allclose(grid.latitude[rows], grid.y[rows, None], rtol=0.0, atol=1e-12)
    assert np.allclose((grid.longitude[rows] - grid.x) % 360.0, 0.0, atol=1e-10) or np.allclose(
        np.cos(np.radians(grid.longitude[rows] - grid.x)), 1.0, atol=1e-13)
    assert np.allclose(grid.angle[rows], 0.0, atol=1e-12)
    assert grid.y_face[0] == -78.0 and grid.y_face[35] == pytest.approx(60.0, abs=1e-12)


def test_the_poles_of_the_grid_are_on_the_join_and_the_fold_leads_across_the_north_pole(grid):
    corners = grid.corners
    for column, longitude in ((0, 60.0), (36, -120.0)):
        assert np.allclose(corners.latitude[35:47, column], 60.0, rtol=0.0, atol=1e-12)
        assert np.allclose(corners.longitude[35:47, column], longitude, rtol=0.0, atol=1e-12)
    assert corners.latitude[46, 18] == 90.0 and corners.latitude[46, 54] == 90.0
    on_fold = corners.at(slice(46, 47), slice(None))
    assert np.allclose(np.abs(np.sin(np.radians(on_fold.longitude - 60.0)))[on_fold.latitude < 90.0], 0.0, atol=1e-14)


def test_rows_and_columns_cross_at_right_angles(grid):
    corners = unit_vectors(grid.corners.longitude, grid.corners.latitude)
    along = corners[:, 36:46, 2:] - corners[:, 36:46, :-2]
    across = corners[:, 37:47, 1:-1] - corners[:, 35:45, 1:-1]
    cosine = (along * across).sum(axis=0) / np.maximum(np.linalg.norm(along, axis=0) * np.linalg.norm(across, axis=0), 1e-30)
    away = np.abs((np.arange(71) - 35 + 18) % 36 - 18) > 4  # columns from a pole, near which chords are no tangents
    assert np.degrees(np.arcsin(np.abs(cosine[:, away]).max())) < 1.5


def test_rows_are_as_thick_on_either_side_of_the_join_halfway_between_the_poles():
    thickness = interior(ocean(184, 360).metrics.dy_u)[:, 90] / EARTH_RADIUS * 180.0 / np.pi
    assert np.allclose(thickness[:138], 1.0) and 0.98 < thickness[138] < 1.0
    assert (np.diff(thickness[138:183]) < 0.0).all() and thickness[182] > 0.5


def test_the_angle_is_that_from_east_to_the_next_point_along_a_row(grid):
    west, east = (grid.corners.at(slice(0, 46), cut) for cut in (slice(0, -1), slice(1, None)))
    eastward = np.radians((east.longitude - west.longitude + 180.0) % 360.0 - 180.0)
    middle = np.radians(0.5 * (west.latitude + east.latitude))
    along = np.degrees(np.arctan2(np.radians(east.latitude - west.latitude), eastward * np.cos(middle)))
    here = grid.geographic(Place.SOUTH_FACE).at(slice(0, 46), slice(None))
    clear = (here.latitude < 80.0) & (np.abs((np.arange(72) + 18) % 36 - 17.5) > 3)
    assert np.abs((along - here.angle + 180.0) % 360.0 - 180.0)[clear].max() < 1.0
    assert np.ptp(here.angle) > 160.0


def test_an_eastward_wind_turns_along_the_grid_and_back(grid, random):
    east, north = random.standard_normal((2, *grid.cells))
    assert np.allclose(to_east_north(grid, *along_grid(grid, east, north)), (east, north), atol=1e-13)
    u, v = along_grid(grid, 1.0, 0.0)  # images point the other way along their grid
    assert np.allclose(u[-1], -u[-2, ::-1], atol=1e-12) and np.allclose(v[-1], -v[-2, ::-1], atol=1e-12)


# Lengths


@pytest.mark.parametrize("options", [{}, {"join": 65.0, "pole": 80.0}, {"south": -70.0, "radius": 1.0}, {"ny": 22, "nx": 16}],
                         ids=str)
def test_cells_cover_the_sphere_north_of_the_southern_edge_exactly(options):
    grid = ocean(**options)
    radius, south = options.get("radius", EARTH_RADIUS), options.get("south", -78.0)
    assert grid.area.sum() == pytest.approx(2.0 * np.pi * radius**2 * (1.0 - np.sin(np.radians(south))), rel=1e-13)
    assert grid.volume.sum() == pytest.approx(100.0 * grid.area.sum(), rel=1e-13)


def test_cells_about_corners_cover_the_sphere_north_of_the_first_centres(grid):
    """But for what is between great circles and a parallel, once; every one on the fold has an image."""
    about = interior(grid.metrics.inverse_area_z)[1:]
    area_z = np.divide(1.0, about, out=np.zeros_like(about), where=about > 0.0)
    sphere = 2.0 * np.pi * EARTH_RADIUS**2 * (1.0 - np.sin(np.radians(grid.y[0])))
    assert area_z[:-1].sum() + 0.5 * area_z[-1].sum() == pytest.approx(sphere, rel=3e-4)


def test_lengths_are_great_circles_between_the_points(grid):
    corners, centres = (unit_vectors(places.longitude, places.latitude) for places in (grid.corners, grid.geographic()))
    cap = slice(36, 46)
    for name, one, other in (("dx_v", corners[:, :-1, :-1], corners[:, :-1, 1:]),
                             ("dy_u", corners[:, :-1, :-1], corners[:, 1:, :-1]),
                             ("dx_u", np.roll(centres, 1, axis=2), centres), ("dy_v", np.roll(centres, 1, axis=1), centres)):
        found = interior(getattr(grid.metrics, name))[cap]
        assert np.allclose(found, EARTH_RADIUS * arc(one, other)[cap], rtol=1e-9, atol=1e-3), name


def test_images_beyond_the_fold_are_equal_to_the_last_bit(grid):
    metrics, fold = grid.metrics, HALO + 46
    for name, rows, columns in (("dx_v", 1, 0), ("dy_v", 1, 0), ("dx_u", 0, 1), ("dy_u", 0, 1), ("area", 0, 0),
                                ("inverse_area_z", 1, 1), ("coriolis", 1, 1), ("inverse_dx_v", 1, 0), ("floor", 0, 0)):
        field = getattr(metrics, name)[:, HALO - 1: -HALO + 1]  # one more column on either side
        for m in range(3):
            there, here = field[fold + m], field[fold - 1 - m + rows]
            turned = here[1 + columns:][::-1] if columns else here[1:-1][::-1]
            assert (there[1: 1 + len(turned)] == turned)[1 - columns:].all(), (name, m)
    assert all(np.isfinite(field).all() for field in metrics if isinstance(field, np.ndarray))


def test_faces_at_the_poles_of_the_grid_have_no_length_and_are_closed(grid):
    metrics = grid.metrics
    for column in (HALO, HALO + 36):
        assert (metrics.dy_u[HALO + 35: HALO + 47, column] == 0.0).all()
        assert (metrics.floor_u[HALO + 35: HALO + 47, column] == metrics.top).all()
    assert (metrics.dy_u[HALO: HALO + 35] > 0.0).all() and (metrics.floor_v[HALO] == metrics.top).all()
    assert (metrics.floor_v[HALO + 46] < metrics.top).all()  # the fold is open


def test_cells_of_the_fold_row_are_images_and_count_nowhere(grid):
    assert (grid.tile.x, grid.tile.y, grid.cells) == (Boundary.PERIODIC, Boundary.FOLD, (1, 47, 72))
    assert not grid.wet[:, -1].any() and grid.wet[:, :-1].all() and not grid.area[-1].any() and not grid.volume[:, -1].any()
    assert (grid.latitude[-1] == grid.latitude[-2, ::-1]).all() and (grid.longitude[-1] == grid.longitude[-2, ::-1]).all()
    assert "47 cells" in repr(grid) and "wall and fold" in repr(grid) and "nominal latitude" in repr(grid)


def test_land_and_bottom_of_the_fold_row_are_those_of_the_row_before():
    land, bottom = np.zeros((47, 72), bool), np.full((47, 72), -100.0)
    land[45, 10], land[46] = True, True
    bottom[45, 20] = -40.0
    made = tripolar((2, 47, 72), interfaces=np.array([-100.0, -50.0, 0.0]), bottom=bottom, land=land)
    floor = interior(made.metrics.floor)
    assert (floor[46] == floor[45, ::-1]).all() and floor[45, 10] == made.metrics.top and floor[46, 51] == floor[45, 20] == 3


def test_the_coriolis_parameter_is_that_of_true_latitude(grid):
    f = interior(grid.metrics.coriolis)[:-1]
    assert np.allclose(f, 2.0 * 7.29212e-5 * np.sin(np.radians(grid.corners.latitude[:-2, :-1])), rtol=0.0, atol=1e-18)


def test_vorticity_of_a_rotating_sphere_is_twice_its_rotation_in_the_arctic_too():
    """About an axis tilted by 60 degrees, from a stream function at corners; second order, but first at the join."""
    errors = []
    for ny, nx in ((47, 72), (93, 144)):
        grid = ocean(ny, nx, radius=1.0)
        axis = np.array([-0.5, -0.7071, 0.5])
        corner = unit_vectors(grid.corners.longitude, grid.corners.latitude)
        psi = -np.tensordot(axis, corner, 1)  # angular velocity times the squared radius
        m, n = grid.metrics, ny - 1
        u = -(psi[1:] - psi[:-1])[:, :-1] * interior(m.inverse_dy_u)
        v = (psi[:, 1:] - psi[:, :-1])[:-1] * interior(m.inverse_dx_v)
        circulation = interior(m.dy_v) * v - np.roll(interior(m.dy_v) * v, 1, 1) - interior(m.dx_u) * u + np.roll(
            interior(m.dx_u) * u, 1, 0)
        error = circulation * interior(m.inverse_area_z) - 2.0 * np.tensordot(axis, corner, 1)[:-1, :-1]
        away = np.abs((np.arange(nx) + nx // 4) % (nx // 2) - nx // 4) > nx // 24
        join = round(35 * n / 46)
        errors.append((np.abs(error[join + 3: n, away]).max(), np.abs(error[join - 1: join + 2, away]).max()))
    assert errors[0][0] < 0.02 and errors[1][0] < 0.4 * errors[0][0], errors
    assert errors[0][1] < 0.12 and errors[1][1] < 0.6 * errors[0][1], errors


# What is refused


@pytest.mark.parametrize("options, words", [
    ({"nx": 70}, "70 columns make no tripolar grid: .* 4 divides, for example 72"),
    ({"nx": 4}, "4 columns make no tripolar grid: .* for example 8"),
    ({"ny": 6}, "6 rows, of which the last is the fold row, leave 4 south of the join at latitude 60 and 1 north of it"),
    ({"ny": 1}, "1 rows, of which the last is the fold row, leave"),
    ({"join": -80.0}, "south=-78.* and join=-80.* the second north of the first"),
    ({"south": -90.0}, "south=-90.* and join=60.* between -90 and 90"),
    ({"join": 90.0}, "must be latitudes between"), ({"join": float("nan")}, "join=nan must be the latitude of the grid's poles"),
    ({"pole": "Siberia"}, "pole='Siberia' must be the longitude of one of the grid's poles in degrees"),
    ({"radius": 0.0}, "radius=0.* positive"), ({"precision": "double"}, "neither 'float64' nor 'float32'"),
    ({"land": np.zeros((46, 72), bool)}, "land .*46.*"), ({"land": np.ones((47, 72), bool)}, "There is no wet cell")], ids=str)
def test_what_makes_no_tripolar_grid_is_refused_in_a_sentence(options, words):
    with pytest.raises(ValueError, match=words):
        ocean(**options)


def test_a_plane_and_a_sector_have_no_fold():
    for make in (lambda: rectilinear((1, 8, 8), extent=(1e5, 1e5), y_boundary=Boundary.FOLD, **LEVELS),
                 lambda: latitude_longitude((1, 8, 8), latitudes=(-20.0, 20.0), x_boundary=Boundary.FOLD, **LEVELS)):
        with pytest.raises(ValueError, match=r"A fold belongs to the grid of dycore\.grid\.tripolar"):
            make()
