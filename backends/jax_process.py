"""Conditions of JAX on its process: a platform that is there, 64-bit numbers where they are wanted, no fork after its start;
and those of kernels of Numba under it.
"""

from __future__ import annotations

import importlib.util
import os
import threading
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import jax

from dycore.backends import foreign


class CannotStart(RuntimeError):
    """JAX does not run in this process; the message says why and what to do."""


class PrecisionWarning(UserWarning):
    """JAX was switched to 64-bit numbers in the whole process."""


def has_started() -> bool:
    """Whether JAX has started, here or in a process of which this is a fork."""
    try:
        from jax._src.xla_bridge import backends_are_initialized  # there is no public question that starts nothing
    except ImportError:
        return False
    return bool(backends_are_initialized())


def without_threads() -> bool:
    """Whether this process has no threads but those of Python, as right after a fork; where that cannot be seen, False."""
    tasks = Path("/proc/self/task")
    return tasks.is_dir() and len([*tasks.iterdir()]) <= threading.active_count()


FORKED = has_started() and without_threads()  # JAX has threads of its own where it has started: they stayed in the other process


@cache
def home() -> int:
    """The process in which JAX had started when this was asked first; one that is forked from it remembers it."""
    return os.getppid() if FORKED else os.getpid()


def remember_home() -> None:
    """Before a fork: note where JAX has started, if somebody else has used it."""
    if has_started():
        home()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=remember_home)


def check_process() -> None:
    """Raise CannotStart in a process that was forked from one in which JAX had started: its threads are missing, and it hangs."""
    if home() != os.getpid():
        raise CannotStart("This process was forked from one in which JAX had started, and JAX would hang in it. Start processes "
                          "anew, with multiprocessing.get_context('spawn') or the same as mp_context=... of a ProcessPoolExecutor: "
                          "models can be pickled.")


def start() -> list[Any]:
    """The devices that JAX finds. Raises CannotStart where there is no such platform, or where it would hang."""
    check_process()
    try:
        return jax.devices()
    except Exception as problem:  # an AssertionError, of a platform whose plugin is not installed
        asked = jax.config.jax_platforms  # type: ignore[attr-defined]
        said = f" ({str(problem).splitlines()[0]})" if str(problem) else ""
        cause = (f"JAX_PLATFORMS={asked} names a platform that is not there{said}. Set it to cpu or to what this machine has, or "
                 "unset it" if asked else f"it finds no device{said}. Set JAX_PLATFORMS=cpu")
        raise CannotStart(f"JAX cannot start: {cause}; or use another backend.") from None


def use_double_precision(stacklevel: int = 4) -> None:
    """Switch JAX to 64-bit numbers, in this whole process as it has no other way, and say so unless that was done before."""
    if not jax.config.jax_enable_x64:  # type: ignore[attr-defined]
        jax.config.update("jax_enable_x64", True)
        warnings.warn("A model of float64 switches JAX to 64-bit numbers in this whole process (jax_enable_x64), so that arrays "
                      "of your own become float64 too. Set JAX_ENABLE_X64=1 to have them from the start, without this warning; a "
                      "model of precision='float32' leaves the setting alone.", PrecisionWarning, stacklevel)


def obstacle(communication: Any) -> str | None:
    """Why Numba's kernels cannot take the steps of arrays of JAX; None where they can."""
    if jax.default_backend() != "cpu":
        return f"JAX computes on a {jax.default_backend()} here, and native kernels run on CPUs"
    if communication is not None and communication.several_devices:
        return "the domain is divided among devices of one program, which XLA alone can run"
    if importlib.util.find_spec("numba") is None:
        return "Numba compiles native kernels, and it is not installed (pip install 'dycore[numba]')"
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return "NUMBA_DISABLE_JIT is set, so that Numba compiles nothing"
    try:
        foreign.register()
    except Exception as problem:  # an XLA whose interface is another; what it raises is its own affair
        return f"this jaxlib takes no calls of Python in the way that dycore knows ({str(problem).splitlines()[0]})"
    return None
