"""Training by `fit`: weights that a solution in closed form gives, batches of several passes, and what cannot be trained."""

import numpy as np
import pytest
from conftest import create

jax = pytest.importorskip("jax")
equinox, optax = pytest.importorskip("equinox"), pytest.importorskip("optax")
from dycore.learning import fit  # noqa: E402

RNG = np.random.default_rng(4)
INPUTS = RNG.standard_normal((60, 3))
OUTPUTS = INPUTS @ [1.0, -2.0, 0.5] + 0.3 + 0.1 * RNG.standard_normal(60)
WHOLE = np.linalg.lstsq(np.c_[INPUTS, np.ones(60)], OUTPUTS, rcond=None)[0]  # the least squares of all
PARTS = [(INPUTS[n::4], OUTPUTS[n::4]) for n in range(4)]


@pytest.fixture(autouse=True)
def on_jax():
    create("jax")


def squares(weights, batch):
    inputs, outputs = batch
    return ((inputs @ weights["slope"] + weights["offset"] - outputs) ** 2).mean()


def start():
    return {"slope": np.zeros(3), "offset": np.zeros(()), "steps": 7, "name": "line"}


def test_weights_are_those_of_least_squares_and_the_loss_of_every_step_is_kept():
    found = fit(squares, start(), PARTS, optax.adam(optax.cosine_decay_schedule(0.1, 800)), passes=200)
    assert np.allclose(found.weights["slope"], WHOLE[:3], atol=1e-3) and float(found.weights["offset"]) == pytest.approx(
        WHOLE[3], abs=1e-3)
    assert (found.weights["steps"], found.weights["name"]) == (7, "line")
    assert found.losses.shape == (800,) and found.losses[0] == pytest.approx((PARTS[0][1] ** 2).mean())
    assert found.held_out_losses.size == 0


def test_an_optimiser_that_searches_along_the_gradient_has_the_loss_and_its_function():
    """The exact minimum of a parabola along its gradient, from its value there, as optax.lbfgs looks for one."""
    def update(slopes, state, weights, *, value, grad, value_fn, **others):
        size = (grad**2).sum()
        curvature = value_fn(weights - grad) - value + size
        return -slopes * size / (2.0 * curvature), state

    search = optax.GradientTransformationExtraArgs(lambda weights: (), update)
    found = fit(lambda weights, batch: (batch * weights**2).sum(), np.array([1.0, 1.0]), [np.array([1.0, 2.0])], search, passes=2)
    slope = np.array([2.0, 4.0])
    first = np.ones(2) - slope * (slope @ slope) / (2.0 * (slope**2 @ [1.0, 2.0]))
    assert found.losses == pytest.approx([3.0, first**2 @ [1.0, 2.0]], rel=1e-12)


def test_a_fit_in_two_parts_is_that_in_one():
    whole = fit(squares, start(), PARTS, optax.adam(0.05), passes=6)
    first = fit(squares, start(), PARTS, optax.adam(0.05), passes=2)
    second = fit(squares, first.weights, PARTS, optax.adam(0.05), passes=4, state=first.state)
    assert np.array_equal(whole.weights["slope"], second.weights["slope"])
    assert np.array_equal(whole.losses, [*first.losses, *second.losses])


def test_the_weights_of_the_pass_that_is_best_for_batches_held_out_are_returned():
    """A weight goes from 0 to 2 in steps of 0.1 (sign of the gradient); 1.2 is best for what is held out."""
    def far(weight, target):
        return abs(weight - target)

    found = fit(far, np.array(0.0), [np.array(2.0)] * 4, optax.sgd(0.1), passes=5, held_out=[np.array(1.1), np.array(1.3)])
    assert float(found.weights) == pytest.approx(1.2)
    assert found.held_out_losses == pytest.approx([1.2, 0.8, 0.4, 0.1, 0.4, 0.8])
    assert found.losses[-1] == pytest.approx(0.1)


def test_what_is_no_array_in_a_batch_is_compiled_once_for_each():
    compiled = []

    def loss(weight, batch):
        compiled.append(batch["basin"].name)
        return (weight - batch["basin"].target * batch["factor"]) ** 2

    class Basin:
        def __init__(self, name):
            self.name, self.target = name, 1.0

    basins = Basin("north"), Basin("south")
    batches = [{"basin": basin, "factor": np.array(factor)} for basin in basins for factor in (1.0, 2.0, 3.0)]
    found = fit(loss, np.array(0.0), batches, optax.adam(0.1), passes=60)
    assert compiled == ["north", "south"]
    assert float(found.weights) == pytest.approx(2.0, abs=0.3)


WRONG = {
    "nothing to train": (lambda: fit(squares, {"slope": 3}, PARTS, optax.sgd(0.1)), ValueError, "hold no array in floating point"),
    "no batches": (lambda: fit(squares, start(), [], optax.sgd(0.1)), ValueError, "no batches in pass 1 of 1"),
    "a generator twice": (lambda: fit(squares, start(), (part for part in PARTS), optax.sgd(0.1), passes=2), ValueError,
                          "no batches in pass 2 of 2. Give a list"),
    "a loss that is a field": (lambda: fit(lambda weights, batch: weights["slope"], start(), PARTS, optax.sgd(0.1)), ValueError,
                               r"of the shape \(3,\). Return one number"),
    "a loss without a batch": (lambda: fit(lambda weights: 0.0, start(), PARTS, optax.sgd(0.1)), TypeError,
                               r"must be a function of \(weights, batch\)"),
    "no optimiser": (lambda: fit(squares, start(), PARTS, 0.1), TypeError, "optimiser=0.1 must be a .*GradientTransformation"),
    "a rate that is too large": (lambda: fit(squares, start(), PARTS, optax.sgd(1e8), passes=20), FloatingPointError,
                                 r"In step \d+, in pass \d+, the loss is .* Take a smaller rate"),
    "no passes": (lambda: fit(squares, start(), PARTS, optax.sgd(0.1), passes=0), ValueError, "passes=0 must be at least 1"),
    "what cannot be told apart": (lambda: fit(squares, start(), [{1, 2}], optax.sgd(0.1)), TypeError, "it has no hash"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_trained_is_refused_in_a_sentence(name):
    attempt, kind, sentence = WRONG[name]
    with pytest.raises(kind, match=sentence):
        attempt()
