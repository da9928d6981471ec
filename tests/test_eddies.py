"""Unresolved eddies mix along neutral surfaces alone, take no content and no sign from tracers, and flatten neutral surfaces."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from conftest import channel, computed, content, create, filled, sphere

from dycore import Model, cases
from dycore.assembly.values import joined
from dycore.backends import on_numpy
from dycore.closures import Uniform, Visbeck
from dycore.equations import column, continuity, eddies, pressure
from dycore.equations.advection import centred
from dycore.equations.continuity import Flow
from dycore.equations.eddies import Eddies
from dycore.equations.steppers import WickerSkamarock
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Ocean
from dycore.forcing import Instant
from dycore.grid import interior, latitude_longitude, rectilinear
from dycore.parameters import Parameters
from dycore.state import State, initial_state
from dycore.tiles import Boundary, Place
from dycore.vertical import stretched, uniform

KAPPA, TRACERS = 1000.0, ("temperature", "salinity")
BOTH = Eddies(KAPPA, KAPPA, 5.0e-3)
EXPANSION = Ocean().gravity * Ocean().thermal_expansion  # of temperature to buoyancy (m/s2 per K)


def made(grid, eddies, temperature, tracers=(), **others):
    """A model with temperature, salinity 35 and other tracers, and its state."""
    names = (*TRACERS, *(f"dye_{number}" for number in range(len(tracers))))
    parameters = Parameters(Ocean(), **{"time_step": 600.0, "substeps": 24, "tracer_names": names, "eddies": eddies} | others)
    model = Model(grid, parameters, on_numpy)
    return model, model.asarrays(initial_state(grid, surface=0.0, tracers=(temperature, 35.0 + 0.0 * temperature, *tracers)))


def of_eddies(model, state, function, *arrays):
    """What function(on, equations, layers, eddies of a state, *padded arrays) makes: fields without halo."""
    def all_of_it(on, numbers, tracers, surface, *arrays):
        equations = joined(model.choices, numbers)
        layers = column.stretched(on, equations.grid, equations.parameters.fluid, surface)
        now = State(None, None, None, surface, tracers, (), (), 0, 0.0)
        _, b = pressure.hydrostatic_balance(on, equations, layers, now)
        at = Instant(None, None, None, surface, tracers, layers=layers, buoyancy=b)
        return function(on, equations, layers, eddies.diagnosed(on, equations, at), *arrays)

    return computed(model.backend, model.grid, all_of_it, model.numbers, state.tracers, state.surface, *arrays)


def rates(model, state, tracers):
    """What neutral diffusion alone makes of tracers (their unit per s, times the volume of a cell), the sea at z = 0."""
    def fluxes(on, equations, layers, unresolved, *tracers):
        across = eddies.diffusivity_across(on, equations.grid, layers, unresolved, None)
        own = [eddies.neutral_flux(on, equations, layers, unresolved, tracer) for tracer in tracers]
        return (across, *(field for each in own for field in (*on.store(each.along), each.across)))

    grid = model.grid
    diffusivity, *found = of_eddies(model, state, fluxes, *(filled(grid, Place.CENTER, tracer) for tracer in tracers))
    dr, area = grid.metrics.dr[2:-2, None, None], interior(grid.metrics.area)
    distance = np.concatenate([dr[:1], 0.5 * (dr[1:] + dr[:-1])])

    def rate(tracer, u, v, w):
        w = w - diffusivity * np.diff(tracer, axis=0, prepend=tracer[:1]) / distance
        north = np.concatenate([v[:, 1:], 0.0 * v[:, :1]], axis=1)  # a wall
        up = np.concatenate([w[1:], 0.0 * w[:1]])
        return -dr * (np.roll(u, -1, -1) - u + north - v) - area * (up - w)

    return [rate(tracer, *found[3 * number: 3 * number + 3]) for number, tracer in enumerate(tracers)]


@cache
def rough(kind, noise=0.4):
    """A grid with walls, land, stretched levels and maybe partial cells or meridians that converge, and a noisy temperature."""
    options = {"partial cells": {"partial_cells": 0.2}}.get(kind, {})
    grid = channel((4, 5, 6), **options)
    if kind == "sphere":
        grid = latitude_longitude((4, 5, 6), interfaces=stretched(4, 4000.0, 4.0), latitudes=(40.0, 70.0), longitudes=(0.0, 40.0))
    z = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])[:, None, None]
    return grid, 10.0 + z / 400.0 + noise * np.random.default_rng(4).uniform(-1.0, 1.0, grid.cells)


@pytest.mark.parametrize("kind, noise", [("whole cells", 0.4), ("whole cells", 9.0), ("partial cells", 0.4), ("sphere", 0.4)])
def test_neutral_diffusion_lets_no_variance_grow_whatever_the_noise_and_keeps_content(kind, noise):
    """The matrix of all cells is symmetric, has no positive eigenvalue, and constants and a stable buoyancy in its null space."""
    grid, temperature = rough(kind, noise)
    wet = np.flatnonzero(grid.wet.ravel())
    units = [each.reshape(grid.cells) for each in np.eye(grid.wet.size)[wet]]
    model, state = made(grid, Eddies(KAPPA, greatest_slope=3.0e-3), temperature, time_step=60.0)
    warming, *found = rates(model, state, [temperature, *units])
    matrix = np.array([each.ravel()[wet] for each in found])
    size = np.abs(matrix).max()
    assert np.abs(matrix - matrix.T).max() < 1e-13 * size
    eigenvalues = np.linalg.eigvalsh(0.5 * (matrix + matrix.T))
    assert eigenvalues.max() < 1e-14 * size * len(wet) and eigenvalues.min() < -size
    assert np.abs(matrix.sum(axis=0)).max() < 1e-13 * size
    assert np.abs(warming.ravel()[wet] - matrix.T @ temperature.ravel()[wet]).max() < 1e-12 * size * np.ptp(temperature)
    stable = np.diff(temperature, axis=0).min() > 0.0
    assert stable == (noise < 1.0)
    if stable:  # a linear function of the buoyancy has no flux
        assert np.abs(warming).max() < 1e-12 * size * np.ptp(temperature)


def front(nz=20, nx=50, ny=1, axis="x"):
    """(grid, temperature, b, slopes, N2) of a smooth front between walls, in a section of 1000 km x 1000 m."""
    extent = (1.0e6, 2.0e4 * ny)
    walls = {"x_boundary": Boundary.WALL, "y_boundary": Boundary.PERIODIC}
    cells = (nz, ny, nx)
    if axis == "y":
        extent, cells, walls = extent[::-1], (nz, nx, ny), {}
    grid = rectilinear(cells, extent=extent, interfaces=uniform(nz, -1000.0, 0.0), **walls)
    z = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])[:, None, None]
    x = (grid.x[None, None, :] if axis == "x" else grid.y[None, :, None]) - 5.0e5
    shape = 1.0 / np.cosh(x / 1.5e5) ** 2
    depth = np.sin(np.pi * z / 1000.0) ** 2  # level at the surface and the floor, where the outer half of a level has no triads
    b = 1.0e-5 * z + 1.0e-3 * np.tanh(x / 1.5e5) * depth
    bx = 1.0e-3 / 1.5e5 * shape * depth
    n2 = 1.0e-5 + 1.0e-3 * np.tanh(x / 1.5e5) * np.pi / 1000.0 * np.sin(2.0 * np.pi * z / 1000.0)
    return grid, 10.0 + b / EXPANSION, -bx / n2, n2


def bolus_transports(model, state):
    """(through west faces, through south faces) of the bolus flow alone, per thickness (m2/s), and its W (m/s), without halo."""
    def transports(on, equations, layers, unresolved, rest, total):
        flow = eddies.residual_flow(on, equations.grid, layers, unresolved, Flow(rest, rest, None, None))
        divergence = on(continuity.divergence, equations.grid, flow.transport_u, flow.transport_v)
        return flow.transport_u, flow.transport_v, continuity.through_levels(on, equations.grid, divergence, total)

    rest = np.zeros(model.grid.tile.region.padded)
    return of_eddies(model, state, transports, rest, rest[0])


@pytest.mark.parametrize("axis", ["x", "y"])
def test_the_potential_energy_of_a_front_falls_by_kappa_s2_n2(axis):
    """Through the first step of the model: the difference that the bolus flow makes, with centred faces."""
    grid, temperature, slopes, n2 = front(axis=axis)
    assert np.abs(slopes).max() > 5.0e-4
    (plain, state), (with_eddies, _) = (made(grid, each, temperature, tracer_face=centred, vertical_face=centred)
                                        for each in (None, Eddies(transport_diffusivity=KAPPA)))
    change = interior(with_eddies.step(state).tracers[0]) - interior(plain.step(state).tracers[0])
    z = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])[:, None, None]
    falls = (EXPANSION * change / 600.0 * z * grid.volume).sum()  # of -b z
    assert falls == pytest.approx((KAPPA * slopes**2 * n2 * grid.volume).sum(), rel=0.01)


def test_the_bolus_flow_of_even_slopes_is_at_the_top_and_the_bottom_and_has_no_column_sum():
    nz, kappa, slope = 10, 800.0, -1.0e-3
    grid = rectilinear((nz, 3, 12), extent=(1.2e6, 3.0e5), interfaces=uniform(nz, -1000.0, 0.0), x_boundary=Boundary.WALL,
                       y_boundary=Boundary.PERIODIC)
    z = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])[:, None, None]
    b = 1.0e-5 * z - slope * 1.0e-5 * grid.x[None, None, :] + np.zeros(grid.cells)
    model, state = made(grid, Eddies(transport_diffusivity=kappa), 10.0 + b / EXPANSION)
    through, across, w = bolus_transports(model, state)
    expected = np.zeros(nz)
    expected[-1], expected[0] = kappa * slope, -kappa * slope  # u* dz of the uppermost and the lowest level
    dz, dy = 100.0, 1.0e5
    assert np.abs(through[:, :, 1:] * dz / dy - expected[:, None, None]).max() < 1e-12 * kappa * abs(slope)
    assert (through[:, :, 0] == 0.0).all() and (across == 0.0).all()
    assert np.abs(through.sum(axis=0)).max() < 1e-15 * np.abs(through).max() * nz
    assert np.abs(w[1:, :, 1:-1]).max() < 1e-12 * np.abs(w).max()  # it rises and sinks along the walls


def test_steep_slopes_count_for_less_by_their_square():
    grid = rectilinear((6, 1, 8), extent=(8.0e5, 1.0e5), interfaces=uniform(6, -600.0, 0.0), y_boundary=Boundary.PERIODIC,
                       x_boundary=Boundary.WALL)
    z = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])[:, None, None]

    def strength(slope):
        b = 1.0e-6 * (z - slope * grid.x[None, None, :])
        eddies = Eddies(transport_diffusivity=KAPPA, greatest_slope=2.0e-3)
        return bolus_transports(*made(grid, eddies, 10.0 + b / EXPANSION))[0].max()

    assert strength(1.0e-3) == pytest.approx(strength(2.0e-3) / 2.0, rel=1e-9)
    assert strength(8.0e-3) == pytest.approx(strength(2.0e-3) / 4.0, rel=1e-9)  # S t = S_max^2 / S


def ocean(kind, stepper=None, **others):
    """(grid, parameters, state) of a small ocean in motion, with eddies."""
    _, parameters, _ = cases.baroclinic_channel((4, 6, 8))
    grid, temperature = rough(kind)
    others |= {"stepper": stepper} if stepper else {}
    parameters = replace(parameters, time_step=600.0, eddies=BOTH, surface_stress=(0.1, 0.0), friction=None, diffusivity=None)
    parameters = replace(parameters, **others)
    return grid, parameters, initial_state(grid, surface=0.0, tracers=(temperature, np.full(grid.cells, 35.0)))


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


@pytest.mark.parametrize("stepper", [None, WickerSkamarock()], ids=["AB3", "RK"])
def test_a_buoyancy_of_one_tracer_does_not_diffuse_into_itself_in_steps_of_either_kind(stepper):
    grid, temperature, *_ = front(ny=1)
    others = {"stepper": stepper} if stepper else {}
    models = [made(grid, each, temperature, diffusivity=diffusivity, time_step=300.0, **others)
              for each, diffusivity in ((None, None), (Eddies(neutral_diffusivity=KAPPA), None), (None, KAPPA))]
    plain, neutral, along = (interior(model.steps(state, 4).tracers[0]) for model, state in models)
    assert np.abs(neutral - plain).max() < 1e-4 * np.abs(along - plain).max()


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


def test_visbeck_is_alpha_l2_times_the_growth_rate_between_bounds():
    grid, temperature, slopes, n2 = front()
    rate = (np.abs(slopes) * np.sqrt(n2)).mean(axis=(0, 1))
    found = {}
    for name, each in {"free": Visbeck(2.0e5, 0.015, 0.0, 1e6), "bounded": Visbeck(2.0e5, 0.015, 200.0, 400.0)}.items():
        model, state = made(grid, Eddies(transport_diffusivity=each), temperature, time_step=1.0)
        (plane,) = of_eddies(model, state, lambda on, equations, layers, unresolved: unresolved.transport_diffusivity)
        found[name] = plane[0]
    expected = 0.015 * 4.0e10 * rate * 20.0 / 19.0  # from the middle of the lowest level to that of the highest
    assert expected.max() > 400.0
    assert np.abs(found["free"] - expected)[1:-1].max() < 0.03 * expected.max()
    assert (found["bounded"] == np.clip(found["free"], 200.0, 400.0)).all()


def test_numba_has_the_bits_of_numpy():
    grid, parameters, state = ocean("partial cells")
    plane = 500.0 + 300.0 * np.random.default_rng(5).random((5, 6))
    parameters = replace(parameters, eddies=Eddies(plane, Visbeck(1.0e5), 3.0e-3))
    ours, theirs = (Model(grid, parameters, backend).steps(state, 4) for backend in (on_numpy, create("numba")))
    for one, other in zip((*ours[:4], *ours.tracers), (*theirs[:4], *theirs.tracers), strict=True):
        assert (interior(one) == interior(np.asarray(other))).all()


def test_jax_agrees_and_its_gradient_is_finite_and_right():
    """By the state and numbers of the eddies, where some columns are of one density, without slopes and stratification."""
    jax_backend = create("jax")
    import jax

    grid, parameters, state = ocean("whole cells")
    state.tracers[0][:, :, 3:6] = 10.0

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
    assert (slopes[0] * pattern).sum() == pytest.approx(0.5 * (more - less), rel=1e-4)
