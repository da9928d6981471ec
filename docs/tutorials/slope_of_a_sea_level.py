"""
A gradient
==========

From where does the sea level on a coast come? A gradient answers for every place at once: how much does the sea level here
change by the wind there? JAX differentiates the whole run. This program needs ``pip install dycore[jax,learn,plot]``.
"""

# %%
# A model, and a function of the wind
# -----------------------------------
# A basin of one layer, at rest, 100 m deep. The function takes the eastward stress of the wind on every cell, runs half a day, and
# returns one number: the mean sea level on the middle of the eastern coast.
from dataclasses import replace

import jax
import numpy as np
from matplotlib.figure import Figure

from dycore import Model, Parameters, initial_state, learning
from dycore.backends import on_jax
from dycore.fluid import Ocean, no_buoyancy
from dycore.grid import interior, rectilinear
from dycore.tiles import Boundary

jax.config.update("jax_enable_x64", True)  # double precision
cells = (1, 18, 24)
grid = rectilinear(cells, extent=(3.2e6, 2.4e6), interfaces=np.array([-100.0, 0.0]), x_boundary=Boundary.WALL,
                   y_boundary=Boundary.WALL, coriolis=1.0e-4)
calm = np.zeros(cells[1:])
parameters = Parameters(Ocean(buoyancy=no_buoyancy), time_step=1200.0, substeps=10, surface_stress=(calm, calm))
model = Model(grid, parameters, on_jax.create(native=False))
rest = model.asarrays(initial_state(grid, surface=0.0))
coast = slice(7, 11), -1


def sea_level(eastward):
    """Mean sea level on the coast (m) after half a day of an eastward stress [j, i] (N/m2)."""
    blown = model.with_parameters(replace(parameters, surface_stress=(eastward, calm)))
    end, _ = learning.trajectory(blown, rest, 36)
    return interior(end.surface)[coast].mean()


# %%
# Its gradient
# ------------
# ``learning.trajectory`` is a run that JAX can differentiate. It keeps a few states and computes others again on the way back, so
# that memory grows with the square root of the steps.
slope = np.asarray(on_jax.jit(jax.grad(sea_level))(calm))
print(f"The sea level rises by up to {1000.0 * slope.max():.3f} mm for 1 N/m2 on one cell.")

# %%
# Is it right?
# ------------
# A gradient is worth nothing before it is held against differences. A random change of the wind, forward and backward:
change = 0.1 * np.random.default_rng(0).standard_normal(calm.shape)
level = on_jax.jit(sea_level)
difference = 0.5 * float(level(change) - level(-change))
expected = float((slope * change).sum())
print(f"by differences {difference:.9f} m, by the gradient {expected:.9f} m")

# %%
# What it says
# ------------
# The wind next to the coast counts most. The arc at sea is about as far away as gravity waves come in half a day, 31 m/s times
# 43200 s. The wind along the southern wall counts too: what it piles up in the corner comes along the coast as a Kelvin wave, with
# the coast to its right. From the northern wall nothing comes.
picture = Figure(figsize=(7.0, 4.4), layout="constrained")
axes = picture.subplots()
largest = np.abs(slope).max()
mesh = axes.pcolormesh(1e-3 * grid.x, 1e-3 * grid.y, 1e3 * slope, cmap="RdBu_r", vmin=-1e3 * largest, vmax=1e3 * largest)
axes.vlines(1e-3 * grid.x[-1], 1e-3 * grid.y[7], 1e-3 * grid.y[10], "k", linewidth=4.0)
axes.set(xlabel="x (km)", ylabel="y (km)", aspect="equal")
picture.colorbar(mesh, label="mm per N/m2 on a cell")

# %%
# What gradients are for: estimating parameters (``examples/calibration.py``), states (``examples/assimilation.py``), and training
# networks through the solver (``examples/hybrid.py``).
