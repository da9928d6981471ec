"""The plan of a model's step: where its stencils are applied and how far its halos are read, from one recording of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore.abstract import names_of
from dycore.assembly.values import is_traced, joined
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


FORMS = "a number", "a profile [nz]", "a plane [ny, nx]", "a volume [nz, ny, nx]"


def check_forms(made: Any, other: Any) -> None:
    """Raise ValueError where another model, with new numbers, has values of forcings in a form that a step cannot read, though
    it reads that with which a model was made."""
    changed = [f"{name} is {FORMS[now]}, where the model was made with {FORMS[before]}"
               for (name, before), (_, now) in zip(forms_of(made), forms_of(other), strict=True) if before != now]
    if not changed:
        return
    numbers = tuple(1.0 if is_traced(number) and not np.ndim(number) else number for number in other.numbers)
    try:
        plan_of_step(made.backend, made.tile, made.grid.dtype, made.layout, other.choices, numbers)
    except Exception as problem:  # whatever a stencil or a function of the user says
        raise ValueError(f"{', '.join(changed)}, and its forcing cannot read that. Give it in the form that the model has, or make "
                         "a new Model with a forcing that reads it.") from problem


def forms_of(model: Any) -> list[tuple[str, int]]:
    """(name, number of axes) of each value of the forcings of a model."""
    axes: list[int] = []
    names: list[str] = []
    for number, forcing in enumerate(model.parameters.forcing):
        names += names_of(forcing.values, f"forcing[{number}].values")
        map_arguments(lambda leaf: axes.append(np.ndim(leaf)), forcing.values)
    return list(zip(names, axes, strict=True))
