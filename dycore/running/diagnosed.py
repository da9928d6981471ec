"""Diagnostics that a run makes and writes itself: functions of the dataset of a state, on a schedule, into a file of their own.

What eddies carry is in the mean of such records, and is not in a diagnostic of mean fields. Rank 0 makes and writes them, of the
whole domain: they cost what `Model.dataset` costs, and the functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from dycore import output
from dycore.files import by_first
from dycore.inputs.given import check_function, shown
from dycore.running.growing_files import file_at
from dycore.running.series import Means, Series, Snapshots
from dycore.running.zarr_stores import TIMES, could_not
from dycore.state import State


@dataclass(frozen=True)
class Diagnostics:
    """Diagnostics of the state, every so many days (rounded to whole steps), the first at the start, into a path as Snapshots.

    `functions`: each takes the dataset of a state and returns a DataArray with a name, or a Dataset, as those of dycore.diagnostics
    do; a lambda or functools.partial where they take more. Raises ValueError where a name comes twice, from the first state on, and
    where a later record is not of the form of the first.
    """

    path: str | Path
    days: float
    functions: tuple[Callable, ...]
    chunks: Mapping[str, int] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.functions, (tuple, list)) or not self.functions:
            raise ValueError(f"functions={shown(self.functions)} of '{self.path}' must be a tuple of diagnostics, for example "
                             "(dycore.diagnostics.overturning,).")
        for number, function in enumerate(self.functions):
            check_function(f"functions[{number}]", function, "dataset")


Output = Snapshots | Means | Diagnostics


class Alone:
    """The communication of a process that writes the whole of what it has by itself."""

    rank, ranks = 0, 1

    def first(self, value: Any) -> Any:
        """The value."""
        return value

    def assembled(self, tile: Any, cells: np.ndarray) -> np.ndarray:
        """All there is."""
        return cells

    def block(self, tile: Any, cells: np.ndarray, chunk: Any = None) -> tuple[tuple, np.ndarray]:
        """All there is, whatever its dimensions."""
        return (), cells


class Diagnosed(Series):
    """Diagnostics of a run: the functions, and the file with its number of whole records."""

    def _prepared(self, state: State, wanted: Any) -> tuple[dict[str, Any], Any]:
        self.functions = tuple(wanted.functions)
        alone = SimpleNamespace(tile=None, backend=SimpleNamespace(communication=Alone()))
        return self._diagnosed(state), file_at(self.path, alone, wanted.chunks)

    def _diagnosed(self, state: State) -> dict[str, Any]:
        """The results by name (DataArray), on rank 0; none on the others, which raise what it raises."""
        dataset, made = output.dataset(self.model, state), []

        def work() -> bool:
            found = results(self.functions, dataset)
            check_like_first(found, getattr(self, "variables", found))
            made.append(found)
            return True

        by_first(self.model.backend.communication, work, f"The diagnostics in '{self.path}' could not be made")
        return made[0] if made else {}

    def _cells(self, state: State) -> dict[str, np.ndarray]:
        return {name: np.asarray(found) for name, found in self._diagnosed(state).items()}

    def _template(self, made: str) -> Any:
        xarray = output.load_xarray()
        fields = {name: xarray.DataArray(np.zeros((0, *found.shape), found.dtype), dims=("time", *found.dims), attrs=found.attrs,
                                         coords=found.coords) for name, found in self.variables.items()}
        time = "time", np.zeros(0), output.time_attributes(self.model)
        whole = xarray.Dataset(fields, {"time": time}, output.attributes(self.model) | {"identity": made})
        for name in whole.coords:
            whole[name].encoding["_FillValue"] = None
        return whole

    def _write(self, cells: dict[str, np.ndarray], times: dict[str, Any]) -> None:
        by_first(self.model.backend.communication, lambda: self.store.append(self.records, cells, times), could_not(self.path))


def results(functions: tuple[Callable, ...], dataset: Any) -> dict[str, Any]:
    """Results of functions of the dataset of a state, by name, without the time. Raises ValueError for what is no variable."""
    found: dict[str, Any] = {}
    for function in functions:
        name = getattr(function, "__name__", shown(function))
        try:
            result = function(dataset)
        except ValueError:
            raise
        except Exception as problem:  # whatever a function of a user raises: all ranks have to hear of it
            raise ValueError(f"The diagnostic {name} failed: {type(problem).__name__}: {problem}") from problem
        for each in variables_of(result, name):
            if each.name in found:
                raise ValueError(f"Two diagnostics are called '{each.name}': give one another name, with "
                                 "lambda dataset: function(dataset).rename('another').")
            found[each.name] = each
    check_coordinates(found)
    return found


def variables_of(result: Any, function: str) -> list[Any]:
    """The variables of a result, with coordinates of one dimension alone. Raises ValueError where there is none, or no name."""
    xarray = output.load_xarray()
    parts = list(result.data_vars.values()) if isinstance(result, xarray.Dataset) else [result]
    for each in parts:
        if (not isinstance(each, xarray.DataArray) or not isinstance(each.name, str) or each.name in TIMES or "time" in each.dims
                or each.dtype.kind not in "biuf"):
            raise ValueError(f"The diagnostic {function} makes {shown(each)}: it must be an xarray.DataArray with a name, of "
                             "numbers and without a dimension time, or a Dataset of these.")
    return [each.drop_vars([name for name in each.coords if name not in each.dims]) for each in parts]


def check_coordinates(found: Mapping[str, Any]) -> None:
    """Raise ValueError where dimensions of one name have different values."""
    held: dict[str, Any] = {}
    for each in found.values():
        for name, coordinate in each.coords.items():
            if not held.setdefault(name, coordinate).equals(coordinate):
                raise ValueError(f"The dimension {name} of the diagnostic '{each.name}' has other values than that of one before "
                                 "it: write them into two files.")


def check_like_first(found: Mapping[str, Any], first: Mapping[str, Any]) -> None:
    """Raise ValueError where a record has other variables than the first, or of other places or another kind."""
    if {*found} != {*first}:
        raise ValueError(f"The diagnostics make {', '.join(found)} now, and made {', '.join(first)} at first. A file holds the "
                         "same at all times: give what is missing as NaN.")
    for name, each in found.items():
        other = first[name]
        same = each.dims == other.dims and all(each[dim].equals(other[dim]) for dim in each.dims)
        if not (same and np.can_cast(each.dtype, other.dtype, "same_kind")):
            raise ValueError(f"The diagnostic '{name}' is {each.dtype} {dict(each.sizes)} now, and was {other.dtype} "
                             f"{dict(other.sizes)} at first{'' if same else ', or at other places'}. A file holds one kind of "
                             "numbers at the same places at all times.")
