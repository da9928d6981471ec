"""dycore: one hydrostatic dynamical core for ocean and atmosphere, on NumPy, Numba and JAX."""

from dycore import cases
from dycore.model import Model
from dycore.parameters import Parameters
from dycore.state import State, initial_state

__version__ = "0.1.0"
__all__ = ["Model", "Parameters", "State", "__version__", "cases", "initial_state"]
