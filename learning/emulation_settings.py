"""Settings of an experiment with an emulator, of a TOML file, each of them checked: python -m dycore.learning.emulate FILE.toml."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dycore.files import read_toml
from dycore.geometry.coordinates import check_cells
from dycore.inputs.given import integer, not_negative, positive, shown
from dycore.learning.emulator import SURFACES
from dycore.learning.experiment_settings import a_path, a_rate, an_interval, checked, days, whole

FIELDS = ("eastward_velocity", "northward_velocity", "potential_temperature", "surface_pressure")


@dataclass(frozen=True)
class EmulationSettings:
    """Settings of an experiment; a TOML file has the same names, and lists for tuples.

    run: the Zarr store of a run; case: the file with which `dycore run` made it, to measure the core's speed. channel, in place of
    a case: cells (nz, ny, nx) of dycore.learning.eddying_channel, whose run is made where it is not there, in float32, with a
    record every `record_every` days. training, held_out and test: first and last days. coarsen: cells in a block along j and i.
    rollouts: pairs of steps and passes; noise: of first states in training (standard deviations). leads, starts_every: steps of
    forecasts, and from one to the next; members: of the ensemble; long: steps of the long rollout. accepted: distances (m/s) of
    that from the core in the mean and in the standard deviation of zonal velocity, and of its halves from each other in the mean.
    """

    run: Path
    output: Path
    training: tuple[float, float]
    held_out: tuple[float, float]
    test: tuple[float, float]
    case: Path | None = None
    channel: tuple[int, int, int] | None = None
    record_every: float = 1.0
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
    accepted: tuple[float, float, float] = (1.5, 2.0, 1.0)


def field_names(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value) or len({*value}) < len(value):
        raise ValueError(f"{name}={shown(value)} must be names of fields, each of them once, for example {list(FIELDS)}.")
    surface = [] if {*SURFACES} & set(value) else [" or ".join(SURFACES)]
    missing = [each for each in FIELDS[:1] if each not in value] + surface
    if missing:
        raise ValueError(f"{name}={shown(value)} lack {', '.join(missing)}, of which the scores are. Add it.")
    return tuple(value)


def pairs(name: str, value: Any) -> tuple[tuple[int, int], ...]:
    if not isinstance(value, list) or not value or not all(isinstance(each, list) and len(each) == 2 for each in value):
        raise ValueError(f"{name}={shown(value)} must be pairs of steps and passes, for example [[1, 30], [2, 8]].")
    return tuple((integer(f"steps in {name}", one, 1, 1000), integer(f"passes in {name}", other, 1, 10**6)) for one, other in value)


def cells(name: str, value: Any) -> tuple[int, int, int]:
    return check_cells(tuple(value) if isinstance(value, list) else value)


def speeds(name: str, value: Any) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != 3:
        raise ValueError(f"{name}={shown(value)} must be three speeds (m/s), for example [1.5, 2.0, 1.0].")
    return tuple(positive(name, each, "m/s") for each in value)


KINDS: dict[str, Callable[[str, Any], Any]] = {
    "run": a_path, "output": a_path, "case": a_path, "channel": cells,
    "record_every": an_interval, "training": days, "held_out": days, "test": days,
    "fields": field_names, "coarsen": whole(1, 1000), "width": whole(2, 4096), "blocks": whole(1, 1000), "rollouts": pairs,
    "batch": whole(1, 10**6), "rate": a_rate, "noise": lambda name, value: not_negative(name, value, "standard deviations"),
    "seed": whole(0, 2**31),
    "patience": whole(1, 10**6), "checkpoint_every": whole(1, 10**9), "leads": whole(1, 1000), "starts_every": whole(1, 10**6),
    "members": whole(2, 1000), "long": whole(2, 10**7), "accepted": speeds}
NEEDED = ("run", "output", "training", "held_out", "test")


def read_settings(path: str | Path) -> EmulationSettings:
    """The settings in a TOML file. Raises ValueError, in a sentence, for what cannot be read, keys that are not known, and
    values."""
    return settings_of(read_toml(path), str(path))


def settings_of(table: dict[str, Any], place: str) -> EmulationSettings:
    """The settings of a table; place: where it stands, for messages. Raises ValueError as `read_settings` does."""
    if {"case", "channel"} <= set(table):
        raise ValueError(f"{place} has both a case and a channel, and a run is of one of them. Leave out the other.")
    return checked(EmulationSettings, KINDS, NEEDED, table, place)
