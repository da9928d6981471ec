"""Diagnostics of oceans and atmospheres: functions of datasets, as `Model.dataset` makes them and runs write them.

    from dycore import diagnostics

    psi = diagnostics.barotropic_stream_function(model.dataset(state))          # sverdrup, [y_edge, x_face]
    ocean = xarray.open_dataset("ocean.zarr", chunks={})
    diagnostics.overturning(ocean).mean("time").plot()                          # lazy until then
    diagnostics.section_transport(ocean, x=295.0, y=(-70.0, -50.0)).plot()      # Drake Passage

Each takes an xarray.Dataset of one time or of many and returns a DataArray (a Dataset where it says so) with long name, units
and, where CF has one, standard name. All is as lazy as the dataset is (dask), in double precision, with land left out. What is
missing is refused with a sentence that says what to write into the output.

A run makes and writes them itself, so that their means over time hold what the eddies carry:

    daily = writing.Diagnostics("found.nc", days=1.0, functions=(diagnostics.heat_transport, diagnostics.overturning))
    model.run(state, days=360.0, write=(daily,))

and so does `dycore run CASE --days 360 --diagnostics found.nc --diagnose heat_transport,overturning`.
"""

from dycore.diagnostics.atmospheres import air_temperature, zonal_statistics
from dycore.diagnostics.densities import mixed_layer_depth, potential_density
from dycore.diagnostics.energies import available_potential_energy, cell_volume, content, energy, energy_tendency
from dycore.diagnostics.means import area_mean, zonal_mean
from dycore.diagnostics.regular_grids import on_regular_grid
from dycore.diagnostics.spectra import kinetic_energy_spectrum, zonal_spectrum
from dycore.diagnostics.transports import (
    barotropic_stream_function,
    heat_transport,
    northward_transport,
    overturning,
    overturning_in_density,
    salt_transport,
    section_transport,
)
from dycore.diagnostics.velocities import eddy_kinetic_energy, kinetic_energy, relative_vorticity, speed
from dycore.diagnostics.xgcm_grids import xgcm_grid

OF_STATES = {function.__name__: function for function in (
    air_temperature, available_potential_energy, barotropic_stream_function, content, energy, heat_transport, kinetic_energy,
    kinetic_energy_spectrum, mixed_layer_depth, on_regular_grid, overturning, potential_density, relative_vorticity,
    salt_transport, speed, zonal_statistics)}  # that need the dataset of a state alone: what `dycore run --diagnose` knows

__all__ = ["OF_STATES", "air_temperature", "area_mean", "available_potential_energy", "barotropic_stream_function", "cell_volume",
           "content", "eddy_kinetic_energy", "energy", "energy_tendency", "heat_transport", "kinetic_energy",
           "kinetic_energy_spectrum", "mixed_layer_depth", "northward_transport", "on_regular_grid", "overturning",
           "overturning_in_density",
           "potential_density", "relative_vorticity", "salt_transport", "section_transport", "speed", "xgcm_grid", "zonal_mean",
           "zonal_spectrum", "zonal_statistics"]
