"""Tracers by name: which names will do, and which tracers a buoyancy reads.

    @stencil
    @reads("temperature", "salinity")
    def linear_seawater(k, j, i, fluid, s, tracers):
        temperature, salinity = tracers

A buoyancy that says what it reads is given those tracers, in that order, wherever they stand in `Parameters.tracer_names`.
One that says nothing is given all of them as they stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from dycore.stencils import Stencil

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")  # as the CF conventions recommend (section 2.3)
TRACER = "tracer_names[{number}]={name!r}"
LONGEST = 200  # characters: what file systems and NetCDF take, with room for what is added


def reads(*names: str) -> Callable[[Stencil], Stencil]:
    """Mark a buoyancy: its argument `tracers` holds the tracers of these names, in this order."""
    def mark(function: Stencil) -> Stencil:
        function.reads = names  # type: ignore[attr-defined]
        return function

    return mark


def read_by(buoyancy: Any, tracer_names: tuple[str, ...]) -> tuple[int, ...]:
    """The numbers of the tracers that a buoyancy is given, in its order. Raises ValueError where there is none of a name."""
    names = getattr(buoyancy, "reads", tracer_names)
    missing = [name for name in names if name not in tracer_names]
    if missing:
        raise ValueError(f"The buoyancy {getattr(buoyancy, '__name__', buoyancy)} reads {' and '.join(names)}, but tracer_names="
                         f"{tuple(tracer_names)} lack {' and '.join(missing)}. Name these tracers, or give the fluid another "
                         "buoyancy (dycore.fluid).")
    return tuple(tuple(tracer_names).index(name) for name in names)


def check_names(names: Any, taken: Iterable[str] = (), what: str = TRACER, kind: str = "tracer") -> None:
    """Raise ValueError unless names differ from each other and from those that are taken, and fit into files.

    what, kind: of what they are the names, in messages.

    Names that differ in capitals only count as the same, as they do on some disks.
    """
    if isinstance(names, str) or not isinstance(names, (tuple, list)):
        raise ValueError(f"tracer_names={names!s:.80} must be a tuple of names, for example ('temperature', 'salinity').")
    held = {name.casefold(): name for name in taken}
    for number, name in enumerate(names):
        if not isinstance(name, str) or not NAME.fullmatch(name) or len(name) > LONGEST:
            raise ValueError(f"{what.format(number=number, name=name)} is no name for a variable: use letters, digits and "
                             f"underscores, a letter first, at most {LONGEST} of them.")
        if name.casefold() in held:
            other = held[name.casefold()]
            raise ValueError(f"{what.format(number=number, name=name)} is the name of another "
                             + (f"{kind}, {other!r}" if other in names[:number] else f"quantity, {other!r}")
                             + f": one would replace the other in output or restarts. Give each {kind} a name of its own.")
        held[name.casefold()] = name
