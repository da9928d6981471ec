"""A circumpolar channel beside a basin: its numbers, its current, its budgets; and sectors of a sphere that repeat themselves."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import content

from dycore import Model, cases
from dycore.backends import on_numpy
from dycore.cases.southern_channel import background_diffusivity, levels, surface_temperature, wind
from dycore.closures import EddyKineticEnergy, Uniform
from dycore.equations.eddies import Eddies
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import linear_seawater
from dycore.grid import interior, latitude_longitude
from dycore.parameters import Mixing, Parameters
from dycore.restart import Restarts, latest, read
from dycore.state import initial_state
from dycore.tiles import Boundary

COARSE = (5, 21, 15)
DAY = 36  # steps


def transport(grid, state):
    """Eastward transport [j, i] (m3/s) through west faces."""
    levels = np.diff(grid.interfaces)[:, None, None] * grid.open_levels(grid.metrics.floor_u)
    return (levels * interior(np.asarray(state.u))).sum(axis=0) * interior(grid.metrics.dy_u)


def test_the_usual_grid_and_what_drives_it_are_those_of_the_source():
    grid, parameters, state = cases.southern_channel()
    thickness = np.diff(grid.interfaces)
    assert grid.cells == (15, 42, 30) and grid.interfaces[0] == pytest.approx(-2080.0) and thickness[-1] == pytest.approx(20.0)
    assert (np.diff(grid.x) == pytest.approx(2.0)) and grid.y[[0, -1]] == pytest.approx([-41.0, 41.0])
    assert (~grid.wet[-1]).sum() == 31 * 2 and grid.wet[-1][grid.y < -20.0].all() and not grid.wet[-1][grid.y > -20.0][:, :2].any()
    # of Veros 1.7, by its own program, at 41, 31, 21 and 19 degrees south, and 11, 21 and 31 north
    places = np.array([-41.0, -31.0, -21.0, -19.0, 11.0, 21.0, 31.0])
    assert wind(places) == pytest.approx([0.04817537, 0.09822873, 0.01253332, 0.0, 0.00603074, 0.15, 0.17660444], abs=1e-8)
    assert surface_temperature(places) == pytest.approx([2.4, 8.4, 14.4, 15.0, 15.0, 14.4, 8.4])
    assert parameters.friction.vorticity == pytest.approx(2.2e5, rel=0.01)
    assert interior(state.tracers[0])[:, 20, 20] == pytest.approx(15.0 * (1.0 + 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])
                                                                        / 1804.0))


@pytest.mark.parametrize("nz", [1, 4, 15, 40])
def test_other_levels_fill_the_same_depth_and_thicken_downwards(nz):
    interfaces = levels(nz)
    assert interfaces[0] == pytest.approx(-2080.0) and interfaces[-1] == 0.0 and len(interfaces) == nz + 1
    assert (np.diff(interfaces, 2) < 1e-9).all()


def test_the_wind_drives_a_current_around_the_channel_that_grows_while_the_basin_is_closed():
    grid, parameters, state = cases.southern_channel(COARSE)
    model = Model(grid, parameters, on_numpy)
    salt, channel = content(grid, state, 1), grid.y < -20.0
    found = []
    for _ in range(4):
        state = model.steps(state, DAY)
        found.append(transport(grid, state)[channel].sum(axis=0) / 1e6)
    means = [each.mean() for each in found]
    assert 1.0 < means[0] < means[1] < means[2] < means[3] < 200.0
    assert np.ptp(found[-1]) < 0.1 * means[-1]  # the same at all longitudes, but for what the surface takes up
    assert (transport(grid, state)[~channel][:, :2] == 0.0).all()
    assert content(grid, state, 1) == pytest.approx(salt, rel=1e-13)
    assert np.abs(interior(state.tracers[1])[grid.wet] - 35.0).max() < 1e-9
    assert all(np.isfinite(field).all() for field in (*state[:4], *state.tracers, *state.closure))


def test_the_content_of_heat_changes_by_what_the_surface_gives():
    grid, parameters, state = cases.southern_channel(COARSE)
    model = Model(grid, parameters, on_numpy)
    target, uppermost = surface_temperature(grid.y)[:, None], grid.volume[-1]
    before, given = content(grid, state, 0), 0.0
    for _ in range(6):
        given += parameters.time_step * (uppermost * (target - interior(state.tracers[0])[-1])).sum() / (30.0 * 86400.0)
        state = model.step(state)
    change = content(grid, state, 0) - before
    assert change < 0.0 and change == pytest.approx(given, rel=0.02)  # forcings are extrapolated to the middle of a step


def test_unresolved_eddies_and_turbulence_act():
    grid, parameters, state = cases.southern_channel((15, 8, 6))
    after, without = (Model(grid, each, on_numpy).steps(state, 12) for each in (parameters, replace(parameters, eddies=None)))
    assert interior(after.closure[0])[-1].max() > 1.0e-5  # below the uppermost level; 1e-6 without wind
    assert 0.0 < np.abs(interior(after.tracers[0]) - interior(without.tracers[0]))[grid.wet].max() < 0.1


def test_a_restart_goes_on_as_if_there_had_been_none(tmp_path):
    grid, parameters, state = cases.southern_channel((3, 6, 8))
    model = Model(grid, parameters, on_numpy)
    through = model.steps(state, 6)
    model.run(state, steps=3, progress=False, restarts=Restarts(tmp_path, days=10.0))
    again = model.run(read(latest(tmp_path), model), steps=3, progress=False)
    fields = ((*each[:4], *each.tracers, *each.closure) for each in (through, again))
    for one, other in zip(*fields, strict=True):
        assert (interior(np.asarray(one)) == interior(np.asarray(other))).all()


def sphere(nx, degrees, x_boundary=None, **others):
    return latitude_longitude((3, 6, nx), interfaces=np.linspace(-900.0, 0.0, 4), latitudes=(-40.0, 20.0),
                              longitudes=(0.0, degrees), x_boundary=x_boundary, **others)


def test_a_sector_that_repeats_itself_is_a_part_of_a_circle_of_several_that_are_alike():
    random = np.random.default_rng(4)
    temperature, land = 10.0 + random.random((3, 6, 8)), np.arange(8) == np.where(np.arange(6) > 3, 2, -1)[:, None]
    results = []
    for copies, boundary in ((1, Boundary.PERIODIC), (3, None)):
        grid = sphere(8 * copies, 120.0 * copies, boundary, land=np.tile(land, copies))
        parameters = Parameters(cases.southern_channel((3, 6, 8))[1].fluid, time_step=1200.0, substeps=24,
                                tracer_names=("temperature", "salinity"), friction=Mixing(1e5, 1e5),
                                surface_stress=(0.1, 0.0), vertical_mixing=VerticalMixing(values=Uniform(1e-3, 1e-4)))
        start = initial_state(grid, surface=0.0, tracers=(np.tile(temperature, copies), 35.0))
        results.append(Model(grid, parameters, on_numpy).steps(start, 5))
    one, three = ([interior(field) for field in (*state[:4], state.tracers[0])] for state in results)
    assert np.abs(one[0]).max() > 1e-4
    for field, repeated in zip(one, three, strict=True):
        assert np.tile(field, 3) == pytest.approx(repeated, rel=1e-12, abs=1e-13)


def test_a_circle_may_have_a_wall_across():
    assert sphere(8, 360.0, Boundary.WALL).tile.x is Boundary.WALL and sphere(8, 360.0).tile.x is Boundary.PERIODIC
    assert sphere(8, 90.0).tile.x is Boundary.WALL


@pytest.mark.parametrize("changes, sentence", [
    ({"x_boundary": Boundary.POLE}, "use Boundary.PERIODIC or Boundary.WALL"), ({"x_boundary": "periodic"}, "is no boundary"),
    ({"x_boundary": Boundary.WALL, "latitudes": (-90.0, 90.0)}, "on a grid with poles, which goes around them"),
    ({"x_boundary": Boundary.PERIODIC, "longitudes": (0.0, 60.0), "pole": (10.0, 40.0)}, "on a rotated grid"),
])
def test_a_boundary_that_cannot_be_is_refused(changes, sentence):
    options = {"interfaces": np.linspace(-900.0, 0.0, 4), "latitudes": (-40.0, 20.0)} | changes
    with pytest.raises(ValueError, match=sentence):
        latitude_longitude((3, 6, 8), **options)


def test_the_simple_form_has_constant_diffusivities_and_the_usual_one_an_energy_of_eddies():
    usual, simple = (cases.southern_channel(COARSE, eddy_energy=each)[1] for each in (True, False))
    assert simple.eddies == Eddies(1000.0, 1000.0, 0.01) and simple.fluid.buoyancy is linear_seawater and simple.diffusivity is None
    energy = usual.eddies.transport_diffusivity
    assert energy == usual.eddies.neutral_diffusivity == EddyKineticEnergy(greatest=1.0e4)
    # of Veros 1.7, by its own program
    found = background_diffusivity(np.array([-48.0, -316.0, -724.0, -1312.0, -1804.0]))
    assert found == pytest.approx([3.0520497e-5, 3.0888746e-5, 3.1659965e-5, 3.3679850e-5, 3.7828402e-5], rel=1e-7)
    with pytest.raises(ValueError, match="eddy_energy='yes' must be True or False"):
        cases.southern_channel(COARSE, eddy_energy="yes")


def test_eddies_gain_energy_where_winds_drive_currents_and_the_current_is_as_without():
    results = []
    for eddy_energy in (True, False):
        grid, parameters, state = cases.southern_channel(COARSE, eddy_energy=eddy_energy)
        results.append(Model(grid, parameters, on_numpy).steps(state, 2 * DAY))
    channel = grid.y < -20.0
    ours, simple = (transport(grid, state)[channel].sum(axis=0).mean() for state in results)
    assert ours == pytest.approx(simple, rel=0.02)  # within two days eddies change little
    energy = interior(results[0].closure[1])
    means = [(energy * grid.volume)[:, rows].sum() / grid.volume[:, rows].sum() for rows in (channel, np.abs(grid.y) < 15.0)]
    assert means[0] > 1.5 * means[1] > 1.5e-6 and 1e-4 < energy.max() < 0.01
