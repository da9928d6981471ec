"""Where stencils are applied follows from who reads what: no wider than regions once written by hand, and never too narrow."""

from dataclasses import replace

import numpy as np
import pytest

from dycore import Model, Parameters, cases
from dycore.backends import on_numpy
from dycore.equations import momentum, momentum_weno
from dycore.equations.steppers import AdamsBashforth3, WickerSkamarock
from dycore.fluid import Ocean
from dycore.forcing import Forcing
from dycore.grid import interior, rectilinear
from dycore.program import Program
from dycore.state import initial_state
from dycore.stencils import stencil
from dycore.vertical import uniform

# cells beyond those of the tile to the south, north, west and east, as they were once written by hand
BY_HAND = {
    (0, 0, 0, 0): ("slopes", "extrapolated_changes", "advance", "advance_mixed", "substitute", "depth_means", "surface_increment",
                   "transport_divergence", "velocity_correction", "corrected_velocity", "advance_surface", "inverse_stretching",
                   "stretching", "tracer_step", "tracer_step_mixed", "substitute_tracer"),
    (1, 0, 1, 0): ("layer_phi", "energies", "velocity_divergence", "coefficients", "flux_through_levels", "column_divergence"),
    (0, 1, 0, 1): ("corner_fluxes", "means", "transport_correction", "corrected_transports", "values_at", "vorticity", "widths"),
    (1, 1, 1, 1): ("columns", "column_sums", "extrapolated_surface", "transports"),
    (2, 3, 2, 3): ("corner_vorticities",),
    (2, 2, 2, 2): ("stresses",),
    (3, 3, 3, 3): ("extrapolated",),
}
WIDEST = {name: extent for extent, names in BY_HAND.items() for name in names}
GRID = rectilinear((2, 8, 10), extent=(1e6, 8e5), interfaces=uniform(2, -400.0, 0.0))
COMMON = Parameters(Ocean(), 600.0, substeps=24, tracer_names=("temperature", "salinity"))
CELLS = {"baroclinic_channel": (4, 16, 24), "held_suarez": (4, 16, 32), "global_ocean": (5, 22, 40)}


@pytest.mark.parametrize("weno", [False, True], ids=["energy_conserving", "weno"])
@pytest.mark.parametrize("stepper", [None, WickerSkamarock()], ids=["AB3", "RK"])
@pytest.mark.parametrize("case", CELLS)
def test_regions_are_no_wider_than_those_written_by_hand(monkeypatch, case, stepper, weno):
    grid, parameters, _ = getattr(cases, case)(cells=CELLS[case])
    if stepper:
        parameters = replace(parameters, stepper=stepper)
    if weno:
        parameters = replace(parameters, advection=momentum_weno.weno)
    names = []
    asked = Program._region
    monkeypatch.setattr(Program, "_region", lambda self, function, *rest: (names.append(function.__name__),
                                                                          asked(self, function, *rest))[1])
    model = Model(grid, parameters, on_numpy)
    assert len(names) == len(model.plan.regions) > 20
    (south, north), (west, east) = model.tile.region.j, model.tile.region.i
    for name, region in zip(names, model.plan.regions, strict=True):
        extent = south - region.j[0], region.j[1] - north, west - region.i[0], region.i[1] - east
        widest = (2, 3, 2, 3) if weno and name == "columns" else WIDEST[name]
        assert all(mine <= theirs for mine, theirs in zip(extent, widest, strict=True)), (name, extent)
        assert min(extent) >= 0


@stencil
def far(k, j, i, grid, column, values, now):
    """Reads four cells away."""
    return now.tracers[0][k, j, i + 4] - now.tracers[0][k, j, i]


@stencil
def pull(k, j, i, grid, column, values, now):
    """Reads the column two cells to the east."""
    return 1e-9 * (column.stretching[j, i + 2] - column.stretching[j, i - 1])


def test_a_stencil_that_reads_past_the_halo_is_refused_by_name():
    parameters = replace(COMMON, forcing=(Forcing(tracers=(far,)),))
    with pytest.raises(IndexError, match=r"tracer_step.* reads? "):
        Model(GRID, parameters, on_numpy)


def test_a_forcing_that_reads_farther_widens_only_what_it_reads():
    plain = Model(GRID, COMMON, on_numpy)
    wider = Model(GRID, replace(COMMON, forcing=(Forcing(u=pull),)), on_numpy)
    changed = [(a, b) for a, b in zip(plain.plan.regions, wider.plan.regions, strict=True) if a != b]
    assert len(changed) == 1
    (before, after), = changed
    assert np.subtract(after.i, before.i).tolist() == [0, 1] and after.j == before.j


@pytest.mark.parametrize("substeps", [1, 24])
@pytest.mark.parametrize("advection", [momentum.energy_conserving, momentum.linear, momentum_weno.weno])
def test_every_advection_goes_with_every_stepper_and_number_of_substeps(random, advection, substeps):
    """One short step of either is the same to first order, also where nothing reads the W of a stage."""
    grid = rectilinear((2, 8, 10), extent=(1e6, 8e5), interfaces=uniform(2, -400.0, 0.0), coriolis=1e-4)
    state = initial_state(grid, v=0.1 * random.standard_normal(grid.cells), surface=0.0, tracers=(10.0, 35.0))
    ends = []
    for stepper in (AdamsBashforth3(), WickerSkamarock()):
        parameters = replace(COMMON, advection=advection, substeps=substeps, time_step=5.0, stepper=stepper)
        ends.append(interior(Model(grid, parameters, on_numpy).steps(state, 1).u))
    assert np.abs(ends[1] - ends[0]).max() < 0.05 * np.abs(ends[0]).max()  # f v dt
