"""A direction of one or two cells: a column is a plane on which nothing varies, a slice the same, walls hold as land does.

Periodic directions are compared, to the bit, with grids on which the same pattern stands several times; walls with land.
"""

import numpy as np
import pytest
from conftest import create, fields_of

from dycore import Model, Parameters, pictures
from dycore.closures import Convective, convective
from dycore.decomposition import divide
from dycore.equations import advection, momentum, momentum_weno
from dycore.equations.steppers import WickerSkamarock
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Atmosphere, Ocean, shallow_water
from dycore.grid import interior, latitude_longitude, rectilinear
from dycore.halo_sources import fill_halo
from dycore.output import state_from_dataset
from dycore.parameters import Mixing
from dycore.state import initial_state
from dycore.tiles import HALO, Boundary, Place, Tile
from dycore.vertical import stretched, uniform

PERIODIC, WALL = Boundary.PERIODIC, Boundary.WALL
F, SPACING = 1.0e-4, 5.0e4  # 1/s, m

CHEAP = Parameters(
    Ocean(), time_step=300.0, substeps=12, tracer_names=("temperature", "salinity"), friction=Mixing(1.0e3, 1.0e3, no_slip=True),
    diffusivity=1.0e2, vertical_mixing=VerticalMixing(convective, Convective(1.0e-2, 1.0e-4, 1.0), quadratic_drag=2.5e-3))
# every scheme that reads three cells to either side
FAR = Parameters(
    Ocean(), time_step=200.0, tracer_names=("temperature", "salinity"), friction=Mixing(1.0e12, 1.0e12, biharmonic=True),
    diffusivity=1.0e11, biharmonic_diffusion=True, tracer_face=advection.weno5, vertical_face=advection.weno3,
    advection=momentum_weno.weno, stepper=WickerSkamarock())
SCHEMES = pytest.mark.parametrize("parameters", [CHEAP, FAR], ids=["harmonic", "far-reaching"])


def plane(cells, y=PERIODIC, x=PERIODIC, **others):
    nz, ny, nx = cells
    return rectilinear(cells, extent=(nx * SPACING, ny * SPACING), interfaces=stretched(nz, 400.0, 3.0), coriolis=F,
                       y_boundary=y, x_boundary=x, **others)


def fields(cells, seed=1):
    """Velocity, surface and tracers that differ in every cell, dense above light here and there."""
    random = np.random.default_rng(seed)
    u, v, temperature, salinity = random.standard_normal((4, *cells))
    return 0.1 * u, 0.1 * v, 0.1 * random.standard_normal(cells[1:]), 10.0 + temperature, 35.0 + 0.1 * salinity


def after(model, given, steps=8):
    u, v, surface, *tracers = given
    return fields_of(model.steps(initial_state(model.grid, surface=surface, u=u, v=v, tracers=tracers), steps))


@pytest.mark.parametrize("cells, repeated", [((5, 1, 1), (4, 4)), ((5, 1, 9), (6, 1)), ((5, 9, 1), (1, 6)), ((5, 2, 7), (2, 1)),
                                             ((5, 7, 2), (1, 2)), ((5, 2, 1), (2, 3)), ((5, 2, 2), (3, 2))], ids=str)
@SCHEMES
def test_what_stands_once_on_a_thin_grid_moves_as_if_it_stood_there_many_times(numpy_backend, cells, repeated, parameters):
    given = fields(cells)
    wide = (cells[0], cells[1] * repeated[0], cells[2] * repeated[1])
    many = after(Model(plane(wide), parameters, numpy_backend), [np.tile(field, repeated) for field in given])
    once = after(Model(plane(cells), parameters, numpy_backend), given)
    for name, field in once.items():
        assert np.isfinite(field).all()
        assert (np.tile(field, repeated) == many[name]).all(), name


@pytest.mark.parametrize("cells, y, x, repeated", [((5, 8, 1), WALL, PERIODIC, (1, 5)), ((5, 1, 8), PERIODIC, WALL, (5, 1)),
                                                   ((5, 8, 2), WALL, PERIODIC, (1, 2))], ids=str)
def test_a_slice_from_wall_to_wall_is_a_channel_on_which_nothing_varies_along(numpy_backend, cells, y, x, repeated):
    given = fields(cells)
    wide = (cells[0], cells[1] * repeated[0], cells[2] * repeated[1])
    many = after(Model(plane(wide, y, x), FAR, numpy_backend), [np.tile(field, repeated) for field in given])
    once = after(Model(plane(cells, y, x), FAR, numpy_backend), given)
    for name, field in once.items():
        assert (np.tile(field, repeated) == many[name]).all(), name


@pytest.mark.parametrize("cells", [(5, 1, 7), (5, 2, 7), (5, 7, 1), (5, 7, 2), (5, 1, 1), (5, 2, 2)], ids=str)
@SCHEMES
def test_walls_with_one_or_two_cells_between_them_hold_as_land_does(numpy_backend, cells, parameters):
    nz, ny, nx = cells
    grid = plane(cells, WALL, WALL)
    given = fields(cells)
    land = np.ones((ny + 8, nx + 8), bool)
    land[4:-4, 4:-4] = False
    around = [np.pad(field, [(0, 0)] * (field.ndim - 2) + [(4, 4), (4, 4)]) for field in given]
    there = after(Model(plane((nz, ny + 8, nx + 8), land=land), parameters, numpy_backend), around)
    for name, field in after(Model(grid, parameters, numpy_backend), given).items():
        assert (field == there[name][..., 4:-4, 4:-4]).all(), name


def test_a_column_turns_at_the_coriolis_frequency_and_mixes_until_it_is_stable(numpy_backend):
    """Inertial oscillation, and convection that keeps the content of the column."""
    grid = rectilinear((10, 1, 1), extent=(1.0e3, 1.0e3), interfaces=uniform(10, -100.0, 0.0), coriolis=F, y_boundary=PERIODIC)
    parameters = Parameters(Ocean(), time_step=200.0, substeps=24, tracer_names=("temperature", "salinity"),
                            vertical_mixing=VerticalMixing(convective, Convective(0.0, 0.0, 1.0)))
    upside_down = np.linspace(12.0, 10.0, 10)[:, None, None]
    state = initial_state(grid, surface=0.0, u=0.1, tracers=(upside_down, 35.0))
    state = Model(grid, parameters, numpy_backend).run(state, steps=100, progress=False)
    angle = F * 100 * 200.0
    # of third order: (f dt)^4 / 12 a step, in all 1e-6
    assert np.abs(interior(state.u) - 0.1 * np.cos(angle)).max() < 1e-4
    assert np.abs(interior(state.v) + 0.1 * np.sin(angle)).max() < 1e-4
    temperature = interior(state.tracers[0]).ravel()
    assert temperature.mean() == pytest.approx(11.0, rel=1e-13)
    assert np.ptp(temperature) < 0.1 and (interior(state.surface) == 0.0).all()


@pytest.mark.parametrize("name", ["numba", "jax"])
@pytest.mark.parametrize("cells, y, substeps", [((4, 1, 1), PERIODIC, 1), ((4, 2, 6), WALL, 12)], ids=str)
def test_all_backends_run_columns_and_slices(name, cells, y, substeps, numpy_backend):
    grid, given = plane(cells, y), fields(cells)[:4]
    parameters = Parameters(shallow_water(), time_step=300.0, substeps=substeps, tracer_names=("dye",), advection=momentum.linear)
    right = after(Model(grid, parameters, numpy_backend), given, 3)
    for field, values in after(Model(grid, parameters, create(name)), given, 3).items():
        if name == "numba":
            assert (values == right[field]).all(), field
        else:
            assert np.abs(values - right[field]).max() <= 1e-12 * np.abs(right[field]).max(), field


@pytest.mark.parametrize("fluid", [Atmosphere(), shallow_water()], ids=["atmosphere", "water"])
def test_a_meridian_stands_for_a_sphere_on_which_nothing_varies_along_latitudes(numpy_backend, fluid):
    """Eight times the length along latitudes changes no bit."""
    parameters = Parameters(fluid, time_step=300.0, tracer_names=("potential_temperature",), polar_filter=None)
    random = np.random.default_rng(2)
    top = 1.0e5 if isinstance(fluid, Atmosphere) else 3000.0
    u, v, theta = random.standard_normal((3, 3, 10, 1))
    found = []
    for nx in (1, 8):
        grid = latitude_longitude((3, 10, nx), interfaces=uniform(3, 0.0, top))
        given = [np.tile(field, (1, nx)) for field in (u, v, np.full((10, 1), top), 300.0 + theta)]
        found.append(after(Model(grid, parameters, numpy_backend), given))
    for name, field in found[0].items():
        assert (np.tile(field, (1, 8)) == found[1][name]).all(), name


@pytest.mark.parametrize("cells", [(3, 1, 8), (3, 8, 1), (3, 1, 1)], ids=str)
def test_columns_and_slices_are_written_read_and_drawn(numpy_backend, cells, tmp_path):
    pytest.importorskip("matplotlib")
    model, given = Model(plane(cells), CHEAP, numpy_backend), fields(cells)
    state = initial_state(model.grid, surface=given[2], u=given[0], v=given[1], tracers=given[3:])
    data = model.dataset(state)
    again = state_from_dataset(model, data)
    assert all((values == fields_of(state)[name]).all() for name, values in fields_of(again).items())
    data.to_netcdf(tmp_path / "thin.nc")
    there = pictures.opened(tmp_path / "thin.nc")
    mesh = pictures.map_of(pictures.field(pictures.one_level(there, there.temperature), "temperature")).axes[0].collections[0]
    assert (np.asarray(mesh.get_array()) == interior(state.tracers[0])[-1]).all()
    mesh = pictures.section(pictures.field(there, "temperature")).axes[0].collections[0]
    assert mesh.get_array().shape == cells[:2]
    with pytest.raises(ValueError, match="vorticity needs at least two rows and two columns of cells"):
        pictures.field(there, "relative_vorticity")


# Halos ----------------------------------------------------------------------------------------------


def beyond(values, axis, boundary, normal):
    """An array with halo along an axis, as NumPy pads it."""
    width = [(HALO, HALO) if axis == number else (0, 0) for number in range(2)]
    if boundary is PERIODIC:
        return np.pad(values, width, mode="wrap")
    if not normal:
        return np.pad(values, width, mode="symmetric")
    faces = np.pad(np.delete(values, 0, axis), [(1, 1) if axis == number else (0, 0) for number in range(2)])
    whole = np.pad(faces, width, mode="reflect", reflect_type="odd")
    return np.delete(whole, -1, axis)


@pytest.mark.parametrize("ny, nx", [(1, 1), (1, 2), (2, 1), (2, 2), (2, 5), (5, 1)])
@pytest.mark.parametrize("y", [PERIODIC, WALL])
@pytest.mark.parametrize("x", [PERIODIC, WALL])
@pytest.mark.parametrize("place", Place)
def test_a_halo_wider_than_the_grid_repeats_or_mirrors_it_over_and_over(ny, nx, y, x, place, random):
    tile = Tile((1, ny, nx), x, y)
    values = random.standard_normal((ny, nx))
    array = np.full(tile.region.padded[1:], np.nan)
    array[HALO:-HALO, HALO:-HALO] = values
    fill_halo(tile, place, array)
    right = beyond(beyond(values, 0, y, place is Place.SOUTH_FACE), 1, x, place is Place.WEST_FACE)
    assert (array == right).all()


def test_a_direction_of_few_cells_is_not_divided_among_processes():
    slices = Tile((10, 1, 16), PERIODIC, PERIODIC)
    assert divide(slices, 4, None, 0).processes == (1, 4)
    with pytest.raises(ValueError, match=r"1 x 16 columns cannot be divided among 6 processes: each needs at least 3 rows and 3 "
                                         r"columns where they are split\. Use at most 5 processes\."):
        divide(slices, 6, None, 0)
    with pytest.raises(ValueError, match=r"1 x 1 columns cannot be divided among 2 processes.* Use one process\."):
        divide(Tile((10, 1, 1), PERIODIC, PERIODIC), 2, None, 0)
