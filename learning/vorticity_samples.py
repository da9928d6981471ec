"""Samples of the vorticity of a run on a plane that goes round in both directions, as means over blocks of cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dycore.diagnostics.velocities import relative_vorticity
from dycore.learning.coarse_graining import block_means
from dycore.learning.run_samples import RunSamples, run_samples

VELOCITY = ("eastward_velocity", "northward_velocity")


@dataclass(frozen=True, eq=False)
class VorticitySamples:
    """Relative vorticity (1/s) at corners, next to the moving boundary, of each record of a run: {"vorticity": [j, i]} in float32.

    Read when it is asked for, and kept. Means over blocks of corners as `coarsen` of the velocity's samples says.
    """

    velocity: RunSamples
    kept: dict[int, dict[str, np.ndarray]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.velocity)

    def __getitem__(self, number: int) -> dict[str, np.ndarray]:
        number = range(len(self))[number]
        if number not in self.kept:
            record = self.velocity.data.isel(time=self.velocity.numbers[number], height=-1)
            values = relative_vorticity(record).values.astype(float)
            self.kept[number] = {"vorticity": block_means(values, self.velocity.coarsen).astype(np.float32)}
        return self.kept[number]

    def all(self) -> np.ndarray:
        """All samples [n, j, i]."""
        return np.stack([self[number]["vorticity"] for number in range(len(self))])


def vorticity_samples(path: str | Path, first_day: float = 0.0, last_day: float | None = None,
                      coarsen: int = 1) -> VorticitySamples:
    """Samples of the vorticity of a run between two days, of the Zarr store that it wrote.

    Raises ValueError as `run_samples` does, and for a run that does not go round in both directions.
    """
    velocity = run_samples(path, VELOCITY, first_day=first_day, last_day=last_day, coarsen=coarsen)
    there = [velocity.data.attrs.get(name) for name in ("x_boundary", "y_boundary")]
    if there != ["periodic", "periodic"] or "height" not in velocity.data.dims:
        raise ValueError(f"The run in '{path}' has the boundaries {there[0]} and {there[1]} along x and y. Downscaling is of "
                         "planes of water that go round in both directions, as that of dycore.learning.kolmogorov_flow.")
    return VorticitySamples(velocity)
