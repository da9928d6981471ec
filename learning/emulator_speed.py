"""Processor time of an emulator on one core: `python -m dycore.learning.emulator_speed FILE` prints that of a simulated day (s).

In a process of its own: threads of JAX take processor time while they wait for one another, half as much again on two cores.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import jax
import numpy as np

from dycore.learning.emulator import Emulator, load_emulator, rollout
from dycore.learning.emulator_scores import seconds_of

STEPS = 20  # of a rollout that is timed


def seconds_of_file(path: str | Path) -> float:
    """Processor time (s) of a simulated day of the emulator in a file, on one core."""
    command = [sys.executable, "-m", "dycore.learning.emulator_speed", str(path)]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def seconds_of_emulator(emulator: Emulator) -> float:
    """Processor time (s) of a simulated day of an emulator, from its climatology on."""
    layout = emulator.layout
    state = np.broadcast_to(emulator.climatology, (len(layout.channels), layout.rows, layout.columns))
    program = jax.jit(partial(rollout, emulator, steps=STEPS))
    return seconds_of(lambda: program(state).block_until_ready(), 5) / (STEPS * layout.every)


def main(path: str) -> None:
    """Print the time, measured on one core where the system lets a process choose."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(seconds_of_emulator(load_emulator(path)))


if __name__ == "__main__":
    main(sys.argv[1])
