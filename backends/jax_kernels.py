"""Kernels of a step as a program of XLA: what suits a device, and sweeps along k as a loop or without one."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

# XLA's CPU compiler drops optimization barriers before it fuses, unless told to keep them (dycore.backends.on_jax).
COMPILER_OPTIONS = {"cpu": {"xla_disable_hlo_passes": "cse_barrier_expander"}}


class Kernels(NamedTuple):
    """Form of a step that suits a device.

    barriers: every stencil is a kernel of its own; else XLA decides what it fuses, and what is exchanged is stored.
    unrolled_sweeps: sweeps along k without a loop. whole_halos: a field and its halo in one pass, instead of strip by strip in
    place, where no other process keeps a part of it. loops_in_graphs: XLA records loops too, not only the kernels between them, as
    CUDA graphs (its command buffers), which a GPU starts as one.
    """

    barriers: bool = True
    unrolled_sweeps: bool = False
    whole_halos: bool = False
    loops_in_graphs: bool = False


def kernels_for(platform: str) -> Kernels:
    """Form for a platform as JAX names it.

    On a GPU the start of a kernel takes as long as moving 10 MB, and what a kernel computes twice costs less than storing it:
    benchmarks/kernels.py counts both. On a CPU it is the other way round.
    """
    return Kernels() if platform == "cpu" else Kernels(barriers=False, unrolled_sweeps=True, whole_halos=True)


def compiler_options(kernels: Kernels, platform: str) -> dict[str, str]:
    """Options of the compiler for this form, beside those of the platform."""
    return {"xla_gpu_enable_command_buffer": "FUSION,CUSTOM_CALL,WHILE"} if kernels.loops_in_graphs and platform == "gpu" else {}


def only_adds(level: Callable, carried: tuple) -> bool:
    """Whether a level of a sweep just adds to what is carried: neither what it adds nor its values depend on that."""
    jaxpr = jax.make_jaxpr(level)(carried).jaxpr
    made = {id(var): equation for equation in jaxpr.eqns for var in equation.outvars}
    sums = [made.get(id(var)) for var in jaxpr.outvars[:len(carried)]]
    running = {id(var) for var in (*jaxpr.invars, *jaxpr.outvars[:len(carried)])}
    for before, addition in zip(jaxpr.invars, sums, strict=True):
        terms = addition.invars if addition is not None and addition.primitive.name == "add" else ()
        if sum(id(term) in running for term in terms) != 1 or not any(term is before for term in terms):
            return False
    others = [var for equation in jaxpr.eqns if not any(equation is addition for addition in sums) for var in equation.invars]
    return not any(id(var) in running for var in (*others, *jaxpr.outvars[len(carried):]))


def looped(level: Callable, first: tuple, levels: range, direction: int) -> tuple[tuple, tuple]:
    """(carried out of the last level, values [k, j, i]) of `level(carried, k)`, as a loop of the program."""
    return jax.lax.scan(level, first, jnp.arange(levels.start, levels.stop), reverse=direction < 0)


def unrolled(level: Callable, first: tuple, levels: range, direction: int) -> tuple[tuple, tuple]:
    """As `looped`, without a loop: two kernels, where a loop starts several for each level.

    The first goes through a column; the barrier keeps it apart from the second, which puts the levels together. As one
    XLA would go through the column anew for every level of the result.
    """
    carried, planes = first, []
    for k in levels[::direction]:
        carried, values = level(carried, k)
        planes.append(values)
    carried, planes = jax.lax.optimization_barrier((carried, planes))
    return carried, tuple(jnp.stack(of_all) for of_all in zip(*planes[::direction], strict=True))
