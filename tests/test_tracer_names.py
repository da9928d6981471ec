"""Tracers go by their names: a buoyancy finds those that it reads in any order, and no name takes the place of another."""

import numpy as np
import pytest
from conftest import fields_of

from dycore import Model, Parameters, cases
from dycore.backends import on_numpy
from dycore.closures import Convective, convective
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Atmosphere, Ocean, dry_air, linear_seawater, no_buoyancy, shallow_water
from dycore.grid import latitude_longitude, rectilinear
from dycore.output import variables
from dycore.physics import held_suarez
from dycore.plotting.plotted_fields import DERIVED
from dycore.running.reserved_names import taken_names
from dycore.seawater import teos10
from dycore.state import State, initial_state
from dycore.stencils import stencil
from dycore.tracers import read_by, reads
from dycore.vertical import uniform

CELLS = (3, 4, 5)
FIELDS = {"temperature": 15.0 + 5.0 * np.arange(5.0) * np.ones(CELLS),
          "salinity": 35.0 - np.arange(3.0)[:, None, None] * np.ones(CELLS),
          "dye": np.arange(4.0)[:, None] * np.ones(CELLS)}


def refused(sentence, function, *arguments, **named):
    with pytest.raises(ValueError) as error:
        function(*arguments, **named)
    assert sentence in str(error.value), str(error.value)


def model(names, backend=on_numpy, fluid=None, **options):
    grid = rectilinear(CELLS, extent=(5.0e5, 4.0e5), interfaces=uniform(3, -300.0, 0.0), coriolis=1.0e-4)
    return Model(grid, Parameters(fluid or Ocean(), time_step=600.0, tracer_names=names, **options), backend)


def after(names, backend, **options):
    """The fields after some steps, with tracers by name."""
    made = model(names, backend, **options)
    fields = fields_of(made.steps(initial_state(made.grid, surface=0.0, tracers=[FIELDS[name] for name in names]), 4))
    return {name: field for name, field in fields.items() if "tracer" not in name} | {
        name: fields[f"tracer {m}"] for m, name in enumerate(names)}


@pytest.mark.parametrize("names", [("salinity", "temperature"), ("salinity", "dye", "temperature")])
def test_the_order_of_tracers_changes_no_bit(names):
    mixing = VerticalMixing(convective, Convective())  # which reads the buoyancy, too
    expected, found = (after(order, on_numpy, vertical_mixing=mixing) for order in (("temperature", "salinity"), names))
    assert np.abs(expected["u"]).max() > 1.0e-4
    for name, field in expected.items():
        assert (found[name] == field).all(), name


@pytest.mark.parametrize("buoyancy", [linear_seawater, teos10])
def test_every_seawater_finds_its_tracers_by_name(buoyancy):
    expected, found = (after(names, on_numpy, fluid=Ocean(buoyancy=buoyancy))["u"] for names in (
        ("temperature", "salinity"), ("dye", "salinity", "temperature")))
    assert (found == expected).all() and np.abs(found).max() > 1.0e-4


def test_a_sphere_of_air_finds_potential_temperature_among_others():
    grid, parameters, state = cases.held_suarez((3, 8, 12))
    forcing = (held_suarez(grid, parameters.fluid, tracer=1),)
    changed = Parameters(**(vars(parameters) | {"tracer_names": ("dye", "potential_temperature"), "forcing": forcing}))
    (theta,) = state.tracers
    dyed = state._replace(tracers=(0.0 * theta, theta), history=tuple(past._replace(tracers=(0.0 * theta, *past.tracers))
                                                                           for past in state.history))
    expected, found = Model(grid, parameters, on_numpy).steps(state, 3), Model(grid, changed, on_numpy).steps(dyed, 3)
    assert (found.u == expected.u).all() and (found.tracers[1] == expected.tracers[0]).all() and (found.tracers[0] == 0.0).all()
    wrong = Parameters(**(vars(changed) | {"forcing": parameters.forcing}))
    refused("forcing[0] takes tracer 0 for potential_temperature, but tracer_names=('dye', 'potential_temperature') have dye there",
            Model, grid, wrong, on_numpy)


@pytest.mark.parametrize("fluid, names, sentence", [
    (Ocean(), ("temperature",), "linear_seawater reads temperature and salinity, but tracer_names=('temperature',) lack salinity"),
    (Ocean(), (), "lack temperature and salinity"), (Ocean(), ("theta", "salt"), "lack temperature and salinity"),
    (Ocean(buoyancy=teos10), ("salinity", "dye"), "teos10 reads temperature and salinity"),
    (Atmosphere(), ("temperature",), "dry_air reads potential_temperature, but tracer_names=('temperature',)"),
])
def test_a_tracer_that_the_buoyancy_lacks_is_refused_with_both_names(fluid, names, sentence):
    refused(sentence, model, names, fluid=fluid)


@stencil
def by_position(k, j, i, fluid, s, tracers):
    return 1.0e-3 * tracers[1][k, j, i]


@stencil
@reads("dye")
def by_name(k, j, i, fluid, s, tracers):
    return 1.0e-3 * tracers[0][k, j, i]


def test_a_buoyancy_of_ones_own_goes_by_position_or_says_what_it_reads():
    assert read_by(no_buoyancy, ("a", "b")) == () and read_by(dry_air, ("a", "potential_temperature")) == (1,)
    assert read_by(by_position, ("temperature", "dye")) == (0, 1) and read_by(by_name, ("temperature", "dye")) == (1,)
    found, expected = (after(("temperature", "dye"), on_numpy, fluid=Ocean(buoyancy=one))["v"] for one in (by_position, by_name))
    assert (found == expected).all() and np.abs(found).max() > 1.0e-4


def test_two_tracers_of_one_name_are_refused():
    for name in ("dye", "Dye"):
        refused(f"tracer_names[1]={name!r} is the name of another tracer, 'dye'", model, ("dye", name), fluid=shallow_water())


@pytest.mark.parametrize("name", ["", "a/b", ".hidden", "2nd", "warm water", "gr\u00fcn", "_x", "a-b", "x" * 201, 5, None, b"dye"])
def test_a_name_that_files_cannot_hold_is_refused(name):
    refused(f"tracer_names[0]={name!r} is no name for a variable", model, (name,), fluid=shallow_water())


def test_names_are_a_tuple():
    for names in ("dye", None, {"dye": 1.0}):
        refused("must be a tuple of names", model, names, fluid=shallow_water())


@pytest.mark.parametrize("name", [
    "eastward_velocity", "u", "surface", "step", "time", "time_bounds", "x", "longitude", "bound", "height", "cell_area", "x_face",
    "sea_surface_height", "surface_pressure", "speed", "Latitude", "air_pressure"])
def test_a_name_of_something_else_is_refused(name):
    refused(f"tracer_names[0]={name!r} is the name of another quantity", model, (name,), fluid=shallow_water())


def test_every_name_of_a_dataset_of_a_state_and_of_a_picture_is_taken():
    pytest.importorskip("xarray")
    sphere = latitude_longitude((2, 6, 8), interfaces=uniform(2, 0.0, 1.0e5))
    air = Model(sphere, Parameters(Atmosphere(), time_step=100.0, tracer_names=("potential_temperature",)), on_numpy)
    ocean = model(("temperature", "salinity"))
    for made, surface in ((ocean, 0.0), (air, 1.0e5)):
        tracers = (300.0,) * len(made.parameters.tracer_names)
        dataset = made.dataset(initial_state(made.grid, surface=surface, tracers=tracers))
        names = ({*dataset.variables, *dataset.dims, *variables(made)} - {*made.parameters.tracer_names})
        for other in (ocean, air):  # also of models of another kind
            assert names | {*DERIVED} | {*State._fields} <= taken_names(other)
