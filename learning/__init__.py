"""Learning through the core: gradients of runs, estimation of states and parameters, networks in place of modules.

Imported as `dycore.learning`; needs JAX (`pip install dycore[learn]`). The science imports nothing of it.
"""

import dycore.learning.installed  # noqa: F401 - before what it speaks of

# isort: split
from dycore.inputs.checked_arguments import checked
from dycore.learning.assimilation import Analysis, assimilate
from dycore.learning.calibration import Calibration, CostCurve, calibrate, cost_along
from dycore.learning.coarse_graining import coarse_grained
from dycore.learning.coarse_windows import RateSamples, coarse_windows, lacking_rates
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
from dycore.learning.diffusion import denoising_loss, guided, noise_levels, preconditioning, sampled
from dycore.learning.diffusion_training import train_diffusion
from dycore.learning.downscaler import Downscaler, calibrated, drawn, load_downscaler, random_downscaler, save_downscaler
from dycore.learning.eddying_channels import eddying_channel
from dycore.learning.emulator import (
    Emulator,
    load_emulator,
    normalisation_of_samples,
    random_emulator,
    rollout,
    save_emulator,
)
from dycore.learning.emulator_ensembles import ensemble_rollout, fitted_error_size, step_errors
from dycore.learning.emulator_training import train_emulator
from dycore.learning.ensembles import Ensemble
from dycore.learning.estimates import Estimates
from dycore.learning.fitting import Fit, fit
from dycore.learning.flow_scores import Climate, Flow, climate, departures, error_between, flow
from dycore.learning.forcing_rates import Rates, forcing_rates, rates_at
from dycore.learning.hybrid import (
    Window,
    forecast_errors,
    in_batches,
    in_growing_rollouts,
    rollout_loss,
    seen_in,
    windows,
    with_module,
)
from dycore.learning.kolmogorov_flows import kolmogorov_flow
from dycore.learning.land_trajectories import land_trajectory
from dycore.learning.letkf import Filtered, filtered
from dycore.learning.normalisation import Normalisation, load_normalisation, normalisation_of, save_normalisation
from dycore.learning.observations import Observations, at_cells, observed_twin
from dycore.learning.parameters_from_maps import MapNetwork, Range, bounded, unbounded, with_fields
from dycore.learning.posterior import Posterior
from dycore.learning.posterior_sampling import posterior_samples
from dycore.learning.run_samples import RunSamples, Windows, run_samples, shuffled
from dycore.learning.scores import (
    Reliability,
    anomaly_correlation,
    continuous_ranked_probability,
    rank_histogram,
    reliability,
    root_mean_square_error,
    spread_over_error,
)
from dycore.learning.sequence_diffusion import (
    SequenceDiffusion,
    drawn_sequences,
    load_sequence_diffusion,
    random_sequence_diffusion,
    save_sequence_diffusion,
)
from dycore.learning.static_maps import static_maps
from dycore.learning.subgrid_fluxes import subgrid_fluxes
from dycore.learning.subgrid_training import (
    fitted_to_lacking_rates,
    fluxes_fitted_in_rollouts,
    lacking_rates_loss,
    random_subgrid_fluxes,
    with_subgrid_fluxes,
)
from dycore.learning.surrogates import with_smooth_slopes
from dycore.learning.taylor_tests import taylor_test
from dycore.learning.training import draw_learning_curve, train
from dycore.learning.trajectories import trajectory
from dycore.learning.uncertain_parameters import UncertainParameter
from dycore.learning.vorticity_samples import VorticitySamples, vorticity_samples
from dycore.learning.weights import Saved, load_weights, save_weights

__all__ = ["Analysis", "Calibration", "Climate", "ColumnNetwork", "ColumnPhysics", "ColumnSamples", "CostCurve",
           "Covariance", "Downscaler", "Emulator", "Ensemble", "Estimates", "Filtered", "Fit", "Flow", "MapNetwork",
           "Normalisation", "Observations", "Posterior", "Range", "RateSamples", "Rates", "Reliability", "RunSamples",
           "Saved", "SequenceDiffusion", "UncertainParameter", "VorticitySamples", "Window", "Windows",
           "anomaly_correlation", "assimilate", "at_cells", "background_covariance", "bounded", "calibrate", "calibrated",
           "climate", "coarse_grained", "coarse_windows", "column_physics", "column_samples", "continuous_ranked_probability",
           "cost_along", "coupled_trajectory", "denoising_loss", "departures", "draw_learning_curve", "drawn",
           "drawn_sequences", "eddying_channel", "ensemble_rollout", "error_between", "filtered", "fit",
           "fitted_error_size", "fitted_in_rollouts", "fitted_to_lacking_rates", "fitted_to_rates", "flow",
           "fluxes_fitted_in_rollouts", "forcing_rates", "forecast_errors", "grad", "guided", "in_batches",
           "in_growing_rollouts", "kolmogorov_flow", "lacking_rates", "lacking_rates_loss", "land_trajectory",
           "load_downscaler", "load_emulator", "load_normalisation", "load_sequence_diffusion", "load_weights",
           "noise_levels", "normalisation_of", "normalisation_of_samples", "numbers", "observed_twin", "of_columns",
           "posterior_samples", "preconditioning", "random_column_physics", "random_downscaler", "random_emulator",
           "random_network", "random_sequence_diffusion", "random_subgrid_fluxes", "rank_histogram", "rates_at",
           "rates_loss", "reliability", "rollout", "rollout_loss", "root_mean_square_error", "run_samples", "sampled",
           "save_downscaler", "save_emulator", "save_normalisation", "save_sequence_diffusion", "save_weights", "seen_in",
           "shared", "shuffled", "spread_over_error", "static_maps", "step_errors", "subgrid_fluxes", "taylor_test",
           "total", "train", "train_diffusion", "train_emulator", "trajectory", "unbounded", "value_and_grad",
           "vorticity_samples", "windows", "with_fields", "with_module", "with_numbers", "with_physics",
           "with_smooth_slopes", "with_subgrid_fluxes"]

for _name in __all__:  # functions of a user's: those within this package call each other unchecked
    if not isinstance(globals()[_name], type):
        globals()[_name] = checked(globals()[_name])
