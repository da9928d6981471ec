"""The main job: wall time per step per 1M cells of the same case on every backend and on the Fortran reference.

Protocol. Each competitor on each case, size and precision is a process of its own (worker.py), pinned to the first
cores that this process may use. After ten warm-up steps all competitors of one case, size and precision, and a
STREAM-like triad, are asked for samples in turn, in an order that rotates, so that the drift of the machine hits
all alike; only one computes at any time. A sample is 20 steps or more; where these take longer than `--sample-seconds`
it is fewer (and so is the warm-up), and the record says how many. Where the machine is busy meanwhile, records say so (busy.py).

Several ranks are as many processes, each on the next cores, started by mpiexec, or by the launcher that was given, which
is checked first (launch_check.py); the triad runs on all ranks at once. With `--messages` a second competitor that sends none
(`silent`) shows what they cost, and one rank, and a triad on one, are sampled in the same rounds where the run measures one
rank at all: ratios of samples of one round know little of how the machine drifts. Gradients of runs are groups of their own,
with the forward run in the same rounds. What cannot be done in `--minutes` is left out. What a record holds: measuring.py.
"""

import contextlib
import signal
import time
from collections.abc import Iterator

from dycore.benchmarks import busy, launch_check, report, tables
from dycore.benchmarks.competitor import Group
from dycore.benchmarks.fortran_reference import build_fortran, fortran_program
from dycore.benchmarks.groups import Settings, command_line, competitors_of, cores_for, device_of, groups, oversubscribed
from dycore.benchmarks.measuring import measure
from dycore.benchmarks.problems import CannotStart
from dycore.benchmarks.results_file import Results, writing
from dycore.benchmarks.time_limit import Limit, Taken


def run(settings: Settings) -> int:
    """Measure, write, show. The exit code: 0, or 1 if nothing could be measured, or 130 after an interruption."""
    results = Results(settings.output, command_line(settings))
    wanted = groups(settings)
    check_launcher(settings, wanted)
    interrupted = False
    with terminated_like_interrupted(), report.progress(total_work(settings, wanted)) as shown:
        for line in warnings(settings, wanted):
            shown.line(line)
        try:
            if warning := busy.at_the_start():
                shown.line(warning)
            measure_all(settings, wanted, results, shown)
        except KeyboardInterrupt:
            interrupted = True
            shown.line("Interrupted: what was measured is kept.")
    with writing(settings.output):
        notes = report.write(settings.output, results.of_this_run)
    report.show(results.of_this_run, notes)
    if interrupted:
        return 130
    return 0 if any(record["error"] is None for record in results.of_this_run) else 1


def measure_all(settings: Settings, wanted: list[Group], results: Results, shown: report.Lines) -> None:
    """Every group for which there is time; the records go into the results, sentences are shown."""
    limit, left_out = Limit(settings.minutes), []
    problems: dict[str, str | None] = {}
    if "fortran" in settings.backends:
        shown.doing("building the Fortran reference")
        if not fortran_program("float64").exists():
            shown.line("Building the Fortran reference (about half a minute).")
        problems["fortran"] = build_fortran()
    for group in wanted:
        if not limit.leaves_time_for(group):
            left_out.append(tables.title(group._asdict()))
            continue
        began = time.monotonic()
        for records in measure(group, settings, problems, shown, not limit.taken):
            results.keep(records)
        limit.taken.append(Taken(group, time.monotonic() - began))
        for record in results.of_last_group:
            shown.line(tables.sentence(record))
    if left_out:
        shown.line(f"Left out for want of time: {'; '.join(left_out)}. Measure them with --minutes {2 * settings.minutes:.0f}, or "
                   "everything with --full.")


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
    work = 0
    for group in wanted:
        competitors = competitors_of(group, settings)
        yardsticks = len({device_of(name, settings) for name in competitors})
        work += len(competitors) + yardsticks
        if group.gradient_steps:
            work += yardsticks
        elif group.ranks > 1 and settings.messages:
            work += len(competitors) + (len(competitors) + yardsticks if 1 in {each.ranks for each in wanted} else 0)
    return work * (1 + settings.samples)


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
