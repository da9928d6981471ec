"""The plan of a model's step: where its stencils are applied and how far its halos are read, from one recording of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore.assembly.values import joined
from dycore.backend import Backend
from dycore.equations import hydrostatic
from dycore.fields import map_arguments
from dycore.program import Plan, planned
from dycore.state import State, map_state
from dycore.tiles import Tile


def plan_of_step(backend: Backend, tile: Tile, precision: np.dtype, layout: State, choices: Any, numbers: tuple) -> Plan:
    """The plan of a step of equations with these choices: it is recorded, instead of taken.

    layout: what is declared of each field of the state (dycore.state.layout); numbers: values of the kinds of the equations'.
    """
    recorder = backend.recorder()
    volume = np.broadcast_to(np.zeros((), precision), tile.region.padded)
    start = map_state(lambda about: recorder.placeholder(volume if about.levels else volume[0]), layout)
    start = start._replace(step=0, time=0.0)
    equations = joined(choices, map_arguments(recorder.placeholder, numbers))
    return planned(recorder, tile, lambda on: hydrostatic.step(on, equations, start)[:-2], start[:-2],
                   alone=backend.communication.ranks == 1)
