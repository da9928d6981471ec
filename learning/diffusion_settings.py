"""Settings that experiments with diffusion models have in common, of TOML files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dycore.learning.experiment_settings import a_path, a_rate, an_interval, days, whole


@dataclass(frozen=True)
class DiffusionSettings:
    """Settings of an experiment; a TOML file has the same names, and lists for tuples.

    run: the Zarr store of a run; where it is not there it is made, of Kolmogorov flow with `cells` x `cells` cells and a record
    every `record_every` days up to the last day of the test. training, held_out and test: first and last days. coarsen: cells of
    the run in one of the model's along j and i. patch, width, blocks: of the network. steps: of the sampler; members: drawn for
    each of so many `fields` of the test.
    """

    run: Path
    output: Path
    training: tuple[float, float]
    held_out: tuple[float, float]
    test: tuple[float, float]
    cells: int = 128
    record_every: float = 3.0
    coarsen: int = 2
    patch: int = 4
    width: int = 64
    blocks: int = 6
    passes: int = 30
    batch: int = 16
    rate: float = 3.0e-3
    seed: int = 0
    patience: int | None = None
    checkpoint_every: int = 200
    steps: int = 18
    members: int = 16
    fields: int = 16


KINDS: dict[str, Callable[[str, Any], Any]] = {
    "run": a_path, "output": a_path, "training": days, "held_out": days, "test": days, "cells": whole(8, 10**4),
    "record_every": an_interval, "coarsen": whole(1, 1000), "patch": whole(1, 1000),
    "width": whole(1, 4096), "blocks": whole(1, 1000), "passes": whole(1, 10**6), "batch": whole(1, 10**6), "rate": a_rate,
    "seed": whole(0, 2**31), "patience": whole(1, 10**6), "checkpoint_every": whole(1, 10**9), "steps": whole(2, 10**4),
    "members": whole(2, 1000), "fields": whole(1, 10**6)}
NEEDED = ("run", "output", "training", "held_out", "test")
