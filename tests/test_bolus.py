"""The bolus flow has no column sum, flattens neutral surfaces at the rate of theory, and is tapered where they are steep."""

import numpy as np
import pytest
from eddy_models import EXPANSION, KAPPA, bolus_transports, front, made, of_eddies

from dycore.closures import Visbeck
from dycore.equations.advection import centred
from dycore.equations.eddies import Eddies
from dycore.grid import interior, rectilinear
from dycore.tiles import Boundary
from dycore.vertical import uniform


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
