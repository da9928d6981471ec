"""Diffusion models have the factors, noise levels and sampler of Karras et al. (2022), which gives Gaussian posteriors exactly."""

import numpy as np
import pytest
from conftest import create

jax = pytest.importorskip("jax")
for library in ("equinox", "optax"):
    pytest.importorskip(library)
from dycore.learning.diffusion import denoising_loss, guided, noise_levels, preconditioning, sampled  # noqa: E402


def gaussian(mean, covariance):
    """The denoiser of data of N(mean, covariance): what is expected of them, given noisy ones [..., n]."""
    variances, axes = np.linalg.eigh(covariance)
    return lambda values, level: mean + (values - mean) @ axes * (variances / (variances + level**2)) @ axes.T


def test_factors_give_the_network_inputs_and_targets_of_variance_one_at_every_level():
    create("jax")
    random, deviation = np.random.default_rng(0), 0.5
    data = deviation * random.standard_normal(200_000)
    for level in (0.002, 0.1, 0.5, 3.0, 80.0):
        factors = preconditioning(level, deviation)
        noisy = data + level * random.standard_normal(data.size)
        assert np.var(float(factors.into) * noisy) == pytest.approx(1.0, abs=0.02)
        assert np.var((data - float(factors.skip) * noisy) / float(factors.out)) == pytest.approx(1.0, abs=0.02)
        # table 1: c_skip is the least squares estimate of data from noisy ones, c_noise is ln(s) / 4 in units of the deviation
        assert float(factors.skip) == pytest.approx(0.25 / (0.25 + level**2))
        assert float(factors.noise) == pytest.approx(0.25 * np.log(level / 0.5))


def test_noise_levels_are_those_of_equation_5():
    levels = noise_levels(18, 0.002, 80.0, 7.0)
    assert len(levels) == 19 and levels[-1] == 0.0 and levels[[0, -2]] == pytest.approx([80.0, 0.002])
    # with rho = 7 their seventh roots are evenly spaced; the middle of three is the seventh power of the mean of the roots
    assert noise_levels(3, 0.002, 80.0, 7.0)[1] == pytest.approx((0.5 * (80.0 ** (1 / 7) + 0.002 ** (1 / 7))) ** 7)
    for arguments, sentence in (((1,), "steps=1"), ((5, 2.0, 1.0), "smallest=2.0 must be below largest=1.0"),
                                ((5, -1.0), "smallest=-1")):
        with pytest.raises(ValueError, match=sentence):
            noise_levels(*arguments)


def test_the_loss_of_the_best_linear_denoiser_is_one_at_every_level():
    create("jax")
    random = np.random.default_rng(1)
    data, noise = random.standard_normal((2, 100_000))
    for level in (0.05, 1.0, 20.0):
        loss = denoising_loss(lambda values, level: preconditioning(level).skip * values, data, noise, level)
        assert float(loss) == pytest.approx(1.0, abs=0.02)


def test_samples_have_the_mean_and_the_covariance_of_a_posterior_that_is_known():
    create("jax")
    prior, seen, error = np.array([[1.0, 0.6], [0.6, 0.8]]), 1.3, 0.3  # of two values, the first of which is observed
    gain = prior[:, 0] / (prior[0, 0] + error**2)
    mean, covariance = gain * seen, prior - np.outer(gain, prior[0])
    noise = np.random.default_rng(2).standard_normal((10_000, 2))
    found = sampled(gaussian(mean, covariance), noise, noise_levels(60, 0.002, 80.0))
    assert np.allclose(found.mean(axis=0), mean, atol=0.02)
    assert np.allclose(np.cov(found.T), covariance, atol=0.02)


def test_the_sampler_is_of_second_order():
    """Of Gaussian data the flow from noise n at the level s is known: m + C^1/2 (C + s^2)^-1/2 s n."""
    create("jax")
    variance, noise = 2.0, np.array([1.0, -0.5, 2.0])
    exact = noise * 40.0 * np.sqrt(variance / (variance + 40.0**2))
    denoiser = gaussian(np.zeros(3), variance * np.eye(3))
    error = [float(abs(sampled(denoiser, noise, noise_levels(steps, 1e-4, 40.0)) - exact).max()) for steps in (20, 40)]
    assert 3.0 < error[0] / error[1] < 6.0 and error[1] < 3e-2


def test_a_sampler_that_diverges_says_so():
    create("jax")
    noise = np.random.default_rng(0).standard_normal((4, 3))
    with pytest.raises(FloatingPointError, match=r"The sampler diverged: a sample has values up to \S+, larger than"):
        sampled(lambda values, level: 3.0 * values, noise, noise_levels(20))  # noise is added in each step
    with pytest.raises(FloatingPointError, match="up to nan"):
        sampled(lambda values, level: np.nan * values, noise, noise_levels(20))


def test_a_prior_that_is_guided_by_an_observation_gives_the_posterior_that_is_known():
    """Where the likelihood has the uncertainty of what is denoised, C (C + s^2)^-1 s^2 of Gaussian data, samples are exact."""
    create("jax")
    prior, seen, error = np.array([[1.0, 0.6], [0.6, 0.8]]), 1.3, 0.3  # of two values, the first of which is observed
    gain = prior[:, 0] / (prior[0, 0] + error**2)
    variances, axes = np.linalg.eigh(prior)

    def log_likelihood(clean, level):
        unsure = (axes[0] ** 2 * (variances * level**2 / (variances + level**2))).sum()
        return -0.5 * ((clean[..., 0] - seen) ** 2).sum() / (error**2 + unsure)

    noise = jax.numpy.asarray(np.random.default_rng(2).standard_normal((10_000, 2)))
    found = sampled(guided(gaussian(np.zeros(2), prior), log_likelihood), noise, noise_levels(60, 0.002, 80.0))
    assert np.allclose(found.mean(axis=0), gain * seen, atol=0.03)
    assert np.allclose(np.cov(found.T), prior - np.outer(gain, prior[0]), atol=0.03)
