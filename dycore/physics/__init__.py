"""Column physics and forcings that are ready to use: each function returns a dycore.forcing.Forcing.

    Parameters(..., forcing=(held_suarez(grid, fluid),))
"""

from dycore.physics.held_suarez import held_suarez
from dycore.physics.short_wave import short_wave
from dycore.physics.sponges import sponge
from dycore.physics.surface import fresh_water_flux, heat_flux, surface_flux, surface_relaxation

__all__ = ["fresh_water_flux", "heat_flux", "held_suarez", "short_wave", "sponge", "surface_flux", "surface_relaxation"]
