"""What one core can do at most: the fastest of many rounds, in which all ceilings are measured in turn.

Seconds are those that the core has worked for this thread: others that want it do not count, but use its caches.

    l1, l2, memory        bytes per second that a = b + c / 2 moves, three numbers an element, in arrays that fill half of a
                          cache, or are as long as those of the suite's own triad
    multiply_add          floating-point operations per second of fused multiplications and additions, two each
    multiply_or_add       the same where each is an instruction of its own, as in a program that may not fuse them
    instructions          per second, of a mixture of whole numbers and loads that uses as many units of the core as it can
    loads, stores         per second, of vectors of 256 bits from and to the first cache

All but loads and stores are of the longest vectors of the core. A cache of which the system tells nothing is taken to be the
smallest of today.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from dycore.benchmarks.programs import TRIAD_ARRAY_BYTES
from dycore.benchmarks.roofline import kernels

CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
LEAST_SECONDS = 2e-3  # of a measurement; what interrupts it is then seen in the fastest of many rounds, or not at all
ROUNDS = 30
LANES_OF_256_BITS = 4
MIXTURE = ("exclusive_or", "exclusive_or", "load") * 4  # of what most cores take the most in a cycle


class Cache(NamedTuple):
    """A cache of data: bytes, ways, bytes of a line."""

    size: int
    ways: int
    line: int


class Ceilings(NamedTuple):
    """Rates per second (see above), and what they were measured with."""

    l1: float
    l2: float
    memory: float
    multiply_add: float
    multiply_or_add: float
    instructions: float
    loads: float
    stores: float
    lanes: int
    l1_cache: Cache
    l2_cache: Cache


SMALLEST = {1: Cache(32 * 1024, 8, 64), 2: Cache(512 * 1024, 8, 64)}


def cache_of_data(level: int, folder: Path = CACHES) -> Cache:
    """The cache of the first core at this level."""
    for index in sorted(folder.glob("index*")):
        try:
            words = {name: (index / name).read_text().strip() for name in
                     ("level", "type", "size", "ways_of_associativity", "coherency_line_size")}
            if words["level"] == str(level) and words["type"] in ("Data", "Unified"):
                return Cache(int(words["size"].removesuffix("K")) * 1024, int(words["ways_of_associativity"]),
                             int(words["coherency_line_size"]))
        except (OSError, ValueError):
            continue
    return SMALLEST[level]


def measured(rounds: int = ROUNDS, memory_bytes: int = 3 * TRIAD_ARRAY_BYTES) -> Ceilings:
    """The ceilings of the core that runs this; `memory_bytes` are those of the arrays that are to lie in memory."""
    lanes, caches = kernels.widest_vector(), (cache_of_data(1), cache_of_data(2))
    works = [*(triad(size, lanes) for size in (*(cache.size // 2 for cache in caches), memory_bytes)),
             turns(("multiply_add",) * 12, lanes, 2.0), turns(("multiplication", "addition") * 6, lanes),
             turns(MIXTURE, 1, counted=len(MIXTURE) + kernels.LOOP_INSTRUCTIONS),
             turns(("load",) * 12, LANES_OF_256_BITS, counted=12), turns(("store",) * 12, LANES_OF_256_BITS, counted=12)]
    rates = [0.0] * len(works)
    for _ in range(rounds):
        for number, work in enumerate(works):
            rates[number] = max(rates[number], rate(work))
    return Ceilings(**dict(zip(Ceilings._fields, rates, strict=False)), lanes=lanes, l1_cache=caches[0], l2_cache=caches[1])


class Work(NamedTuple):
    """A loop that can be repeated, and what one repetition counts for."""

    repeat: Callable[[int], None]
    counts: float


def rate(work: Work) -> float:
    """Counts per second, of as many repetitions as take `LEAST_SECONDS`."""
    repetitions = 1
    while True:
        start = time.thread_time()
        work.repeat(repetitions)
        seconds = time.thread_time() - start
        if seconds >= LEAST_SECONDS:
            return work.counts * repetitions / seconds
        repetitions *= 2


def triad(size: int, lanes: int) -> Work:
    """In three arrays of so many bytes together."""
    stride = kernels.UNROLLED * lanes
    loops = max(1, size // (3 * 8 * stride))
    arrays = [kernels.aligned(loops * stride) for _ in range(3)]
    kernel = kernels.triad(lanes)
    return Work(lambda passes: kernel.call(passes, loops, *(array.ctypes.data for array in arrays)), 3.0 * 8.0 * loops * stride)


def turns(body: tuple[str, ...], lanes: int, flops: float = 1.0, counted: int | None = None) -> Work:
    """A thousand turns of a body: what is `counted` of one, or else its floating-point operations."""
    kernel, place = kernels.turns(body, lanes), kernels.memory(body)
    return Work(lambda thousands: kernel.call(1000 * thousands, place.ctypes.data),
                1000.0 * (counted or flops * len(body) * lanes))
