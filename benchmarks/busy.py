"""Whether the machine does other things while it is measured: by the cores that others use, and by the triad against itself."""

import os
import time
from pathlib import Path
from typing import Any

from dycore.benchmarks.launching import allowed_cores

STAT = Path("/proc/stat")
MOST_CORES = 0.2  # that others may use
MOST_SLOWDOWN = 1.25  # of the triad: on an idle machine its time varies by a tenth
NOTICED_SECONDS = 0.5


def seconds_at_work(stat: Path = STAT) -> float | None:
    """Seconds that the cores of this process have worked since the machine started, whoever for; None where nobody counts.

    Time that other virtual machines took ("steal") is part of it, waiting for a disk is not.
    """
    wanted = {f"cpu{core}" for core in allowed_cores()}
    try:
        lines = [line.split() for line in stat.read_text().splitlines()]
    except OSError:
        return None
    ticks = [[int(count) for count in line[1:9]] for line in lines if line and line[0] in wanted]
    return sum(user + nice + system + interrupts + soft + steal
               for user, nice, system, _, _, interrupts, soft, steal in ticks) / os.sysconf("SC_CLK_TCK") if ticks else None


class Others:
    """What of the cores others have used while competitors computed, which use one core for each of their threads."""

    def __init__(self) -> None:
        self.seconds = self.theirs = 0.0
        self.known = True
        self.before: tuple[float, float | None] = (0.0, None)

    def begin(self) -> None:
        self.before = time.monotonic(), seconds_at_work()

    def end(self, own_cores: int) -> None:
        """Of a sample that had so many cores."""
        (began, before), after = self.before, seconds_at_work()
        if before is None or after is None:
            self.known = False
            return
        taken = time.monotonic() - began
        self.seconds += taken
        self.theirs += after - before - min(own_cores, len(allowed_cores())) * taken

    @property
    def cores(self) -> float | None:
        """On average over all samples; None where it is not known."""
        return max(0.0, self.theirs / self.seconds) if self.known and self.seconds else None


def at_the_start() -> str | None:
    """A warning where the machine is busy before anything is measured."""
    others = Others()
    others.begin()
    time.sleep(NOTICED_SECONDS)
    others.end(0)
    if others.cores is None or others.cores <= MOST_CORES:
        return None
    return (f"The machine is busy: others use {others.cores:.1f} of {len(allowed_cores())} cores. What is measured meanwhile is "
            "marked busy, and is of little worth: stop them, or measure later.")


def of_record(record: dict[str, Any], records: list[dict[str, Any]]) -> str | None:
    """Why the machine was busy when this one of the records of a run was measured; None where it was not, or nobody knows."""
    reasons = []
    if (others := record.get("others_cores")) is not None and others > MOST_CORES:
        reasons.append(f"others used {others:.1f} cores")
    if (slowdown := triad_slowdown(record, records)) is not None and slowdown > MOST_SLOWDOWN:
        reasons.append(f"the triad took {slowdown:.2f} times its best")
    return "; ".join(reasons) or None


def triad_slowdown(record: dict[str, Any], records: list[dict[str, Any]]) -> float | None:
    """The time of the triad beside this record over the least that one of its kind took in the run, in the mean or in a sample."""
    own = record.get("bandwidth_bytes_per_second")
    if not own:
        return None
    same = ("device", "precision", "ranks", "threads", "nodes")
    best = max(other["bandwidth_bytes_per_second"] for other in records if other.get("bandwidth_bytes_per_second")
               and all(other.get(name) == record.get(name) for name in same))
    return max(best / own, record.get("triad_spread") or 1.0)
