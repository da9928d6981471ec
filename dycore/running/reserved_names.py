"""Names that a tracer cannot have, because datasets, pictures, restarts and files of the state have them for something else."""

from __future__ import annotations

from typing import Any

from dycore.output import coordinates, own_variables, possible_axes, possible_surfaces
from dycore.plotting.plotted_fields import DERIVED
from dycore.running.cell_metrics import GROUND
from dycore.running.growing_files import TIMES
from dycore.running.two_dimensional import names
from dycore.state import State
from dycore.tracers import check_names


def taken_names(model: Any) -> set[str]:
    """The names of all that is no tracer: fields, coordinates, their boundaries and dimensions, on this grid and on others."""
    own = own_variables(model) | {name: (None, dims) for name, (dims, *_) in coordinates(model).items()}
    dimensions = {dim for _, dims, *_ in own.values() for dim in ((dims,) if isinstance(dims, str) else dims)}
    axes = {f"{axis}{ending}" for axis in possible_axes() for ending in ("", "_face", "_bounds")}
    return {*own, *dimensions, *axes, *possible_surfaces(), GROUND, *names(), *TIMES, *DERIVED, *State._fields}


def check_tracer_names(model: Any) -> None:
    """Raise ValueError where a tracer of a model has the name of something else."""
    taken = taken_names(model)
    fields = tuple(field.name for field in model.layout.closure)
    check_names(fields, taken, "The name {name!r} of a field of a closure", "field")
    check_names(model.parameters.tracer_names, taken | {*fields})
