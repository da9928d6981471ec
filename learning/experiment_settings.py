"""Settings of experiments in TOML files, each of them checked: what `dycore.learning.emulate` and `downscale` have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from dycore.commands.option_values import no_such
from dycore.files import at_home
from dycore.inputs.given import check_text, integer, not_negative, positive, shown

Settings = TypeVar("Settings")
PARTS = ("training", "held_out", "test")  # of the days of a run


def a_path(name: str, value: Any) -> Path:
    check_text(name, value, "run.zarr")
    return at_home(value)


def days(name: str, value: Any) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"{name}={shown(value)} must be the first and the last day, for example [200.0, 1700.0].")
    first, last = (not_negative(name, each, "days") for each in value)
    if not first < last:
        raise ValueError(f"{name}={shown(value)} must be the first and the last day, in this order.")
    return first, last


def whole(least: int, most: int) -> Callable[[str, Any], int]:
    return lambda name, value: integer(name, value, least, most)


def an_interval(name: str, value: Any) -> float:
    return positive(name, value, "days")


def a_rate(name: str, value: Any) -> float:
    return positive(name, value, "no unit")


def data_of(settings: Any) -> dict[str, Any]:
    """The data of a training of settings, to which its checkpoints belong."""
    return {"run": settings.run.name, "training": settings.training, "held_out": settings.held_out, "coarsen": settings.coarsen}


def checked(record: type[Settings], kinds: Mapping[str, Callable[[str, Any], Any]], needed: Sequence[str], table: dict[str, Any],
            place: str) -> Settings:
    """The record of a table with values of these kinds; place: where it stands, for messages.

    Raises ValueError for keys that the record has not or that are needed, values of another kind, and PARTS with days in common.
    """
    known = tuple(each.name for each in fields(record))  # type: ignore[arg-type]
    for name in table:
        if name not in known:
            raise ValueError(f"{place}: {no_such('key', name, known)}")
    missing = [name for name in needed if name not in table]
    if missing:
        raise ValueError(f"{place} has no {', '.join(missing)}. Needed are {', '.join(needed)}.")
    try:
        found = record(**{name: kinds[name](name, value) for name, value in table.items()})
    except (ValueError, TypeError) as problem:
        raise ValueError(f"{place}: {problem}") from None
    for one, other in (PARTS[:2], PARTS[::2], PARTS[1:]):
        (first, last), (begin, end) = getattr(found, one), getattr(found, other)
        if first < end and begin < last:
            raise ValueError(f"{place}: {one}={[first, last]} and {other}={[begin, end]} have days in common. Keep them apart.")
    return found
