"""Column physics and forcings that are ready to use: each function returns a dycore.forcing.Forcing.

    Parameters(..., forcing=(held_suarez(grid, fluid),))
"""

from dycore.physics.held_suarez import held_suarez
from dycore.physics.surface import heat_flux, surface_flux, surface_relaxation

__all__ = ["heat_flux", "held_suarez", "surface_flux", "surface_relaxation"]
