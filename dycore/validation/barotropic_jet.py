"""The unstable jet of Galewsky, Scott and Polvani (2004, Tellus A 56, 429)."""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore import cases
from dycore.validation.evidence import Evidence, Kind, close_to, within
from dycore.validation.water import (
    Run,
    area_of,
    cells_of,
    energy_change,
    map_of,
    mass_row,
    norms,
    on_cells_of,
    on_half_the_cells,
    orders,
    run_of,
    vorticity_of,
)

PAPER = "Galewsky et al. 2004, section 2"
