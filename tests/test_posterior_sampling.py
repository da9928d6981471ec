"""Posterior sampling gives the posterior where that is known."""

import re
from typing import Any, NamedTuple

import numpy as np
import pytest
from conftest import create

jax = pytest.importorskip("jax")
for library in ("equinox", "optax"):
    pytest.importorskip(library)
from dycore import learning  # noqa: E402
from dycore.backends import on_numpy  # noqa: E402
from dycore.learning import vorticity_twin  # noqa: E402

TIMES, CELLS = 2, 4


class GaussianPrior(NamedTuple):
    """Two states of 4 x 4 cells, alike everywhere and Gaussian, of which the best denoiser is known for each wave."""

    covariance: Any  # [j, i, t, t] of waves
    climatology: Any = np.full((CELLS, CELLS), 0.5, np.float32)
    change: Any = np.float32(2.0)
    given: int = 0
    drawn: int = TIMES

    def known(self, before, climatology):
        return climatology[None]

    def __call__(self, noisy, known, level):
        gain = self.covariance @ jax.numpy.linalg.inv(self.covariance + level**2 * np.eye(TIMES, dtype=np.float32))
        waves = jax.numpy.fft.fft2(noisy)
        return jax.numpy.fft.ifft2(jax.numpy.einsum("jits,sji->tji", gain, waves)).real


def test_samples_are_those_of_the_posterior_of_a_gaussian_prior():
    """Mean and covariance of samples against the textbook's, with observations of every second cell."""
    create("jax")
    waves = np.hypot(*np.meshgrid(*2 * [CELLS * np.fft.fftfreq(CELLS)]))
    variance = np.exp(-waves)
    prior = GaussianPrior((variance / variance.mean())[..., None, None] * np.array([[1.0, 0.6], [0.6, 1.0]], np.float32))
    basis = np.fft.ifft2(np.eye(CELLS**2).reshape(-1, CELLS, CELLS)).reshape(CELLS**2, -1).T * CELLS  # unitary
    size = TIMES * CELLS**2
    dense = 4.0 * np.einsum("xk,kts,yk->txsy", basis, prior.covariance.reshape(-1, TIMES, TIMES), basis.conj())
    dense = dense.real.reshape(size, size)
    random, error = np.random.default_rng(0), 0.6
    drawn = 0.5 + random.multivariate_normal(np.zeros(size), dense, 1000).reshape(-1, TIMES, CELLS, CELLS)
    seen = np.arange(size).reshape(TIMES, CELLS, CELLS)[:, ::2, ::2].ravel()
    observed = drawn[0].ravel()[seen] + error * random.standard_normal(len(seen))
    gain = dense[:, seen] @ np.linalg.inv(dense[np.ix_(seen, seen)] + error**2 * np.eye(len(seen)))
    members = learning.posterior_samples(prior, observed.reshape(1, TIMES, 2, 2), error, drawn, members=4000, seed=1, steps=24)
    found = members.reshape(len(members), size)
    assert np.allclose(found.mean(axis=0), 0.5 + gain @ (observed - 0.5), atol=0.2)  # of deviations of 0.5 to 2
    assert np.allclose(np.cov(found.T), dense - gain @ dense[seen], atol=0.3)
    assert found.var(axis=0)[seen].mean() == pytest.approx(np.diagonal(dense - gain @ dense[seen])[seen].mean(), rel=0.1)


def test_a_prior_that_is_given_no_state_draws_states_of_the_climate_that_it_knows():
    """Mean and variance of what a Gaussian prior draws without observations."""
    create("jax")
    variance = np.exp(-np.hypot(*np.meshgrid(*2 * [CELLS * np.fft.fftfreq(CELLS)])))
    prior = GaussianPrior((variance / variance.mean())[..., None, None] * np.eye(TIMES, dtype=np.float32))
    members = learning.drawn_sequences(prior, np.zeros((1, 0, CELLS, CELLS), np.float32), members=2000, steps=40)
    assert members.shape == (2000, 1, TIMES, CELLS, CELLS)
    assert members.mean() == pytest.approx(0.5, abs=0.05)
    assert members.var() == pytest.approx(2.0**2, rel=0.03)


def test_what_is_no_prior_is_refused():
    for draw in (lambda prior: learning.drawn_sequences(prior, np.zeros((1, 0, CELLS, CELLS))),
                 lambda prior: learning.posterior_samples(prior, np.zeros((1, 2, 2, 2)), 0.1, np.zeros((2, 2, 4, 4)))):
        with pytest.raises(ValueError, match=r"='diffusion' must be a dycore\.learning\.sequence_diffusion\.SequenceModel"):
            draw("diffusion")


def test_what_is_no_lattice_or_given_states_is_refused():
    prior = GaussianPrior(np.ones((CELLS, CELLS, TIMES, TIMES)))
    with pytest.raises(ValueError, match=re.escape("values [n, 2, b, a] with b and a that divide the cells")):
        learning.posterior_samples(prior, np.zeros((1, 2, 3, 2)), 0.1, np.zeros((2, 2, 4, 4)))


def test_a_flow_of_a_stream_function_has_the_vorticity_that_was_asked_for():
    twin = vorticity_twin.vorticity_twin(on_numpy, 12, 2, 2, 3, 1e-6)
    vorticity = 1e-5 * np.random.default_rng(0).standard_normal((12, 12))
    vorticity -= vorticity.mean()
    there = vorticity_twin.vorticity_of(twin.model, vorticity_twin.flow_of(twin.model, vorticity))
    assert np.allclose(there, vorticity, atol=1e-10)  # of single precision
    assert twin.seen(there).shape == twin.cells[0].shape == (4, 4) and np.array_equal(twin.seen(there), there[twin.cells])
