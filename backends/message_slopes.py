"""Slopes of what processes tell each other, for reverse mode of JAX: a message has as its transpose one that goes back.

A halo is a copy of cells: its slopes go home to them and are added there. mpi4jax has no slopes of messages of different length,
and XLA none of receives, so that each exchange is one `jax.custom_vjp`; forward mode is refused by JAX.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from dycore.backends.messages import Plan, segments_of


def with_transpose(function: Callable, transpose: Callable) -> Callable:
    """A linear function of a tree of arrays, whose slopes in reverse mode `transpose` makes of those of its result."""
    linear = jax.custom_vjp(function)
    linear.defvjp(lambda arrays: (function(arrays), None), lambda _, slopes: (transpose(slopes),))
    return linear


def slopes_sent_home(todo: Plan, slopes: tuple, swapped: Callable | None) -> tuple:
    """Slopes of arrays before an exchange from those after it. All processes that exchange have to call it.

    swapped: (rank, values or None, how many come back, their type) -> the values that come back; None where nothing is sent.
    """
    before = list(slopes)
    for strip in (*(target for target, _ in todo.own), *(strip for message in todo.messages for strip in message.incoming)):
        before[strip.field] = before[strip.field].at[strip.index].set(0.0)

    def add(strip: Any, values: Any) -> None:
        before[strip.field] = before[strip.field].at[strip.index].add(strip.sign * values)

    for target, source in todo.own:
        if source is not None:
            before[source.field] = before[source.field].at[source.index].add(target.sign * slopes[target.field][target.index])
    for message in todo.messages:
        there = [slopes[strip.field][strip.index] for strip in message.incoming]
        if swapped is None:
            for edge, values in zip(message.edges, there, strict=True):
                add(edge, values)
            continue
        coming = swapped(message.rank, jnp.concatenate([values.ravel() for values in there]) if there else None,
                         sum(strip.size for strip in message.outgoing), slopes[0].dtype)
        for strip, values in zip(message.outgoing, segments_of(coming, message.outgoing), strict=True):
            add(strip, values)
    return tuple(before)


def summed(values: Any, comm: Any) -> Any:
    """The sum over processes, the same on all of them, as are its slopes: each takes those by its own values."""
    return with_transpose(lambda values: over_processes(values, comm), lambda slopes: slopes)(values)


def shared(values: Any, comm: Any) -> Any:
    """Values that all processes hold, whose slopes are summed over them."""
    return with_transpose(lambda values: values, lambda slopes: over_processes(slopes, comm))(values)


def gathered(values: Any, comm: Any, place: int) -> Any:
    """Values of all processes of a line [process, ...]; slopes by those of one, at its `place`, are summed over all."""
    import mpi4jax

    return with_transpose(lambda values: mpi4jax.allgather(values, comm=comm),
                          lambda slopes: over_processes(slopes, comm)[place])(values)


def over_processes(values: Any, comm: Any) -> Any:
    """Array summed over processes."""
    import mpi4jax
    from mpi4py import MPI

    return mpi4jax.allreduce(jnp.asarray(values), op=MPI.SUM, comm=comm)
