"""Learning through the core: gradients of runs, estimation of states and parameters, networks in place of modules.

Imported as `dycore.learning`; needs JAX (`pip install dycore[learn]`). The science imports nothing of it.
"""

from dycore.learning.differentiable import grad, numbers, shared, total, value_and_grad, with_numbers
from dycore.learning.surrogates import with_smooth_slopes
from dycore.learning.taylor_tests import taylor_test
from dycore.learning.trajectories import trajectory

__all__ = ["grad", "numbers", "shared", "taylor_test", "total", "trajectory", "value_and_grad", "with_numbers",
           "with_smooth_slopes"]
