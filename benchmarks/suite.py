"""The main job: wall time per step per 1M cells of the same case on every backend and on the Fortran reference.

Protocol. Each competitor on each case, size and precision is a process of its own (worker.py), pinned to the first
cores that this process may use. After ten warm-up steps all competitors of one case, size and precision, and a
STREAM-like triad, are asked for samples in turn, in an order that rotates, so that the drift of the machine hits
all alike; only one computes at any time. A sample is 20 steps or more; where a step takes above half a second it
is fewer (and so is the warm-up), and the record says how many.

Several ranks are as many processes, each on the next cores, started by mpiexec, or by the launcher that was given, which
is checked first (launch_check.py); a second competitor that sends no messages (`silent`) shows what they cost, and the
triad runs on all ranks at once. One rank, and a triad on one, are sampled in the same rounds where the run measures one
rank at all: ratios of samples of one round know little of how the machine drifts. What a record holds: measuring.py.
"""

import contextlib
import signal
from collections.abc import Iterator

from benchmarks import launch_check, report, tables
from benchmarks.competitor import Group
from benchmarks.fortran_reference import build_fortran
from benchmarks.groups import Settings, command_line, cores_for, devices, groups, oversubscribed
from benchmarks.measuring import measure
from benchmarks.problems import CannotStart
from benchmarks.results_file import Results, writing


def run(settings: Settings) -> int:
    """Measure, write, show. The exit code: 0, or 1 if nothing could be measured, or 130 after an interruption."""
    results = Results(settings.output, command_line(settings))
    wanted = groups(settings)
    check_launcher(settings, wanted)
    problems: dict[str, str | None] = {}
    interrupted = False
    with terminated_like_interrupted(), report.progress(total_work(settings, wanted)) as shown:
        for line in warnings(settings, wanted):
            shown.line(line)
        try:
            if "fortran" in settings.backends:
                shown.doing("building the Fortran reference")
                problems["fortran"] = build_fortran()
            for group in wanted:
                for records in measure(group, settings, problems, shown):
                    results.keep(records)
                for record in results.of_last_group:
                    shown.line(tables.sentence(record))
        except KeyboardInterrupt:
            interrupted = True
            shown.line("Interrupted: what was measured is kept.")
    with writing(settings.output):
        notes = report.write(settings.output, results.of_this_run)
    report.show(results.of_this_run, notes)
    if interrupted:
        return 130
    return 0 if any(record["error"] is None for record in results.of_this_run) else 1


def check_launcher(settings: Settings, wanted: list[Group]) -> None:
    """Raises CannotStart where the launcher that was given does not do as it is told."""
    if settings.launcher is None:
        return
    for ranks in sorted({group.ranks for group in wanted if group.ranks > 1}):
        problem = launch_check.problem(settings.launcher, ranks, settings.threads, settings.device)
        if problem is not None:
            raise CannotStart(problem)


def warnings(settings: Settings, wanted: list[Group]) -> Iterator[str]:
    """What is to be known before the first result."""
    for ranks in sorted({group.ranks for group in wanted if oversubscribed(group, settings.threads)}):
        each = f" of {settings.threads} threads" if settings.threads > 1 else ""
        yield (f"{ranks} ranks{each} are more than the {cores_for(wanted[-1])} cores: they share cores, and their records say "
               "oversubscribed.")


def total_work(settings: Settings, wanted: list[Group]) -> int:
    """Starts and samples, for the progress bar."""
    competitors, yardsticks = len(settings.backends), len(devices(settings))
    several = 2 * (competitors + yardsticks) if 1 in {group.ranks for group in wanted} else competitors + yardsticks
    return sum((1 + settings.samples) * (competitors + yardsticks if group.ranks == 1 else several + competitors)
               for group in wanted)


@contextlib.contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM ends the suite as Ctrl-C does: workers stopped, records kept."""
    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
