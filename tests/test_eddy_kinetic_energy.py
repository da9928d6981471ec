"""The energy of eddies: it decays and balances as in closed form, has what the bolus flow releases, and is positive at any step."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import channel, computed, create, filled, gone_on
from eddy_models import EXPANSION, bolus_transports, front, made, ocean, of_eddies, rough

from dycore import Model
from dycore.assembly.values import joined
from dycore.backends import by_name, on_numpy
from dycore.closures import EddyKineticEnergy, TurbulentKineticEnergy, Uniform, Visbeck
from dycore.equations import friction, momentum, operators
from dycore.equations.advection import centred
from dycore.equations.dissipation import dissipated
from dycore.equations.eddies import Eddies
from dycore.equations.steppers import WickerSkamarock
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.forcing import Instant
from dycore.grid import interior, rectilinear
from dycore.parameters import Mixing
from dycore.state import initial_state
from dycore.tiles import Boundary, Place
from dycore.vertical import uniform

LEAST, LENGTH = 1.0e-6, 3.0e4
SIMPLE = {"substeps": 1, "advection": momentum.linear, "tracer_face": centred, "vertical_face": centred}  # soon compiled
FIXED = {"least_length": LENGTH, "crossing": 1.0e-9, "greatest": 1.0e5, "least_mixing": 0.0, "friction": 0.0}  # one length


def energetic(model, state, energy):
    """The state with an energy of eddies of these values in its cells."""
    return state._replace(closure=(filled(model.grid, Place.CENTER, np.broadcast_to(energy, model.grid.cells)),))


def model_of(grid, temperature, energy=None, neutral=None, **constants):
    """A model whose transport by eddies has an energy with these constants, and a state with that energy."""
    record = EddyKineticEnergy(**constants)
    model, state = made(grid, Eddies(record if neutral else None, record, 5.0e-3), temperature, time_step=100.0)
    return model, state if energy is None else energetic(model, state, energy)


def level(cells=(4, 5, 6), **options):
    """A grid of whole cells, and a temperature that is level."""
    grid = rectilinear(cells, extent=(6.0e5, 5.0e5), interfaces=uniform(cells[0], -1000.0, 0.0), **options)
    return grid, np.broadcast_to(np.linspace(5.0, 12.0, cells[0])[:, None, None], cells)


def test_a_uniform_energy_without_a_source_decays_as_in_closed_form():
    """e0 / (1 + c_eps sqrt(e0) t / (2 L))^2, to first order in the step; a step is the implicit one to round-off."""
    grid, temperature = level()
    model, state = model_of(grid, temperature, 0.01, **FIXED)
    rate = 0.5 * np.sqrt(0.01) / LENGTH
    after = model.step(state)
    assert interior(after.closure[0]) == pytest.approx(0.01 / (1.0 + 100.0 * rate), rel=1e-13)
    longer = Model(grid, replace(model.parameters, time_step=2000.0, eddies=Eddies(transport_diffusivity=EddyKineticEnergy(
        **FIXED | {"greatest": 1e4}))), on_numpy)
    after = longer.steps(state, 100)
    assert interior(after.closure[0]) == pytest.approx(0.01 / (1.0 + 0.5 * rate * 2.0e5) ** 2, rel=2e-3)
    assert rate * 2.0e5 > 0.3


def diffusivity_and_released(on, equations, layers, eddies):
    """What the eddies of an instant transport with (m2/s), and the energy that they release (m2/s3)."""
    return eddies.transport_diffusivity, on.store(eddies.released)


@pytest.mark.parametrize("kind", ["slice", "partial cells", "sphere"])
def test_the_energy_gains_what_the_bolus_flow_releases_to_the_last_digit(kind):
    """-sum b dz W of the bolus flow, with centred faces; and what a step without dissipation adds to the energy."""
    grid, temperature = front()[:2] if kind == "slice" else rough(kind)
    energy = 10.0 ** np.random.default_rng(1).uniform(-5.0, -1.0, grid.cells)
    model, state = model_of(grid, temperature, energy, neutral=True, **FIXED | {"greatest": 2000.0, "c_eps": 1e-30})
    *_, w = bolus_transports(model, state)
    (rate,) = of_eddies(model, state, lambda on, equations, layers, eddies: on.store(eddies.released))
    z = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])
    b = EXPANSION * (temperature - 10.0)
    released = (w[1:] * interior(grid.metrics.area) * 0.5 * (b[1:] + b[:-1]) * np.diff(z)[:, None, None]).sum()
    assert (rate * grid.volume).sum() == pytest.approx(released, rel=1e-11) and abs(released) > 0.0
    gain = (interior(model.step(state).closure[0]) - energy) * grid.volume
    if kind == "slice":
        assert released > 0.0 and gain.sum() == pytest.approx(100.0 * released, rel=1e-8)


def test_a_uniform_slope_balances_dissipation_at_the_diffusivity_in_closed_form():
    """K = c_k L2 sqrt(c_k / c_eps) |S| N, of which no step changes anything away from walls, surface and floor."""
    grid = rectilinear((8, 1, 30), extent=(6.0e5, 2.0e4), interfaces=uniform(8, -1000.0, 0.0), x_boundary=Boundary.WALL,
                       y_boundary=Boundary.PERIODIC)
    z, n2, slope = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])[:, None, None], 1.0e-5, 1.0e-3
    temperature = 10.0 + (n2 * z - n2 * slope * (grid.x - 3.0e5)) / EXPANSION
    energy = 0.4 / 0.5 * (LENGTH * slope) ** 2 * n2
    model, state = model_of(grid, temperature, energy, **FIXED)
    kappa, _ = of_eddies(model, state, diffusivity_and_released)
    assert kappa == pytest.approx(0.4 * LENGTH**2 * np.sqrt(0.4 / 0.5) * slope * np.sqrt(n2), rel=1e-9)
    after = interior(model.step(state).closure[0])
    assert after[1:-1, :, 2:-2] == pytest.approx(energy, rel=1e-9)
    assert (after[[0, -1], :, 2:-2] < 0.99999 * energy).all()  # of half a level, which has no triads, comes nothing


def test_the_length_is_the_smaller_of_deformation_radius_and_rhines_scale():
    for coriolis, beta, energy in ((1e-4, 0.0, 0.01), (1e-4, 2e-11, 1e-4), (0.0, 2e-11, 0.5), (0.0, 0.0, 0.01)):
        grid, temperature = level((10, 4, 4), coriolis=coriolis, beta=beta)
        model, state = model_of(grid, temperature, energy, greatest=5e5)
        n = np.sqrt(EXPANSION * 7.0 / 900.0)
        speed, f = n * 900.0 / np.pi, np.abs(coriolis + beta * (grid.y - grid.y.mean()))[:, None]
        with np.errstate(divide="ignore"):
            radius = np.minimum(speed / f, np.sqrt(0.5 * speed / np.float64(beta)))
            length = np.minimum(2.0 * radius, np.sqrt(np.sqrt(energy) / np.float64(beta)))
        kappa, _ = of_eddies(model, state, diffusivity_and_released)
        assert kappa == pytest.approx(np.broadcast_to(np.minimum(0.4 * length * np.sqrt(energy), 5e5), grid.cells), rel=1e-6)


@pytest.mark.parametrize("kind", ["whole cells", "partial cells", "sphere"])
def test_friction_gives_to_eddies_what_it_takes_from_the_flow(kind):
    grid, temperature = rough(kind)
    model, state = made(grid, None, temperature, friction=Mixing(2.0e3, 5.0e3))
    random = np.random.default_rng(3)
    state = model.asarrays(initial_state(grid, surface=0.0, tracers=(temperature, 35.0), u=random.standard_normal(grid.cells),
                                         v=random.standard_normal(grid.cells)))

    def rates(on, numbers, u, v):
        equations = joined(model.choices, numbers)
        at = Instant(u, v, None, None, ())
        force = friction.force(on, equations, on(operators.vorticity, equations.grid, u, v), at)
        return *on.store(force), on.store(dissipated(equations, at))

    force_u, force_v, rate = computed(model.backend, grid, rates, model.numbers, state.u, state.v)
    of_u, of_v = (grid.open_thickness(getattr(grid.metrics, f"floor_{face}"), getattr(grid.metrics, f"fraction_{face}"))
                  * interior(getattr(grid.metrics, f"area_{face}")) for face in "uv")
    lost = -(interior(state.u) * force_u * of_u).sum() - (interior(state.v) * force_v * of_v).sum()
    assert (rate >= 0.0).all() and (rate * grid.volume).sum() == pytest.approx(lost, rel=1e-12)


@pytest.mark.parametrize("stepper", [None, WickerSkamarock()], ids=["AB3", "RK"])
@pytest.mark.parametrize("time_step", [1.0, 2000.0])
def test_energy_is_positive_whatever_the_step(stepper, time_step):
    """Under wind, friction, turbulence and slopes of both signs that are noise, from energies of seven powers of ten."""
    record = EddyKineticEnergy(greatest=2000.0)
    grid, parameters, state = ocean("partial cells", stepper, eddies=Eddies(record, record, 2e-3), time_step=time_step,
                                    friction=Mixing(1e4, 1e4), vertical_mixing=VerticalMixing(TurbulentKineticEnergy()))
    model = Model(grid, parameters, on_numpy)
    begun = model.asarrays(state)
    begun = begun._replace(closure=(begun.closure[0], *energetic(model, begun._replace(closure=begun.closure[1:]), 10.0 ** (
        np.random.default_rng(2).uniform(-6.0, 1.0, grid.cells))).closure))
    for _ in range(4):
        begun = model.step(begun)
        energy = interior(begun.closure[1])
        assert np.isfinite(energy).all() and (energy >= LEAST).all() and energy.max() < 12.0
    assert energy[grid.wet].max() > 1e-3


def test_energy_spreads_along_and_across_the_levels_and_none_is_lost():
    grid, temperature = level((4, 5, 6), land=np.arange(6) == np.full((5, 1), 2))
    energy = np.full(grid.cells, 1e-3)
    energy[1, 2, 4] = 0.5
    record = EddyKineticEnergy(**FIXED | {"c_eps": 1e-30, "greatest": 3000.0})
    mixing = VerticalMixing(values=Uniform(1e-2, 0.0))
    model, state = made(grid, Eddies(None, record), temperature, vertical_mixing=mixing)
    after = interior(model.steps(energetic(model, state, energy), 3).closure[0])
    assert (after * grid.volume).sum() == pytest.approx((energy * grid.volume).sum(), rel=1e-12)
    assert after[1, 2, 4] < 0.4995 and (after[[0, 2], 2, 4] > 1.001e-3).all() and (after[1, [1, 3], 4] > 1.1e-3).all()
    assert after[:, :, 1] == pytest.approx(1e-3, rel=1e-12)  # behind the wall


def small(**changes):
    """(grid, parameters, state) of a small ocean with energy of eddies, turbulence, wind and friction."""
    record = EddyKineticEnergy(greatest=1500.0)
    options = {"salt": 0.1, "eddies": Eddies(record, record, 2e-3), "friction": Mixing(1e4, 1e4),
               "vertical_mixing": VerticalMixing(TurbulentKineticEnergy())} | changes
    return ocean("partial cells", **options)


def test_numba_and_its_kernels_under_jax_have_the_bits_of_numpy():
    """With turbulence, which gains what eddies lose, in one program."""
    mixing = VerticalMixing(TurbulentKineticEnergy(), quadratic_drag=2e-3)
    grid, parameters, state = small(vertical_mixing=mixing, time_step=200.0, **SIMPLE)
    random = np.random.default_rng(2)
    energies = [filled(grid, place, 10.0 ** random.uniform(-6.0, -3.0, grid.cells)) for place in (Place.LOWER_FACE, Place.CENTER)]
    state = Model(grid, parameters, on_numpy).asarrays(state)._replace(closure=tuple(energies))
    ours, *others = (Model(grid, parameters, backend).steps(state, 3)
                     for backend in (on_numpy, create("numba"), by_name.create("jax-native")))
    assert all(np.ptp(interior(energy)[grid.wet]) > 100.0 * LEAST for energy in ours.closure)
    for theirs in others:
        fields = ((*each[:4], *each.tracers, *each.closure) for each in (ours, theirs))
        assert all(np.array_equal(interior(one), interior(np.asarray(other))) for one, other in zip(*fields, strict=True))


def test_under_jax_steps_are_those_of_numpy_and_their_gradient_is_finite_and_right():
    jax_backend = create("jax")
    import jax
    from test_gradients import QUICKLY_COMPILED

    grid, temperature = rough("whole cells")
    record = EddyKineticEnergy(greatest=1500.0)
    eddies = Eddies(record, record, 2e-3)

    def loss_on(backend):
        first, state = made(grid, eddies, temperature)
        model = Model(grid, first.parameters, backend)
        begun = model.asarrays(energetic(first, state, 10.0 ** np.random.default_rng(1).uniform(-5.0, -2.0, grid.cells)))

        def loss(temperature, energy, numbers):
            record = EddyKineticEnergy(*numbers)
            own = model.with_parameters(replace(model.parameters, eddies=Eddies(record, record, 2e-3)))
            end = own.pure_step(begun._replace(tracers=(temperature, begun.tracers[1]), closure=(energy,)))
            return ((end.tracers[0] - 8.0) ** 2).mean() + 1e4 * (interior(end.closure[0]) ** 2).mean()

        return loss, (begun.tracers[0], begun.closure[0], tuple(map(float, record)))

    loss, values = loss_on(jax_backend)
    program = jax.jit(jax.value_and_grad(loss, (0, 1, 2))).lower(*values).compile(compiler_options=QUICKLY_COMPILED)
    value, slopes = program(*values)
    assert all(np.isfinite(np.asarray(slope)).all() for slope in jax.tree.leaves(slopes))
    loss, (temperature, energy, numbers) = loss_on(on_numpy)
    assert float(value) == pytest.approx(loss(temperature, energy, numbers), rel=1e-12)
    more, less = (loss(temperature, energy, (0.4 * (1.0 + change), *numbers[1:])) for change in (1e-3, -1e-3))
    assert float(slopes[2][0]) == pytest.approx((more - less) / 8e-4, rel=1e-4)
    more, less = (loss(temperature, energy * (1.0 + change), numbers) for change in (1e-4, -1e-4))
    assert (np.asarray(slopes[1]) * energy).sum() == pytest.approx((more - less) / 2e-4, rel=1e-4)


def test_a_restart_goes_on_to_the_bit_and_output_has_the_energy(tmp_path):
    grid, parameters, state = small()
    model = Model(grid, parameters, on_numpy)
    again = gone_on(model, state, tmp_path)
    energy = model.dataset(again)["eddy_kinetic_energy"]
    assert energy.attrs["units"] == "m2 s-2" and energy.dims == ("height", "y", "x")
    assert np.isfinite(energy.values).any() and np.nanmin(energy.values) >= LEAST


def test_numbers_are_arguments_and_a_neutral_diffusivity_may_be_another():
    grid, parameters, state = small()
    other = EddyKineticEnergy(c_k=0.8, greatest=1200.0, friction=0.0)
    changed = replace(parameters, eddies=Eddies(other, other, 2e-3))
    again, anew = (model.steps(state, 2) for model in (Model(grid, parameters, on_numpy).with_parameters(changed),
                                                      Model(grid, changed, on_numpy)))
    assert np.array_equal(again.closure[1], anew.closure[1])
    back = Model(grid, changed, on_numpy).with_parameters(parameters).steps(state, 2)
    assert np.array_equal(back.closure[1], Model(grid, parameters, on_numpy).steps(state, 2).closure[1])
    for neutral in (300, Visbeck(greatest=1000.0), np.full(4, 300.0), None):
        after = Model(grid, replace(parameters, eddies=Eddies(neutral, other, 2e-3)), on_numpy).steps(state, 1)
        assert np.isfinite(interior(after.tracers[0])).all() and len(after.closure) == 2


GOOD = EddyKineticEnergy(greatest=500.0, least_mixing=100.0)


@pytest.mark.parametrize("eddies, sentence", [
    (Eddies(None, EddyKineticEnergy(c_k=0.0)), "eddies.transport_diffusivity.c_k=0.0 must be a positive number"),
    (Eddies(None, EddyKineticEnergy(c_eps=-1.0)), "eddies.transport_diffusivity.c_eps=-1.0 must be a number not below zero"),
    (Eddies(None, EddyKineticEnergy(least_length=np.nan)), "least_length=nan must be a positive"),
    (Eddies(None, EddyKineticEnergy(greatest="much")), "greatest='much' must be a positive"),
    (Eddies(None, EddyKineticEnergy(alpha=np.ones(3))), "alpha=.* must be a number"),
    (Eddies(None, EddyKineticEnergy(greatest=100.0)), "least_mixing=250 m2/s is more than its greatest=100"),
    (Eddies(None, EddyKineticEnergy(greatest=1e7)), "with transport_diffusivity=1e.07 m2/s|allows at most"),
    (Eddies(GOOD, None), "has fields of its own, those of the transport, but transport_diffusivity=None"),
    (Eddies(GOOD, 100.0), "Give one record to both, or a number or a field as neutral_diffusivity"),
    (Eddies(GOOD, GOOD._replace(c_k=1.0)), "Give one record to both"),
    (Eddies(EddyKineticEnergy, GOOD), "eddies.neutral_diffusivity="),
    (Eddies(None, EddyKineticEnergy), "closures must be records")])
def test_what_makes_no_sense_is_refused(eddies, sentence):
    grid, parameters, _ = small()
    with pytest.raises(ValueError, match=sentence):
        Model(grid, replace(parameters, eddies=eddies), on_numpy)


def test_the_energy_of_eddies_is_no_other_closure():
    grid, parameters, _ = small(eddies=None)
    with pytest.raises(ValueError, match="EddyKineticEnergy is a diffusivity of eddies"):
        Model(grid, replace(parameters, closures=(GOOD,)), on_numpy)
    with pytest.raises(ValueError, match="EddyKineticEnergy is a diffusivity of eddies"):
        Model(grid, replace(parameters, vertical_mixing=VerticalMixing(GOOD)), on_numpy)
    with pytest.raises(ValueError, match=r"eddies is for an ocean|one level"):
        Model(channel((1, 5, 6)), replace(parameters, eddies=Eddies(None, GOOD)), on_numpy)


def test_turbulence_gains_what_eddies_dissipate_at_the_faces_between_them():
    """c_eps e^(3/2) / L of both neighbours, in a fluid at rest whose turbulence neither dissipates nor spreads."""
    grid, _ = level()
    record = EddyKineticEnergy(**FIXED | {"greatest": 4000.0})
    energy = np.broadcast_to(np.array([0.001, 0.002, 0.004, 0.008])[:, None, None], grid.cells)
    found = {}
    for share in (0.0, 1.0):
        scheme = TurbulentKineticEnergy(c_eps=1e-30, alpha=0.0, diffusivity=0.0, viscosity=0.0, from_eddies=share)
        model, state = made(grid, Eddies(None, record, 5e-3), np.full(grid.cells, 10.0), vertical_mixing=VerticalMixing(scheme))
        filled_energy = filled(grid, Place.CENTER, energy)
        found[share] = interior(model.step(state._replace(closure=(state.closure[0], filled_energy))).closure[0])
    lost = 0.5 * energy[:, 0, 0] ** 1.5 / LENGTH
    gain = (found[1.0] - found[0.0])[1:] / 600.0
    assert gain == pytest.approx(np.broadcast_to(0.5 * (lost[1:] + lost[:-1])[:, None, None], gain.shape), rel=1e-9)
