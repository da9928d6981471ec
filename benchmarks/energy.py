"""Energy counters of the machine: RAPL for the processor's packages (Linux), NVML for an NVIDIA GPU.

A package counter counts all that the processor does, idle cores and other programs too: it is a measure of one competitor
only where nothing else computes. Memory, disks and power supplies are not in it.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

POWERCAP = Path("/sys/class/powercap")


class NoCounter(Exception):
    """Energy cannot be counted; the message says why."""


class Counter(NamedTuple):
    """Joules used since some moment; after `range_joules` it begins again at zero."""

    name: str
    read: Callable[[], float]
    range_joules: float = float("inf")

    def used(self, before: float, after: float) -> float:
        """Joules between two readings, less than one round apart."""
        return after - before + (self.range_joules if after < before else 0.0)


class Counters(NamedTuple):
    """All that is counted, and in words: which counters, and why there are no others."""

    counters: tuple[Counter, ...]
    words: str

    def read(self) -> list[float]:
        """Nothing where a counter fails: no measurement of time is lost for it."""
        try:
            return [counter.read() for counter in self.counters]
        except NoCounter:
            return []

    def used(self, before: list[float]) -> float | None:
        """Joules since an earlier reading; None where nothing was counted."""
        after = self.read()
        if not (before and after):
            return None
        return sum(counter.used(*readings) for counter, *readings in zip(self.counters, before, after, strict=True))


NONE = Counters((), "no counters")


def find(device: str, powercap: Path = POWERCAP) -> Counters:
    """Counters of the processor's packages and, for a competitor on "gpu", of the GPU that it takes."""
    found: list[Counter] = []
    reasons = []
    for source in [lambda: packages(powercap), *([gpu] if device == "gpu" else [])]:
        try:
            found += source()
        except NoCounter as problem:
            reasons.append(str(problem))
    names = " + ".join(counter.name for counter in found) or NONE.words
    return Counters(tuple(found), "; ".join([names, *reasons]))


def packages(powercap: Path) -> list[Counter]:
    """A counter for each package; what lies within one (cores, memory) or around it (psys) would be counted twice."""
    found = []
    for zone in sorted(powercap.glob("intel-rapl:*")):
        name = text(zone / "name")
        if name.startswith("package"):
            found.append(Counter(name, lambda path=zone / "energy_uj": 1e-6 * int(text(path)),  # type: ignore[misc]
                                 1e-6 * int(text(zone / "max_energy_range_uj"))))
            found[-1].read()
    if not found:
        raise NoCounter(f"no RAPL packages in {powercap} (as in most virtual machines)")
    return found


def text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except PermissionError as problem:
        raise NoCounter(f"only root may read {path}") from problem
    except OSError as problem:
        raise NoCounter(f"{path}: {problem.strerror}") from problem


def gpu() -> list[Counter]:
    """The first of CUDA_VISIBLE_DEVICES."""
    try:
        import pynvml
    except ImportError as problem:
        raise NoCounter("NVML needs pip install nvidia-ml-py") from problem
    first = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip()

    def read() -> float:
        try:
            return 1e-3 * pynvml.nvmlDeviceGetTotalEnergyConsumption(device)
        except pynvml.NVMLError as problem:
            raise NoCounter(f"NVML: {problem}") from problem

    try:
        pynvml.nvmlInit()
        device = pynvml.nvmlDeviceGetHandleByIndex(int(first)) if first.isdigit() else pynvml.nvmlDeviceGetHandleByUUID(first)
        name = str(pynvml.nvmlDeviceGetName(device))
    except pynvml.NVMLError as problem:
        raise NoCounter(f"NVML: {problem}") from problem
    read()
    return [Counter(name, read)]
