"""dycore: one hydrostatic dynamical core for ocean and atmosphere, on NumPy, Numba and JAX."""

from dycore import cases
from dycore.model import Model
from dycore.state import State

__version__ = "0.1.0"
__all__ = ["Model", "State", "__version__", "cases"]
