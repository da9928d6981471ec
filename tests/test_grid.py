"""Grids: areas and lengths of sphere and plane, what halos hold, walls and poles, and what is refused."""

import numpy as np
import pytest
from conftest import channel, filled, sphere

from dycore.grid import EARTH_RADIUS, EARTH_ROTATION, interior, latitude_longitude, rectilinear
from dycore.state import initial_state
from dycore.tiles import HALO, HALO_LEVELS, Boundary, Place
from dycore.vertical import stretched, uniform

LEVELS = {"interfaces": uniform(2, -100.0, 0.0)}


def test_cells_cover_the_sphere_exactly():
    grid = sphere((1, 9, 14))
    # 126 terms, each right to a few units in the last place
    assert interior(grid.metrics.area).sum() == pytest.approx(4.0 * np.pi * EARTH_RADIUS**2, rel=1e-14)


def test_cells_about_corners_cover_the_sphere_exactly():
    metrics = sphere((1, 9, 14)).metrics
    corners = 1.0 / metrics.inverse_area_z[HALO: HALO + 10, HALO:-HALO]  # both pole rows among them
    assert corners.sum() == pytest.approx(4.0 * np.pi * EARTH_RADIUS**2, rel=1e-13)


def test_a_zone_between_walls_has_the_area_of_the_zone():
    grid = latitude_longitude((1, 8, 11), interfaces=uniform(1, -1.0, 0.0), latitudes=(-20.0, 50.0),
                              longitudes=(10.0, 120.0))
    zone = EARTH_RADIUS**2 * np.radians(110.0) * (np.sin(np.radians(50.0)) + np.sin(np.radians(20.0)))
    assert interior(grid.metrics.area).sum() == pytest.approx(zone, rel=1e-14)
    assert (grid.tile.x, grid.tile.y) == (Boundary.WALL, Boundary.WALL)


def test_faces_at_the_poles_have_no_length():
    metrics = sphere((1, 9, 14)).metrics
    for row in (HALO, HALO + 9):
        assert (metrics.dx_v[row] == 0.0).all()
        assert (metrics.inverse_dx_v[row] == 0.0).all()
        assert (metrics.floor_v[row] == metrics.top).all()


def test_both_hemispheres_are_mirror_images():
    metrics = sphere((1, 10, 16)).metrics
    for name in ("area", "dx_u", "dy_u"):
        field = interior(getattr(metrics, name))
        assert np.allclose(field, field[::-1], rtol=1e-14, atol=0.0), name
    faces = metrics.dx_v[HALO: HALO + 11]
    assert np.allclose(faces, faces[::-1], rtol=1e-14, atol=0.0)
    f = metrics.coriolis[HALO: HALO + 11]
    assert np.allclose(f, -f[::-1], rtol=0.0, atol=1e-19)


def test_the_coriolis_parameter_is_twice_the_rotation_at_the_north_pole():
    f = sphere((1, 10, 16)).metrics.coriolis
    assert np.allclose(f[HALO + 10], 2.0 * EARTH_ROTATION, rtol=1e-15)
    assert np.allclose(f[HALO], -2.0 * EARTH_ROTATION, rtol=1e-15)


def test_metrics_beyond_the_pole_are_those_of_the_opposite_meridian():
    metrics = sphere((1, 10, 16)).metrics
    for name in ("area", "dx_u"):
        field = getattr(metrics, name)
        for n in range(HALO):
            assert np.allclose(field[HALO - 1 - n], field[HALO + n], rtol=1e-13), (name, n)
            assert np.allclose(field[HALO + 10 + n], field[HALO + 9 - n], rtol=1e-13), (name, n)


def test_a_plane_is_uniform_and_its_coriolis_parameter_linear():
    grid = rectilinear((2, 5, 8), extent=(800.0, 250.0), coriolis=1.0e-4, beta=2.0e-6, **LEVELS)
    metrics = grid.metrics
    assert (metrics.area == 5000.0).all() and (metrics.dx_u == 100.0).all() and (metrics.dy_v == 50.0).all()
    corners = metrics.coriolis[HALO: HALO + 6, HALO]
    assert np.allclose(corners, 1.0e-4 + 2.0e-6 * np.array([-125.0, -75.0, -25.0, 25.0, 75.0, 125.0]), rtol=1e-15)


def test_the_halo_of_a_periodic_direction_repeats_the_interior(random):
    grid = rectilinear((2, 5, 8), extent=(8.0, 5.0), y_boundary=Boundary.PERIODIC, **LEVELS)
    for place in Place:
        values = random.standard_normal(grid.cells)
        array = filled(grid, place, values)[HALO_LEVELS:-HALO_LEVELS]
        assert (array == np.pad(values, ((0, 0), (HALO, HALO), (HALO, HALO)), mode="wrap")).all()


def test_walls_mirror_scalars_and_turn_the_normal_velocity_round(random):
    grid = rectilinear((2, 5, 8), extent=(8.0, 5.0), x_boundary=Boundary.WALL, **LEVELS)
    values = random.standard_normal(grid.cells)
    centre = filled(grid, Place.CENTER, values)[HALO_LEVELS:-HALO_LEVELS]
    assert (centre == np.pad(values, ((0, 0), (HALO, HALO), (HALO, HALO)), mode="symmetric")).all()
    v = filled(grid, Place.SOUTH_FACE, values)[HALO_LEVELS:-HALO_LEVELS]
    u = filled(grid, Place.WEST_FACE, values)[HALO_LEVELS:-HALO_LEVELS]
    assert (v[:, HALO] == 0.0).all() and (v[:, HALO + 5] == 0.0).all()
    assert (u[:, :, HALO] == 0.0).all() and (u[:, :, HALO + 8] == 0.0).all()
    for n in range(1, HALO):
        assert (v[:, HALO - n] == -v[:, HALO + n]).all() and (v[:, HALO + 5 + n] == -v[:, HALO + 5 - n]).all()
        assert (u[:, :, HALO - n] == -u[:, :, HALO + n]).all()
        assert (u[:, :, HALO + 8 + n] == -u[:, :, HALO + 8 - n]).all()
    assert (u[:, HALO - 1] == u[:, HALO]).all()  # tangential velocity slips


def test_across_a_pole_lies_the_opposite_meridian(random):
    grid = sphere((1, 6, 10))
    values = random.standard_normal(grid.cells)
    centre = filled(grid, Place.CENTER, values)[HALO_LEVELS]
    u = filled(grid, Place.WEST_FACE, values)[HALO_LEVELS]
    v = filled(grid, Place.SOUTH_FACE, values)[HALO_LEVELS]
    inner = slice(HALO, -HALO)

    def opposite(row):
        return np.roll(row[inner], 5)

    for n in range(HALO):
        assert (centre[HALO - 1 - n, inner] == opposite(centre[HALO + n])).all()
        assert (centre[HALO + 6 + n, inner] == opposite(centre[HALO + 5 - n])).all()
        assert (u[HALO - 1 - n, inner] == -opposite(u[HALO + n])).all()
    for n in range(1, HALO):
        assert (v[HALO - n, inner] == -opposite(v[HALO + n])).all()
        assert (v[HALO + 6 + n, inner] == -opposite(v[HALO + 6 - n])).all()
    assert (v[HALO, inner] == 0.0).all()


def test_a_uniform_wind_over_the_pole_is_smooth_across_it():
    grid = sphere((1, 18, 36))
    longitude_face, latitude = np.radians(grid.x_face[:-1])[None, :], np.radians(grid.y)[:, None]
    u = filled(grid, Place.WEST_FACE, (np.cos(longitude_face) * np.sin(latitude))[None])[HALO_LEVELS]
    latitudes = np.radians(-90.0 + 10.0 * (np.arange(24) - HALO + 0.5))[:, None]
    assert np.allclose(u[:, HALO:-HALO], np.cos(longitude_face) * np.sin(latitudes), rtol=0.0, atol=1e-14)


def test_a_cell_is_wet_where_its_centre_lies_above_the_bottom():
    grid = channel((4, 7, 10))
    centres = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])
    assert (grid.wet[:, 0, 0] == (centres >= -4000.0)).all()
    assert (grid.wet[:, 0, 5] == (centres >= -1500.0)).all()
    assert not grid.wet[:, 3, 1].any()
    assert 0 < grid.wet[:, 0, 5].sum() < 4


def test_a_face_is_open_where_both_cells_are_wet():
    grid = channel((4, 7, 10))
    metrics = grid.metrics
    floor = metrics.floor
    assert (interior(metrics.floor_u) == interior(np.maximum(floor, np.roll(floor, 1, 1)))).all()
    assert (metrics.floor_v[HALO] == metrics.top).all() and (metrics.floor_v[HALO + 7] == metrics.top).all()
    assert interior(metrics.thickness_u)[3, 1] == 0.0 and interior(metrics.inverse_thickness_u)[3, 1] == 0.0


def test_levels_that_follow_the_bottom_are_all_wet():
    grid = channel((4, 7, 10), terrain_following=True, land=None)
    assert grid.wet.all()
    assert (interior(grid.metrics.fixed)[:, 5] == -1500.0).all()


def test_stretched_levels_fill_the_depth_and_thicken_downwards():
    interfaces = stretched(7, 3000.0, 5.0)
    thickness = np.diff(interfaces)
    assert interfaces[0] == -3000.0 and interfaces[-1] == 0.0
    assert thickness[0] / thickness[-1] == pytest.approx(5.0, rel=1e-12)
    assert (np.diff(thickness) < 0.0).all()


@pytest.mark.parametrize("arguments, sentence", [
    ({"cells": (2, 5)}, "are not three whole numbers. Give (nz, ny, nx)"),
    ({"cells": (0, 5, 8)}, "do not make a grid: nz, ny and nx must be at least 1"),
    ({"interfaces": np.array([0.0, -1.0, -2.0])}, "interfaces must be 3 increasing numbers for 2 levels"),
    ({"interfaces": np.array([-1.0, 0.0])}, "interfaces must be 3 increasing numbers for 2 levels"),
    ({"extent": (1.0, -5.0)}, "must be two positive lengths in metres"),
    ({"x_boundary": Boundary.POLE}, "A plane has no pole"),
    ({"precision": "float16"}, "precision='float16' is neither 'float64' nor 'float32'"),
    ({"bottom": np.nan}, "bottom has values that are not finite numbers"),
    ({"bottom": 50.0}, "There is no wet cell"),
    ({"land": True}, "There is no wet cell"),
])
def test_a_plane_that_cannot_be_is_refused_with_a_sentence(arguments, sentence):
    settings = {"cells": (2, 5, 8), "extent": (8.0, 5.0), **LEVELS} | arguments
    with pytest.raises(ValueError) as error:
        rectilinear(settings.pop("cells"), **settings)
    assert sentence in str(error.value)


@pytest.mark.parametrize("arguments, sentence", [
    ({"latitudes": (10.0, -10.0)}, "must increase within -90..90 degrees"),
    ({"latitudes": (-90.0, 80.0)}, "reach one pole only. Give both poles, or stop short of both"),
    ({"longitudes": (0.0, 180.0)}, "must span 360 degrees on a grid with poles"),
    ({"cells": (2, 6, 9)}, "9 cells in longitude do not match across the pole. Use an even number"),
])
def test_a_sphere_that_cannot_be_is_refused_with_a_sentence(arguments, sentence):
    settings = {"cells": (2, 6, 10), **LEVELS} | arguments
    with pytest.raises(ValueError) as error:
        latitude_longitude(settings.pop("cells"), **settings)
    assert sentence in str(error.value)


def test_a_state_that_does_not_fit_is_refused_with_a_sentence():
    grid = rectilinear((2, 5, 8), extent=(8.0, 5.0), **LEVELS)
    with pytest.raises(ValueError, match=r"The initial u has shape \(2, 5, 9\); the grid needs \(2, 5, 8\)"):
        initial_state(grid, surface=0.0, u=np.zeros((2, 5, 9)))
    with pytest.raises(ValueError, match="The initial tracer 1 has values that are not finite numbers"):
        initial_state(grid, surface=0.0, tracers=(1.0, np.inf))
