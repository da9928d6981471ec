"""Diffusion along neutral surfaces lets no variance grow, keeps content, and makes no flux of the buoyancy."""

import numpy as np
import pytest
from conftest import filled
from eddy_models import EXPANSION, KAPPA, front, made, matrices, rates, rough

from dycore.equations.eddies import Eddies
from dycore.equations.steppers import WickerSkamarock
from dycore.grid import interior, rectilinear
from dycore.tiles import Boundary, Place
from dycore.vertical import uniform


@pytest.mark.parametrize("kind, noise, tide", [
    ("whole cells", 0.4, 0.0), ("whole cells", 9.0, 300.0), ("partial cells", 0.4, 300.0), ("sphere", 0.4, 0.0)])
def test_neutral_diffusion_lets_no_variance_grow_whatever_the_noise_and_keeps_content(kind, noise, tide):
    """The matrix of all cells is symmetric, has no positive eigenvalue, and constants and a stable buoyancy in its null space."""
    grid, temperature = rough(kind, noise)
    wet = grid.wet
    model, state = made(grid, Eddies(KAPPA, greatest_slope=3.0e-3), temperature, time_step=60.0)
    surface = tide * np.random.default_rng(8).uniform(-1.0, 1.0, grid.cells[1:])  # of levels that are stretched by it
    state = state._replace(surface=filled(grid, Place.CENTER, surface))
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


@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_patch_of_dye_on_sloping_surfaces_loses_variance_at_the_rate_of_theory(axis):
    """d/dt sum c^2 dV / 2 = -kappa sum (dc/dx + S dc/dz)^2 dV: gradients along and across the levels count alike here."""
    slope, n, nz = -1.2e-3, 50, 40
    cells, extent = ((nz, 1, n), (1.0e6, 1.0e5)) if axis == "x" else ((nz, n, 1), (1.0e5, 1.0e6))
    grid = rectilinear(cells, extent=extent, interfaces=uniform(nz, -1000.0, 0.0), x_boundary=Boundary.WALL)
    z = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])[:, None, None]
    along = grid.x[None, None, :] if axis == "x" else grid.y[None, :, None]
    x, height = along - 5.0e5, z + 500.0
    dye = np.exp(-((x / 2.0e5) ** 2) - (height / 200.0) ** 2)
    model, state = made(grid, Eddies(neutral_diffusivity=KAPPA), 10.0 + 1.0e-5 * (z - slope * along) / EXPANSION)
    ((rate, _),) = rates(model, state, [dye])
    along_surfaces = dye * (-2.0 * x / 2.0e5**2 - slope * 2.0 * height / 200.0**2)
    assert (rate * dye).sum() == pytest.approx(-KAPPA * (along_surfaces**2 * grid.volume).sum(), rel=0.02)
