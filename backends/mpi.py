"""Several processes: messages through MPI, by mpi4py and, within compiled JAX programs, by mpi4jax.

All that an exchange moves between two processes goes as one message. A step posts its receives, packs and
sends, and unpacks what has come; nothing waits for a neighbour that is not its own. Within JAX, where
calls come one after the other, all pairs meet in the same order of rounds, so that none waits for ever.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dycore.backends.halos import Serial, Traffic, counted, extent, is_traced, substeps_that_fit
from dycore.backends.messages import Plan, Strip, carry_out, copy, plan, segments_of
from dycore.backends.mpi_library import communicator, load
from dycore.backends.threads import OneThread
from dycore.decomposition import blocks, divide
from dycore.tiles import Halo, Tile, cells_of_process


class Buffer(NamedTuple):
    """Buffer to or from another process: strips of NumPy arrays with their segments of the buffer, and the request."""

    strips: list[tuple[Strip, np.ndarray]]
    request: Any
    size: int  # bytes


class World(Serial):
    """All processes of a communicator of mpi4py, by default all that were started: `processes` of them in j and in i.

    Several models, each on a part of the processes, run at once on the parts of `MPI.COMM_WORLD.Split`. A pair of numbers in
    place of `comm` is taken for `processes`. `silent` sends nothing: halos take values from the nearest cells of the same
    process, so that the time that is left is that of computing. The results are wrong. Raises ImportError where MPI cannot
    be used, ValueError for what is no communicator or one to which this process does not belong.
    """

    def __init__(self, comm: Any = None, processes: tuple[int, int] | None = None, silent: bool = False,
                 substeps_together: int | None = None):
        if isinstance(comm, tuple):
            comm, processes = None, comm
        self.mpi = load()
        comm = communicator(self.mpi, comm)
        self._comm, self._thread = comm.Clone(), OneThread()
        self.inside = comm.Clone()  # mpi4jax sends when it likes: its messages must not meet others
        self.processes, self.silent, self._substeps = processes, silent, substeps_together
        self.ranks, self.rank = self._comm.size, self._comm.rank
        self.sent = [0, 0]
        self._prepared: dict[Any, Any] = {}

    def __reduce__(self) -> Any:
        raise TypeError("A model that is divided among MPI ranks cannot be pickled or copied to another process: give its grid and "
                        "parameters, and let the ranks there make it anew with mpi.World().")

    @property
    def comm(self) -> Any:
        """The communicator of these processes, for one thread of each."""
        self.in_one_thread()
        return self._comm

    def in_one_thread(self) -> None:
        """As `Serial.in_one_thread`."""
        self._thread.check()

    def tile(self, whole: Tile) -> Tile:
        """The part of this process. Raises ValueError where the domain cannot be divided as asked."""
        return divide(whole, self.ranks, self.processes, self.rank)

    def substeps_per_exchange(self, tile: Tile, substeps: int) -> int:
        """As `Serial.substeps_per_exchange`: as many as fit, or as were asked for."""
        return substeps_that_fit(tile, substeps, self._substeps)

    @property
    def traffic(self) -> Traffic:
        """Messages that this process has sent so far; within a compiled JAX program messages count when it is traced."""
        return Traffic(*self.sent)

    def count(self, size: int, messages: int = 1) -> None:
        """Note that so many bytes are sent."""
        self.sent[0] += messages
        self.sent[1] += size

    # NumPy arrays --------------------------------------------------------------------------------

    def fetcher(self, fields: tuple[tuple[Halo, int], ...], dtype: np.dtype) -> Callable[[list], None]:
        """As `Serial.fetcher`."""
        key = fields, dtype
        if key not in self._prepared:
            self._prepared[key] = self._silent(plan(fields)) if self.silent else self._speaking(plan(fields), dtype)
        return self._prepared[key]

    def _silent(self, todo: Plan) -> Callable[[list], None]:
        def fetch(arrays: list) -> None:
            carry_out(todo.own, arrays)
            for message in todo.messages:
                for target, source in zip(message.incoming, message.edges, strict=True):
                    copy(arrays[target.field][target.index], arrays[source.field][source.index])

        return fetch

    def _speaking(self, todo: Plan, dtype: np.dtype) -> Callable[[list], None]:
        def buffer(rank: int, strips: tuple[Strip, ...], prepare: Callable) -> Buffer:
            values = np.empty(sum(strip.size for strip in strips), dtype)
            return Buffer(list(zip(strips, segments_of(values, strips), strict=True)), prepare(values, rank), values.nbytes)

        outgoing = [buffer(message.rank, message.outgoing, self.comm.Send_init) for message in todo.messages if message.outgoing]
        incoming = [buffer(message.rank, message.incoming, self.comm.Recv_init) for message in todo.messages if message.incoming]
        sending, receiving = [each.request for each in outgoing], [each.request for each in incoming]
        start_all, wait_any, wait_all = self.mpi.Prequest.Startall, self.mpi.Request.Waitany, self.mpi.Request.Waitall

        def fetch(arrays: list) -> None:
            self.in_one_thread()
            start_all(receiving)
            for each in outgoing:
                for strip, segment in each.strips:
                    copy(segment, arrays[strip.field][strip.index], strip.sign)
                each.request.Start()
                self.count(each.size)
            carry_out(todo.own, arrays)
            for _ in incoming:
                for strip, segment in incoming[wait_any(receiving)].strips:
                    arrays[strip.field][strip.index] = segment
            wait_all(sending)

        return fetch

    def in_whole_rows(self, tile: Tile, rows: list[np.ndarray], work: Callable[[int, np.ndarray], None]) -> None:
        """As `Serial.in_whole_rows`: each process of a line of processes gets some of the rows, and sends them back."""
        processes = tile.processes[1]
        if processes == 1 or self.silent or not rows:
            if processes == 1:
                super().in_whole_rows(tile, rows, work)
            return
        line, me = self._line(tile), tile.position[1]
        ranges = [cells_of_process(tile.domain[2], processes, number) for number in range(processes)]
        widths = [stop - start for start, stop in ranges]
        heights = [row.size // widths[me] for row in rows]  # levels
        mine = range(me, len(rows), processes)
        out = [widths[me] * sum(heights[number::processes]) for number in range(processes)]
        into = [width * sum(heights[me::processes]) for width in widths]
        there = np.concatenate([row.ravel() for number in range(processes) for row in rows[number::processes]])
        here = np.empty(sum(into), there.dtype)
        line.Alltoallv((there, out), (here, into))
        starts = np.cumsum([0, *into])
        used = 0
        for number in mine:
            segments = [here[start + used * width: start + (used + heights[number]) * width].reshape(-1, width)
                        for start, width in zip(starts[:-1], widths, strict=True)]
            whole = np.concatenate(segments, axis=-1)
            work(number, whole if rows[number].ndim == 2 else whole[0])
            for segment, values in zip(segments, np.split(whole, np.cumsum(widths)[:-1], axis=-1), strict=True):
                segment[...] = values
            used += heights[number]
        line.Alltoallv((here, into), (there, out))
        place = 0
        for row in (row for number in range(processes) for row in rows[number::processes]):
            row[...] = there[place: place + row.size].reshape(row.shape)
            place += row.size
        elsewhere = sum(out) - out[me] + sum(into) - into[me]
        self.count(elsewhere * there.itemsize, 2 * (processes - 1))

    def _line(self, tile: Tile) -> Any:
        """A communicator of the processes that share the rows of this one."""
        if "line" not in self._prepared:
            self._prepared["line"] = self.comm.Split(tile.position[0], tile.position[1])
        return self._prepared["line"]

    def assembled(self, tile: Tile, cells: np.ndarray) -> np.ndarray | None:
        """As `Serial.assembled`."""
        mine = np.ascontiguousarray(cells)
        if self.rank != 0:
            self.comm.Send(mine, 0)
            return None
        whole = np.empty((*mine.shape[:-2], *tile.domain[1:]), mine.dtype)
        for rank in range(self.ranks):
            theirs = tile._replace(rank=rank)
            if rank:
                mine = np.empty((*mine.shape[:-2], *theirs.cells[1:]), mine.dtype)
                self.comm.Recv(mine, rank)
            whole[..., slice(*theirs.rows), slice(*theirs.columns)] = mine
        return whole

    def block(self, tile: Tile, cells: np.ndarray, chunk: tuple[int, int] = (1, 1)) -> tuple[tuple[slice, slice], np.ndarray]:
        """As `Serial.block`: what a block holds of the parts of others is sent here."""
        def common(block: int, rank: int) -> tuple[slice, slice] | None:
            """Rows and columns of the domain that belong to a block and to the part of a process."""
            there = tile._replace(rank=rank)
            pairs = zip(blocks(tile, block, chunk), (there.rows, there.columns), strict=True)
            ranges = [(max(a, c), min(b, d)) for (a, b), (c, d) in pairs]
            return tuple(slice(*r) for r in ranges) if all(a < b for a, b in ranges) else None  # type: ignore[return-value]

        def within(cut: tuple[slice, slice], origins: tuple) -> tuple:
            return ..., *(slice(c.start - start, c.stop - start) for c, (start, _) in zip(cut, origins, strict=True))

        origins = tile.rows, tile.columns
        sent = [common(rank, tile.rank) for rank in range(self.ranks)]
        received = self.comm.alltoall([cut and np.ascontiguousarray(cells[within(cut, origins)]) for cut in sent])
        mine = blocks(tile, tile.rank, chunk)
        whole = np.empty((*cells.shape[:-2], *(stop - start for start, stop in mine)), cells.dtype)
        for rank, values in enumerate(received):
            if values is not None:
                whole[within(common(tile.rank, rank), mine)] = values  # type: ignore[arg-type]
        return tuple(slice(*r) for r in mine), whole  # type: ignore[return-value]

    def total(self, tile: Tile, columns: Any) -> Any:
        """As `Serial.total`; of what JAX traces in an order of MPI's own."""
        if is_traced(columns):
            return importlib.import_module("dycore.backends.message_slopes").summed(
                counted(tile, columns).sum(), self.inside)
        whole = self.assembled(tile, columns)
        return self.comm.bcast(None if whole is None else counted(tile._replace(processes=(1, 1), rank=0), whole).sum())

    def shared(self, values: Any) -> Any:
        """As `Serial.shared`."""
        return importlib.import_module("dycore.backends.message_slopes").shared(values, self.inside)

    def barrier(self) -> None:
        """As `Serial.barrier`."""
        self.comm.Barrier()

    def largest(self, value: float) -> float:
        """As `Serial.largest`."""
        return self.comm.allreduce(value, self.mpi.MAX)

    def first(self, value: Any) -> Any:
        """As `Serial.first`."""
        return next((given for given in self.comm.allgather(value) if given is not None), None)

    # JAX arrays, within a compiled program ---------------------------------------------------------

    def fetched(self, halos: list[Halo], arrays: list, write: Callable) -> list:
        """As `Serial.fetched`; in reverse mode of JAX slopes of halos go home."""
        from dycore.backends.message_slopes import slopes_sent_home, with_transpose

        todo = plan(tuple((halo, array.ndim) for halo, array in zip(halos, arrays, strict=True)))
        swapped = None if self.silent else self.swapped
        return list(with_transpose(lambda arrays: self._fetched(todo, list(arrays), write),
                                   lambda slopes: slopes_sent_home(todo, slopes, swapped))(tuple(arrays)))

    def _fetched(self, todo: Plan, arrays: list, write: Callable) -> tuple:
        import jax.numpy as jnp

        given = list(arrays)

        def put(strip: Strip, values: Any) -> None:
            starts = tuple(extent(cut, n)[0] for cut, n in zip(strip.index, arrays[strip.field].shape, strict=True))
            arrays[strip.field] = write(arrays[strip.field], values, starts)

        for target, source in todo.own:
            there = given[target.field][target.index if source is None else source.index]
            put(target, 0.0 * there if source is None else target.sign * there)
        for message in todo.messages:
            if self.silent:
                for strip, edge in zip(message.incoming, message.edges, strict=True):
                    put(strip, given[edge.field][edge.index])
                continue
            outgoing = [(strip.sign * given[strip.field][strip.index]).ravel() for strip in message.outgoing]
            incoming = self.swapped(message.rank, jnp.concatenate(outgoing) if outgoing else None,
                                    sum(strip.size for strip in message.incoming), arrays[0].dtype)
            for strip, values in zip(message.incoming, segments_of(incoming, message.incoming), strict=True):
                put(strip, values)
        return tuple(arrays)

    def swapped(self, rank: int, outgoing: Any, size: int, dtype: Any) -> Any:
        """Values that another process sends for those that it gets; where one of them gets nothing, nothing is sent to it."""
        import jax.numpy as jnp
        import mpi4jax

        incoming = jnp.zeros(size, dtype)
        if outgoing is None:
            return mpi4jax.recv(incoming, source=rank, comm=self.inside)
        self.count(outgoing.size * outgoing.dtype.itemsize)
        if size == 0:
            mpi4jax.send(outgoing, dest=rank, comm=self.inside)
            return incoming
        return mpi4jax.sendrecv(outgoing, incoming, source=rank, dest=rank, comm=self.inside)

    def whole_rows(self, tile: Tile, values: Any, response: Any) -> tuple[Any, Callable]:
        """As `Serial.whole_rows`: every process of a line of processes gets all of every row."""
        import jax.numpy as jnp

        from dycore.backends.message_slopes import gathered

        processes = tile.processes[1]
        if processes == 1:
            return values, lambda rows: rows
        ranges = [cells_of_process(tile.domain[2], processes, number) for number in range(processes)]
        widest = max(stop - start for start, stop in ranges)
        west, east = tile.columns
        padded = jnp.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, widest - (east - west))])
        if self.silent:
            all_of_them = jnp.stack([padded] * processes)
        else:
            self.count((processes - 1) * padded.size * padded.dtype.itemsize, processes - 1)
            all_of_them = gathered(padded, self._line(tile), tile.position[1])
        whole = jnp.concatenate([all_of_them[number, ..., : stop - start] for number, (start, stop) in enumerate(ranges)], axis=-1)
        return whole, lambda rows: rows[..., west:east]
