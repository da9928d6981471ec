"""What the suite was asked for, and the groups of competitors that follow from it: sizes, precisions, ranks, scaling."""

import math
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from dycore.benchmarks.competitor import Group
from dycore.benchmarks.launching import Launcher, allowed_cores, launcher
from dycore.commands.bench import GRADIENTS

NO_LIMIT = 1e4  # minutes: a week


class Settings(NamedTuple):
    """What `dycore bench` was asked for. `ranks` of None: one, and two in the first precision where that can be.

    messages: several ranks are measured without messages and beside one rank as well; minutes: what cannot be done by then is
    left out; sample_seconds: a sample of 20 steps that takes longer has fewer; weak_cells: those of `cells` of which a rank keeps
    as many in weak scaling (None: all).
    """

    cases: list[str]
    cells: list[int]
    backends: list[str]
    precisions: list[str]
    threads: int
    samples: int
    device: str
    output: Path
    ranks: list[int] | None = None
    processes: tuple[int, int] | None = None
    scaling: tuple[str, ...] | list[str] = ("strong",)
    launcher: Launcher | None = None
    messages: bool = True
    minutes: float = NO_LIMIT
    sample_seconds: float = 10.0
    gradient_steps: int = 100
    gradient_cells: tuple[int, ...] | list[int] = ()
    weak_cells: list[int] | None = None


def command_line(settings: Settings) -> str:
    """The command that measures the same again."""
    options = {name: value for name, value in settings._asdict().items()
               if name not in ("output", "launcher", "messages") and value not in (None, (), [])}
    if settings.launcher is not None:
        options |= {"launcher": settings.launcher.words, "nodes": settings.launcher.nodes}
    words = [word for name, value in options.items()
             for word in (f"--{name.replace('_', '-')}",
                          ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value))]
    return shlex.join(["dycore", "bench", *words, "--messages" if settings.messages else "--no-messages"])


def groups(settings: Settings) -> list[Group]:
    """Small sizes first, so that an early interruption leaves the most; one rank before several, and before gradients.

    Where time is limited all cases come on one rank before any comes on several.
    """
    from dycore import cases

    steps = [group for n_cells in settings.cells for case in settings.cases for precision in settings.precisions
             for group in groups_of_ranks(Group(case, cases.cells_for(case, n_cells), precision), settings, n_cells)
             if any(name not in GRADIENTS for name in settings.backends)]
    gradients = [Group(case, cases.cells_for(case, n_cells), precision, gradient_steps=settings.gradient_steps)
                 for n_cells in settings.gradient_cells for case in settings.cases for precision in settings.precisions
                 if any(name in GRADIENTS for name in settings.backends)]
    if settings.minutes < NO_LIMIT:
        sizes = {cases.cells_for(case, n_cells): n_cells for n_cells in settings.cells for case in settings.cases}
        steps.sort(key=lambda group: (sizes[group.base_cells or group.cells], group.ranks))
    return steps + gradients


def competitors_of(group: Group, settings: Settings) -> list[str]:
    """Those that take steps, or gradients of runs."""
    return [name for name in settings.backends if (name in GRADIENTS) == bool(group.gradient_steps)]


def groups_of_ranks(alone: Group, settings: Settings, n_cells: int) -> Iterator[Group]:
    for ranks in ranks_wanted(settings, alone.precision):
        several = alone._replace(ranks=ranks, base_cells=alone.cells, processes=settings.processes, launcher=settings.launcher)
        if ranks == 1:
            yield alone
        elif "strong" in settings.scaling:
            yield several
        if ranks > 1 and "weak" in settings.scaling and (settings.weak_cells is None or n_cells in settings.weak_cells):
            yield several._replace(scaling="weak", cells=weak_cells(alone.cells, ranks))


def ranks_wanted(settings: Settings, precision: str) -> list[int]:
    if settings.ranks is not None:
        return sorted(settings.ranks)
    two = (len(allowed_cores()) >= 2 * settings.threads and launcher() is not None and settings.device == "cpu"
           and precision == settings.precisions[0])
    return [1, 2] if two else [1]


def weak_cells(cells: tuple[int, int, int], ranks: int) -> tuple[int, int, int]:
    """So many times the cells: each rank keeps its rows and columns where ranks are laid as square as they go."""
    nz, ny, nx = cells
    along_x = max(n for n in range(1, math.isqrt(ranks) + 1) if ranks % n == 0)
    return nz, ny * (ranks // along_x), nx * along_x


def oversubscribed(group: Group, threads: int) -> bool:
    return group.ranks * threads > cores_for(group)


def cores_for(group: Group) -> int:
    """On all nodes together, which are alike."""
    return len(allowed_cores()) * nodes_of(group)


def nodes_of(group: Group) -> int:
    return group.launcher.nodes if group.launcher else 1


def devices(settings: Settings) -> list[str]:
    return list(dict.fromkeys(device_of(name, settings) for name in settings.backends))


def device_of(name: str, settings: Settings) -> str:
    return settings.device if GRADIENTS.get(name, name) == "jax" else "cpu"
