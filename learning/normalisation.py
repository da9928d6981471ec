"""Normalisation of what a network is given, which belongs to the data that it was trained on and is saved with its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dycore.files import WritingFailed, at_home, read_text, whole, why
from dycore.inputs.given import check_kind, shown

CONSTANT = 1.0e-12  # of the mean square of a field: a variance below that is round-off


class Normalisation(NamedTuple):
    """Normalisation of fields by name: less their mean, over their standard deviation, in the order of the names."""

    names: tuple[str, ...]
    mean: np.ndarray  # [field], each in its unit
    deviation: np.ndarray

    def normalised(self, fields: Mapping[str, Any]) -> np.ndarray:
        """Fields by name, all of one shape, as one array [field, ...] without a unit, zero (the mean) where there is no value.

        Raises ValueError where a field of these names is missing.
        """
        missing = [name for name in self.names if name not in fields]
        if missing:
            raise ValueError(f"The normalisation is of {', '.join(self.names)}, but {', '.join(missing)} is not among the fields "
                             f"{', '.join(fields)}. Give all of them.")
        rows = [(np.ma.filled(np.ma.asarray(fields[name], float), np.nan) - mean) / deviation
                for name, mean, deviation in zip(self.names, self.mean, self.deviation, strict=True)]
        return np.where(np.isfinite(rows), rows, 0.0)


def normalisation_of(fields: Sequence[Mapping[str, Any]]) -> Normalisation:
    """The normalisation that belongs to several sets of the same fields by name, such as maps of the basins that are trained on.

    What is masked, NaN or infinite (land) does not count. A field that is the same everywhere has the deviation 1, and so no part.
    Raises ValueError where sets differ in their names, or a field has no value.
    """
    if not isinstance(fields, (tuple, list)) or not all(isinstance(each, Mapping) for each in fields):
        raise ValueError(f"fields={shown(fields)} must be a list of sets of fields by name, for example [static_maps(grid)].")
    names = tuple(fields[0]) if fields else ()
    if not names or any(set(each) != set(names) for each in fields):
        raise ValueError(f"Sets of fields have the names {[tuple(each) for each in fields]}. Give one set at least, and the same "
                         "names to all.")
    moments = []
    for name in names:
        values = np.concatenate([np.ma.filled(np.ma.asarray(each[name], float), np.nan).ravel() for each in fields])
        values = values[np.isfinite(values)]
        if not values.size:
            raise ValueError(f"The field {name} has no finite value in any of {len(fields)} sets. Leave it out.")
        moments.append(mean_and_deviation(values))
    return Normalisation(names, *map(np.array, zip(*moments, strict=True)))


def mean_and_deviation(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation [...] of samples [n, ...], the latter 1 where all are the same but for round-off."""
    return samples.mean(axis=0), deviation_of(samples.var(axis=0), (samples**2).mean(axis=0))


def deviation_of(variance: np.ndarray, mean_square: np.ndarray) -> np.ndarray:
    """The root of a variance, or 1 where it is round-off beside the mean square."""
    return np.where(variance > CONSTANT * mean_square, np.sqrt(np.maximum(variance, 0.0)), 1.0)


def save_normalisation(path: str | Path, normalisation: Normalisation) -> None:
    """Write a normalisation to a file of JSON, which also reads well, to the last bit. Raises dycore.files.WritingFailed."""
    check_kind("normalisation", normalisation, Normalisation, "normalisation_of makes one.")
    table = {name: {"mean": float(mean), "deviation": float(deviation)}
             for name, mean, deviation in zip(*normalisation, strict=True)}
    try:
        with whole(at_home(path)) as partial:
            partial.write_text(json.dumps(table, indent=1) + "\n")
    except OSError as problem:
        raise WritingFailed(f"The normalisation could not be written to '{path}': {why(problem)}.") from None


def load_normalisation(path: str | Path) -> Normalisation:
    """A normalisation from a file that `save_normalisation` wrote. Raises ValueError for another one."""
    try:
        table = json.loads(read_text(at_home(path)))
        rows = [(name, float(each["mean"]), float(each["deviation"])) for name, each in table.items()]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as problem:
        raise ValueError(f"No normalisation can be read from '{path}': {why(problem)}. Give a file that "
                         "dycore.learning.save_normalisation wrote.") from None
    names, mean, deviation = zip(*rows, strict=True) if rows else ((), (), ())
    if not rows or not np.isfinite([mean, deviation]).all() or min(deviation) <= 0.0:
        raise ValueError(f"'{path}' holds no normalisation: means have to be finite, and deviations positive. Make it anew.")
    return Normalisation(tuple(names), np.array(mean), np.array(deviation))
