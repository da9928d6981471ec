"""Diffusion along neutral surfaces lets no variance grow, keeps content, and makes no flux of the buoyancy."""

import numpy as np
import pytest
from eddy_models import KAPPA, front, made, matrices, rates, rough

from dycore.equations.eddies import Eddies
from dycore.equations.steppers import WickerSkamarock
from dycore.grid import interior


@pytest.mark.parametrize("kind, noise", [("whole cells", 0.4), ("whole cells", 9.0), ("partial cells", 0.4), ("sphere", 0.4)])
def test_neutral_diffusion_lets_no_variance_grow_whatever_the_noise_and_keeps_content(kind, noise):
    """The matrix of all cells is symmetric, has no positive eigenvalue, and constants and a stable buoyancy in its null space."""
    grid, temperature = rough(kind, noise)
    wet = grid.wet
    model, state = made(grid, Eddies(KAPPA, greatest_slope=3.0e-3), temperature, time_step=60.0)
    matrix, _ = matrices(model, state)
    size = np.abs(matrix).max()
    assert np.abs(matrix - matrix.T).max() < 1e-13 * size
    eigenvalues = np.linalg.eigvalsh(0.5 * (matrix + matrix.T))
    assert eigenvalues.max() < 1e-14 * size * len(matrix) and eigenvalues.min() < -size
    assert np.abs(matrix.sum(axis=0)).max() < 1e-13 * size
    ((warming, _),) = rates(model, state, [temperature])
    assert np.abs(warming[wet] - matrix @ temperature[wet]).max() < 1e-12 * size * np.ptp(temperature)
    stable = np.diff(temperature, axis=0).min() > 0.0
    assert stable == (noise < 1.0)
    if stable:  # a linear function of the buoyancy has no flux
        assert np.abs(warming).max() < 1e-12 * size * np.ptp(temperature)


@pytest.mark.parametrize("noise", [0.4, 9.0])
def test_a_step_damps_whatever_the_slopes(noise):
    """(V - dt A) c' = (V + dt (M - A)) c, A implicit: c' = (1 + dt (V - dt A)^-1 M) c, whose eigenvalues are from -1 to 1."""
    grid, temperature = rough("whole cells", noise)
    model, state = made(grid, Eddies(KAPPA, greatest_slope=3.0), temperature, time_step=60.0)
    matrix, implicit = matrices(model, state)
    dx, dy = 1.0e6 / 6, 1.0e5
    dt = 2.0 / (4.0 * KAPPA * (1.0 / dx**2 + 1.0 / dy**2))  # the limit of diffusion along the levels
    root = np.linalg.inv(np.linalg.cholesky(np.diag(grid.volume[grid.wet]) - dt * implicit))
    eigenvalues = 1.0 + dt * np.linalg.eigvalsh(root @ matrix @ root.T)
    assert eigenvalues.min() > -1.0 and eigenvalues.max() < 1.0 + 1e-9
    assert eigenvalues.min() < 0.5  # it is a long step


@pytest.mark.parametrize("stepper", [None, WickerSkamarock()], ids=["AB3", "RK"])
def test_a_buoyancy_of_one_tracer_does_not_diffuse_into_itself_in_steps_of_either_kind(stepper):
    grid, temperature, *_ = front(ny=1)
    others = {"stepper": stepper} if stepper else {}
    models = [made(grid, each, temperature, diffusivity=diffusivity, time_step=300.0, **others)
              for each, diffusivity in ((None, None), (Eddies(neutral_diffusivity=KAPPA), None), (None, KAPPA))]
    plain, neutral, along = (interior(model.steps(state, 4).tracers[0]) for model, state in models)
    assert np.abs(neutral - plain).max() < 1e-4 * np.abs(along - plain).max()
