"""From forces to a step: third-order Adams-Bashforth with forward-backward gravity waves.

    u' = u + dt [ AB3(G + a P) + (1 - a) P + friction ],       AB3 weights (23, -16, 5) / 12

G is advection and the Coriolis force, P the pressure force at the current surface and tracers; mass and
tracers then move with the new velocity, their values extrapolated by the same AB3. One evaluation of
every term a step. Where barotropic substeps carry the external waves (dycore.barotropic), their part of
P, -g' grad R, is left out of a P: extrapolated, it would grow. With a = 0 the scheme amplifies gravity
waves on a mean flow, weakly, at all frequencies; a = 0.1 damps them, up to omega dt = 1.78 without mean
flow and 1.58 at a Doppler shift of 0.05 (von Neumann analysis; tests/test_stepping.py). Adams-Bashforth
starts with Euler and AB2 steps.
"""

from __future__ import annotations

import numpy as np

from dycore.pressure import force_u, force_v
from dycore.stencils import stencil, where

ADAMS_BASHFORTH = np.array([[12.0, 0.0, 0.0], [18.0, -6.0, 0.0], [23.0, -16.0, 5.0]]) / 12.0


@stencil
def step_u(k, j, i, grid, column, motion, heights, fluid, advection_u, advection_v, forces, weights,
           time_step, share, external, u, v, w, surface, tracers, phi, before_u, before_v):
    """u one step later (m/s) before its depth mean is settled, and what to extrapolate from (m/s2)."""
    pressure = force_u(k, j, i, grid, column, heights, fluid, tracers, phi)
    slow = pressure + external * (surface[j, i] - surface[j, i - 1]) * grid.inverse_dx_u[j, i]
    tendency = (advection_u(k, j, i, grid, column, motion, u, v, w) + forces.stress_u(k, j, i, grid, forces)
                + share * slow)
    change = (weights[0] * tendency + weights[1] * before_u[0][k, j, i] + weights[2] * before_u[1][k, j, i]
              + (pressure - share * slow) + forces.friction_u(k, j, i, grid, forces))
    return where(k >= grid.floor_u[j, i], u[k, j, i] + time_step * change, 0.0), tendency


@stencil
def step_v(k, j, i, grid, column, motion, heights, fluid, advection_u, advection_v, forces, weights,
           time_step, share, external, u, v, w, surface, tracers, phi, before_u, before_v):
    """v one step later (m/s) before its depth mean is settled, and what to extrapolate from (m/s2)."""
    pressure = force_v(k, j, i, grid, column, heights, fluid, tracers, phi)
    slow = pressure + external * (surface[j, i] - surface[j - 1, i]) * grid.inverse_dy_v[j, i]
    tendency = (advection_v(k, j, i, grid, column, motion, u, v, w) + forces.stress_v(k, j, i, grid, forces)
                + share * slow)
    change = (weights[0] * tendency + weights[1] * before_v[0][k, j, i] + weights[2] * before_v[1][k, j, i]
              + (pressure - share * slow) + forces.friction_v(k, j, i, grid, forces))
    return where(k >= grid.floor_v[j, i], v[k, j, i] + time_step * change, 0.0), tendency


@stencil
def step_velocity(k, j, i, grid, column, motion, heights, fluid, advection_u, advection_v, forces, weights,
           time_step, share, external, u, v, w, surface, tracers, phi, before_u, before_v):
    """Both components: (u, v, tendency of u, tendency of v)."""
    new_u, tendency_u = step_u(k, j, i, grid, column, motion, heights, fluid, advection_u, advection_v, forces, weights,
           time_step, share, external, u, v, w, surface, tracers, phi, before_u, before_v)
    new_v, tendency_v = step_v(k, j, i, grid, column, motion, heights, fluid, advection_u, advection_v, forces, weights,
           time_step, share, external, u, v, w, surface, tracers, phi, before_u, before_v)
    return new_u, new_v, tendency_u, tendency_v


@stencil
def extrapolated_surface(j, i, weights, now, before):
    """The moving boundary half a step ahead (unit of r)."""
    return weights[0] * now[j, i] + weights[1] * before[0][j, i] + weights[2] * before[1][j, i]
