"""Reads the state that the Fortran reference writes."""

from pathlib import Path
from typing import Any

import numpy as np


def read_state(path: Path) -> dict[str, Any]:
    """u, v, w [k, j, i], surface [j, i], tracers and fields of closures (lists of [k, j, i]) and the number of steps taken."""
    header, _, numbers = path.read_bytes().partition(b"\n")
    magic, precision, *sizes = header.decode().split()
    if magic != "dycore-reference":
        raise ValueError(f"{path} was not written by the Fortran reference: it begins with {header[:40]!r}.")
    nz, ny, nx, tracers, steps, closures = map(int, sizes)
    values = np.frombuffer(numbers, np.dtype(precision))
    parts = np.split(values, np.cumsum([nz * ny * nx] * 3 + [ny * nx] + [nz * ny * nx] * (tracers + closures - 1)))
    u, v, w, *fields = (part.reshape(-1, ny, nx) for part in parts)
    return {"u": u, "v": v, "w": w, "surface": fields[0][0], "tracers": fields[1:1 + tracers], "closure": fields[1 + tracers:],
            "steps": steps}
