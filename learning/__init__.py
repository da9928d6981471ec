"""Learning through the core: gradients of runs, estimation of states and parameters, networks in place of modules.

Imported as `dycore.learning`; needs JAX (`pip install dycore[learn]`). The science imports nothing of it.
"""

from dycore.learning.assimilation import Analysis, assimilate
from dycore.learning.calibration import Calibration, CostCurve, calibrate, cost_along
from dycore.learning.column_network import ColumnNetwork, of_columns, random_network
from dycore.learning.column_physics import ColumnPhysics, column_physics
from dycore.learning.column_training import (
    ColumnSamples,
    column_samples,
    fitted_in_rollouts,
    fitted_to_rates,
    random_column_physics,
    rates_loss,
    with_physics,
)
from dycore.learning.coupled_land import coupled_trajectory
from dycore.learning.covariance import Covariance, background_covariance
from dycore.learning.differentiable import grad, numbers, shared, total, value_and_grad, with_numbers
from dycore.learning.ensembles import Ensemble
from dycore.learning.estimates import Estimates
from dycore.learning.fitting import Fit, fit
from dycore.learning.flow_scores import Climate, Flow, climate, departures, error_between, flow
from dycore.learning.forcing_rates import Rates, forcing_rates
from dycore.learning.hybrid import Window, forecast_errors, in_growing_rollouts, rollout_loss, windows
from dycore.learning.land_trajectories import land_trajectory
from dycore.learning.letkf import Filtered, filtered
from dycore.learning.normalisation import Normalisation, normalisation_of
from dycore.learning.observations import Observations, at_cells, observed_twin
from dycore.learning.parameters_from_maps import MapNetwork, Range, bounded, unbounded, with_fields
from dycore.learning.scores import continuous_ranked_probability, rank_histogram
from dycore.learning.static_maps import static_maps
from dycore.learning.surrogates import with_smooth_slopes
from dycore.learning.taylor_tests import taylor_test
from dycore.learning.trajectories import trajectory
from dycore.learning.uncertain_parameters import UncertainParameter
from dycore.learning.weights import Saved, load_weights, save_weights

__all__ = ["Analysis", "Calibration", "Climate", "ColumnNetwork", "ColumnPhysics", "ColumnSamples", "CostCurve", "Covariance",
           "Ensemble", "Estimates", "Filtered", "Fit", "Flow", "MapNetwork", "Normalisation", "Observations", "Range", "Rates",
           "Saved", "UncertainParameter", "Window", "assimilate", "at_cells", "background_covariance", "bounded", "calibrate",
           "climate", "column_physics", "column_samples", "continuous_ranked_probability", "cost_along", "coupled_trajectory",
           "departures", "error_between", "filtered", "fit", "fitted_in_rollouts", "fitted_to_rates", "flow", "forcing_rates",
           "forecast_errors", "grad", "in_growing_rollouts", "land_trajectory", "load_weights", "normalisation_of", "numbers",
           "observed_twin", "of_columns", "random_column_physics", "random_network", "rank_histogram", "rates_loss",
           "rollout_loss", "save_weights", "shared", "static_maps", "taylor_test", "total", "trajectory", "unbounded",
           "value_and_grad", "windows", "with_fields", "with_numbers", "with_physics", "with_smooth_slopes"]
