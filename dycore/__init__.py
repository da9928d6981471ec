"""dycore: one hydrostatic dynamical core for ocean and atmosphere, on NumPy, Numba and JAX."""

from dycore import cases
from dycore.model import Model
from dycore.notebooks import short_errors
from dycore.opening import open
from dycore.parameters import Parameters
from dycore.state import State, initial_state
from dycore.version import VERSION

__version__ = VERSION
short_errors()
__all__ = ["Model", "Parameters", "State", "__version__", "cases", "initial_state", "open"]
