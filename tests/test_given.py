"""The gate: what a user gives as an array comes in with its mask, its meaning and its precision, or is refused in one sentence."""

import re
from typing import NamedTuple

import numpy as np
import pytest

from dycore import Model, Parameters, cases
from dycore.backends import on_numpy
from dycore.closures import Uniform
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Atmosphere, Ocean, shallow_water
from dycore.forcing import Forcing
from dycore.grid import interior, latitude_longitude, rectilinear
from dycore.inputs.given import NUMBER, PLANE, PROFILE, VOLUME, as_array, given, truths
from dycore.parameters import Mixing
from dycore.physics import heat_flux, surface_flux, surface_relaxation
from dycore.state import initial_state
from dycore.stencils import stencil

CELLS = (4, 6, 8)
FORMS = "the grid needs (4, 6, 8) as a volume [nz, ny, nx], (6, 8) as a plane [ny, nx], (4,) as a profile [nz] or a number."


class Values(NamedTuple):
    rate: np.ndarray


@stencil
def by_volume(k, j, i, grid, column, values, now):
    return values.rate[k, j, i]


@stencil
def by_profile(k, j, i, grid, column, values, now):
    return values.rate[k]


def box(**options):
    """Four levels of 100 m with land in the two westernmost columns of cells."""
    land = np.arange(8)[None, :] < 2
    return rectilinear(CELLS, extent=(8.0e5, 6.0e5), **({"interfaces": np.linspace(-400.0, 0.0, 5), "land": land} | options))


def model(grid, **changes):
    settings = {"fluid": shallow_water(), "time_step": 600.0, "substeps": 24, "tracer_names": ("dye",)}
    return Model(grid, Parameters(**(settings | changes)), on_numpy)


def initial_tracer(values, grid=None):
    return interior(initial_state(grid or box(land=None), surface=0.0, tracers=(values,)).tracers[0])


def refused(sentence, function, *arguments, **named):
    with pytest.raises(ValueError) as error:
        function(*arguments, **named)
    assert sentence in str(error.value), str(error.value)


@pytest.mark.parametrize("values, at", [
    (3.0, lambda k, j, i: 3.0),
    ([0.0, 1.0, 2.0, 3.0], lambda k, j, i: k),
    (np.arange(48.0).reshape(6, 8), lambda k, j, i: 8 * j + i),
    (np.arange(6)[:, None], lambda k, j, i: j),
    (np.arange(8)[None, :], lambda k, j, i: i),
    (np.arange(4)[:, None, None], lambda k, j, i: k),
    (np.arange(192.0).reshape(CELLS), lambda k, j, i: 48 * k + 8 * j + i),
    (np.ones(CELLS, bool), lambda k, j, i: 1.0),
])
def test_numbers_profiles_planes_and_volumes_lie_as_their_shape_says(values, at):
    assert (initial_tracer(values) == np.fromfunction(lambda k, j, i: at(k, j, i) + 0.0 * k, CELLS)).all()


def test_a_profile_lies_along_k_where_there_are_as_many_levels_as_columns():
    grid = rectilinear((8, 8, 8), extent=(8.0, 8.0), interfaces=np.linspace(-400.0, 0.0, 9))
    assert (initial_tracer(np.arange(8.0), grid) == np.arange(8.0)[:, None, None]).all()
    refused("(8, 8) as a plane [ny, nx] or a number", initial_state, grid, surface=np.arange(8.0))


@pytest.mark.parametrize("shape", [(8,), (6,), (1,), (5,), (8, 6), (4, 8), (4, 6, 9), (1, 4, 6, 8), (0,)])
def test_another_shape_is_refused_with_all_that_are_allowed(shape):
    refused(f"The initial tracer 0 has shape {shape}; {FORMS}", initial_tracer, np.ones(shape))


@pytest.mark.parametrize("values, sentence", [
    ("15", "is of the type <U2. Give real numbers."), (1j, "is of the type complex128"),
    (np.ones(4, "M8[s]"), "is of the type datetime64[s]"), ([[1.0, 2.0], [3.0]], "is made of rows of different length"),
    (np.array(["deep", 1.0, 2.0, 3.0], object), "cannot be read as real numbers"), (10**400, "cannot be read as real numbers"),
    (np.array([None, 1.0, 2.0, 3.0]), "has values that are not finite numbers in float32 where there is fluid, at 1 of 4 points"),
    (np.ma.masked, "has values that are not finite numbers or masked"),
    (1.0e300, "has values that are not finite numbers in float32 where there is fluid, being inf."),
])
def test_what_is_no_real_number_of_the_precision_is_refused(values, sentence):
    refused(f"The initial tracer 0 {sentence}", initial_tracer, values, box(land=None, precision="float32"))


def test_a_mask_is_no_value_and_counts_only_where_there_is_fluid():
    grid, field = box(), np.ma.masked_values(np.where(np.arange(8) < 2, -32767.0, 15.0) * np.ones(CELLS), -32767.0)
    for values in (field, field.filled(np.nan), field.filled(np.inf), list(field)):
        found = initial_tracer(values, grid)
        assert (found[..., 2:] == 15.0).all() and (found[..., :2] == 0.0).all()
        refused(" where there is fluid, at 48 of 192 points, first ", initial_tracer, values)
    surface = interior(initial_state(grid, surface=field[0] - 15.0).surface)
    assert (surface == 0.0).all()


def test_velocities_on_closed_faces_need_no_value():
    u = np.full(CELLS, 0.1)
    u[..., :3] = np.nan  # the face between land and the first wet cell is closed
    state = initial_state(box(), surface=0.0, u=u)
    assert (interior(state.u)[..., 3:] == 0.1).all() and (interior(state.u)[..., :3] == 0.0).all()
    u[0, 2, 3] = np.nan
    refused("The initial u has values that are not finite numbers in float64 where there is fluid, at 1 of 192 points, first nan "
            "at [k, j, i] = [0, 2, 3]", initial_state, box(), surface=0.0, u=u)


def test_a_variable_of_netcdf4_comes_in_with_its_mask(tmp_path):
    netcdf4 = pytest.importorskip("netCDF4")
    with netcdf4.Dataset(tmp_path / "one.nc", "w") as file:
        file.createDimension("x", 3)
        variable = file.createVariable("t", "f4", ("x",), fill_value=-32767.0)
        variable[:] = np.ma.masked_equal([1.0, 2.0, 3.0], 2.0)
        assert np.array_equal(as_array("t", variable), [1.0, np.nan, 3.0], equal_nan=True)


def test_land_is_true_or_one_or_masked():
    mask = np.arange(48).reshape(6, 8) < 20
    for land in (mask, mask.astype(int), mask * 1.0, mask.tolist(), np.ma.masked_array(np.zeros((6, 8)), mask)):
        assert (~box(land=land).wet.any(axis=0) == mask).all()
    for values, first in ((np.where(mask, 1.0, 0.3), "0.3 at [j, i] = [2, 4]"), (2 * mask, "2 at [j, i] = [0, 0]"),
                          (np.where(mask, np.nan, 0.0), "nan at [j, i] = [0, 0]")):
        refused(f"first {first}", box, land=values)
    refused("land is of the type <U4", box, land=np.full((6, 8), "land"))
    refused("land has shape (8,)", box, land=np.zeros(8, bool))
    assert truths("land", True, CELLS).shape == (6, 8)


def test_a_masked_column_of_the_bottom_is_land_and_nan_is_refused_unless_it_is():
    bottom = np.ma.masked_greater(np.where(np.arange(8) < 3, 1.0e20, -250.0) * np.ones((6, 1)), 0.0)
    grid = box(bottom=bottom, land=None)
    assert (grid.wet == box(bottom=-250.0, land=np.arange(8)[None, :] < 3).wet).all() and grid.wet[:, 0, 3].sum() == 3
    refused("bottom has values that are not finite numbers", box, bottom=bottom.filled(np.nan), land=None)
    assert (box(bottom=bottom.filled(np.nan), land=np.arange(8)[None, :] < 3).wet == grid.wet).all()
    refused("bottom has shape (8,); the grid needs (6, 8) as a plane [ny, nx] or a number.", box, bottom=np.full(8, -250.0))


def test_the_geopotential_of_the_ground_and_the_coriolis_parameter_are_finite_planes():
    grid = box()
    ground = np.where(np.arange(8) < 2, np.nan, 5.0) * np.ones((6, 1))
    assert (interior(grid.with_surface_geopotential(ground).metrics.surface_geopotential)[:, 2:] == 5.0).all()
    refused("The geopotential of the ground has values", grid.with_surface_geopotential, ground.T.reshape(6, 8) * np.nan)
    refused("returns values that are not finite numbers", latitude_longitude, CELLS, interfaces=np.linspace(-400.0, 0.0, 5),
            coriolis=lambda longitude, latitude: longitude + np.nan * latitude)


def test_a_surface_below_the_bottom_is_of_no_account_on_land():
    state = initial_state(box(), surface=np.where(np.arange(8) < 2, -500.0, -100.0)[None, :])
    assert (interior(state.surface)[:, 2:] == -100.0).all()
    refused("The initial surface leaves no thickness in column [j=0, i=0]", initial_state, box(land=None), surface=-400.0)


def test_tracers_are_a_sequence_of_fields():
    grid = box()
    for tracers in (15.0, np.ones(CELLS)):
        refused("tracers must be a sequence with a field for each", initial_state, grid, surface=0.0, tracers=tracers)
    assert len(initial_state(grid, surface=0.0, tracers=np.ones((2, *CELLS))).tracers) == 2


def warmed(values, rate=by_volume, grid=None, **changes):
    """What a forcing does to a tracer in one step, per second."""
    grid = grid or box(land=None)
    made = model(grid, forcing=(Forcing(tracers=(rate,), values=Values(values)),), **changes)
    return interior(made.step(initial_state(grid, surface=0.0, tracers=(0.0,))).tracers[0]) / 600.0


@pytest.mark.parametrize("n", [3, 5, 6, 20])
def test_a_profile_of_a_forcing_has_a_value_for_each_level(n):
    assert np.allclose(warmed(np.array([1.0, 2.0, 3.0, 4.0]), by_profile)[:, 2, 3], [1.0, 2.0, 3.0, 4.0], rtol=1e-12)
    refused(f"forcing[0].values.rate has shape ({n},); {FORMS}", warmed, np.full(n, 1.0e-5), by_profile)


def test_values_of_forcings_need_to_be_finite_where_there_is_fluid():
    values = np.ma.masked_array(np.full(CELLS, 2.0), np.arange(8) + np.zeros(CELLS) < 2)
    assert np.allclose(warmed(values, grid=box())[..., 2:], 2.0, rtol=1e-12)
    refused("forcing[0].values.rate has values that are not finite numbers or masked", warmed, values)
    refused("forcing[0].values.rate has values that are not finite numbers", warmed, np.array([1.0, np.nan, 1.0, 1.0]), by_profile)
    refused("forcing[0].values.rate has values that are not finite numbers", warmed, float("nan"))


def test_whole_numbers_truth_values_and_functions_of_a_forcing_stay_what_they_are():
    made = model(box(), forcing=(Forcing(values=(3, True, by_profile, (np.float32(0.5), None))),))
    assert made.equations.forcing[0].values == (3, True, by_profile, (0.5, None))
    assert isinstance(made.equations.forcing[0].values[3][0], np.float64)


def test_a_forcing_of_a_tracer_that_is_not_there_is_refused():
    refused("forcing[0] acts on tracer 1, but there are 1: tracer_names=('dye',)", model, box(), forcing=(surface_flux(1, 1.0),))
    refused("forcing must be a tuple", model, box(), forcing=surface_flux(0, 1.0))
    refused("forcing[0] is of the type function", model, box(), forcing=(by_volume,))
    for function in (surface_flux, heat_flux):
        refused("tracer=-1 must be the number of a tracer", function, -1, 1.0)


def test_fluxes_and_targets_are_numbers_or_planes_and_keep_their_mask():
    flux = np.ma.masked_array(np.full((6, 8), 2.0e-3), np.arange(8) + np.zeros((6, 8)) < 2)
    start = initial_state(box(), surface=0.0, tracers=(0.0,))
    for values in (flux, 2.0e-3):
        after = interior(model(box(), forcing=(surface_flux(0, values),)).step(start).tracers[0])
        assert np.allclose(after[-1, :, 2:], 600.0 * 2.0e-3 / 100.0, rtol=1e-12)
    for forcing in (surface_flux(0, flux), heat_flux(0, flux), surface_relaxation(0, flux, 600.0)):
        refused("forcing[0].values.", model, box(land=None), forcing=(forcing,))
        model(box(), forcing=(forcing,))
    refused("target has shape (4,); it must be a number or a plane [ny, nx].", surface_relaxation, 0, np.ones(4), 600.0)
    refused("flux is of the type <U1", surface_flux, 0, "1")


def test_the_surface_stress_counts_on_open_faces_alone():
    grid = box()
    stress = np.ma.masked_array(np.full((6, 8), 0.1), np.arange(8) + np.zeros((6, 8)) < 2)
    start = initial_state(grid, surface=0.0, tracers=(0.0,))
    found, exact = (interior(model(grid, surface_stress=pair).step(start).u) for pair in ((stress, 0.0), (0.1, 0.0)))
    assert (found == exact).all() and found[-1, 2, 4] > 0.0
    refused("surface_stress[0] has values that are not finite numbers or masked", model, box(land=None),
            surface_stress=(stress, 0.0))
    refused("surface_stress[1] has shape (8,); the grid needs (6, 8) as a plane [ny, nx] or a number.", model, grid,
            surface_stress=(0.1, np.ones(8)))
    for wrong in ((0.1,), (0.1, 0.0, 0.0), 0.1, np.ones((6, 8))):
        refused("surface_stress must have two components", model, grid, surface_stress=wrong)


@pytest.mark.parametrize("changes, sentence", [
    ({"time_step": "600"}, "time_step='600' must be a positive number of seconds."),
    ({"time_step": np.array([600.0])}, "time_step=[600.] must be a positive number of seconds."),
    ({"substeps": 5.5}, "substeps=5.5 must be 1 (no substeps)"), ({"substeps": None}, "substeps=None must be"),
    ({"polar_filter": [60.0]}, "polar_filter=[60.0] must be a latitude"), ({"polar_damping": np.nan}, "polar_damping=nan must be"),
    ({"diffusivity": np.inf}, "diffusivity=inf must be a number that is not negative."),
    ({"diffusivity": np.ones((6, 7))}, "diffusivity has shape (6, 7); the grid needs"),
    ({"friction": Mixing(divergence=-1.0)}, "friction.divergence=-1.0 must be a number that is not negative."),
    ({"friction": Mixing(vorticity=np.nan)}, "friction.vorticity=nan must be"), ({"friction": 100.0}, "friction=100.0 must be a"),
    ({"vertical_mixing": VerticalMixing(linear_drag=-1.0)}, "vertical_mixing.linear_drag=-1.0 must be"),
    ({"vertical_mixing": VerticalMixing(values=Uniform(1.0e-3, np.nan))}, "vertical_mixing.values.diffusivity=nan must be"),
    ({"fluid": shallow_water()._replace(reference_density=np.nan)}, "fluid.reference_density=nan must be a finite number."),
    ({"fluid": Ocean}, "is no fluid. Give a record"), ({"extrapolated_pressure": "0.1"}, "extrapolated_pressure='0.1' must be"),
])
def test_a_parameter_that_is_no_sensible_number_is_refused(changes, sentence):
    refused(sentence, model, box(), **changes)


def test_numbers_in_other_dress_are_taken():
    dressed = model(box(), time_step=np.float32(600.0), diffusivity=np.array(10.0), polar_filter=60, polar_damping=np.inf,
                    friction=Mixing(np.float32(100.0), np.int64(100)), fluid=shallow_water(np.float32(9.75)))
    plain = model(box(), time_step=600.0, diffusivity=10.0, friction=Mixing(100.0, 100.0), fluid=shallow_water(9.75))
    start = initial_state(box(), surface=0.0, tracers=(np.arange(8.0)[None, :],), u=0.1)
    assert np.array_equal(dressed.steps(start, 3).u, plain.steps(start, 3).u)


def test_a_case_refuses_an_argument_that_is_no_number():
    refused("perturbation=nan must be one finite number (m/s).", cases.baroclinic_wave, (3, 8, 12), perturbation=np.nan)
    refused("dissipation=-1.0 must be a finite number (no unit) that is not negative.", cases.held_suarez, (3, 8, 12),
            dissipation=-1.0)


def test_a_state_that_is_not_finite_is_no_fault_of_the_time_step():
    grid = box()
    start = initial_state(grid, surface=0.0, tracers=(0.0,))
    with pytest.raises(FloatingPointError, match="mend the state that it is to start from") as error:
        model(grid).run(start._replace(tracers=(start.tracers[0] * np.nan,)), steps=1, progress=False)
    assert not re.search("time step shorter", str(error.value))


def test_the_gate_keeps_what_fits_as_it_is():
    field = np.arange(192.0, dtype=np.float32).reshape(CELLS)
    assert np.shares_memory(given("a field", field, CELLS, VOLUME, precision=np.float32), field)
    assert given("a profile", [1, 2, 3, 4], CELLS, NUMBER, PROFILE, PLANE).dtype == np.float64
    assert isinstance(Atmosphere(), tuple)
