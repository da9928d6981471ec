"""Steps with unresolved eddies keep content and constants, in any ocean, on all backends, with numbers that are arguments."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from conftest import content, create, sphere
from eddy_models import KAPPA, made, ocean, rough

from dycore import Model
from dycore.backends import on_numpy
from dycore.closures import Uniform, Visbeck
from dycore.equations.eddies import Eddies
from dycore.equations.steppers import WickerSkamarock
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.grid import interior
from dycore.stencils import stencil


@pytest.mark.parametrize("stepper", [None, WickerSkamarock()], ids=["AB3", "RK"])
@pytest.mark.parametrize("kind", ["partial cells", "sphere"])
def test_content_is_kept_and_a_constant_tracer_stays_constant(kind, stepper):
    mixing = VerticalMixing(values=Uniform(1e-3, 1e-4))
    grid, parameters, state = ocean(kind, stepper, vertical_mixing=mixing)
    model = Model(grid, parameters, on_numpy)
    after = model.steps(state, 6)
    plain = Model(grid, replace(parameters, eddies=None), on_numpy).steps(state, 6)
    assert np.abs(interior(after.tracers[0]) - interior(plain.tracers[0]))[grid.wet].max() > 1e-6  # they do act
    assert content(grid, after, 0) == pytest.approx(content(grid, state, 0), rel=1e-14)
    assert np.abs(interior(after.tracers[1])[grid.wet] - 35.0).max() < 1e-11  # round-off of 6 steps


def test_an_ocean_over_both_poles_keeps_content_and_a_constant():
    grid = sphere((3, 10, 16))
    random = np.random.default_rng(2)
    z = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])[:, None, None]
    model, state = made(grid, Eddies(KAPPA, Visbeck(), 3.0e-3), 10.0 + z / 400.0 + 0.3 * random.standard_normal(grid.cells),
                        time_step=60.0, substeps=1)
    after = model.steps(state, 4)
    assert content(grid, after, 0) == pytest.approx(content(grid, state, 0), rel=1e-13)
    assert np.abs(interior(after.tracers[1]) - 35.0).max() < 1e-11
    plain = Model(grid, replace(model.parameters, eddies=None), on_numpy).steps(state, 4)
    assert np.abs(interior(after.tracers[0]) - interior(plain.tracers[0])).max() > 1e-9  # they do act


def test_without_either_diffusivity_each_costs_and_changes_nothing_of_the_other():
    grid, temperature = rough("partial cells")
    model, state = made(grid, Eddies(neutral_diffusivity=0.0, transport_diffusivity=0.0), temperature)
    plain, _ = made(grid, None, temperature)
    after, before = model.steps(state, 3).tracers, plain.steps(state, 3).tracers
    assert all(np.abs(interior(one) - interior(other)).max() < 1e-13 for one, other in zip(after, before, strict=True))


def test_diffusivities_are_numbers_or_fields_and_new_from_call_to_call():
    grid, parameters, state = ocean("partial cells")
    model = Model(grid, parameters, on_numpy)
    fields = np.full(4, 300.0), np.full((5, 6), 300.0), np.full((4, 5, 6), 300.0), 300
    results = [Model(grid, replace(parameters, eddies=Eddies(each, each, 2e-3)), on_numpy).steps(state, 2) for each in fields]
    results.append(model.with_parameters(replace(parameters, eddies=Eddies(300.0, 300.0, 2e-3))).steps(state, 2))
    assert all((interior(result.tracers[0])[grid.wet] == interior(results[-1].tracers[0])[grid.wet]).all() for result in results)


@stencil
def of_values(k, j, i, profile, slopes):
    """A diffusivity (m2/s) that is a profile."""
    return profile[k] + 0.0 * slopes.u.taper[k, j, i]


class OfLevels(NamedTuple):
    """A diffusivity of a user's own."""

    profile: Any
    greatest: float

    def diffusivity(self, on, grid, layers, slopes):
        return on(of_values, self.profile, slopes)


def test_a_record_of_a_users_own_gives_a_diffusivity():
    grid, parameters, state = ocean("partial cells", salt=0.1)
    profile = np.array([0.0, 100.0, 300.0, 900.0])
    given, own = (Model(grid, replace(parameters, eddies=Eddies(each, each, 2e-3)), on_numpy).steps(state, 2)
                  for each in (profile, OfLevels(profile, 900.0)))
    assert all((interior(one) == interior(other))[grid.wet].all() for one, other in zip(given.tracers, own.tracers, strict=True))


def test_numba_has_the_bits_of_numpy():
    grid, parameters, state = ocean("partial cells", salt=0.1)
    plane = 500.0 + 300.0 * np.random.default_rng(5).random((5, 6))
    parameters = replace(parameters, eddies=Eddies(plane, Visbeck(1.0e5), 3.0e-3))
    ours, theirs = (Model(grid, parameters, backend).steps(state, 4) for backend in (on_numpy, create("numba")))
    for one, other in zip((*ours[:4], *ours.tracers), (*theirs[:4], *theirs.tracers), strict=True):
        assert (interior(one) == interior(np.asarray(other))).all()


def test_jax_agrees_and_its_gradient_is_finite_and_right():
    """By the state and numbers of the eddies, where some columns are of one density, without slopes and stratification."""
    jax_backend = create("jax")
    import jax

    grid, parameters, state = ocean("whole cells", salt=0.1)
    state.tracers[0][:, :, 3:6], state.tracers[1][:, :, 3:6] = 10.0, 35.0

    def loss_on(backend):
        model = Model(grid, replace(parameters, eddies=Eddies(KAPPA, Visbeck(2.0e5), 2.0e-3)), backend)
        begun = model.asarrays(state)

        def loss(temperature, neutral, alpha):
            own = model.with_parameters(replace(parameters, eddies=Eddies(neutral, Visbeck(2.0e5, alpha), 2.0e-3)))
            end = own.pure_step(begun._replace(tracers=(temperature, begun.tracers[1])))
            return ((end.tracers[0] - 8.0) ** 2).mean()

        return loss, (begun.tracers[0], KAPPA, 0.015)

    loss, values = loss_on(jax_backend)
    value, slopes = jax.jit(jax.value_and_grad(loss, (0, 1, 2)))(*values)
    slopes = [np.asarray(slope) for slope in slopes]
    assert all(np.isfinite(slope).all() and np.abs(slope).max() > 0.0 for slope in slopes)
    loss, (temperature, *numbers) = loss_on(on_numpy)
    assert float(value) == pytest.approx(loss(temperature, *numbers), rel=1e-13)
    more, less = (loss(temperature, KAPPA * (1.0 + change), 0.015) for change in (0.01, -0.01))
    assert float(slopes[1]) == pytest.approx((more - less) / (0.02 * KAPPA), rel=1e-4)
    pattern = 1e-3 * np.random.default_rng(7).standard_normal(temperature.shape)
    more, less = (loss(temperature + change * pattern, *numbers) for change in (1.0, -1.0))
    assert (slopes[0] * pattern).sum() == pytest.approx(0.5 * (more - less), rel=1e-3)  # some of what is level gets a slope
