"""Surrogate slopes of convective adjustment: exact values, and the slope of a smooth step where the switch has none."""

import numpy as np
import pytest
from conftest import create

from dycore import Model, Parameters, initial_state
from dycore.closures import Convective, PacanowskiPhilander, convective, pacanowski_philander
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Ocean
from dycore.grid import rectilinear
from dycore.vertical import uniform

jax = pytest.importorskip("jax")
learning = pytest.importorskip("dycore.learning")
STABILITY = np.array([-3e-4, -1e-6, -1e-30, -0.0, 0.0, 2e-7, 1e-5, 1e300])


@pytest.mark.parametrize("scheme, values", [(convective, Convective()), (pacanowski_philander, PacanowskiPhilander())])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_values_are_those_of_the_scheme_to_the_bit(scheme, values, precision):
    create("jax")
    stability = jax.numpy.asarray(STABILITY[: 8 if precision == "float64" else 7], precision)
    exact, ours = (each(values, stability, 0.0 * stability + 1e-6) for each in (scheme, learning.with_smooth_slopes(scheme)))
    for one, other in zip(exact, ours, strict=True):
        expected = np.broadcast_to(np.asarray(one, precision), stability.shape)
        assert np.array_equal(expected, other) and np.asarray(other).dtype == precision


def test_the_slope_by_stability_is_that_of_a_logistic_step_and_by_values_that_of_the_scheme():
    create("jax")
    width, values = 1e-6, Convective(diffusivity=1e-5, unstable=2.0)
    scheme = learning.with_smooth_slopes(convective, width)

    def diffusivity(stability, unstable, scheme=scheme):
        return scheme(values._replace(unstable=unstable), stability, 0.0 * stability)[1]

    for stability in (-2e-6, -1e-7, 0.0, 3e-6):
        share = 1.0 / (1.0 + np.exp(stability / width))
        by_stability, by_unstable = jax.grad(diffusivity, argnums=(0, 1))(jax.numpy.asarray(stability), 2.0)
        assert float(by_stability) == pytest.approx(-(2.0 - 1e-5) / width * share * (1.0 - share), rel=1e-12)
        assert float(by_unstable) == (stability < 0.0)
    plain = jax.grad(lambda stability: convective(values, stability, stability)[1])
    assert float(plain(jax.numpy.asarray(-1e-7))) == 0.0


def test_the_gradient_of_a_step_by_temperature_sees_convection():
    """Of what two layers exchange in a step, by the difference of their temperatures: through the diffusivity too."""
    grid = rectilinear((2, 4, 4), extent=(4e5, 4e5), interfaces=uniform(2, -1000.0, 0.0))
    temperature = np.broadcast_to(np.array([10.0, 9.999])[:, None, None], grid.cells)  # the upper layer is a little too cold
    state, slopes = initial_state(grid, surface=0.0, tracers=(temperature, np.full(grid.cells, 35.0))), []
    for scheme in (convective, learning.with_smooth_slopes(convective, 1e-8)):
        parameters = Parameters(Ocean(), 300.0, tracer_names=("temperature", "salinity"),
                                vertical_mixing=VerticalMixing(scheme, Convective()))
        model = Model(grid, parameters, create("jax"))
        begin = model.asarrays(state)

        @jax.jit
        @jax.value_and_grad
        def upper(temperature, model=model, begin=begin):
            return model.pure_step(begin._replace(tracers=(temperature, begin.tracers[1]))).tracers[0][3, 4, 4]

        slopes.append(upper(begin.tracers[0]))
    (value, plain), (same, surrogate) = slopes
    assert float(value) == float(same)
    # warmer below: more is exchanged, by the mixing that there is, and with the surrogate by stronger mixing of what is warmer
    assert float(surrogate[2].sum()) > 1.01 * float(plain[2].sum()) > 0.0


@pytest.mark.parametrize("arguments, sentence", [
    ((convective, 0.0), r"width=0\.0 must be"), (("convective",), "scheme='convective' must be a function")])
def test_what_is_no_scheme_or_no_width_is_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        learning.with_smooth_slopes(*arguments)
