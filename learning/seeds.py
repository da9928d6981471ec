"""Random numbers of a seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore.inputs.given import integer


def random_numbers(seed: Any) -> np.random.Generator:
    """The generator of random numbers of a seed. Raises ValueError unless it is a whole number from 0 on."""
    return np.random.default_rng(integer("seed", seed, 0))
