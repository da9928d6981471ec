"""Kolmogorov flow: turbulence of one layer on a plane without edges, stirred by a steady zonal force that is a sine of y.

    F = A sin(2 pi n y / L),  and drag -r u

(Arnold and Meshalkin 1960; a test of learned models since Kochkov et al. 2021, PNAS 118, e2101784118.) Waves of the surface are
some ten times as fast as the flow and hardly take part. What the flow sends to the grid scale is taken up by biharmonic friction.
"""

from __future__ import annotations

import numpy as np

from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import shallow_water
from dycore.geometry.coordinates import check_cells
from dycore.grid import Grid, rectilinear
from dycore.learning.seeds import random_numbers
from dycore.parameters import Mixing, Parameters
from dycore.state import State, initial_state
from dycore.tiles import Boundary

LENGTH, DEPTH, GRAVITY = 1.0e6, 100.0, 1.0  # m, m, m/s2: waves of the surface go 10 m/s
WAVES, FORCE = 4, 1.0e-6  # n; A (m/s2), which drives some 0.5 m/s
DRAG = 1.0 / (20.0 * 86400.0)  # r (1/s)
STEP = 1.0 / 6.0  # s/m: time step over the spacing, a Courant number of 0.25 at 1.5 m/s, the fastest there is
FRICTION = 5.0e-3  # m/s: biharmonic coefficient over the cube of the spacing
FIRST_WAVES, FIRST_SPEED = (2.0, 8.0), 0.5  # of the random flow at the start: wavenumbers; root mean square (m/s)


def kolmogorov_flow(cells: tuple[int, int, int] = (1, 128, 128), seed: int = 0,
                    precision: str = "float32") -> tuple[Grid, Parameters, State]:
    """(grid, parameters, state) of the flow, at the start random waves without divergence. It forgets them in some 50 days.

    Raises ValueError for more than one level, and where there are not as many rows as columns.
    """
    cells = check_cells(cells)
    if cells[0] != 1 or cells[1] != cells[2]:
        raise ValueError(f"cells={cells}: the flow has one level, and as many rows as columns. Give (1, n, n).")
    grid, n = rectilinear(cells, extent=(LENGTH, LENGTH), interfaces=np.array([-DEPTH, 0.0]), x_boundary=Boundary.PERIODIC,
                          y_boundary=Boundary.PERIODIC, precision=precision), cells[1]
    spacing, fluid = LENGTH / n, shallow_water(GRAVITY)
    friction = FRICTION * spacing**3
    stress = FORCE * fluid.reference_density * DEPTH * np.sin(2.0 * np.pi * WAVES * grid.y / LENGTH)
    parameters = Parameters(
        fluid=fluid, time_step=STEP * spacing, substeps=5, friction=Mixing(friction, friction, biharmonic=True),
        vertical_mixing=VerticalMixing(linear_drag=DRAG * DEPTH),
        surface_stress=(np.broadcast_to(stress[:, None], (n, n)), np.zeros((n, n))))
    psi = random_waves(n, seed)
    u, v = psi - np.roll(psi, -1, 0), np.roll(psi, -1, 1) - psi  # of a stream function at corners
    size = FIRST_SPEED / np.sqrt((u**2 + v**2).mean())
    return grid, parameters, initial_state(grid, surface=0.0, u=(size * u)[None], v=(size * v)[None])


def random_waves(n: int, seed: int) -> np.ndarray:
    """Random waves [j, i] of FIRST_WAVES on a plane that goes round in both directions."""
    random, number = random_numbers(seed), np.hypot(n * np.fft.fftfreq(n)[:, None], np.arange(n // 2 + 1))
    there = (number >= FIRST_WAVES[0]) & (number <= FIRST_WAVES[1])
    return np.fft.irfft2(there * (random.standard_normal(number.shape) + 1j * random.standard_normal(number.shape)), s=(n, n))
