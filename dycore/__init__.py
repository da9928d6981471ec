"""dycore: one hydrostatic dynamical core for ocean and atmosphere, on NumPy, Numba and JAX."""

from dycore import cases
from dycore.model import Model
from dycore.opening import open
from dycore.parameters import Parameters
from dycore.state import State, initial_state
from dycore.version import VERSION

__version__ = VERSION
__all__ = ["Model", "Parameters", "State", "__version__", "cases", "initial_state", "open"]
