"""Samples of a competitor as processor time, which other programs on a machine disturb less than the time of a clock."""

from pathlib import Path

from dycore.benchmarks.competitor import Competitor


def sample(each: Competitor, seconds: list[float]) -> None:
    """Add the processor time of a sample of one rank, or its wall time where the system does not tell."""
    before = processor_seconds(each.process.pid)
    each.sample()
    after = processor_seconds(each.process.pid)
    seconds.append(after - before if after > before else each.seconds[-1])


def processor_seconds(process: int) -> float:
    """That all threads of a process have computed for, to the nanosecond (Linux); 0 where that is not told."""
    try:
        return 1e-9 * sum(int(file.read_text().split()[0]) for file in Path(f"/proc/{process}/task").glob("*/schedstat"))
    except (OSError, ValueError, IndexError):
        return 0.0
