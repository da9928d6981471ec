"""Runs that experiments make where they are not there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dycore import Model
from dycore.grid import Grid
from dycore.parameters import Parameters
from dycore.state import State
from dycore.writing import Snapshots


def make_run(path: Path, problem: tuple[Grid, Parameters, State], days: float, every: float, names: Sequence[str],
             runs_on: Any = None, progress: bool = True) -> None:
    """Write a run of so many days to a store, under another name until it is whole: fields of these names every so many days.

    runs_on: a backend; None for Numba. Raises as `Model.run` does.
    """
    from dycore.backends import on_numba

    partial, (grid, parameters, state) = path.with_name(f"unfinished_{path.name}"), problem
    shutil.rmtree(partial, ignore_errors=True)
    Model(grid, parameters, runs_on or on_numba).run(state, days=days, progress=progress,
                                                     write=(Snapshots(partial, every, tuple(names)),))
    os.replace(partial, path)
