"""Learning through the core: gradients of runs, estimation of states and parameters, networks in place of modules.

Imported as `dycore.learning`; needs JAX (`pip install dycore[learn]`). The science imports nothing of it.
"""

from dycore.learning.calibration import Calibration, CostCurve, calibrate, cost_along
from dycore.learning.differentiable import grad, numbers, value_and_grad, with_numbers
from dycore.learning.estimates import Estimates
from dycore.learning.observations import Observations, at_cells, observed_twin
from dycore.learning.trajectories import trajectory
from dycore.learning.uncertain_parameters import UncertainParameter

__all__ = ["Calibration", "CostCurve", "Estimates", "Observations", "UncertainParameter", "at_cells", "calibrate", "cost_along",
           "grad", "numbers", "observed_twin", "trajectory", "value_and_grad", "with_numbers"]
