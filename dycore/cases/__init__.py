"""Experiments: each is a function (cells, precision, ...) -> (grid, parameters, state) that names its source."""

from dycore.cases.baroclinic_channel import baroclinic_channel
from dycore.cases.baroclinic_wave import baroclinic_wave
from dycore.cases.barotropic_gyre import barotropic_gyre
from dycore.cases.barotropic_jet import barotropic_jet
from dycore.cases.flow_over_mountain import flow_over_mountain
from dycore.cases.global_ocean import global_ocean
from dycore.cases.held_suarez import held_suarez
from dycore.cases.rossby_haurwitz_wave import rossby_haurwitz_wave
from dycore.cases.southern_channel import southern_channel
from dycore.cases.steady_zonal_flow import steady_zonal_flow
from dycore.geometry.coordinates import MOST_CELLS
from dycore.inputs.given import check_number, shown
from dycore.inputs.nearest_name import instead_of

CASES = {case.__name__: case for case in (baroclinic_channel, baroclinic_wave, barotropic_gyre, barotropic_jet,
    flow_over_mountain, global_ocean, held_suarez, rossby_haurwitz_wave, southern_channel,
    steady_zonal_flow)}

# nz, and ny : nx as small whole numbers
_SHAPES = {"baroclinic_channel": (20, 1, 2), "baroclinic_wave": (26, 1, 2), "barotropic_gyre": (1, 1, 1),
           "barotropic_jet": (1, 1, 2), "flow_over_mountain": (1, 1, 2), "global_ocean": (15, 1, 2), "held_suarez": (20, 1, 2),
           "rossby_haurwitz_wave": (1, 1, 2), "southern_channel": (15, 7, 5), "steady_zonal_flow": (1, 1, 2)}


def cells_for(case: str, n_cells: float) -> tuple[int, int, int]:
    """(nz, ny, nx) of about `n_cells` cells in the usual proportions of a case, nx a product of 2, 3 and 5."""
    if not isinstance(case, str) or case not in _SHAPES:
        raise ValueError(f"case={shown(case)} is no case: {instead_of(case, _SHAPES)}")
    nz, y, x = _SHAPES[case]
    n_cells = check_number("n_cells", n_cells, "a positive number of at most 10^12 cells", lambda n: 0.0 < n <= MOST_CELLS)
    ny = max(8.0, (n_cells / nz * y / x) ** 0.5)
    smooth = sorted({2 * 2**a * 3**b * 5**c for a in range(14) for b in range(8) for c in range(6)})
    nx = min(smooth, key=lambda n: abs(n - ny * x / y))
    return nz, nx * y // x, nx


__all__ = ["CASES", "baroclinic_channel", "baroclinic_wave", "barotropic_gyre", "barotropic_jet", "cells_for",
           "flow_over_mountain", "global_ocean", "held_suarez", "rossby_haurwitz_wave", "southern_channel", "steady_zonal_flow"]
