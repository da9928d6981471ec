"""The model of scaling calibrated with records of the suite: its checks against what was measured, and its predictions."""

import math
import statistics
from dataclasses import replace
from typing import Any, NamedTuple

import numpy

from dycore.benchmarks.model import IDEAL, Compute, Layout, Model, Network, Work

SUBSTEP_SHARE = 0.09  # of the time of a step of the channel, in all its substeps (fortran/README.md: measured with perf)
ON_A_SPHERE = "baroclinic_wave", "held_suarez"  # with a polar filter
MOST_RANKS = 10_000
STRONG_CELLS, WEAK_CELLS = 1e8, 1e5  # of all, of a rank, in the picture


def work_of(record: dict[str, Any]) -> Work:
    from dycore.equations.barotropic import averaging_weights

    substeps = len(averaging_weights(record["substeps"]).velocity) if record["substeps"] > 1 else 1
    return Work(record["tracers"], substeps, record["case"] in ON_A_SPHERE, numpy.dtype(record["precision"]).itemsize)


def layout_of(record: dict[str, Any]) -> Layout:
    return Layout(tuple(record["cells"]), tuple(record["processes"]))


def usable(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those on several ranks with all that calibrates: no more ranks than cores, and a silent run."""
    return [record for record in records if record["ranks"] > 1 and record["error"] is None and not record["oversubscribed"]
            and record["ms_per_step_silent"] and record["messages_per_step"] and record["bytes_per_step"]
            and record["processes"] and record["tracers"] is not None]


def calibrated(records: list[dict[str, Any]]) -> Model | None:
    """From the records of one competitor, case and precision; None where those of one rank are missing."""
    alone = sorted((record for record in records if record["ranks"] == 1 and record["error"] is None
                    and record["tracers"] is not None), key=lambda record: record["n_cells"])
    if not alone:
        return None
    work = work_of(alone[0])
    per_cell = 1e-9 * alone[-1]["ms_per_million_cells"]
    column_substep = SUBSTEP_SHARE * per_cell * alone[-1]["cells"][0] / work.substeps if work.substeps > 1 else 0.0
    points = tuple((float(record["n_cells"]), 1e-3 * record["ms_per_step"]) for record in alone)
    model = Model(Compute(points, 1.0, column_substep), work)
    several = usable(records)
    if not several:
        return model
    silent = [1e-3 * record["ms_per_step_silent"] / model.seconds(layout_of(record), IDEAL) for record in several]
    messages = [record["messages_per_step"] / work.messages(layout_of(record)) for record in several]
    sizes = [record["bytes_per_step"] / work.size(layout_of(record)) for record in several]
    return Model(replace(model.compute, contention=statistics.median(silent)), work,
                 statistics.median(messages), statistics.median(sizes))


def shared_memory(records: list[dict[str, Any]]) -> Network:
    """The latency and bandwidth (none negative) that best explain, as shares of a step, what messages took in these records."""
    several = usable(records)
    rows = numpy.array([(record["messages_per_step"], record["bytes_per_step"]) for record in several], float).reshape(-1, 2)
    times = numpy.array([record["ms_per_step"] for record in several]) * 1e-3
    spent = numpy.maximum(0.0, times - 1e-3 * numpy.array([record["ms_per_step_silent"] for record in several]))
    rows, spent = rows / times[:, None], spent / times
    candidates = [numpy.zeros(2)]
    for columns in ([0, 1], [0], [1]):
        fitted = numpy.zeros(2)
        if len(rows) >= len(columns):
            fitted[columns] = numpy.linalg.lstsq(rows[:, columns], spent, rcond=None)[0]
        if (fitted >= 0.0).all():
            candidates.append(fitted)
    latency, per_byte = min(candidates, key=lambda fitted: float(((rows @ fitted - spent) ** 2).sum()))
    return Network("shared memory, as here", float(latency), 1.0 / per_byte if per_byte > 0.0 else math.inf,
                   source="fitted to the records")


class Check(NamedTuple):
    """A measured record and what the model says of it (ms a step)."""

    record: dict[str, Any]
    measured: float
    predicted: float


class Fitted(NamedTuple):
    """A calibrated model, its shared memory, and its checks."""

    case: str
    precision: str
    competitor: str
    model: Model
    memory: Network
    checks: list[Check]


def fitted(records: list[dict[str, Any]]) -> list[Fitted]:
    """One for each case, precision and competitor that was measured on one rank and on several."""
    found = []
    keys = dict.fromkeys((record["case"], record["precision"], record["competitor"]) for record in usable(records))
    for case, precision, competitor in keys:
        group = [record for record in records if (record["case"], record["precision"], record["competitor"])
                 == (case, precision, competitor)]
        model = calibrated(group)
        if model is None:
            continue
        memory = shared_memory(group)
        checks = [Check(record, record["ms_per_step"], 1e3 * model.seconds(layout_of(record), memory))
                  for record in usable(group)]
        found.append(Fitted(case, precision, competitor, model, memory, checks))
    return found


def grown(cells: tuple[int, int, int], n_cells: float) -> tuple[int, int, int]:
    """The levels and proportions of a grid with about so many cells."""
    nz, ny, nx = cells
    scale = math.sqrt(n_cells / math.prod(cells))
    return nz, round(ny * scale), 2 * round(nx * scale / 2)


def ranks_to(most: int = MOST_RANKS) -> list[int]:
    """Powers of two, and the end."""
    return [2**n for n in range(int(math.log2(most)) + 1)] + ([most] if most & (most - 1) else [])


def prediction(one: Fitted, network: Network, cells: tuple[int, int, int], weak: bool,
               most: int = MOST_RANKS) -> list[tuple[int, float]]:
    """(ranks, efficiency), of a grid of `STRONG_CELLS` or of `WEAK_CELLS` for each rank, as far as it can be divided."""
    points = []
    for ranks in ranks_to(most):
        grid = grown(cells, WEAK_CELLS * ranks if weak else STRONG_CELLS)
        try:
            points.append((ranks, one.model.efficiency(one.model.work.layout(grid, ranks), network, weak)))
        except ValueError:
            break
    return points
