"""Static maps of basins whose answer is known, and fields of parameters that a network makes of them column by column."""

import numpy as np
import pytest
from conftest import create

from dycore import Model, Parameters, initial_state
from dycore.backends import on_numpy
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import shallow_water
from dycore.grid import EARTH_RADIUS, latitude_longitude, rectilinear
from dycore.parameters import Mixing
from dycore.tiles import Boundary

jax, equinox = pytest.importorskip("jax"), pytest.importorskip("equinox")
from dycore import learning  # noqa: E402

DRAG = "vertical_mixing.linear_drag"
RANGES = {DRAG: learning.Range(1e-4, 1e-2, 2e-3), "friction": (10.0, 1000.0)}
SIDE = 1e4  # m
WALLS = {"x_boundary": Boundary.WALL, "y_boundary": Boundary.WALL}


def plane(ny=6, nx=8, nz=1, slope=2e-3, **options):
    """A plane of square cells whose depth grows northward from 100 m."""
    y = (np.arange(ny) + 0.5) * SIDE
    bottom = np.broadcast_to(-(100.0 + slope * y)[:, None], (ny, nx))
    return rectilinear((nz, ny, nx), extent=(nx * SIDE, ny * SIDE), interfaces=np.linspace(-400.0, 0.0, nz + 1), bottom=bottom,
                       terrain_following=nz == 1, **options)


def test_maps_of_a_box_with_a_sloping_bottom_are_those_of_a_ruler():
    maps = learning.static_maps(plane(**WALLS))
    j, i = np.indices((6, 8))
    assert list(maps) == ["depth", "bottom_slope", "distance_to_coast"]  # a plane has no latitude
    assert np.allclose(maps["depth"], 100.0 + 2e-3 * (j + 0.5) * SIDE, rtol=1e-12)
    assert np.allclose(maps["bottom_slope"], 2e-3, rtol=1e-9)  # one-sided at the walls too
    from_walls = np.minimum(np.minimum(j, 5 - j), np.minimum(i, 7 - i)) + 0.5
    assert np.allclose(maps["distance_to_coast"], from_walls * SIDE, rtol=1e-12)


def test_an_island_is_no_part_of_maps_and_its_sides_are_coasts():
    land = np.zeros((6, 8), bool)
    land[3, 4] = True
    maps = learning.static_maps(plane(land=land, **WALLS))
    for values in maps.values():
        assert np.array_equal(np.isnan(values), land)
    away = maps["distance_to_coast"] / SIDE
    assert away[3, 3] == pytest.approx(0.5) and away[3, 2] == pytest.approx(1.5)
    assert away[2, 3] == pytest.approx(np.hypot(1.0, 0.5))  # of the middle of the nearest side
    assert np.nanmax(abs(maps["bottom_slope"] - 2e-3)) < 1e-12  # no cliff towards land: differences are taken in water


def test_distances_go_across_the_seam_of_a_periodic_channel_and_coasts_that_are_not_there_are_nowhere():
    land = np.zeros((6, 8), bool)
    land[:, 0] = True
    away = learning.static_maps(plane(land=land, y_boundary=Boundary.WALL))["distance_to_coast"] / SIDE
    assert away[3, 7] == pytest.approx(0.5) and away[3, 1] == pytest.approx(0.5) and away[2, 6] == pytest.approx(1.5)
    assert np.isinf(learning.static_maps(plane(y_boundary=Boundary.PERIODIC))["distance_to_coast"]).all()


def test_distances_on_a_sphere_are_those_of_great_circles_also_over_a_pole():
    """Water north of the equator alone: the coast is the equator, and the pole is open."""
    options = {"interfaces": np.array([-100.0, 0.0])}
    grid = latitude_longitude((1, 8, 12), land=np.broadcast_to(np.arange(8)[:, None] < 4, (8, 12)), **options)
    maps = learning.static_maps(grid)
    north = maps["latitude"][4:]
    assert np.array_equal(north, grid.latitude[4:]) and np.isnan(maps["latitude"][:4]).all()
    assert np.allclose(maps["distance_to_coast"][4:], EARTH_RADIUS * np.radians(north), rtol=1e-9)
    assert np.isinf(learning.static_maps(latitude_longitude((1, 8, 12), **options))["distance_to_coast"]).all()


def test_the_depth_is_that_of_the_levels_that_the_model_has():
    whole, partial = plane(nz=8, **WALLS), plane(nz=8, partial_cells=0.1, **WALLS)
    assert np.allclose(learning.static_maps(partial)["depth"], learning.static_maps(plane(**WALLS))["depth"])
    assert np.allclose(learning.static_maps(whole)["depth"], whole.volume.sum(axis=0) / SIDE**2)


def test_bounded_values_stay_within_their_bounds_and_come_back():
    raw = np.array([-800.0, -3.0, 0.0, 2.0, 800.0])
    values = learning.bounded(raw, 1e-4, 1e-2)
    assert values[2] == pytest.approx(1e-3) and values[[0, 4]] == pytest.approx([1e-4, 1e-2]) and (np.diff(values) > 0.0).all()
    assert learning.unbounded(values[1:4], 1e-4, 1e-2) == pytest.approx(raw[1:4])
    create("jax")
    slopes = jax.vmap(jax.grad(lambda raw: learning.bounded(raw, 1e-4, 1e-2)))(raw)
    assert np.isfinite(slopes).all() and slopes[2] == pytest.approx(1e-3 * np.log(100.0) / 4.0)


def test_a_new_network_gives_nearly_the_first_value_everywhere_and_each_column_by_itself():
    create("jax")
    network = learning.MapNetwork(("depth", "latitude"), RANGES, key=jax.random.key(3))
    maps = np.random.default_rng(1).standard_normal((2, 4, 5))
    fields = network(maps)
    assert fields[DRAG].shape == (4, 5) and np.allclose(np.log(fields[DRAG] / 2e-3), 0.0, atol=0.5)
    assert np.allclose(np.log(fields["friction"] / 100.0), 0.0, atol=0.5) and np.ptp(fields["friction"]) > 0.0
    for name, values in network(maps[:, ::-1]).items():
        assert np.allclose(values, fields[name][::-1], rtol=1e-12)
    with pytest.raises(ValueError, match=r"shape \(3, 4, 5\). Give \[map, j, i\] with the maps depth, latitude"):
        network(np.zeros((3, 4, 5)))


def test_weights_of_a_network_for_other_maps_or_bounds_are_refused(tmp_path):
    create("jax")
    network = learning.MapNetwork(("depth", "latitude"), RANGES, key=jax.random.key(3))
    learning.save_weights(tmp_path / "drag.safetensors", network, case=network.case)
    saved = learning.load_weights(tmp_path / "drag.safetensors", network, case=network.case)
    assert np.array_equal(saved.weights(np.ones((2, 1, 1)))[DRAG], network(np.ones((2, 1, 1)))[DRAG])
    other = learning.MapNetwork(("latitude", "depth"), RANGES, key=jax.random.key(3))
    with pytest.raises(ValueError, match=r"maps is \['depth', 'latitude'\] there and \['latitude', 'depth'\] here"):
        learning.load_weights(tmp_path / "drag.safetensors", other, case=other.case)


def water(drag, viscosity):
    """A model of a box in which water sloshes, and its first state."""
    grid = plane(**WALLS)
    parameters = Parameters(shallow_water(), time_step=100.0, vertical_mixing=VerticalMixing(linear_drag=drag),
                            friction=Mixing(viscosity, viscosity, no_slip=True))
    return Model(grid, parameters, on_numpy), initial_state(grid, surface=np.cos(grid.x * np.pi / 8e4) * np.ones((6, 1)))


def test_a_model_with_fields_of_a_network_is_one_that_was_made_with_them():
    fields = {DRAG: 1e-3 * (1.0 + np.arange(48.0).reshape(6, 8)), "friction": 50.0 + np.arange(48.0).reshape(6, 8)}
    made, start = water(fields[DRAG], fields["friction"])
    for first in (np.full((6, 8), 2e-3), 2e-3):  # a field, or a number
        model, _ = water(first, first)
        given = learning.with_fields(model, fields)
        assert np.array_equal(given.steps(start, 5).u, made.steps(start, 5).u)
        assert not np.array_equal(model.steps(start, 5).u, made.steps(start, 5).u)


WRONG = {
    "an unknown parameter": (lambda: learning.with_fields(water(1e-3, 1.0)[0], {"vertical_mixing.drag": np.ones((6, 8))}),
                             r"The parameter 'vertical_mixing\.drag' does not exist; did you mean 'vertical_mixing"),
    "bounds in the wrong order": (lambda: learning.bounded(np.zeros(2), 1.0, 0.5), r"a finite number above least=1"),
    "a bound of zero": (lambda: learning.bounded(np.zeros(2), 0.0, 0.5), "least.*a positive finite number"),
    "a first value beyond": (lambda: learning.MapNetwork(("depth",), {DRAG: (1.0, 2.0, 3.0)}, key=jax.random.key(0)),
                             r"must be greater than 1 and less than 2"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_refused_in_a_sentence(name):
    attempt, sentence = WRONG[name]
    with pytest.raises(ValueError, match=sentence):
        attempt()


@pytest.mark.parametrize("maps, ranges", [((), RANGES), ("depth", RANGES), (("depth", "depth"), RANGES), (("depth",), {})])
def test_a_network_without_maps_or_parameters_is_refused(maps, ranges):
    with pytest.raises(ValueError, match="must be names of one or more maps, each once, and of one or more parameters"):
        learning.MapNetwork(maps, ranges, key=jax.random.key(0))
