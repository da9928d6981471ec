"""Settings of an experiment with an emulator, of a TOML file, each of them checked: python -m dycore.learning.emulate FILE.toml."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from dycore.commands.option_values import no_such
from dycore.files import at_home, read_toml
from dycore.inputs.given import check_text, integer, not_negative, positive, shown

FIELDS = ("eastward_velocity", "northward_velocity", "potential_temperature", "surface_pressure")


@dataclass(frozen=True)
class EmulationSettings:
    """Settings of an experiment; a TOML file has the same names, and lists for tuples.

    run: the Zarr store of a run; case: the file with which `dycore run` made it, to measure the core's speed. training, held_out
    and test: first and last days. coarsen: cells in a block along j and i. rollouts: pairs of steps and passes; noise: of first
    states in training (standard deviations). leads, starts_every: steps of forecasts, and from one to the next; members: of the
    ensemble; long: steps of the long rollout.
    """

    run: Path
    output: Path
    training: tuple[float, float]
    held_out: tuple[float, float]
    test: tuple[float, float]
    case: Path | None = None
    fields: tuple[str, ...] = FIELDS
    coarsen: int = 1
    width: int = 40
    blocks: int = 6
    rollouts: tuple[tuple[int, int], ...] = ((1, 30), (2, 8), (4, 4))
    batch: int = 16
    rate: float = 2.0e-3
    noise: float = 0.1
    seed: int = 0
    patience: int | None = None
    checkpoint_every: int = 200
    leads: int = 10
    starts_every: int = 5
    members: int = 10
    long: int = 1000


def a_path(name: str, value: Any) -> Path:
    check_text(name, value, "held_suarez.zarr")
    return at_home(value)


def days(name: str, value: Any) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"{name}={shown(value)} must be the first and the last day, for example [200.0, 1700.0].")
    first, last = (not_negative(name, each, "days") for each in value)
    if not first < last:
        raise ValueError(f"{name}={shown(value)} must be the first and the last day, in this order.")
    return first, last


def field_names(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value) or len({*value}) < len(value):
        raise ValueError(f"{name}={shown(value)} must be names of fields, each of them once, for example {list(FIELDS)}.")
    missing = [each for each in (FIELDS[0], FIELDS[-1]) if each not in value]
    if missing:
        raise ValueError(f"{name}={shown(value)} lack {', '.join(missing)}, of which the scores are. Add it.")
    return tuple(value)


def pairs(name: str, value: Any) -> tuple[tuple[int, int], ...]:
    if not isinstance(value, list) or not value or not all(isinstance(each, list) and len(each) == 2 for each in value):
        raise ValueError(f"{name}={shown(value)} must be pairs of steps and passes, for example [[1, 30], [2, 8]].")
    return tuple((integer(f"steps in {name}", one, 1, 1000), integer(f"passes in {name}", other, 1, 10**6)) for one, other in value)


def whole(least: int, most: int) -> Callable[[str, Any], int]:
    return lambda name, value: integer(name, value, least, most)


KINDS: dict[str, Callable[[str, Any], Any]] = {
    "run": a_path, "output": a_path, "case": a_path, "training": days, "held_out": days, "test": days, "fields": field_names,
    "coarsen": whole(1, 1000), "width": whole(2, 4096), "blocks": whole(1, 1000), "rollouts": pairs, "batch": whole(1, 10**6),
    "rate": lambda name, value: positive(name, value, "no unit"),
    "noise": lambda name, value: not_negative(name, value, "standard deviations"), "seed": whole(0, 2**31),
    "patience": whole(1, 10**6), "checkpoint_every": whole(1, 10**9), "leads": whole(1, 1000), "starts_every": whole(1, 10**6),
    "members": whole(2, 1000), "long": whole(2, 10**7)}
NEEDED = ("run", "output", "training", "held_out", "test")


def read_settings(path: str | Path) -> EmulationSettings:
    """The settings in a TOML file. Raises ValueError, in a sentence, for what cannot be read, keys that are not known, and
    values."""
    return settings_of(read_toml(path), str(path))


def settings_of(table: dict[str, Any], place: str) -> EmulationSettings:
    """The settings of a table; place: where it stands, for messages. Raises ValueError as `read_settings` does."""
    known = tuple(each.name for each in fields(EmulationSettings))
    for name in table:
        if name not in known:
            raise ValueError(f"{place}: {no_such('key', name, known)}")
    missing = [name for name in NEEDED if name not in table]
    if missing:
        raise ValueError(f"{place} has no {', '.join(missing)}. Needed are {', '.join(NEEDED)}.")
    try:
        found = EmulationSettings(**{name: KINDS[name](name, value) for name, value in table.items()})
    except (ValueError, TypeError) as problem:
        raise ValueError(f"{place}: {problem}") from None
    for one, other in (("training", "held_out"), ("training", "test"), ("held_out", "test")):
        (first, last), (begin, end) = getattr(found, one), getattr(found, other)
        if first < end and begin < last:
            raise ValueError(f"{place}: {one}={[first, last]} and {other}={[begin, end]} have days in common. Keep them apart.")
    return found
