"""Samples of a run, read when they are asked for from the Zarr store that `dycore run` wrote, and batches of windows of them.

    samples = run_samples("held_suarez.zarr", ("eastward_velocity", "surface_pressure"), first_day=200.0, coarsen=4)
    batches = shuffled(Windows(samples, length=3), size=16, seed=0)        # batches(1): those of the first pass
    found = train(loss, network, batches, optax.adam(1e-3), passes=20, folder="training")

A sample holds fields [k, j, i] at centres of cells: what stands on faces is the mean of both faces. Coarse ones are means over
blocks of cells, by their area. What was read is kept in memory up to a limit. Order and random numbers of batches follow from a
seed and the number of the pass alone (grain), so that a training that goes on has the batches that it would have had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dycore.diagnostics import cells
from dycore.files import why
from dycore.inputs.given import check_function, integer, not_negative, positive, shown
from dycore.inputs.units import converted
from dycore.learning.coarse_graining import block_sum
from dycore.running.progress import DAY
from dycore.running.reading import open_dataset

FACES = {"longitude_face", "latitude_face", "x_face", "y_face"}


@dataclass(frozen=True, eq=False)
class RunSamples:
    """Records of a run between two days, each a set of fields [k, j, i] or planes [j, i] by name, in float32.

    every: days from one record to the next. places [j] of the coarse rows: latitudes (degrees), on a plane y (m). weight [j, i]:
    share of the area of a fine cell in its block. numbers: of the records in the store.
    """

    data: Any
    names: tuple[str, ...]
    numbers: range
    every: float
    coarsen: int
    places: np.ndarray
    weight: np.ndarray
    memory: float
    kept: dict[int, dict[str, np.ndarray]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, number: int) -> dict[str, np.ndarray]:
        number = range(len(self))[number]
        if number not in self.kept:
            record = self.data.isel(time=self.numbers[number])
            found = {name: self.centred(record[name]) for name in self.names}
            if (len(self.kept) + 1) * sum(each.nbytes for each in found.values()) > self.memory:
                return found
            self.kept[number] = found
        return self.kept[number]

    def centred(self, record: Any) -> np.ndarray:
        """A field at the centres of coarse cells. Raises ValueError where it is not finite."""
        data = cells.alone(record)
        if not np.isfinite(data.values).all():
            raise ValueError(f"{record.name} is not finite everywhere at the time {float(record.time):g} s of the run, as on land. "
                             "Take a run without land.")
        for face in FACES & {*data.dims}:
            data = cells.at_centre(self.data, data, face.removesuffix("_face"))
        return block_sum(data.values * self.weight, (self.coarsen, self.coarsen)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of so many samples in sequence, one from each `stride`th on: sets of arrays [time, ...] by name."""

    samples: Any
    length: int
    stride: int = 1

    def __post_init__(self) -> None:
        integer("length", self.length, 1), integer("stride", self.stride, 1)

    def __len__(self) -> int:
        return max(0, (len(self.samples) - self.length) // self.stride + 1)

    def __getitem__(self, number: int) -> dict[str, np.ndarray]:
        first = range(len(self))[number] * self.stride
        parts = [self.samples[first + n] for n in range(self.length)]
        return {name: np.stack([part[name] for part in parts]) for name in parts[0]}


def run_samples(path: str | Path, names: Sequence[str], *, first_day: float = 0.0, last_day: float | None = None,
                coarsen: int = 1, memory: float = 2.0e9) -> RunSamples:
    """Samples of the fields of these names in a Zarr store, from one day of the run to another, counted from its beginning.

    last_day: None for the end. coarsen: cells in a block along j and i. memory: bytes of samples that are kept once read. Raises
    ValueError for what is no store of a run, names that it does not have, days beyond it, times that are not evenly spaced, and
    blocks that do not fit.
    """
    coarsen, memory, first_day = integer("coarsen", coarsen, 1), positive("memory", memory, "bytes"), not_negative(
        "first_day", first_day, "days")
    data = opened(path)
    if isinstance(names, str) or not isinstance(names, Sequence) or not names:
        raise ValueError(f"names={shown(names)} must be names of fields of the run, for example (\"surface_pressure\",).")
    if len({*names}) < len(names):
        raise ValueError(f"names={shown(names)} holds a field twice. Name each once.")
    missing = [name for name in names if name not in data.data_vars]
    if missing:
        there = ", ".join(map(str, data.data_vars))
        raise ValueError(f"The run in '{path}' has no {', '.join(map(str, missing))}. Take of {there}.")
    days = np.asarray(data.time.values, float) / DAY
    margin = 0.25 * float(np.diff(days).min(initial=np.inf)) if len(days) > 1 else 0.0  # records are at whole time steps
    first, last = np.searchsorted(days, [first_day - margin, (days[-1] if last_day is None else last_day) + margin])
    steps = np.diff(days[first:last])
    if len(steps) < 1 or (last_day is not None and last_day > days[-1] + margin):
        raise ValueError(f"The run in '{path}' holds days {days[0]:g} to {days[-1]:g}, and days {first_day:g} to {last_day} were "
                         "asked for, in which two records have to be at least. Take other days, or a longer run.")
    if np.ptp(steps) > 0.25 * steps.mean():
        raise ValueError(f"Records of '{path}' are {steps.min():g} to {steps.max():g} days apart. Give a run with even intervals.")
    rows = next(name for name in ("latitude", "y") if name in data.dims)
    columns = {"latitude": "longitude", "y": "x"}[rows]
    shape = data.sizes[rows], data.sizes[columns]
    if shape[0] % coarsen or shape[1] % coarsen:
        raise ValueError(f"coarsen={coarsen} does not divide {shape[0]} rows and {shape[1]} columns of the run. Take a divisor of "
                         "both.")
    places = np.asarray(data[rows].values, float)
    area = np.cos(np.radians(places)) if rows == "latitude" else np.ones_like(places)
    total = area.reshape(-1, coarsen).sum(axis=1).repeat(coarsen)
    weight = np.broadcast_to((area / total / coarsen)[:, None], shape)
    return RunSamples(data, tuple(names), range(int(first), int(last)), float(steps.mean()), coarsen,
                      places.reshape(-1, coarsen).mean(axis=1), weight, memory)


def opened(path: str | Path) -> Any:
    """The dataset in a Zarr store, its times in seconds, of which nothing but coordinates is read. Raises ValueError where it is
    no run."""
    try:
        data = open_dataset(path, chunks=None, decode_times=False)
    except (OSError, ValueError, KeyError) as problem:
        raise ValueError(f"No run can be read from '{path}': {why(problem)}. Give a store that dycore run --output RUN.zarr "
                         "wrote.") from None
    if "time" not in data.dims or not {"latitude", "y"} & set(data.dims):
        raise ValueError(f"'{path}' has the dimensions {', '.join(map(str, data.dims)) or 'none'}, not those of a run. Give a "
                         "store that dycore run --output RUN.zarr wrote.")
    unit, since, start = str(data.time.attrs.get("units", "seconds")).partition(" since ")
    seconds = converted(np.asarray(data.time, float), unit, "s", "the times")  # in other units where a run was written again
    return data.assign_coords(time=data.time.copy(data=seconds).assign_attrs(units=f"seconds{since}{start}"))


def shuffled(source: Any, size: int, seed: int = 0,
             changed: Callable[[Any, np.random.Generator], Any] | None = None) -> Callable[[int], Part]:
    """The function of the number of a pass, from 1, that gives its batches: `size` samples stacked each, in another order.

    source: with a length and samples by number, trees of arrays of one shape. changed: a function of a sample and random numbers,
    such as one that turns it about the axis of a sphere. A last batch that is not full is left out. Raises ValueError where there
    is none.
    """
    import grain

    size, seed = integer("size", size, 1), integer("seed", seed, 0, 2**32 - 1)
    if not hasattr(source, "__getitem__") or not hasattr(source, "__len__") or len(source) < size:
        raise ValueError(f"source={shown(source)} must have as many samples as a batch, {size}, at least. Take smaller batches or "
                         "a longer run.")
    samples = grain.MapDataset.source(source).seed(seed).shuffle()
    batches = len(source) // size
    if changed is not None:
        check_function("changed", changed, "sample", "random")
    passes = samples.slice(slice(0, batches * size)).repeat(None)
    drawn = passes if changed is None else passes.random_map(changed)
    return lambda number: Part(drawn.batch(size), (number - 1) * batches, batches)


@dataclass(frozen=True, eq=False)
class Part:
    """So many items of a sequence from one on, got when they are asked for."""

    items: Any
    first: int
    number: int

    def __len__(self) -> int:
        return self.number

    def __getitem__(self, number: int) -> Any:
        return self.items[self.first + range(self.number)[number]]

    def __iter__(self) -> Iterator[Any]:
        return (self[number] for number in range(self.number))
