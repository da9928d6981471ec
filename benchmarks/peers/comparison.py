"""Peers and ours on the nearest equal cases: samples in turn, each on the same core, and one table."""

import contextlib
import functools
import math
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from dycore.benchmarks.competitor import Competitor, Group
from dycore.benchmarks.peers.peer import Case, Peer
from dycore.benchmarks.problems import Failed
from dycore.benchmarks.processor_time import sample
from dycore.benchmarks.tables import LABELS, figure, markdown_table

OURS = {
    "baroclinic_channel": "Adams-Bashforth 3; z*, 17 split-explicit barotropic substeps; vector-invariant momentum, upwind-3 "
                          "tracers; temperature and salinity; harmonic friction and diffusion",
    "held_suarez": "Adams-Bashforth 3 with forward-backward gravity waves; sigma; vector-invariant momentum, upwind-3 tracer; "
                   "potential temperature; polar filter by FFT, biharmonic friction"}
WORDS = (
    "Milliseconds of processor time per step per 1M cells on one core: the least (the median) of the samples, which were taken in "
    "turn. The ratio is the median over these rounds. No two of these steps are the same work, nor of the same length: the last "
    "column says what each includes.")


class Compared(NamedTuple):
    """A peer's samples of a case and ours of the same rounds, ms per step per 1M cells; `error` where there are none."""

    peer: str
    case: Case
    theirs: list[float]
    ours: list[float]
    error: str | None = None

    @property
    def ratio(self) -> float:
        return statistics.median(a / b for a, b in zip(self.theirs, self.ours, strict=True))


def compared(peer: Peer, case: Case, backend: str, samples: int, doing: Callable[[str], None]) -> Compared:
    """Build a peer's case, then sample it and ours in turn."""
    group = Group(case.ours, case.cells, case.precision)
    ours, seconds = Competitor(backend, group, 1, "cpu"), []  # type: tuple[Competitor, list[float]]
    scale = 1e9 / math.prod(case.cells)
    theirs: list[float] = []
    try:
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            doing(f"{case.ours}: {peer.label} is built")
            sampled = peer.start(case, Path(folder))
            doing(f"{case.ours}: ours starts")
            stack.callback(ours.stop)
            ours.attempt(Competitor.start)
            for turn in range(samples):
                doing(f"{case.ours}: {peer.label} and ours, sample {turn + 1} of {samples}")
                ours.attempt(functools.partial(sample, seconds=seconds))
                theirs.append(scale * sampled())
            ours.attempt(Competitor.finish)
            if ours.error:
                raise Failed(f"ours: {ours.error}")
    except Failed as problem:
        return Compared(peer.label, case, [], [], str(problem))
    return Compared(peer.label, case, theirs, [scale * each / ours.steps for each in seconds])


def table(found: list[Compared], backend: str) -> tuple[list[str], list[list[str]]]:
    """A row for ours and one for the peer, for each comparison."""
    columns = ["case", "cells", "precision", "model", "ms per step per 1M cells", "over ours", "a step includes"]
    rows = []
    for one in found:
        if one.error is None:
            where = [one.case.ours, " x ".join(map(str, one.case.cells)), one.case.precision]
            rows.append([*where, f"ours ({LABELS[backend]})", spread(one.ours), "1", OURS[one.case.ours]])
            rows.append([*where, one.peer, spread(one.theirs), figure(one.ratio), one.case.work])
    return columns, rows


def spread(times: list[float]) -> str:
    return f"{figure(min(times))} ({figure(statistics.median(times))})"


def failures(found: list[Compared]) -> list[str]:
    return [f"{one.peer}, {one.case.ours}: {one.error}" for one in found if one.error]


def markdown(found: list[Compared], backend: str, origin: str, notes: list[str]) -> str:
    return "\n".join(["# Peers beside ours", "", origin, "", *(f"- {line}" for line in notes), *[""] * bool(notes), WORDS, "",
                      *markdown_table(*table(found, backend)), ""])
