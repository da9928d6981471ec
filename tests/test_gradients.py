"""Gradients under JAX by state, coefficients and forcings: finite from the start of every case and at rest, and right in motion.

Right by Taylor's formula: what a derivative leaves of a change falls with the square of the change.
"""

import dataclasses
import os
from itertools import product

import numpy as np
import pytest
from conftest import channel, create
from slopes_by_number import check_each_number, with_zeros

from dycore import Model, Parameters, cases, seawater
from dycore.backends import on_numpy
from dycore.cases import CASES
from dycore.closures import Convective, PacanowskiPhilander, TurbulentKineticEnergy, Visbeck, convective, pacanowski_philander
from dycore.equations import advection, friction, momentum_weno
from dycore.equations.eddies import Eddies
from dycore.equations.steppers import AdamsBashforth3, WickerSkamarock
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Ocean, shallow_water
from dycore.grid import interior, rectilinear
from dycore.parameters import Mixing
from dycore.physics import heat_flux
from dycore.state import initial_state, padded
from dycore.stencils import square_root
from dycore.tiles import Place
from dycore.vertical import uniform

pytest.importorskip("jax")
from dycore import learning
from dycore.learning.taylor_tests import taylor_test

# programs that run once: what XLA would spend on making them fast is most of the time
QUICKLY_COMPILED = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True,
                    "xla_cpu_use_fusion_emitters": False}
CELLS = {"baroclinic_channel": (3, 6, 8), "global_ocean": (2, 6, 8), "baroclinic_wave": (3, 6, 8), "held_suarez": (3, 6, 8),
         "barotropic_gyre": (1, 6, 6), "southern_channel": (3, 6, 8)}
SHALLOW = (1, 6, 8)
SIZES = {"float64": (1e-3, 5e-4, 2.5e-4), "float32": (0.05, 0.025, 0.0125)}  # small against curvature, large against round-off


@pytest.fixture(scope="module")
def jax_backend():
    return create("jax")


def in_motion(grid, parameters, state):
    """The state three steps after a push at random (m/s), so that nothing is zero or symmetric."""
    random = np.random.default_rng(1)
    pushed = (padded(grid, place, interior(field) + 0.1 * random.standard_normal(grid.cells))
              for place, field in ((Place.WEST_FACE, state.u), (Place.SOUTH_FACE, state.v)))
    return Model(grid, parameters, on_numpy).steps(state._replace(**dict(zip("uv", pushed, strict=True))), 3)


def fields(state):
    """All fields, those of closures too."""
    return state.u, state.v, state.w, state.surface, state.tracers, state.closure


def sensitivity(case, backend):
    """(loss after two steps, of the numbers of a state and of parameters; those at the start; those in motion)."""
    import jax

    grid, parameters, start = case
    model, moving = Model(grid, parameters, backend), in_motion(*case)
    state, known = model.asarrays(moving), learning.numbers(parameters)  # whose step extrapolates from histories
    scales = [max(array.std(), 1e-3 * abs(array).max(), 1e-30) for array in jax.tree.leaves(fields(moving))]

    def loss(numbers):
        own = model.with_parameters(learning.with_numbers(parameters, numbers["parameters"]))
        begin = learning.with_numbers(state, numbers["state"])
        end, _ = jax.lax.scan(lambda now, _: (own.pure_step(now), None), begin, length=2)
        return sum(((array / float(scale)) ** 2).mean() for array, scale in zip(jax.tree.leaves(fields(end)), scales, strict=True))

    def numbers(state):
        both = {"state": learning.numbers(model.asarrays(state)), "parameters": known}
        return jax.tree.map(lambda value: np.asarray(value, grid.dtype), both)

    return loss, numbers(start), numbers(moving)


def taylor_tested(case, backend, right=True, forward=False):
    """Assert that the gradient from the start is finite and, in motion, right; all numbers change by a part of themselves.

    In double precision each number of the parameters alone too. Returns the program, the numbers at the start, and the names of
    those that were felt by themselves.
    """
    import jax

    loss, start, moving = sensitivity(case, backend)
    random, dtype = np.random.default_rng(2), case[0].dtype
    program = jax.jit(jax.value_and_grad(loss)).lower(start).compile(compiler_options=QUICKLY_COMPILED)
    check_finite(program, start)
    change = jax.tree.map(lambda value: (value * random.uniform(-1.0, 1.0, value.shape)).astype(dtype), moving)
    result = taylor_test(loss, moving, change, SIZES[dtype.name], forward, QUICKLY_COMPILED, program)
    assert np.abs(result.gradient["state"]["u"]).max() > 0.0
    if right:
        assert result.orders[-1] == pytest.approx(2.0, abs=0.1 if dtype == "float64" else 0.15), result.orders
    felt = check_each_number(program, moving) | check_each_number(program, start) if dtype == "float64" else set()
    if forward:
        assert result.forward == pytest.approx(result.reverse, rel=1e-11 if dtype == "float64" else 3e-4)
    return program, start, felt


def check_finite(program, at, of="the start"):
    """Assert that the gradient is finite, and of the precision of the model."""
    for part, slopes in program(at)[1].items():
        for name, slope in slopes.items():
            assert np.isfinite(slope).all() and slope.dtype == at["state"]["u"].dtype, f"{name} of {part}, {of}"


STEPPERS, PRECISIONS, ALL = (AdamsBashforth3(), WickerSkamarock()), ("float64", "float32"), os.environ.get("TAYLOR_TESTS") == "all"


SINGLE = {"baroclinic_channel", "baroclinic_wave", "flow_over_mountain", "rossby_haurwitz_wave"}  # of terms that others have, too


def is_tested(name, stepper, precision):
    """All with TAYLOR_TESTS=all in the environment. Without, each case is compiled once, in one of the precisions, and what takes
    long is left out: programs of three stages, of which one is here in double precision and one below in single, and the southern
    channel, of the largest program, whose turbulence and eddies are below and in tests/test_eddy_kinetic_energy.py."""
    if ALL:
        return True
    if isinstance(stepper, WickerSkamarock):
        return (name, precision) == ("flow_over_mountain", "float64")
    return name != "southern_channel" and precision == ("float32" if name in SINGLE else "float64")


TESTED = [each for each in product(CASES, STEPPERS, PRECISIONS) if is_tested(*each)]


@pytest.mark.parametrize("name, stepper, precision", TESTED,
                         ids=lambda each: each if isinstance(each, str) else type(each).__name__)
def test_the_gradient_of_two_steps_is_finite_from_the_start_of_a_case_and_right_in_motion(jax_backend, name, stepper, precision):
    grid, parameters, state = cases.CASES[name](cells=CELLS.get(name, SHALLOW), precision=precision)
    case = grid, dataclasses.replace(parameters, stepper=stepper), state
    # energies of turbulence and eddies have switches at which the southern channel is not smooth: there number by number
    taylor_tested(case, jax_backend, right=name != "southern_channel", forward=name == "flow_over_mountain")


def at_rest(grid, **changes):
    """A fluid without motion, constant along the levels."""
    names = ("dye",) if changes.get("fluid") == shallow_water() else ("temperature", "salinity")
    temperature = np.broadcast_to(np.linspace(4.0, 12.0, grid.cells[0])[:, None, None], grid.cells)
    return (grid, dataclasses.replace(Parameters(Ocean(), time_step=300.0, tracer_names=names), **changes),
            initial_state(grid, surface=0.0, tracers=(temperature, np.full(grid.cells, 35.0))[: len(names)]))


def turbulent(case):
    """With tracers that vary along the levels, so that neutral surfaces slope, of which one is no function of the other, hardly
    stratified; and with an energy that is below its least in places."""
    grid, parameters, state = case
    random, plane = np.random.default_rng(6), np.arange(3.0)[:, None, None]
    temperature, salinity = (mean + rise * plane + noise * random.uniform(-1.0, 1.0, grid.cells)
                             for mean, rise, noise in ((10.0, 0.02, 0.01), (35.0, 0.0, 0.002)))
    energy = padded(grid, Place.LOWER_FACE, 10.0 ** random.uniform(-7.0, -3.0, grid.cells))
    tracers = tuple(padded(grid, Place.CENTER, values) for values in (temperature, salinity))
    return grid, parameters, state._replace(tracers=tracers, closure=(energy,))


def basin(layers, depth=1000.0, precision="float32"):
    return rectilinear((layers, 4, 6), extent=(6e5, 4e5), interfaces=uniform(layers, -depth, 0.0), precision=precision)


# smooth ones have a gradient that is right; convection is a switch, and in hardly stratified water, where much switches, slopes by
# one number at a time are held against small differences
SWITCH, TURBULENT = "convection, drag, biharmonic", "turbulent energy, eddies that follow the flow"
# tracers and fields of closures at rest of which slopes have no direction, N2 is zero or negative, or an energy below its least
WITHOUT_SHAPE = {"uniform": lambda values: 0.0 * values + values[values.shape[0] // 2].mean(),
                 "zero": lambda values: 0.0 * values,
                 "upside down": lambda values: values[::-1].copy()}
OPTIONS = {
    "TEOS-10, mixing by shear, partial cells, WENO": lambda: at_rest(
        channel((3, 5, 6), partial_cells=0.2, bottom=np.linspace(-3900.0, -1100.0, 30).reshape(5, 6)),
        fluid=Ocean(buoyancy=seawater.teos10), tracer_face=advection.weno5, vertical_face=advection.weno3,
        vertical_mixing=VerticalMixing(pacanowski_philander, PacanowskiPhilander(), quadratic_drag=2.5e-3)),
    "WENO, no slip, over land": lambda: at_rest(
        channel((2, 5, 6), precision="float32", partial_cells=0.2), fluid=shallow_water(), friction=Mixing(1e3, 1e3, no_slip=True),
        tracer_face=advection.weno5, vertical_face=advection.weno3, advection=momentum_weno.weno),
    SWITCH: lambda: at_rest(
        basin(2), vertical_mixing=VerticalMixing(convective, Convective(), linear_drag=1e-4, quadratic_drag=2.5e-3),
        friction=Mixing(1e11, 0.0, biharmonic=True), diffusivity=1e11, biharmonic_diffusion=True),
    TURBULENT: lambda: turbulent(at_rest(
        basin(3, 60.0, "float64"), surface_stress=(np.full((4, 6), 0.1), 0.0), friction=Mixing(1e3, 1e3),
        vertical_mixing=VerticalMixing(TurbulentKineticEnergy(), linear_drag=1e-4, quadratic_drag=2.5e-3),
        eddies=Eddies(500.0, Visbeck(alpha=0.5, least=330.0, greatest=530.0), 1e-4),
        forcing=(heat_flux(0, np.full((4, 6), -50.0)),))),
    "Runge-Kutta": lambda: at_rest(basin(1), stepper=WickerSkamarock(), fluid=shallow_water()),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_the_gradient_through_every_scheme_is_finite_at_rest_and_right_in_motion(jax_backend, name):
    program, rest, felt = taylor_tested(OPTIONS[name](), jax_backend, right=name not in (SWITCH, TURBULENT))
    if name == TURBULENT:
        unfelt = {"vertical_mixing.scheme.from_eddies"}  # these have no energy of their own
        assert {each for each in rest["parameters"] if each.startswith(("eddies.", "vertical_mixing.scheme."))} <= felt | unfelt
    for state, change in WITHOUT_SHAPE.items():
        tracers = {each: change(values) for each, values in rest["state"].items() if each.startswith(("tracers", "closure"))}
        for parameters in (rest["parameters"], with_zeros(rest["parameters"])):
            check_finite(program, {"state": rest["state"] | tracers, "parameters": parameters}, state)


def test_the_gradient_in_the_tail_of_a_smooth_tracer_is_the_same_in_both_precisions(jax_backend):
    """Dye that falls to 1e-27: squares of squares of its differences are below the range of single precision."""
    import jax

    values, slopes = np.exp(-np.linspace(0.0, 62.0, 400)), []
    for precision in ("float32", "float64"):
        weights = (1.0 / values[3:-2]).astype(precision)
        total = jax.jit(lambda c, weights=weights: (weights * advection.weno5(1.0, *(c[m: m + 395] for m in range(6)))).sum())
        slopes.append(np.asarray(jax.grad(total)(values.astype(precision))) * values)
    assert np.isfinite(slopes[0]).all() and np.abs(slopes[1]).max() > 0.5
    # single precision, and the floor of the weights, which is felt below 1e-15
    assert np.allclose(*slopes, rtol=0.0, atol=1e-4)


def test_drag_at_rest_has_no_slope_and_in_a_current_that_of_its_square(jax_backend):
    """The rate C |u| / h times u is smooth: 0 at rest, and 2 C u / h by a difference of u."""
    import jax

    slopes = jax.vmap(jax.grad(lambda u: u * square_root(u * u + 0.0)))(np.array([0.0, 0.5, -2.0]))
    assert np.asarray(slopes).tolist() == pytest.approx([0.0, 1.0, 4.0])
    assert np.isnan(square_root(np.array(np.nan))) and square_root(np.float32(2.0)).dtype == np.float32


def test_a_face_value_of_equal_values_has_the_weights_of_the_fifth_order_scheme(jax_backend):
    import jax

    linear = np.array([2.0, -13.0, 47.0, 27.0, -3.0, 0.0]) / 60.0
    for precision in ("float32", "float64"):
        values = np.full((3, 6), [[0.0], [1e-25], [291.3]], precision).T
        slopes = jax.grad(jax.jit(lambda values: advection.weno5(1.0, *values).sum()))(values)
        assert np.allclose(slopes, linear[:, None], atol=1e-6), precision


@pytest.mark.parametrize("biharmonic", [False, True])
def test_viscosities_that_are_zero_have_a_finite_slope(jax_backend, biharmonic):
    import jax

    grid = channel()
    total = jax.grad(lambda c: sum(values.sum() for values in friction.viscosities(grid, Mixing(c[0], c[1], biharmonic))))
    slopes = total(np.array([0.0, 4.0]))
    n = np.prod(grid.tile.region.padded[1:])
    assert np.asarray(slopes).tolist() == pytest.approx([0.0, 0.25 * n] if biharmonic else [n, n])
