"""Flow on tripolar grids: waves and tracers cross the Arctic, and files, pictures and restarts know where cells are."""

import numpy as np
import pytest
from rank_cases import CASES

from dycore import Model, diagnostics, pictures, restart
from dycore.equations import advection, friction
from dycore.fluid import shallow_water
from dycore.geometry.geographic import unit_vectors
from dycore.geometry.sphere import arc, triangle
from dycore.grid import EARTH_RADIUS, interior, latitude_longitude, tripolar
from dycore.output import state_from_dataset
from dycore.parameters import Mixing, Parameters
from dycore.plotting.plotted_fields import mean
from dycore.stability import suggested_time_step
from dycore.state import initial_state, padded
from dycore.tiles import HALO, Place
from dycore.validation.transport import carrier

DEPTH = 1000.0  # m


def degrees_from(places, longitude, latitude):
    """Great-circle distances (degrees) of places from a point, [j, i]."""
    there = unit_vectors(np.array([[longitude]]), np.array([[latitude]]))
    points = unit_vectors(places.longitude, places.latitude)
    return np.degrees(arc(points, there + 0.0 * points))


def arctic(cells=(1, 31, 180), land=4.0):
    """Water north of 45 degrees north on a sphere at rest, 2 degrees; land so many degrees about the poles of the grid."""
    options = {"interfaces": np.array([-DEPTH, 0.0]), "south": 45.0, "rotation": 0.0}
    places = tripolar(cells, **options).geographic()
    near = np.minimum(degrees_from(places, 60.0, 60.0), degrees_from(places, -120.0, 60.0))
    return tripolar(cells, land=near < land, **options)


def test_a_wave_from_the_north_pole_arrives_everywhere_at_the_same_time(numpy_backend):
    grid = arctic()
    away = degrees_from(grid.geographic(), 0.0, 90.0)
    parameters = Parameters(fluid=shallow_water(9.81), time_step=180.0)
    assert suggested_time_step(grid, parameters).time_step > 180.0
    model = Model(grid, parameters, numpy_backend)
    state = initial_state(grid, surface=0.1 * np.exp(-((away / 5.0) ** 2)))
    ring, heights = (np.abs(away - 20.0) < 3.0) & grid.wet[0], []
    for _ in range(89):
        state = model.steps(state, 2)
        heights.append(interior(np.asarray(state.surface))[ring])
    record = np.array(heights)
    crest = record.argmax(axis=0)
    before, at, after = (record[crest + n, np.arange(ring.sum())] for n in (-1, 0, 1))
    arrival = 360.0 * (crest + 1 + 0.5 * (before - after) / (before - 2.0 * at + after))
    slowness, intercept = np.polyfit(away[ring], arrival, 1)
    late = arrival - slowness * away[ring] - intercept
    assert np.ptp(grid.longitude[ring]) > 350.0 and np.abs(late).max() < 0.02 * arrival.mean()
    assert np.radians(EARTH_RADIUS) / slowness == pytest.approx((9.81 * DEPTH) ** 0.5, rel=0.03)


def test_a_tracer_is_carried_across_the_fold_and_round_the_pole(numpy_backend):
    """By a solid rotation about the North Pole that dies out towards the poles of the grid; one turn."""
    grid, turn, steps = arctic((1, 21, 120)), 86400.0, 400
    at = np.radians(np.linspace(0.0, 90.0, 9001))
    speed = 2.0 * np.pi / turn * EARTH_RADIUS * np.sin(at) * np.interp(np.degrees(at), (0.0, 18.0, 24.0), (1.0, 1.0, 0.0))
    psi_of = -EARTH_RADIUS * np.concatenate([[0.0], np.cumsum(0.5 * (speed[1:] + speed[:-1]) * np.diff(at))])
    psi = np.interp(np.radians(degrees_from(grid.corners, 0.0, 90.0)), at, -psi_of)
    psi[-2, -1:0:-1] = np.where(np.arange(120) < 60, psi[-2, :-1], psi[-2, -1:0:-1])
    u = (psi[:-1, :-1] - psi[1:, :-1]) * interior(grid.metrics.inverse_dy_u)
    v = (psi[:-1, 1:] - psi[:-1, :-1]) * interior(grid.metrics.inverse_dx_v)
    velocity = {"u": padded(grid, Place.WEST_FACE, u[None]), "v": padded(grid, Place.SOUTH_FACE, v[None])}
    blob = np.exp(-((degrees_from(grid.geographic(), -30.0, 80.0) / 8.0) ** 2))
    model = carrier(grid, advection.upwind3, turn / steps, ("blob", "one"), numpy_backend)
    state = model.asarrays(initial_state(grid, surface=0.0, tracers=(blob, 1.0)))
    opposite = None
    for n in range(steps):
        state = model.step(state._replace(**velocity))
        if 2 * (n + 1) == steps:
            opposite = np.unravel_index(interior(np.asarray(state.tracers[0]))[0, :-1].argmax(), (20, 120))
    after, one = (interior(np.asarray(tracer))[0, :-1] for tracer in state.tracers)
    area, volume = grid.area[:-1], grid.volume[0, :-1]
    error = np.sqrt((area * (after - blob[:-1]) ** 2).sum() / (area * blob[:-1] ** 2).sum())
    assert error < 0.2, error
    assert degrees_from(grid.geographic(), 150.0, 80.0)[opposite] < 3.0  # beyond the pole, and of the fold
    assert (volume * after).sum() == pytest.approx((volume * blob[:-1]).sum(), rel=1e-13)
    assert np.abs(one - 1.0).max() < 1e-12


def test_small_dry_cells_at_the_poles_of_the_grid_ask_for_no_short_step():
    parameters = Parameters(fluid=shallow_water(9.81), time_step=60.0)
    wet, dry = (suggested_time_step(arctic(land=land), parameters).time_step for land in (0.0, 4.0))
    assert dry > 5.0 * wet


def test_friction_falls_with_the_length_of_cells_as_it_does_on_parallels():
    grid = tripolar((1, 47, 72), interfaces=np.array([-DEPTH, 0.0]))
    made = friction.viscosities(grid, Mixing(divergence=1.0, vorticity=1.0, share=friction.with_spacing))
    south = slice(HALO, HALO + 34)
    assert np.allclose(made.centre[south], np.cos(np.radians(grid.y[:34]))[:, None], rtol=1e-12)
    assert np.allclose(made.corner[south], np.cos(np.radians(grid.y_face[:34]))[:, None], rtol=1e-12)
    length = 0.5 * (grid.metrics.dx_u[:, :-1] + grid.metrics.dx_u[:, 1:]) / (EARTH_RADIUS * 2.0 * np.pi / 72)
    assert np.allclose(made.centre[HALO: HALO + 47, HALO:-HALO], length[HALO: HALO + 47, HALO: HALO + 72], rtol=1e-12)


@pytest.mark.parametrize("biharmonic", [False, True])
def test_a_flow_without_vorticity_feels_nothing_of_the_viscosity_of_vorticity(numpy_backend, biharmonic):
    """The gradient of a potential has no circulation about any corner, however distances vary along the rows of the grid."""
    grid = arctic()
    phi = padded(grid, Place.CENTER, 1.0e6 * np.sin(np.radians(grid.geographic().latitude) * 4.0))
    u = interior((phi - np.roll(phi, 1, 1)) * grid.metrics.inverse_dx_u)
    v = interior((phi - np.roll(phi, 1, 0)) * grid.metrics.inverse_dy_v)
    mixing = Mixing(divergence=0.0, vorticity=1.0e12 if biharmonic else 1.0e4, biharmonic=biharmonic)
    models = [Model(grid, Parameters(fluid=shallow_water(9.81), time_step=180.0, friction=friction), numpy_backend)
              for friction in (mixing, None)]

    def rubbed(u, v):
        """What friction takes in a step, over what was there."""
        with_it, without = (model.steps(initial_state(grid, surface=0.0, u=u, v=v), 1) for model in models)
        change = max(np.abs(interior(a) - interior(b)).max() for a, b in ((with_it.u, without.u), (with_it.v, without.v)))
        return change / np.abs(v).max()

    assert rubbed(u, v) < 1e-17 and rubbed(u, v * np.cos(np.radians(grid.geographic().longitude))) > 1e-6


# Files and pictures


@pytest.fixture(scope="module")
def ocean(numpy_backend):
    """(model, state) of an ocean after a few steps."""
    grid, parameters, state = CASES["over the fold"]("float64")
    model = Model(grid, parameters, numpy_backend)
    return model, model.steps(state, 3)


def test_a_dataset_has_true_places_and_no_cell_twice(ocean):
    pytest.importorskip("xarray")
    model, state = ocean
    dataset, grid = model.dataset(state), model.grid
    assert dataset.sea_surface_height.dims == ("grid_latitude", "grid_longitude")
    assert {dataset.longitude.dims, dataset.latitude.dims, dataset.angle.dims} == {dataset.sea_surface_height.dims}
    assert dataset.sea_surface_height.encoding.get("coordinates", dataset.sea_surface_height.attrs.get("coordinates")) == (
        "longitude latitude")
    assert "standard_name" not in dataset.grid_latitude.attrs and "nominal" in dataset.grid_latitude.attrs["long_name"]
    assert (dataset.longitude.values == grid.longitude).all() and dataset.attrs["y_boundary"] == "fold"
    for name in ("sea_surface_height", "temperature", "x_velocity", "vertical_velocity"):
        assert np.isnan(dataset[name].values[..., -1, :]).all() and np.isfinite(dataset[name].values[..., 3, :]).any(), name
    on_fold = dataset.y_velocity.values[:, -1]
    assert np.isfinite(on_fold).any() and np.allclose(on_fold, -on_fold[:, ::-1], rtol=0.0, atol=0.0, equal_nan=True)
    assert (dataset.cell_area.values[-1] == 0.0).all()
    sphere = 2.0 * np.pi * EARTH_RADIUS**2 * (1.0 + np.sin(np.radians(78.0)))
    assert float(dataset.cell_area.sum()) == pytest.approx(sphere, rel=1e-12)


def test_bounds_are_the_quadrilaterals_of_the_cells_counterclockwise(ocean):
    """As cartopy and other readers of CF take them: on the sphere they have the area of the cells."""
    pytest.importorskip("xarray")
    model, state = ocean
    dataset = model.dataset(state)
    assert (dataset.longitude.attrs["bounds"], dataset.latitude.attrs["bounds"]) == ("longitude_vertices", "latitude_vertices")
    a, b, c, d = (unit_vectors(dataset.longitude_vertices.values[:-1, :, n], dataset.latitude_vertices.values[:-1, :, n])
                  for n in range(4))
    area = EARTH_RADIUS**2 * (triangle(a, b, c) + triangle(a, c, d))
    found, cap = dataset.cell_area.values[:-1], slice(16, 20)  # rows of great circles; elsewhere one or two edges are parallels
    assert np.allclose(area[cap], found[cap], rtol=1e-9) and np.allclose(area[:15], found[:15], rtol=0.02)
    outward = (np.cross(b - a, c - a, axis=0) * (a + b + c)).sum(axis=0)
    assert (outward >= 0.0).all() and (outward > 0.0).sum() == 470  # two corners of cells at a pole of the grid are one


def test_xgcm_integrates_over_the_sphere_and_closes_the_volume_of_every_column(ocean):
    pytest.importorskip("xgcm")
    model, state = ocean
    dataset = model.dataset(state).fillna(0.0)
    grid, cells = diagnostics.xgcm_grid(dataset), model.grid
    total = float(grid.integrate(dataset.sea_surface_height, ("X", "Y")))
    wet = cells.wet.any(axis=0)
    assert total == pytest.approx((cells.area * np.where(wet, interior(np.asarray(state.surface)), 0.0)).sum(), rel=1e-12)
    assert not dataset.west_face_area[-1].any()  # images; each south face is on the fold twice
    assert (2.0 * dataset.south_face_area[-1].values == interior(cells.metrics.area_v)[-1]).all()
    through = dataset.y_velocity.isel(height=-1) * dataset.south_face_length
    difference = grid.diff(through, "Y").values[:-1]
    faces = through.values
    assert np.allclose(difference, faces[1:] - faces[:-1], atol=1e-9) and np.abs(faces[-1]).max() > 0.0


@pytest.mark.parametrize("projection", [None, pictures.orthographic(80.0), pictures.mollweide])
def test_maps_are_drawn_of_the_arctic(ocean, projection):
    pytest.importorskip("matplotlib")
    model, state = ocean
    figure = pictures.map_of(pictures.field(model.dataset(state), "temperature"), projection)
    mesh = figure.axes[0].collections[0]
    assert np.isfinite(np.ma.filled(mesh.get_array(), np.nan)).sum() > 200
    with pytest.raises(ValueError, match="those of a tripolar grid are not"):
        pictures.field(model.dataset(state), "relative_vorticity")


def test_a_mean_over_the_map_is_weighted_by_the_area_of_cells(ocean):
    pytest.importorskip("xarray")
    model, state = ocean
    field = pictures.field(model.dataset(state), "sea_surface_height")
    wet = model.grid.wet.any(axis=0)
    height = np.where(wet, interior(np.asarray(state.surface)), 0.0)
    assert float(mean(field)) == pytest.approx((height * model.grid.area).sum() / (wet * model.grid.area).sum(), rel=0.02, abs=1e-3)


def test_a_state_comes_back_from_its_dataset(ocean):
    pytest.importorskip("xarray")
    model, state = ocean
    back = state_from_dataset(model, model.dataset(state))
    for name in ("u", "v"):
        assert np.allclose(interior(np.asarray(getattr(back, name))), interior(np.asarray(getattr(state, name))), atol=1e-15), name
    wet = model.grid.wet.any(axis=0)
    assert (interior(np.asarray(back.surface))[wet] == interior(np.asarray(state.surface))[wet]).all()


def test_a_run_goes_on_from_a_restart_bit_for_bit_and_not_on_another_grid(ocean, tmp_path, numpy_backend):
    model, state = ocean
    path = restart.write(tmp_path / "restart.npz", model, state)
    on, there = model.steps(restart.read(path, model), 3), model.steps(state, 3)
    assert all((np.asarray(one) == np.asarray(other)).all() for one, other in ((on.u, there.u), (on.v, there.v),
                                                                              (on.surface, there.surface)))
    walled = latitude_longitude(model.grid.cells, interfaces=model.grid.interfaces, latitudes=(-78.0, 78.0), partial_cells=0.2)
    other = Model(walled, model.parameters, numpy_backend)
    with pytest.raises(ValueError, match=r"does not belong to this model: boundary in y is fold there and wall in the model\."):
        restart.read(path, other)
    there = restart.write(tmp_path / "walled.npz", other, initial_state(walled, surface=0.0, tracers=(10.0, 35.0)))
    with pytest.raises(ValueError, match=r"does not belong to this model: boundary in y is wall there and fold in the model\."):
        restart.read(there, model)


def test_devices_of_one_program_refuse_a_fold(ocean):
    pytest.importorskip("jax")
    from dycore.backends.devices import best_shape, divided

    tile = ocean[0].grid.tile
    with pytest.raises(ValueError, match=r"The fold of a tripolar grid cannot be divided among the devices .*processes=1,1, or"):
        divided(tile, (2, 1))
    with pytest.raises(ValueError, match=r"21 x 24 columns cannot be divided evenly among 3 devices\. Use processes=1,1, or MPI"):
        best_shape(tile, 3)
    assert divided(tile, (1, 1)).processes == (1, 1)
