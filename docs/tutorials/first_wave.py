"""
First wave in ten minutes
=========================

A jet stream of the middle latitudes is unstable: a small perturbation grows within days into the highs, lows and fronts of
weather. This program runs such a wave on the whole sphere, looks at it, and writes it to a file. It needs
``pip install dycore[plot]``.
"""

# %%
# A case is a grid, parameters and a state
# ----------------------------------------
# ``cases.baroclinic_wave`` is the test of Jablonowski and Williamson (2006): a jet in balance, and a perturbation of 1 m/s in the
# wind. Cells are levels, rows and columns; these are 5.6 degrees wide, so that all of this runs in seconds.
from dycore import Model, cases, pictures
from dycore.backends import on_numpy as backend  # on_numba or on_jax: the one line to change for speed

grid, parameters, state = cases.baroclinic_wave(cells=(6, 32, 64))
print(grid)

# %%
# The parameters say what is solved, with which schemes and time step.
print(parameters)

# %%
# Run
# ---
# A model is a grid and parameters on a backend. ``run`` returns a new state and leaves the old one as it was. It shows a progress
# bar in simulated time, and stops with the place if a value is no longer finite.
model = Model(grid, parameters, backend)
later = model.run(state, days=9, progress=False)

# %%
# Look
# ----
# ``dataset`` makes an ``xarray.Dataset`` of a state, with CF names, units and coordinates.
data = model.dataset(later)
print(data)

# %%
# All of xarray works on it: here is the lowest pressure, in hPa, and where it is.
surface = data.surface_pressure
place = surface.where(surface == surface.min(), drop=True)
print(f"{0.01 * surface.min().item():.1f} hPa at {place.latitude.item():.0f} N, {place.longitude.item():.0f} E")

# %%
# ``dycore.pictures`` draws fields as maps and sections: a train of highs and lows has grown along the jet.
waves = pictures.map_of(pictures.field(data, "surface_pressure"), pictures.orthographic(50.0), longitude=180.0)

# %%
# The zonal mean of the wind: a jet in either hemisphere, strongest high up, as air is colder towards the poles.
jet = pictures.section(pictures.field(data, "eastward_velocity"))

# %%
# Write
# -----
# A file of the state, which every tool reads:
#
# .. code-block:: python
#
#    data.to_netcdf("wave.nc")
#
# The same run on the command line, with a record a day, a restart, and a picture:
#
# .. code-block:: text
#
#    dycore run baroclinic_wave --cells 10,64,128 --backend numba --days 9 --output wave.zarr --restarts restarts
#    dycore plot wave.zarr surface_pressure --projection orthographic --at latitude=50
#
# Numba compiles for some tens of seconds at the first start, and keeps what it compiled. Next: :doc:`ocean_of_your_own`.
