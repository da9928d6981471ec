"""Coefficients are numbers, profiles, planes or volumes, and arguments of a compiled step: other values compile nothing anew."""

import dataclasses
import importlib
from typing import Any, NamedTuple

import numpy as np
import pytest
from conftest import channel, create, fields_of

from dycore import Model, Parameters, initial_state
from dycore.backends import on_numpy
from dycore.backends.compiled import building
from dycore.closures import PacanowskiPhilander, Uniform, pacanowski_philander, uniform
from dycore.equations.steppers import WickerSkamarock
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fields import Region, map_arguments
from dycore.fluid import Ocean
from dycore.forcing import Forcing
from dycore.parameters import Mixing
from dycore.stencils import constants_at, stencil

CELLS = (4, 7, 10)
EXTENT = {"number": (), "profile": (4,), "plane": (7, 10), "volume": (4, 7, 10)}


def parameters(diffusivity=50.0, divergence=80.0, vorticity=90.0, linear=1e-4, quadratic=1e-3, mixing=2e-4, expansion=2e-4,
               stress=0.1, scheme=uniform, values=None, **changes):
    return Parameters(
        Ocean(thermal_expansion=expansion), 600.0, substeps=12, tracer_names=("temperature", "salinity"), diffusivity=diffusivity,
        friction=Mixing(divergence, vorticity), surface_stress=(stress, 0.0),
        vertical_mixing=VerticalMixing(scheme, values or Uniform(mixing, mixing), linear, quadratic), **changes)


def start(grid, precision="float64"):
    random = np.random.default_rng(7)
    return initial_state(grid, surface=0.0, u=0.1 * random.standard_normal(CELLS), v=0.1 * random.standard_normal(CELLS),
                         tracers=(10.0 + random.standard_normal(CELLS), 35.0))


FIELDS = ("diffusivity", "divergence", "vorticity", "mixing", "expansion")
EVERYWHERE = {"diffusivity": 50.0, "divergence": 80.0, "vorticity": 90.0, "mixing": 2e-4, "expansion": 2e-4, "linear": 1e-4,
              "quadratic": 1e-3}


@pytest.mark.parametrize("name, extent", [(name, extent) for name in EVERYWHERE for extent in ("profile", "plane", "volume")
                                          if extent == "plane" or name in FIELDS])
def test_a_field_of_one_value_is_that_number(name, extent):
    grid = channel()
    state = start(grid)
    one = fields_of(Model(grid, parameters(), on_numpy).steps(state, 3))
    other = fields_of(Model(grid, parameters(**{name: np.full(EXTENT[extent], EVERYWHERE[name])}), on_numpy).steps(state, 3))
    assert all(np.abs(one[field] - other[field]).max() < 1e-13 * max(np.abs(one[field]).max(), 1e-3) for field in one)


def varied():
    """Every coefficient as a field of as many values as it may have."""
    random = np.random.default_rng(8)
    return {coefficient: EVERYWHERE[coefficient] * (1.0 + random.random(EXTENT[extent])) for coefficient, extent in (
        ("diffusivity", "volume"), ("divergence", "profile"), ("vorticity", "volume"), ("mixing", "profile"),
        ("expansion", "plane"), ("linear", "plane"), ("quadratic", "plane"))}


@pytest.mark.parametrize("name", ["numba", "jax"])
def test_backends_agree_on_fields_of_coefficients(name):
    grid = channel()
    ours, theirs = (fields_of(Model(grid, parameters(**varied()), backend).steps(start(grid), 3))
                    for backend in (on_numpy, create(name)))
    for field in ours:
        assert np.abs(ours[field] - theirs[field]).max() <= 1e-11 * max(np.abs(ours[field]).max(), 1e-3), field


def test_fields_of_coefficients_take_the_precision_of_the_model():
    """Under NumPy they have the effect that they have in double precision; under JAX the types are seen without compiling."""
    grid = channel(precision="float32")
    model = Model(grid, parameters(**varied()), on_numpy)
    double = fields_of(Model(channel(), model.parameters, on_numpy).steps(start(channel()), 3))
    for field, values in fields_of(model.steps(start(grid), 3)).items():
        assert values.dtype == np.float32, field
        assert np.abs(values - double[field]).max() <= 2e-3 * max(np.abs(double[field]).max(), 1e-3), field
    backend = create("jax")
    model = Model(grid, parameters(**varied()), backend)
    stepped = importlib.import_module("jax").eval_shape(model.pure_step, model.asarrays(start(grid)))
    assert all(array.dtype == np.float32 for array in (*stepped[:4], *stepped.tracers))


RICHARDSON = PacanowskiPhilander(diffusivity=1e-5 * np.arange(1.0, 5.0), alpha=np.linspace(3.0, 6.0, 70).reshape(CELLS[1:]),
                                 viscosity=np.linspace(1e-4, 2e-4, 280).reshape(CELLS))


@stencil
def mixed_by_shear(k, j, i, values, stability, shear):
    return pacanowski_philander(constants_at(k, j, i, values), stability[k, j, i], shear[k, j, i])


@pytest.mark.parametrize("name", ["numpy", "numba", "jax"])
def test_constants_of_a_scheme_that_are_fields_have_at_each_place_the_effect_of_its_number(name):
    backend, random = create(name), np.random.default_rng(9)
    cells = Region((0, 4), (0, 7), (0, 10), CELLS)
    stability, shear = (1e-5 * random.random(CELLS) for _ in range(2))
    found = backend.apply(mixed_by_shear, cells, *map_arguments(
        lambda leaf: backend.asarray(leaf) if np.ndim(leaf) else leaf, (RICHARDSON, stability, shear)))
    for k, j, i in ((0, 0, 0), (2, 3, 4), (3, 6, 9)):
        numbers = RICHARDSON._replace(diffusivity=RICHARDSON.diffusivity[k], alpha=RICHARDSON.alpha[j, i],
                                      viscosity=RICHARDSON.viscosity[k, j, i])
        expected = map(float, pacanowski_philander(numbers, stability[k, j, i], shear[k, j, i]))
        assert [float(np.asarray(each.array)[k, j, i]) for each in found] == pytest.approx(list(expected), rel=1e-14)


def test_fields_of_one_value_among_the_constants_of_a_scheme_are_that_number():
    grid = channel()

    def after(values):
        mixing = VerticalMixing(pacanowski_philander, values)
        return fields_of(Model(grid, dataclasses.replace(parameters(), vertical_mixing=mixing), on_numpy).steps(start(grid), 3))

    one, same, other = map(after, (PacanowskiPhilander(), PacanowskiPhilander(
        diffusivity=np.full(4, 1e-5), alpha=np.full(CELLS[1:], 5.0), viscosity=np.full(CELLS, 1e-4)), RICHARDSON))
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert not np.array_equal(one["tracer 0"], other["tracer 0"])


def test_tracers_are_diffused_where_there_is_a_diffusivity_and_nowhere_else():
    grid = channel(land=None, bottom=None)
    where = np.zeros(CELLS[1:])
    where[:, 6:] = 400.0
    state = start(grid)._replace()
    none, east = (Model(grid, parameters(diffusivity=each), on_numpy).step(state).tracers[0] for each in (0.0 * where, where))
    change = np.abs(np.asarray(east) - np.asarray(none))[2:-2, 3:-3, 3:-3].max(axis=(0, 1))
    assert (change[1:5] == 0.0).all() and (change[6:] > 1e-9).all()


@pytest.mark.parametrize("name, stepper", [("numpy", WickerSkamarock()), ("numba", None), ("jax", None)],
                         ids=["numpy in stages", "numba", "jax"])
def test_a_sweep_of_eight_values_compiles_once_and_gives_what_eight_models_give(name, stepper, monkeypatch):
    backend, grid = create(name), channel()
    changes = {"stepper": stepper} if stepper else {}
    changes |= varied()  # the program of the agreement above, which is compiled already
    model = Model(grid, parameters(**changes), backend)
    state = start(grid)
    model.steps(state, 2)
    built = dict(building._built)
    traced = model._steps._cache_size() if name == "jax" else 0
    found = []
    for n in range(8):
        changes["diffusivity"] = 50.0 + n * np.arange(280.0).reshape(CELLS)  # of one value at first
        other = parameters(**changes | {coefficient: changes[coefficient] * (1.0 + 0.1 * n) for coefficient in (
            "divergence", "linear", "expansion")}, stress=0.1 + 0.01 * n)
        changed = model.with_parameters(other)
        assert changed._steps is model._steps and changed.plan is model.plan
        found.append(fields_of(changed.steps(state, 2))["tracer 0"])
    assert building._built == built
    assert name != "jax" or model._steps._cache_size() == traced
    alone = fields_of(Model(grid, other, backend).steps(state, 2))["tracer 0"]
    assert np.array_equal(found[-1], alone) and not np.array_equal(found[0], found[-1])


def test_gradients_by_coefficients_are_those_of_finite_differences():
    jax = pytest.importorskip("jax")
    from test_gradients import QUICKLY_COMPILED

    grid, backend = channel(), create("jax")
    model, names = Model(grid, parameters(), backend), ("diffusivity", "vorticity", "quadratic", "expansion", "stress", "mixing")
    pattern = {"vorticity": np.linspace(0.5, 1.5, 70).reshape(CELLS[1:])}
    state = model.asarrays(start(grid))

    def outcome(values):
        run = model.with_parameters(parameters(**{name: value * pattern.get(name, 1.0)
                                                  for name, value in zip(names, values, strict=True)}))
        after, _ = jax.lax.scan(lambda now, _: (run.pure_step(now), None), state, length=2)
        return (after.u**2).sum() + (after.tracers[0] ** 2).sum() * 1e-3 + (after.surface**2).sum()

    values = [50.0, 90.0, 1e-3, 2e-4, 0.1, 2e-4]
    program = jax.jit(jax.value_and_grad(outcome)).lower(values).compile(compiler_options=QUICKLY_COMPILED)
    _, gradient = program(values)
    for number, (slope, value) in enumerate(zip(gradient, values, strict=True)):
        around = [program([each * (1.0 + step * (place == number)) for place, each in enumerate(values)])[0]
                  for step in (1e-4, -1e-4)]
        assert float(slope) == pytest.approx(float(around[0] - around[1]) / (2e-4 * value), rel=1e-3), names[number]


def test_members_of_an_ensemble_have_numbers_and_fields_of_their_own():
    jax = pytest.importorskip("jax")
    grid, backend = channel(), create("jax")
    model = Model(grid, parameters(), backend)
    state = model.asarrays(start(grid))
    drags = np.stack([np.full(CELLS[1:], 1e-4), np.linspace(0.0, 1e-3, 70).reshape(CELLS[1:])])

    def member(viscosity, drag):
        return model.with_parameters(parameters(vorticity=viscosity, linear=drag)).pure_step(state).u

    together = jax.jit(jax.vmap(member))(np.array([90.0, 300.0]), drags)
    for number, viscosity in enumerate((90.0, 300.0)):
        alone = Model(grid, parameters(vorticity=viscosity, linear=drags[number]), on_numpy).step(start(grid)).u
        assert np.abs(np.asarray(together[number]) - alone).max() < 1e-13


@pytest.mark.parametrize("changes, sentence", [
    ({"diffusivity": np.ones(5)}, r"diffusivity has shape \(5,\); the grid needs"),
    ({"vorticity": -np.ones((7, 10))}, "friction.vorticity is -1 somewhere. Give coefficients that are not negative"),
    ({"scheme": pacanowski_philander, "values": PacanowskiPhilander(alpha=np.ones(5))},
     r"vertical_mixing.values.alpha has shape \(5,\); the grid needs"),
    ({"scheme": pacanowski_philander, "values": PacanowskiPhilander(alpha=-np.ones(4))}, "vertical_mixing.values.alpha is -1 some"),
    ({"linear": np.ones(4)}, r"vertical_mixing.linear_drag has shape \(4,\)"),
    ({"mixing": np.full((7, 10), np.nan)}, "vertical_mixing.values.viscosity has values that are not finite numbers")])
def test_fields_that_do_not_fit_are_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        Model(channel(), parameters(**changes), on_numpy)


def test_a_number_that_was_given_whole_may_be_any_other_later_with_the_same_bits():
    grid = channel()

    def whole(number):
        return dataclasses.replace(parameters(diffusivity=number, divergence=number, linear=number * 0), time_step=600)

    model = Model(grid, whole(80), on_numpy)
    one, same = (fields_of(each.steps(start(grid), 2)) for each in (model, Model(grid, dataclasses.replace(
        parameters(diffusivity=80.0, divergence=80.0, linear=0.0), time_step=600.0), on_numpy)))
    assert all(np.array_equal(one[name], same[name]) for name in one)
    other = dataclasses.replace(parameters(diffusivity=62.5, divergence=91.5, linear=1e-4), time_step=450.5)
    changed, new = (fields_of(each.steps(start(grid), 2)) for each in (model.with_parameters(other), Model(grid, other, on_numpy)))
    assert all(np.array_equal(changed[name], new[name]) for name in new)


def test_with_parameters_refuses_another_model():
    model = Model(channel(), parameters(), on_numpy)
    with pytest.raises(ValueError, match=r"other numbers, but model.parameters.diffusivity would differ .* Make a new Model"):
        model.with_parameters(parameters(diffusivity=None))


@stencil
def warmed(k, j, i, grid, column, values, now):
    return values.rate[j, i]


class Warming(NamedTuple):
    rate: Any


def traced(of, values, made_with=None):
    """What `of` finds in the equations of a model on JAX of which one value is traced, after it was made with another."""
    jax = pytest.importorskip("jax")
    grid, whole = channel(), np.ones((7, 10)) if made_with is None else made_with

    def changed(values):
        return parameters(diffusivity=values, forcing=(Forcing(tracers=(warmed,), values=Warming(values)),), stress=0.0)

    model = Model(grid, changed(whole), create("jax"))
    return jax.jit(lambda values: of(model.with_parameters(changed(values)).equations))(values)


@pytest.mark.parametrize("shape", [(3,), (9,), (10, 7), (13, 16), (2, 7, 10)])
def test_a_traced_field_of_another_shape_is_refused_as_an_array_is(shape):
    sentences = []
    for refused in (lambda: traced(lambda equations: 0.0, np.ones(shape)),
                    lambda: Model(channel(), parameters(diffusivity=np.ones(shape)), on_numpy)):
        with pytest.raises(ValueError, match="diffusivity has shape") as error:
            refused()
        sentences.append(str(error.value))
    assert sentences[0] == sentences[1]


@pytest.mark.parametrize("values", [np.arange(10.0, dtype="f4")[None], np.arange(7)[:, None], np.arange(70.0).reshape(7, 10)])
def test_a_traced_row_or_column_stands_in_the_whole_plane_in_the_precision_of_the_model(values):
    for of in (lambda equations: equations.forcing[1].values.rate, lambda equations: equations.parameters.diffusivity):
        found = np.asarray(traced(of, values))
        assert found.dtype == np.float64
        assert np.array_equal(found[3:-3, 3:-3], np.broadcast_to(values, (7, 10)))
