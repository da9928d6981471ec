"""Turbulent kinetic energy: mixed layers as published, energy that is positive at any step, and what any closure can do now."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from conftest import channel, content, create, gone_on

from dycore import Model, cases, seawater
from dycore.backends import on_numpy
from dycore.closures import TurbulentKineticEnergy, Uniform
from dycore.equations import momentum
from dycore.equations.advection import centred
from dycore.equations.steppers import WickerSkamarock
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Ocean, shallow_water
from dycore.grid import interior, rectilinear
from dycore.parameters import Parameters
from dycore.physics import surface_flux
from dycore.state import Prognostic, initial_state
from dycore.stencils import stencil
from dycore.tiles import Boundary, Place
from dycore.time_series import TimeSeries
from dycore.validation.mixed_layers import deepening
from dycore.vertical import uniform

DT, LEAST, CLOSURE = 600.0, 1.0e-6, TurbulentKineticEnergy()
SIMPLE = {"substeps": 1, "advection": momentum.linear, "tracer_face": centred, "vertical_face": centred}  # soon compiled


@pytest.mark.parametrize("spacing", [0.5, 1.0, 2.5])
def test_a_wind_deepens_the_mixed_layer_as_kato_and_phillips_measured(numpy_backend, spacing):
    """1.05 u* sqrt(t / N) after 30 hours within 8 %, in steps of half an hour."""
    run = deepening(numpy_backend, spacing, 45.0, 1800.0, 30.0, 1e-4, friction_velocity=0.01)
    assert run.depths[-1] / (1.05 * 0.01 * np.sqrt(run.times[-1] / 0.01)) == pytest.approx(1.0, abs=0.08)
    assert run.times[-1] == 108000.0 and (np.diff(run.depths) >= 0.0).all()


def test_cooling_encroaches_on_the_stratification(numpy_backend):
    """sqrt(2 B t) / N after 48 hours to a fifth of a level, of one temperature, as without `unstable` it is not."""
    per_degree, runs = 9.81 * 2e-4, []
    for closure in (CLOSURE, TurbulentKineticEnergy(unstable=0.0)):
        run = deepening(numpy_backend, 5.0, 90.0, 1800.0, 48.0, 1e-5, buoyancy_loss=1e-7, closure=closure)
        before = 10.0 + 1e-5 / per_degree * run.heights
        assert 5.0 * (before - run.temperature).sum() == pytest.approx(1e-7 / per_degree * run.times[-1], rel=1e-10)
        runs.append(run)
    assert runs[0].depths[-1] == pytest.approx(np.sqrt(2e-7 * run.times[-1] / 1e-5), abs=1.0)
    differences = [run.temperature[-8] - run.temperature[-1] for run in runs]  # over 35 m of it, which had 0.18 in the beginning
    assert 0.0 < differences[0] < 0.002 and 0.08 < differences[1] < 0.15


def ocean(grid, closure=CLOSURE, **changes):
    """Parameters of an ocean under wind and cooling."""
    options = {"time_step": DT, "substeps": 24, "tracer_names": ("temperature", "salinity"), "surface_stress": (0.1, -0.05),
               "vertical_mixing": VerticalMixing(closure, quadratic_drag=2e-3), "forcing": (surface_flux(0, -1e-4),)}
    return Parameters(Ocean(), **(options | changes))


def over_a_rough_floor(precision="float64", **changes):
    """The channel of these tests over partial cells, warmest on top but for noise that overturns some of it."""
    grid = channel(bottom=-4000.0 + 3000.0 * np.random.default_rng(3).random((7, 10)), partial_cells=0.2, precision=precision)
    depth = np.linspace(4.0, 8.0, grid.cells[0])[:, None, None] + np.random.default_rng(4).standard_normal(grid.cells)
    return grid, ocean(grid, **changes), initial_state(grid, surface=0.0, tracers=(depth, np.full(grid.cells, 35.0)))


@pytest.mark.parametrize("stepper", [None, WickerSkamarock()], ids=["AB3", "RK"])
def test_a_constant_tracer_stays_constant_and_content_is_kept_over_a_rough_floor(numpy_backend, stepper):
    grid, parameters, state = over_a_rough_floor(forcing=(), **({"stepper": stepper} if stepper else {}))
    after = Model(grid, parameters, numpy_backend).steps(state, 20)
    assert np.abs(interior(after.tracers[0]) - interior(state.tracers[0])).max() > 0.1
    assert np.abs(interior(after.tracers[1])[grid.wet] - 35.0).max() < 1e-11
    assert content(grid, after, 0) == pytest.approx(content(grid, state, 0), rel=1e-13)
    energy = interior(after.closure[0])
    assert energy.dtype == np.float64 and (energy >= LEAST).all() and energy[1:].max() > 10.0 * LEAST
    assert (energy[np.arange(4)[:, None, None] <= interior(grid.metrics.floor) - 2] == LEAST).all()  # on the sea floor and below


def column(levels, depth, u=0.0, temperature=10.0, energy=LEAST, closure=CLOSURE, time_step=DT, **changes):
    """A model of one wide column without wind, and a state."""
    grid = rectilinear((levels, 1, 1), extent=(1e9, 1e9), interfaces=uniform(levels, -depth, 0.0), y_boundary=Boundary.PERIODIC)
    parameters = Parameters(Ocean(), time_step=time_step, tracer_names=("temperature", "salinity"),
                            vertical_mixing=VerticalMixing(closure))
    model = Model(grid, replace(parameters, **changes), on_numpy)
    state = model.asarrays(initial_state(grid, surface=0.0, u=u, tracers=(temperature, 35.0)))
    begun = np.array(state.closure[0])
    begun[2:-2] = np.broadcast_to(np.reshape(energy, (-1, 1, 1)), begun[2:-2].shape)
    return model, state._replace(closure=(begun,))


@pytest.mark.parametrize("time_step", [1.0, 1e3, 1e6])
def test_energy_is_positive_and_bounded_at_any_step(time_step):
    """Strong turbulence, shear that turns about and both kinds of stratification, in steps of a second to twelve days."""
    random = np.random.default_rng(7)
    model, state = column(12, 60.0, 2.0 * random.standard_normal(12), 10.0 + random.standard_normal(12),
                          10.0 ** random.uniform(-6.0, 1.0, 12), time_step=time_step, surface_stress=(0.3, 0.0))
    mean = 0.5 * interior(state.u) ** 2
    for _ in range(5):
        state = model.step(state)
        energy = interior(state.closure[0])
        assert np.isfinite(energy).all() and (energy >= LEAST).all() and energy.max() < 10.0 + mean.sum()


def test_energy_gains_what_the_mean_flow_loses_in_the_implicit_solve():
    """Without stratification, dissipation and diffusion of energy: to round-off, in a step in which shear is mixed away."""
    closure = TurbulentKineticEnergy(c_eps=1e-30, alpha=0.0, viscosity=0.0)
    random = np.random.default_rng(2)
    model, state = column(10, 50.0, np.sort(random.standard_normal(10)), energy=10.0 ** random.uniform(-3.0, -1.0, 10),
                          closure=closure, time_step=200.0)
    after = model.step(state)
    lost = 0.5 * (interior(state.u) ** 2 - interior(after.u) ** 2).sum()
    gained = (interior(after.closure[0]) - interior(state.closure[0]))[1:]
    assert lost > 1.0 and gained.min() > 0.0 and gained.sum() == pytest.approx(lost, rel=1e-12)


def test_the_energy_of_the_surface_is_that_of_the_stress_also_beside_land():
    """Of energy that mixes at once there is that of the surface everywhere: 3.75 |stress| / density."""
    grid, _, state = over_a_rough_floor()
    stress = np.hypot(0.1, 0.05)
    after = Model(grid, ocean(grid, TurbulentKineticEnergy(alpha=1e12), forcing=()), on_numpy).step(state)
    energy = interior(after.closure[0])
    inside = np.arange(4)[:, None, None] > interior(grid.metrics.floor) - 2
    deep = inside & (interior(grid.metrics.floor) < 5)
    assert deep.any() and np.allclose(energy[deep], 3.75 * stress / 1025.0, rtol=1e-3)


def test_a_wind_that_is_a_time_series_feeds_energy_as_one_that_is_constant():
    grid, _, state = over_a_rough_floor()
    series = TimeSeries(np.array([0.0, 1e6]), np.array([0.1, 0.1])[:, None, None] + np.zeros(grid.cells[1:]))
    ones, others = (Model(grid, ocean(grid, surface_stress=stress), on_numpy).steps(state, 2).closure[0]
                    for stress in ((0.1, 0.0), (series, 0.0)))
    assert np.allclose(interior(ones), interior(others), rtol=1e-12) and interior(ones).max() > 1e-5


def test_the_closure_mixes_under_the_equation_of_state_of_teos_10():
    """Warm water under cold is mixed at once, cold under warm only by the background."""
    results = []
    for temperature in (np.linspace(4.0, 12.0, 8), np.linspace(12.0, 4.0, 8)):
        model, state = column(8, 400.0, temperature=temperature, fluid=Ocean(buoyancy=seawater.teos10), time_step=3600.0)
        results.append(np.ptp(interior(model.steps(state, 24).tracers[0])))
    assert results[0] > 7.9 and results[1] < 0.6


def test_numbers_of_the_closure_are_arguments():
    grid, parameters, state = over_a_rough_floor()
    other = ocean(grid, TurbulentKineticEnergy(c_k=0.2, least_energy=1e-5))
    models = Model(grid, parameters, on_numpy).with_parameters(other), Model(grid, other, on_numpy)
    again, anew = (model.steps(state, 2) for model in models)
    assert np.array_equal(again.closure[0], anew.closure[0]) and interior(again.closure[0]).min() == 1e-5


def test_a_restart_goes_on_to_the_bit_and_output_has_the_energy(tmp_path):
    grid, parameters, state = over_a_rough_floor()
    model = Model(grid, parameters, on_numpy)
    again = gone_on(model, state, tmp_path)
    energy = model.dataset(again)["turbulent_kinetic_energy"]
    assert energy.attrs["units"] == "m2 s-2" and energy.dims == ("height_face", "y", "x")


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_under_jax_steps_are_those_of_numpy_and_their_gradient_is_finite_from_rest(precision):
    """Three steps, by the state, energy among it, and by all numbers of the closure; in the precision of the model. The gradient
    is that in single precision: in double precision tests/test_gradients.py has one."""
    jax = pytest.importorskip("jax")
    from test_gradients import QUICKLY_COMPILED

    grid = rectilinear((4, 1, 2), extent=(1e6, 5e5), interfaces=uniform(4, -40.0, 0.0), y_boundary=Boundary.PERIODIC,
                       precision=precision)
    parameters = ocean(grid, **SIMPLE)
    model = Model(grid, parameters, create("jax"))
    start = model.asarrays(initial_state(grid, surface=0.0, tracers=(np.array([9.0, 10.0, 10.0, 9.9]), 35.0)))

    def loss(fields, numbers):
        changed = replace(parameters, vertical_mixing=VerticalMixing(TurbulentKineticEnergy(*numbers), quadratic_drag=2e-3))
        state, own = start._replace(u=fields[0], tracers=fields[1], closure=fields[2]), model.with_parameters(changed)
        state, _ = jax.lax.scan(lambda now, _: (own.pure_step(now), None), state, length=3)
        return total(state)

    def total(state):
        energy, u, temperature = (interior(field) for field in (state.closure[0], state.u, state.tracers[0]))
        return 1e5 * (energy**2).sum() + (u**2).sum() + 0.1 * (temperature[1:] - temperature[:-1]).var()

    given = (start.u, start.tracers, start.closure), tuple(np.asarray(number, precision) for number in TurbulentKineticEnergy())
    function = jax.value_and_grad(loss, (0, 1)) if precision == "float32" else lambda *given: (loss(*given), ())
    program = jax.jit(function).lower(*given).compile(compiler_options=QUICKLY_COMPILED)
    value, slopes = program(*given)
    expected = total(Model(grid, parameters, on_numpy).steps(jax.tree.map(np.asarray, start), 3))
    # round-off; in single precision it says which of levels that were mixed are unstable
    assert float(value) == pytest.approx(float(expected), rel=1e-10 if precision == "float64" else 1e-2)
    if precision == "float64":
        return
    slopes = jax.tree.leaves(slopes)
    assert all(np.isfinite(slope).all() and slope.dtype == precision for slope in slopes)
    assert all(np.abs(slope).max() > 0.0 for slope in (slopes[0], slopes[1], slopes[3], slopes[4]))  # u, temperature, energy, c_k


@pytest.mark.parametrize("changes, sentence", [
    ({"c_k": 0.0}, "vertical_mixing.scheme.c_k=0.0 must be a positive number"), ({"c_eps": np.nan}, "c_eps=nan must be a positive"),
    ({"alpha": -1.0}, "alpha=-1.0 must be a number not below zero"), ({"viscosity": "thick"}, "viscosity='thick' must be"),
    ({"least_energy": 0.0}, "least_energy=0.0 must be a positive"), ({"surface_factor": np.inf}, "surface_factor=inf must be"),
    ({"least_prandtl": 20.0}, "least_prandtl=20 is more than largest_prandtl=10")])
def test_numbers_that_make_no_sense_are_refused(changes, sentence):
    grid = channel()
    with pytest.raises(ValueError, match=sentence):
        Model(grid, ocean(grid, TurbulentKineticEnergy(**changes)), on_numpy)


def test_an_atmosphere_and_misplaced_records_are_refused():
    grid, parameters, _ = cases.held_suarez((3, 6, 8))
    with pytest.raises(ValueError, match="TurbulentKineticEnergy is a closure of an ocean: its lengths are in metres"):
        Model(grid, replace(parameters, vertical_mixing=VerticalMixing(TurbulentKineticEnergy())), on_numpy)
    grid = channel()
    with pytest.raises(ValueError, match="closures must be records"):
        Model(grid, ocean(grid, TurbulentKineticEnergy), on_numpy)
    with pytest.raises(TypeError, match="Mixed is for a closure that is the scheme of vertical mixing"):
        Model(grid, ocean(grid, vertical_mixing=None, closures=(TurbulentKineticEnergy(),)), on_numpy)


@stencil
def accelerated(k, j, i, time_step, before, after):
    """Acceleration at west faces (m/s2), of the level below too, which a closure may read."""
    return (after[k, j, i] - before[k, j, i]) / time_step + 0.0 * after[k - 1, j, i]


class Acceleration(NamedTuple):
    """The acceleration of a step, known when it ends; `advance` hands on a number."""

    prognostics = (Prognostic("acceleration", Place.WEST_FACE, "m s-2"),)
    wrong: Any = None

    def advance(self, on, equations, time_step, at, start):
        return 2.0 * time_step

    def complete(self, on, equations, time_step, result, before, after):
        return self.wrong or (on(accelerated, 0.5 * result, before.u, after.u),)


@pytest.mark.parametrize("stepper", [None, WickerSkamarock()], ids=["AB3", "RK"])
def test_any_closure_may_see_the_flow_before_and_after_a_step(stepper):
    grid, parameters, state = cases.baroclinic_channel((3, 6, 8), time_step=DT)
    parameters = replace(parameters, closures=(Acceleration(),), vertical_mixing=VerticalMixing(values=Uniform(1e-3, 1e-4)),
                         **({"stepper": stepper} if stepper else {}))
    before = Model(grid, parameters, on_numpy).steps(state, 2)
    after = Model(grid, parameters, on_numpy).steps(before, 1)
    change = interior(after.u) - interior(before.u)
    assert np.abs(change).max() > 1e-6 and np.allclose(interior(after.closure[0]) * DT, change, rtol=1e-12, atol=1e-18)


def test_a_closure_that_completes_with_others_than_its_fields_is_named():
    grid, parameters, _ = cases.baroclinic_channel((3, 6, 8), time_step=DT)
    with pytest.raises(TypeError, match=r"The closure Acceleration returns 2 fields, but it has 1. .*acceleration"):
        Model(grid, replace(parameters, closures=(Acceleration(wrong=(1, 2)),)), on_numpy)


def test_a_fluid_of_one_density_has_the_closure_too():
    model, state = column(6, 30.0, np.linspace(0.0, 1.0, 6), fluid=shallow_water(), tracer_names=("dye", "salt"))
    assert interior(model.steps(state, 3).closure[0])[1:].min() > LEAST
