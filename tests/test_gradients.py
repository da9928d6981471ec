"""Gradients under JAX: finite from the initial state of every case and through every scheme, and the slope of the outcome."""

import dataclasses

import numpy as np
import pytest
from conftest import channel, create

from dycore import Model, Parameters, cases
from dycore.cases import CASES
from dycore.closures import Convective, convective
from dycore.equations import advection, friction, momentum_weno
from dycore.equations.steppers import WickerSkamarock
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Ocean, shallow_water
from dycore.grid import rectilinear
from dycore.parameters import Mixing
from dycore.state import initial_state
from dycore.stencils import square_root
from dycore.vertical import uniform

# programs that run once: what XLA would spend on making them fast is most of the time
QUICKLY_COMPILED = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True,
                    "xla_cpu_use_fusion_emitters": False}
CELLS = {"baroclinic_channel": (3, 6, 8), "global_ocean": (2, 6, 8), "baroclinic_wave": (3, 6, 8), "held_suarez": (3, 6, 8),
         "barotropic_gyre": (1, 6, 6)}
SHALLOW = (1, 6, 8)


@pytest.fixture(scope="module")
def jax_backend():
    return create("jax")


def gradient_of(case, backend):
    """The gradient, by the fields of a state, of the sum of squares of all fields after two steps."""
    import jax

    grid, parameters, state = case
    model = Model(grid, parameters, backend)
    state = model.asarrays(state)

    def outcome(fields):
        after, _ = jax.lax.scan(lambda now, _: (model.pure_step(now), None), type(state)(*fields, *state[-2:]), None, length=2)
        return sum((array**2).sum() for array in jax.tree.leaves(after[:-2]))

    fields = tuple(state[:-2])
    return jax.jit(jax.grad(outcome)).lower(fields).compile(compiler_options=QUICKLY_COMPILED)(fields)


def assert_finite(gradient, names=("u", "v", "w", "surface", "tracers")):
    import jax

    for name, part in zip(names, gradient, strict=False):
        for array in jax.tree.leaves(part):
            assert np.isfinite(np.asarray(array)).all(), name
    assert any(np.asarray(array).any() for array in jax.tree.leaves(gradient))


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("name", CASES)
def test_the_gradient_of_two_steps_from_the_start_of_a_case_is_finite(jax_backend, name, precision):
    case = cases.CASES[name](cells=CELLS.get(name, SHALLOW), precision=precision)
    gradient = gradient_of(case, jax_backend)
    assert_finite(gradient)
    assert all(np.asarray(array).dtype == precision for array in gradient[:4])


def at_rest(grid, **changes):
    """A fluid without motion, constant along the levels."""
    names = ("dye",) if "fluid" in changes else ("temperature", "salinity")
    temperature = np.broadcast_to(np.linspace(4.0, 12.0, grid.cells[0])[:, None, None], grid.cells)
    return (grid, dataclasses.replace(Parameters(Ocean(), time_step=300.0, tracer_names=names), **changes),
            initial_state(grid, surface=0.0, tracers=(temperature, np.full(grid.cells, 35.0))[: len(names)]))


def basin(layers):
    return rectilinear((layers, 4, 6), extent=(6e5, 4e5), interfaces=uniform(layers, -1000.0, 0.0), precision="float32")


OPTIONS = {
    "WENO, no slip, over land": lambda: at_rest(
        channel((2, 5, 6), precision="float32", partial_cells=0.2), fluid=shallow_water(), friction=Mixing(1e3, 1e3, no_slip=True),
        tracer_face=advection.weno5, vertical_face=advection.weno3, advection=momentum_weno.weno),
    "convection, drag, biharmonic": lambda: at_rest(
        basin(2), vertical_mixing=VerticalMixing(convective, Convective(), linear_drag=1e-4, quadratic_drag=2.5e-3),
        friction=Mixing(1e11, 0.0, biharmonic=True), diffusivity=1e11, biharmonic_diffusion=True),
    "Runge-Kutta": lambda: at_rest(basin(1), stepper=WickerSkamarock(), fluid=shallow_water()),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_the_gradient_through_every_scheme_is_finite_at_rest_in_single_precision(jax_backend, name):
    assert_finite(gradient_of(OPTIONS[name](), jax_backend))


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
