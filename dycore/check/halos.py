"""Halos of fields with known values, exchanged and timed, on each way of communication between the parts of a domain."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from dycore.check.machine import nvidia_devices
from dycore.halo_sources import fill_halo
from dycore.tiles import HALO, HALO_LEVELS, Boundary, Halo, Place, Tile, part_of

UNFILLED = -1.0  # where nothing has come; what may come is zero, or a number from 2 on, or less than -1


class Way(NamedTuple):
    """Of communication: the backend that uses it, and the packages that it needs."""

    backend: str
    title: str
    needs: tuple[str, ...]

    @property
    def by_mpi(self) -> bool:
        """Whether each part of a domain has a process of its own."""
        return "mpi4py" in self.needs


WAYS = (Way("numpy", "mpi4py with NumPy", ("mpi4py",)),
        Way("numba", "mpi4py with Numba", ("mpi4py", "numba")),
        Way("jax", "mpi4jax within JAX programs", ("mpi4py", "jax", "mpi4jax")),
        Way("devices", "devices of one JAX program", ("jax",)))


class Case(NamedTuple):
    """A kind of domain, and of exchange."""

    title: str
    x: Boundary
    y: Boundary
    wide: int = HALO
    precision: str = "float64"


CASES = (Case("a periodic domain", Boundary.PERIODIC, Boundary.PERIODIC),
         Case("a periodic domain in float32", Boundary.PERIODIC, Boundary.PERIODIC, precision="float32"),
         Case("a wide halo", Boundary.PERIODIC, Boundary.PERIODIC, wide=HALO + 1),
         Case("a channel", Boundary.PERIODIC, Boundary.WALL),
         Case("a sphere", Boundary.PERIODIC, Boundary.POLE),
         Case("a basin", Boundary.WALL, Boundary.WALL),
         Case("a tripolar grid", Boundary.PERIODIC, Boundary.FOLD))
FIELDS = (*((place, 3) for place in Place), (Place.CENTER, 2))  # (place, number of axes) of what is exchanged at once


class Size(NamedTuple):
    """Of a field whose exchange is timed, for each part, and how many exchanges to time together."""

    levels: int
    rows: int
    columns: int
    ndim: int
    times: int


SMALL, LARGE = Size(1, 4, 8, 2, 200), Size(32, 8, 2048, 3, 10)


class Result(NamedTuple):
    """Result of a way of communication: a `problem` is a sentence, a `note` one about something that need not be wrong."""

    backend: str
    ranks: int
    problem: str = ""
    exchanges: int = 0
    latency: float = 0.0  # s
    bandwidth: float = 0.0  # bytes/s that a process sends
    note: str = ""


def process_shapes(ranks: int, most: int = 6) -> list[tuple[int, int]]:
    """(processes in j, in i) for so many ranks, at most some of them, the long ones among them."""
    shapes = [(n, ranks // n) for n in range(1, ranks + 1) if ranks % n == 0]
    return [shapes[n] for n in sorted({round(n) for n in np.linspace(0, len(shapes) - 1, most)})]


def domain_of(case: Case, processes: tuple[int, int]) -> Tile:
    """A domain just large enough, of parts that are not all alike; the columns can be halved for a pole or a fold."""
    rows = (5 if case.y is Boundary.FOLD else 4) * processes[0] + 1
    return Tile((3, rows, 4 * processes[1] + 2), case.x, case.y)


def part(case: Case, processes: tuple[int, int], rank: int) -> Tile:
    """Of the domain, for a process; the halo is wide where it comes from others."""
    tile = domain_of(case, processes)._replace(processes=processes, rank=rank)
    wide_y, wide_x = (case.wide if n > 1 else HALO for n in processes)
    return tile._replace(halo=(wide_y, wide_x))


def numbered(whole: Tile, place: Place, ndim: int, first: int, precision: str) -> np.ndarray:
    """A padded array of the whole domain in which each cell holds its number, with the halo that one process gives it."""
    cells = inner(whole, ndim)
    array = np.zeros(whole.region.padded[-ndim:], precision)
    array[cells] = first + np.arange(array[cells].size).reshape(array[cells].shape)
    return fill_halo(whole, place, array)


def inner(tile: Tile, ndim: int) -> tuple[slice, ...]:
    """The cells of a padded array, without halo."""
    return tuple(slice(*r) for r in (tile.region if ndim == 3 else tile.region.columns).ranges)


def check_case(backend: Any, case: Case, processes: tuple[int, int]) -> str | None:
    """Exchange the halos of fields with known values: None, or what this process got instead."""
    world = backend.communication
    tile = part(case, processes, world.rank)
    right, given = [], []
    for number, (place, ndim) in enumerate(FIELDS):
        belongs = part_of(numbered(domain_of(case, processes), place, ndim, 2 + 10 ** 5 * number, case.precision), tile)
        cells = inner(tile, ndim)
        mine = np.full(belongs.shape, UNFILLED, case.precision)
        mine[cells] = belongs[cells]
        right.append(belongs)
        given.append(mine)
    got = exchanging(backend, [Halo(tile, place) for place, _ in FIELDS])(given)
    return difference(f"with {processes[0]},{processes[1]} processes on {case.title}, rank {world.rank}", got, right)


def difference(who: str, got: Iterable, right: list[np.ndarray]) -> str | None:
    """In words; halo levels hold no sense."""
    for (place, ndim), there, belongs in zip(FIELDS, got, right, strict=True):
        levels = slice(HALO_LEVELS, -HALO_LEVELS) if ndim == 3 else slice(None)
        there, belongs = np.asarray(there)[levels], belongs[levels]
        if there.dtype != belongs.dtype:
            return f"{who} got numbers in {there.dtype} for {belongs.dtype}"
        places = np.argwhere(there != belongs)
        if places.size:
            at = tuple(map(int, places[0]))
            return (f"{who} got {there[at]:g} for {belongs[at]:g} at {list(at)} of a {ndim}-D field ({place.value}), and wrong "
                    f"values in {len(places)} places")
    return None


def exchanging(backend: Any, halos: list[Halo], times: int = 1) -> Callable:
    """A function of NumPy arrays that gives them back with complete halos, exchanged so many times in a row."""
    if backend.name == "numpy":  # `exchange` would copy them, which is not communication
        def in_place(arrays: Any) -> Any:
            for _ in range(times):
                backend.communication.fill(list(zip(halos, arrays, strict=True)))
            return arrays

        return in_place

    def exchange(_: Any, arrays: Any) -> Any:
        return backend.exchange(*zip(halos, arrays, strict=True))

    single = times == 1 and backend.name == "jax" and not backend.communication.several_devices  # a quarter of the compiling
    run = backend.compile(exchange) if single else backend.loop(exchange)

    def compiled(arrays: Any) -> Any:
        result = run((), tuple(map(backend.asarray, arrays)), *(() if single else (times,)))
        backend.synchronize(result)
        return result

    return compiled


def seconds(backend: Any, size: Size, parts: int) -> tuple[float, int]:
    """(time of an exchange, bytes that a process or device sends in it) on a periodic domain that is split in j."""
    world = backend.communication
    whole = Tile((size.levels, size.rows * parts, size.columns), Boundary.PERIODIC, Boundary.PERIODIC)
    tile = whole._replace(processes=(parts, 1), rank=world.rank)
    if world.ranks == parts:
        array = np.zeros(tile.region.padded[-size.ndim:])
    else:  # all parts are here
        array = world.scatter(tile, np.zeros(whole.region.padded[-size.ndim:]), np.asarray)
    exchange = exchanging(backend, [Halo(tile, Place.CENTER)], size.times)
    exchange([array])
    best = float("inf")
    for _ in range(5):
        world.barrier()
        start = time.perf_counter()
        exchange([array])
        best = min(best, world.largest(time.perf_counter() - start) / size.times)
    return best, (2 * HALO if parts > 1 else 0) * size.levels * size.columns * array.dtype.itemsize


def try_way(way: Way, world: Any) -> Result:
    """On all processes of a world together; the result is the same on all."""
    from dycore.backends import by_name

    backend = by_name.create(way.backend, communication=world)
    note = without_cuda() if way.backend == "jax" and world.ranks > 1 else ""
    if way.backend == "jax":
        use_double_precision()
    tries = [(case, processes) for processes in process_shapes(world.ranks) for case in CASES]
    for case, processes in tries:
        problem = world.first(check_case(backend, case, processes))
        if problem:
            return wrong(way, world.ranks, problem)
    latency, _ = seconds(backend, SMALL, world.ranks)
    duration, sent = seconds(backend, LARGE, world.ranks)
    return Result(way.backend, world.ranks, "", len(tries), latency, sent / duration, note)


def use_double_precision() -> None:
    """JAX has it where it is asked for, and this process is our own."""
    import jax

    jax.config.update("jax_enable_x64", True)


def wrong(way: Way, ranks: int, problem: str) -> Result:
    return Result(way.backend, ranks, f"{problem}. Do not run on several processes or devices here, and report this with all that "
                                      "'dycore check' prints.")


def try_devices(way: Way) -> Result:
    """In this process, on all GPUs that JAX finds, or on devices made of a CPU where these are fewer than two."""
    import jax

    from dycore.backends import devices, jax_process, on_jax

    use_double_precision()
    available = jax_process.start() if len(jax_process.start()) > 1 else jax.devices("cpu")
    tries = [(case, processes) for processes in process_shapes(len(available)) for case in CASES
             if case.y is not Boundary.FOLD and (case.y is not Boundary.POLE or processes[1] == 1 or processes[1] % 2 == 0)]
    for case, processes in tries:
        problem = check_devices(on_jax.create(communication=devices.Devices(processes, available)), case)
        if problem:
            return wrong(way, len(available), problem)
    backend = on_jax.create(communication=devices.Devices((len(available), 1), available))
    latency, _ = seconds(backend, SMALL, len(available))
    duration, sent = seconds(backend, LARGE, len(available))
    return Result(way.backend, len(available), "", len(tries), latency, sent / duration)


def check_devices(backend: Any, case: Case) -> str | None:
    """Check of a case (`check_case`) on all devices at once: their arrays lie side by side in one."""
    import jax

    world = backend.communication
    pj, pi = processes = world.mesh.devices.shape
    whole = domain_of(case, processes)._replace(domain=(3, 4 * pj, 4 * pi))
    tile = world.tile(whole)._replace(halo=part(case, processes, 0).halo)
    right, given = [], []
    for number, (place, ndim) in enumerate(FIELDS):
        belongs = world.scatter(tile, numbered(whole, place, ndim, 2 + 10 ** 5 * number, case.precision), np.asarray)
        cells = np.zeros(tile.region.padded[-ndim:], bool)
        cells[inner(tile, ndim)] = True
        everywhere = np.tile(cells, (1,) * (ndim - 2) + processes)
        mine = np.where(everywhere, np.asarray(belongs), np.asarray(UNFILLED, case.precision))
        given.append(jax.device_put(mine, belongs.sharding))
        right.append(np.asarray(belongs))
    got = exchanging(backend, [Halo(tile, place) for place, _ in FIELDS])(given)
    return difference(f"with {pj},{pi} devices on {case.title}, JAX", got, right)


def attempt(way: Way, world: Any) -> Result:
    """Result of a way (`try_way`); a library that cannot be loaded is one too."""
    try:
        return try_way(way, world)
    except ImportError as problem:
        return Result(way.backend, world.ranks, f"it cannot be loaded ({problem}). Install it again.")


def without_cuda() -> str:
    """Keep JAX on the CPU where mpi4jax cannot send from a GPU, and say so where there is one."""
    import jax
    import mpi4jax

    if mpi4jax.has_cuda_support():
        return ""
    jax.config.update("jax_platforms", "cpu")
    return ("mpi4jax was built without CUDA, so JAX was checked on the CPU: for messages from GPUs build it again with "
            "CUDA_PATH set to a CUDA toolkit.") if nvidia_devices() else ""
