"""
An ocean of your own
====================

This program builds an ocean from nothing: a grid, a sea floor, a wind, a fluid, a first state. Then it runs it, and shows the gyres
that the wind makes. Nothing here is special to dycore's own cases: they are functions that do the same.
"""

# %%
# The grid
# --------
# A closed basin of 2400 x 2400 km in the middle latitudes of the north, on a beta plane, 20 cells a side. Levels are thin at the
# surface and thick below. ``bottom`` is the height of the sea floor [j, i] in metres: here a ridge from south to north.
from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure

from dycore import Model, Parameters, diagnostics, initial_state
from dycore.backends import on_numpy as backend
from dycore.closures import Convective, convective
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Ocean
from dycore.grid import rectilinear
from dycore.parameters import Mixing
from dycore.tiles import Boundary
from dycore.vertical import stretched

cells, size, depth = (4, 20, 20), 2.4e6, 3000.0
x = (np.arange(cells[2]) + 0.5) / cells[2]
ridge = -depth + 800.0 * np.exp(-(((x - 0.5) / 0.1) ** 2))
grid = rectilinear(cells, extent=(size, size), interfaces=stretched(cells[0], depth), x_boundary=Boundary.WALL,
                   y_boundary=Boundary.WALL, coriolis=1.0e-4, beta=1.8e-11, bottom=np.broadcast_to(ridge, cells[1:]),
                   partial_cells=0.2)
print(grid)

# %%
# The wind and the fluid
# ----------------------
# Westerlies in the middle, easterlies south and north of them: an eastward stress in N/m2 on the west faces of cells [j, i], and
# none northward. Sea water expands with temperature and contracts with salt (a linear equation of state). Friction and diffusion
# along the levels stand for eddies that the grid does not resolve, convection mixes unstable columns, and the sea floor drags.
eastward = np.broadcast_to(-0.1 * np.cos(2.0 * np.pi * grid.y / size)[:, None], cells[1:])
parameters = Parameters(
    fluid=Ocean(), time_step=1800.0, substeps=12, tracer_names=("temperature", "salinity"),
    surface_stress=(eastward, np.zeros(cells[1:])), friction=Mixing(divergence=5.0e3, vorticity=5.0e3), diffusivity=500.0,
    vertical_mixing=VerticalMixing(convective, Convective(), linear_drag=1.0e-3))
model = Model(grid, parameters, backend)
print(model.suggested_time_step())

# %%
# The suggestion is the longest stable step of this ocean at rest, and what limits it. Ours is shorter.
#
# The first state
# ---------------
# At rest, warm above and cold below, one salinity. A profile [k] counts upward, as the levels do.
height = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])
start = initial_state(grid, surface=0.0, tracers=(4.0 + 14.0 * np.exp(height / 500.0), 35.0))

# %%
# Run and look
# ------------
# After five days the wind has set up two gyres, one cyclonic and one anticyclonic, intensified in the west.
state = model.run(start, days=5, progress=False)
data = model.dataset(state)
psi = diagnostics.barotropic_stream_function(data)
print(f"The gyres carry {psi.max().item():.1f} and {-psi.min().item():.1f} Sv.")

# %%
# Diagnostics are functions of datasets, and return labelled arrays. Their picture, beside the height of the sea surface:
picture = Figure(figsize=(9.0, 4.0), layout="constrained")
left, right = picture.subplots(1, 2)
psi.plot.contourf(ax=left, levels=12)
data.sea_surface_height.plot(ax=right)
left.set_title("stream function")
right.set_title("sea surface height")

# %%
# Change something
# ----------------
# Numbers may be changed without compiling anything anew: here is the same ocean under half the wind.
calmer = model.with_parameters(replace(parameters, surface_stress=(0.5 * eastward, np.zeros(cells[1:]))))
half = diagnostics.barotropic_stream_function(calmer.dataset(calmer.run(start, days=5, progress=False)))
print(f"Under half the wind they carry {half.max().item():.1f} and {-half.min().item():.1f} Sv.")

# %%
# From here: :doc:`topography and land </howto/topography>`, :doc:`forcing </howto/forcing>`, :doc:`output </howto/output>`. Next:
# :doc:`slope_of_a_sea_level`.
