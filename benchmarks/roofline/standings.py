"""Where each competitor stands: what it takes of a step, and what each ceiling allows for what it has to do (ns per cell and step).

    fused, apart      its floating-point operations at the rate of multiply_add, and of multiply_or_add
    memory            what a step has to move (benchmarks/measuring.py) at the bandwidth of memory
    beyond l2         the lines that its second cache fetches, at the bandwidth of memory
    instructions, loads, stores     what it executes, at the rate of each
"""

import contextlib
import functools
import statistics
from collections.abc import Callable
from typing import NamedTuple

from dycore.benchmarks.competitor import Competitor, Group
from dycore.benchmarks.measuring import floor_ms_per_million_cells
from dycore.benchmarks.problems import Failed
from dycore.benchmarks.processor_time import sample
from dycore.benchmarks.roofline import flops, instructions
from dycore.benchmarks.roofline.ceilings import Ceilings
from dycore.benchmarks.roofline.flops import Flops
from dycore.benchmarks.roofline.instructions import Counts

PRECISION = "float64"


class Step(NamedTuple):
    """What a step of a case has to do, for each cell, whoever does it; `bytes` it has to read and write."""

    case: str
    cells: tuple[int, int, int]
    flops: Flops
    bytes: float

    @property
    def group(self) -> Group:
        return Group(self.case, self.cells, PRECISION)


class Standing(NamedTuple):
    """A competitor: least and median of its samples (ns of processor time per cell and step), what it executes if counted."""

    step: Step
    competitor: str
    least: float | None
    median: float | None
    counts: Counts | None = None
    error: str | None = None


def step_of(case: str, cells: tuple[int, int, int]) -> Step:
    from dycore import cases
    from dycore.closures.records import prognostics_of

    parameters = getattr(cases, case)(cells=cells)[1]
    floor = floor_ms_per_million_cells(len(parameters.tracer_names), PRECISION, 1e9, len(prognostics_of(parameters)))
    return Step(case, cells, flops.of_case(case, cells, PRECISION), floor)


def limits(standing: Standing, ceilings: Ceilings) -> dict[str, float]:
    """The time that each ceiling allows (see above; ns per cell and step)."""
    step, counts = standing.step, standing.counts
    found = {"fused": step.flops.total / ceilings.multiply_add, "apart": step.flops.total / ceilings.multiply_or_add,
             "memory": step.bytes / ceilings.memory}
    if counts is not None:
        found |= {"beyond l2": counts.bytes_beyond_l2 / ceilings.memory,
                  "instructions": counts.instructions / ceilings.instructions, "loads": counts.loads / ceilings.loads,
                  "stores": counts.stores / ceilings.stores}
    return {name: 1e9 * seconds for name, seconds in found.items()}


def standings(step: Step, names: list[str], samples: int, problems: dict[str, str | None], ceilings: Ceilings,
              counting: bool, doing: Callable[[str], None]) -> list[Standing]:
    """All competitors of a case: sampled in turn, then counted one by one; `problems` are why some cannot run."""
    everyone = [Competitor(name, step.group, 1, "cpu", problems.get(name)) for name in names]
    taken: dict[str, list[float]] = {name: [] for name in names}
    with contextlib.ExitStack() as stack:
        for each in everyone:
            doing(f"{step.case}: {each.name} starts")
            stack.callback(each.stop)
            each.attempt(Competitor.start)
        for turn in range(samples):
            doing(f"{step.case}: sample {turn + 1} of {samples}")
            for each in (everyone if turn % 2 else everyone[::-1]):
                each.attempt(functools.partial(sample, seconds=taken[each.name]))
        for each in everyone:
            each.attempt(Competitor.finish)
    found = []
    for each in everyone:
        counts, reason = None, each.error
        if counting and reason is None and each.name in instructions.COUNTED:
            doing(f"{step.case}: valgrind counts {each.name}")
            counts, reason = counted(each.name, step, ceilings)
        times = [1e9 * seconds / (each.steps * step.group.n_cells) for seconds in taken[each.name]] if each.error is None else []
        least, median = (min(times), statistics.median(times)) if times else (None, None)
        found.append(Standing(step, each.name, least, median, counts, reason))
    return found


def counted(name: str, step: Step, ceilings: Ceilings) -> tuple[Counts | None, str | None]:
    """Counts, or why there are none."""
    try:
        return instructions.counted(name, step.group, ceilings.l1_cache, ceilings.l2_cache), None
    except Failed as problem:
        return None, f"not counted: {problem}"
