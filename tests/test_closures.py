"""A closure with fields of its own is one record: state, halos, restarts, output and checks follow from what it declares."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from conftest import create

from dycore import Model, State, cases, restart
from dycore.backends import on_numpy
from dycore.closures import Mixed
from dycore.equations.steppers import WickerSkamarock
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.grid import interior
from dycore.restart import Restarts, latest, read
from dycore.state import Prognostic
from dycore.stencils import square_root, stencil, where
from dycore.tiles import Place

CELLS, DT = (4, 12, 16), 600.0


@stencil
def older(k, j, i, grid, time_step, rate, age):
    """Age (s) below the uppermost level, where it is zero."""
    return where(k == grid.top - 1, 0.0, age[k, j, i] + time_step * rate)


class IdealAge(NamedTuple):
    """Time since water was at the surface, at a rate of 1 unless it is told otherwise."""

    rate: Any = 1.0
    prognostics = (Prognostic("ideal_age", Place.CENTER, "s", minimum=0.0, start=5.0),)

    def advance(self, on, equations, time_step, at, start):
        return (on(older, equations.grid, time_step, self.rate, start[0]),)


@stencil
def stirred(k, j, i, grid, time_step, values, u, energy):
    """Energy (m2/s2) at lower-r faces: from shear between the cells to the west and east, decaying."""
    shear = u[k, j, i + 1] - u[k - 1, j, i]
    made = energy[k, j, i - 1] + time_step * values.production * shear * shear
    return where(k > grid.floor[j, i], made / (1.0 + time_step * values.decay), 0.0)


@stencil
def viscous(k, j, i, values, energy):
    """Viscosity and diffusivity (m2/s)."""
    viscosity = values.length * square_root(energy[k, j, i])
    return viscosity, 0.5 * viscosity


class Energy(NamedTuple):
    """Vertical mixing by an energy that shear feeds, and that is handed on to the next cell for the sake of halos."""

    production: Any = 1e-3  # 1/s
    decay: Any = 1e-4  # 1/s
    length: Any = 0.1  # m
    prognostics = (Prognostic("mixing_energy", Place.LOWER_FACE, "m2 s-2", minimum=1e-8, start=1e-6),)

    def advance(self, on, equations, time_step, at, start):
        (energy,) = (on.at_least(on(stirred, equations.grid, time_step, self, at.u, start[0]), 1e-8),)
        return Mixed((energy,), *on(viscous, self, energy))


def closed(stepper=None, precision="float64"):
    grid, parameters, state = cases.baroclinic_channel(CELLS, precision, time_step=DT)
    parameters = replace(parameters, vertical_mixing=VerticalMixing(Energy()), closures=(IdealAge(),))
    return grid, replace(parameters, **({"stepper": stepper} if stepper else {})), state


def test_a_state_starts_with_what_is_declared_and_age_grows_with_time_but_at_the_surface():
    grid, parameters, state = closed()
    model = Model(grid, parameters, on_numpy)
    energy, age = (interior(field) for field in model.asarrays(state).closure)
    assert (energy == 1e-6).all() and (age == 5.0).all()
    energy, age = (interior(field) for field in model.steps(state, 3).closure)
    assert (age[-1] == 0.0).all() and (age[:-1] == 5.0 + 3.0 * DT).all()
    assert (energy >= 1e-8).all() and energy.max() > 1e-6  # raised to its minimum, fed by shear


def test_a_closure_of_vertical_mixing_mixes():
    grid, parameters, state = closed()
    mixed, plain = (Model(grid, each, on_numpy).steps(state, 3) for each in (parameters, replace(parameters, vertical_mixing=None)))
    assert np.abs(np.asarray(mixed.tracers[0]) - np.asarray(plain.tracers[0])).max() > 1e-7


@pytest.mark.parametrize("name, precision, tolerance, stepper", [
    ("numba", "float64", 1e-12, None), ("jax", "float32", 3e-4, WickerSkamarock())], ids=["numba", "jax in stages, single"])
def test_backends_agree_on_fields_of_closures(name, precision, tolerance, stepper):
    grid, parameters, state = closed(stepper, precision)
    ours, theirs = (Model(grid, parameters, backend).steps(state, 4).closure for backend in (on_numpy, create(name)))
    for one, other in zip(ours, theirs, strict=True):
        one, other = interior(np.asarray(one)), interior(np.asarray(other))
        assert one.dtype == other.dtype == precision
        assert np.abs(one - other).max() <= tolerance * np.abs(one).max()


@pytest.mark.parametrize("stepper", [None, WickerSkamarock()], ids=["AB3", "RK"])
def test_numbers_of_a_closure_are_arguments(stepper):
    grid, parameters, state = closed(stepper)
    model = Model(grid, parameters, on_numpy)
    quick = replace(parameters, closures=(IdealAge(rate=3.0),))
    again = model.with_parameters(quick).steps(state, 2)
    assert (interior(again.closure[1])[0] == 5.0 + 6.0 * DT).all()
    assert all((one == other).all() for one, other in zip(again.closure, Model(grid, quick, on_numpy).steps(state, 2).closure,
                                                          strict=True))


def test_fields_of_closures_go_through_restarts_and_output(tmp_path):
    grid, parameters, state = closed()
    model = Model(grid, parameters, on_numpy)
    through = model.run(state, steps=4, progress=False)
    model.run(state, steps=2, progress=False, restarts=Restarts(tmp_path, days=10.0))
    half = read(latest(tmp_path), model)
    again = model.run(half, steps=2, progress=False)
    assert all((interior(one) == interior(other)).all() for one, other in zip(through.closure, again.closure, strict=True))
    dataset = model.dataset(again)
    assert dataset["mixing_energy"].dims == ("height_face", "y", "x") and dataset["mixing_energy"].attrs["units"] == "m2 s-2"
    age = dataset["ideal_age"].values[:-1]
    assert (age[np.isfinite(age)] == 5.0 + 4.0 * DT).all()
    plain = Model(grid, replace(parameters, closures=()), on_numpy)
    with pytest.raises(ValueError, match=r"fields of closures is .*'ideal_age'.* there and .*'mixing_energy'.* in the model"):
        read(latest(tmp_path), plain)


def test_a_run_stops_at_a_field_of_a_closure_that_is_not_finite():
    grid, parameters, state = closed()
    with pytest.raises(FloatingPointError, match="ideal_age is no longer a finite number at step 1"):
        Model(grid, replace(parameters, closures=(IdealAge(rate=np.inf),)), on_numpy).run(state, steps=2, progress=False)


class Twice(NamedTuple):
    prognostics = (Prognostic("age", Place.CENTER, "s"), Prognostic("age", Place.CENTER, "s"))

    def advance(self, on, equations, time_step, at, start):
        return start


class Low(NamedTuple):
    prognostics = (Prognostic("energy", Place.CENTER, "m2 s-2", minimum=1.0),)

    def advance(self, on, equations, time_step, at, start):
        return start


class Taken(NamedTuple):
    prognostics = (Prognostic("cell_area", Place.CENTER, "s"),)

    def advance(self, on, equations, time_step, at, start):
        return start


@pytest.mark.parametrize("closure, sentence", [(Twice(), "one name twice"), (older, "must be records with `prognostics`"),
                                               (Low(), "less than its minimum of 1"), (Taken(), "cell_area")])
def test_a_closure_that_cannot_be_is_refused(closure, sentence):
    grid, parameters, state = closed()
    with pytest.raises(ValueError, match=sentence):
        Model(grid, replace(parameters, closures=(closure,), vertical_mixing=None), on_numpy).step(state)


def test_a_state_with_other_fields_is_refused():
    grid, parameters, state = closed()
    model = Model(grid, parameters, on_numpy)
    begun = model.asarrays(state)
    with pytest.raises(ValueError, match="has 1 fields of closures, but those of the parameters have 2: mixing_energy, ideal_age"):
        model.run(State(**begun._asdict() | {"closure": begun.closure[:1]}), steps=1, progress=False)


def aged(name, **others):
    """A model whose closure has a field of this name, and a state."""
    class Aged(NamedTuple):
        prognostics = (Prognostic(name, Place.CENTER, "s", start=5.0),)
        advance = IdealAge.advance
        rate: Any = 1.0

    grid, parameters, state = cases.baroclinic_channel((3, 6, 8), time_step=DT)
    return Model(grid, replace(parameters, closures=(Aged(),)), on_numpy), state


@pytest.mark.parametrize("name", ["interfaces", "file", "about", "allow_pickle", "args", "means", "cells", "step"])
def test_a_field_of_a_closure_comes_back_from_a_restart_whatever_its_name(tmp_path, name):
    if name == "step":
        with pytest.raises(ValueError, match=r"^The name 'step' of a field of a closure is the name of another quantity, 'step'"):
            aged(name)
        return
    model, state = aged(name)
    state = model.steps(state, 2)
    found = read(restart.write(tmp_path / "a.npz", model, state), model)
    age = interior(found.closure[0])
    assert np.array_equal(age, interior(state.closure[0])) and age.max() == 5.0 + 2 * DT
    assert np.array_equal(interior(found.u), interior(state.u))


@pytest.mark.parametrize("name", ["age", "interfaces"])
def test_fields_of_closures_are_read_from_restarts_of_earlier_versions_unless_they_lost_them(tmp_path, name):
    model, state = aged(name)
    path = restart.write(tmp_path / "a.npz", model, model.steps(state, 2))
    with np.load(path) as file:
        arrays = {found: file[found] for found in file.files}
    field = arrays.pop(f"closure {name}")
    np.savez(path, **({name: field} | arrays))  # as written then: what a model is came last
    if name == "age":
        assert interior(read(path, model).closure[0]).max() == 5.0 + 2 * DT
    else:
        with pytest.raises(ValueError, match="does not belong to this model: the field 'interfaces' of a closure is not in it"):
            read(path, model)


class Returning(NamedTuple):
    """A closure of one field that returns something of (on, equations, at, start)."""

    returned: Any
    prognostics = (Prognostic("ideal_age", Place.CENTER, "s"),)

    def advance(self, on, equations, time_step, at, start):
        return self.returned(equations, start)


@pytest.mark.parametrize("returned, sentence", [
    (lambda equations, start: None, "returns None, but it has 1. Return a tuple .* ideal_age"),
    (lambda equations, start: (), "returns 0 fields, but it has 1"),
    (lambda equations, start: start * 2, "returns 2 fields, but it has 1"),
    (lambda equations, start: start[0], "but it has 1"), (lambda equations, start: (1.0,), "returns 1.0 as ideal_age"),
    (lambda equations, start: (np.ones((4, 12, 16)),), r"returns an array of shape \(4, 12, 16\) as ideal_age"),
    (lambda equations, start: (equations.grid.floor,), r"returns a plane \[j, i\] as ideal_age"),
    (lambda equations, start: Mixed(start, start[0], start[0]), "Mixed is for a closure that is the scheme")])
def test_a_closure_that_returns_others_than_its_fields_is_named(returned, sentence):
    grid, parameters, state = closed()
    with pytest.raises(TypeError, match=f"The closure Returning .*{sentence}"):
        Model(grid, replace(parameters, closures=(Returning(returned),), vertical_mixing=None), on_numpy).step(state)


@pytest.mark.parametrize("returned, sentence", [
    (lambda equations, start: start, "As the scheme of vertical mixing return dycore.closures.Mixed"),
    (lambda equations, start: Mixed(start, 1e-3, start[0]), "returns 0.001 as viscosity"),
    (lambda equations, start: Mixed(None, start[0], start[0]), "returns None, but it has 1")])
def test_a_closure_of_vertical_mixing_that_does_not_return_it_is_named(returned, sentence):
    grid, parameters, state = closed()
    mixing = VerticalMixing(Returning(returned))
    with pytest.raises(TypeError, match=f"The closure Returning .*{sentence}"):
        Model(grid, replace(parameters, closures=(), vertical_mixing=mixing), on_numpy).step(state)
