"""Emulator of a run: a network that steps coarse fields on a sphere, or of a re-entrant channel, by hours to a day, and keeps their
mass.

    emulator = random_emulator(0, samples, width=40, blocks=6)
    state = emulator.packed(samples[0])                     # [c, j, i], without a unit
    states = rollout(emulator, state, 10)                   # [time, c, j, i]: the states after 1 to 10 steps
    save_emulator("emulator.safetensors", emulator)
    emulator = load_emulator("emulator.safetensors", samples)   # refused where fields, levels, grid or step are others

Convolutions see over the poles, and beyond walls, as stencils of the grid do (dycore.learning.padding); half of the hidden channels
change their sign there. The last layer gives increments. From that of surface pressure, or of the height of the sea's surface, its
mean over the area is taken, so that no air or water is gained or lost (the corrector of Watt-Meyer et al. 2023, arXiv:2310.02074,
without its moisture).

In a step a small part of the departure from the climatology of the training days is taken back (`damping`), because slow growth of
planetary waves, a few per cent a day, is below what the errors of single steps tell a network, and ends a long rollout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import equinox
import jax
import jax.numpy as jnp
import numpy as np

from dycore.inputs.given import integer, shown
from dycore.learning.normalisation import Normalisation, deviation_of
from dycore.learning.padding import padded
from dycore.learning.run_samples import RunSamples
from dycore.learning.seeds import random_numbers
from dycore.learning.weights import load_weights, save_weights, saved_case
from dycore.tiles import Boundary

VECTORS = "eastward_velocity", "northward_velocity"
SURFACES = PRESSURE, _ = "surface_pressure", "sea_surface_height"  # planes, of which the mean is that of mass or volume
TURNED = {Boundary.POLE: VECTORS, Boundary.WALL: VECTORS[1:]}  # what points the other way beyond that
DILATIONS = (1, 2)  # of blocks, in turn
SMALL = 0.1  # weights of the last layer, over those of others
UNROLLED = 8  # steps at most of rollouts without a loop


class Layout(equinox.Module):
    """Layout of a state: names of fields with their levels, in order, rows, columns, places of rows, and days of a step.

    boundary: what is beyond the first and the last row, a pole of a sphere or a wall of a channel. places: latitudes (degrees) on a
    sphere, and y (m) in a channel.
    """

    levels: tuple[tuple[str, int], ...] = equinox.field(static=True)
    rows: int = equinox.field(static=True)
    columns: int = equinox.field(static=True)
    places: tuple[float, ...] = equinox.field(static=True)
    every: float = equinox.field(static=True)
    boundary: Boundary = equinox.field(static=True)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of channels: of a field and its level, from 0."""
        return tuple(f"{name} {level}" for name, number in self.levels for level in range(number))

    @property
    def surface(self) -> str | None:
        """The name of the plane of which the mean is kept, if it is among the fields."""
        return next((name for name, _ in self.levels if name in SURFACES), None)

    @property
    def mirrored(self) -> bool:
        """Whether a flow mirrored at the middle row is as likely: on a sphere, where the Coriolis parameter changes its sign."""
        return self.boundary is Boundary.POLE

    @property
    def signs(self) -> np.ndarray:
        """Signs [c] that channels get beyond a pole or a wall."""
        return np.array([-1.0 if channel.partition(" ")[0] in TURNED[self.boundary] else 1.0 for channel in self.channels])

    @property
    def weights(self) -> np.ndarray:
        """Weights [j, 1] of rows, of mean 1."""
        weight = (np.cos(np.radians(self.places)) if self.boundary is Boundary.POLE else np.ones(self.rows))[:, None]
        return weight / weight.mean()

    @property
    def positions(self) -> Any:
        """Positions [j] of rows between -1 and 1: sines of latitudes, or distances from the middle of a channel."""
        if self.boundary is Boundary.POLE:
            return jnp.sin(jnp.radians(jnp.array(self.places)))
        return (jnp.arange(self.rows) + 0.5) * 2.0 / self.rows - 1.0

    def case(self) -> dict[str, Any]:
        """Words and numbers to which weights belong."""
        return {"boundary along y": self.boundary.value, "fields and levels": [list(each) for each in self.levels],
                "rows": self.rows, "columns": self.columns, "step (days)": round(self.every, 2),
                "places of rows (degrees or m)": [round(each, 4) for each in self.places]}


def layout_of(samples: RunSamples) -> Layout:
    """The layout of samples of a run on a sphere or of a channel. Raises ValueError for other planes, and for a sphere with an odd
    number of columns."""
    first = samples[0]
    ny, nx = next(iter(first.values())).shape[-2:]
    ends = [samples.data.attrs.get(name) for name in ("x_boundary", "y_boundary")]
    whole = np.max(np.abs(samples.places)) > 45.0 and nx % 2 == 0
    if not (ends == ["periodic", "wall"] and "y" in samples.data.dims) and not (ends == ["periodic", "pole"] and whole):
        raise ValueError(f"The run has the boundaries {ends[0]} and {ends[1]} along x and y, {ny} rows from {samples.places[0]:g} "
                         f"to {samples.places[-1]:g}, and {nx} columns. An emulator is of a whole sphere with an even number of "
                         "columns, or of a plane that is periodic along x between walls: give such a run.")
    levels = tuple((name, 1 if values.ndim == 2 else len(values)) for name, values in first.items())
    return Layout(levels, ny, nx, tuple(map(float, samples.places)), samples.every, Boundary(ends[1]))


class Emulator(equinox.Module):
    """Network of a step: kernels [c, c, 3, 3] with biases [c] of the first layer, blocks and the last layer, the normalisation, the
    climatology, and the part of the departure from it that a step takes back."""

    first: tuple[Any, Any]
    blocks: tuple[tuple[Any, Any], ...]
    last: tuple[Any, Any]
    mean: np.ndarray = equinox.field(converter=np.asarray)  # [c], each in its unit; not trained
    deviation: np.ndarray = equinox.field(converter=np.asarray)
    climatology: np.ndarray = equinox.field(converter=np.asarray)  # [c, j, 1], without a unit; not trained
    damping: Any  # [1, 1, 1], no unit; not trained
    layout: Layout

    def packed(self, fields: Mapping[str, Any]) -> Any:
        """Fields [..., k, j, i] and planes [..., j, i] by name as channels [..., c, j, i] without a unit.

        Raises ValueError where a field is missing.
        """
        missing = [name for name, _ in self.layout.levels if name not in fields]
        if missing:
            raise ValueError(f"The fields lack {', '.join(missing)}. Give all that the emulator steps: "
                             f"{', '.join(name for name, _ in self.layout.levels)}.")
        parts = [fields[name] if name not in SURFACES else fields[name][..., None, :, :] for name, _ in self.layout.levels]
        library = np if isinstance(parts[0], np.ndarray) else jnp
        return (library.concatenate(parts, -3) - self.mean[:, None, None]) / self.deviation[:, None, None]

    def unpacked(self, state: Any) -> dict[str, Any]:
        """Fields by name, in their units, of channels [..., c, j, i]."""
        values, found, start = np.asarray(state) * self.deviation[:, None, None] + self.mean[:, None, None], {}, 0
        for name, number in self.layout.levels:
            found[name] = values[..., start, :, :] if name in SURFACES else values[..., start: start + number, :, :]
            start += number
        return found

    def __call__(self, state: Any, in_loop: bool = False) -> Any:
        """The state [c, j, i] a step later. in_loop: whether the program is a loop, in which other ways are fast."""
        place, boundary = jnp.broadcast_to(self.layout.positions[:, None], state.shape[1:]), self.layout.boundary
        seen = jnp.concatenate([state, jnp.stack([place, place**2]).astype(state.dtype)])
        signs = np.append(self.layout.signs, [1.0, 1.0])
        hidden = convolved(seen, self.first, signs, 1, boundary, in_loop)
        signs = np.where(np.arange(hidden.shape[0]) % 2, -1.0, 1.0)
        for number, block in enumerate(self.blocks):
            hidden = hidden + convolved(jax.nn.gelu(hidden), block, signs, DILATIONS[number % len(DILATIONS)], boundary, in_loop)
        increment = convolved(jax.nn.gelu(hidden), self.last, signs, 1, boundary, in_loop)
        return state + self.corrected(increment - self.damping * (state - self.climatology))

    def corrected(self, increment: Any) -> Any:
        """Increments [c, j, i] by which the mean surface pressure, or the mean height of the sea's surface, does not change."""
        if self.layout.surface is None:
            return increment
        at = self.layout.channels.index(f"{self.layout.surface} 0")
        return increment.at[at].add(-(jnp.asarray(self.layout.weights, increment.dtype) * increment[at]).mean())


def convolved(values: Any, layer: tuple[Any, Any], signs: np.ndarray, dilation: int, boundary: Boundary, in_loop: bool) -> Any:
    """A layer of values [c, j, i], which see beyond the boundary with signs [c].

    A convolution of XLA, or within a loop a product of matrices: there, on a CPU, convolutions take twenty times as long as outside
    of it, where they take half the time of products.
    """
    (kernel, bias), (_, ny, nx) = layer, values.shape
    wide, weights = padded(values, signs, dilation, dilation, boundary).transpose(1, 2, 0), jnp.transpose(kernel, (2, 3, 1, 0))
    if in_loop:
        places = (0, dilation, 2 * dilation)
        seen = jnp.concatenate([wide[j: j + ny, i: i + nx] for j in places for i in places], -1)
        found = (seen.reshape(ny * nx, -1) @ weights.reshape(-1, len(kernel))).reshape(ny, nx, -1)
    else:
        found = jax.lax.conv_general_dilated(wide[None], weights, (1, 1), "VALID", rhs_dilation=(dilation, dilation),
                                             dimension_numbers=("NHWC", "HWIO", "NHWC"))[0]
    return found.transpose(2, 0, 1) + bias[:, None, None]


def random_emulator(seed: int, samples: RunSamples, normalisation: Normalisation, width: int = 40, blocks: int = 6) -> Emulator:
    """An emulator with random weights of the fields of samples; width: hidden channels. Raises ValueError as `layout_of` does."""
    layout = layout_of(samples)
    if normalisation.names != layout.channels:
        raise ValueError(f"The normalisation is of {shown(normalisation.names)}, and the run has {shown(layout.channels)}. Take "
                         "that of this run: dycore.learning.normalisation_of_samples.")
    return of_layout(seed, layout, normalisation, integer("width", width, 2, 4096), integer("blocks", blocks, 1, 1000))


def of_layout(seed: int, layout: Layout, normalisation: Normalisation, width: int, blocks: int) -> Emulator:
    """An emulator with random weights, without damping."""
    random, number = random_numbers(seed), len(layout.channels)

    def layer(into: int, out: int, size: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        kernel = size * random.standard_normal((out, into, 3, 3)) / (9.0 * into) ** 0.5
        return kernel.astype(np.float32), np.zeros(out, np.float32)

    return Emulator(layer(number + 2, width), tuple(layer(width, width, 0.5) for _ in range(blocks)), layer(width, number, SMALL),
                    normalisation.mean.astype(np.float32), normalisation.deviation.astype(np.float32),
                    np.zeros((number, layout.rows, 1), np.float32), np.zeros((1, 1, 1), np.float32), layout)


def normalisation_of_samples(samples: RunSamples, stride: int = 5) -> Normalisation:
    """The normalisation of channels by every `stride`th sample: mean and deviation over time and area of each field on each
    level."""
    layout, totals, count = layout_of(samples), np.zeros((2, 0)), 0
    for number in range(0, len(samples), integer("stride", stride, 1)):
        values = np.concatenate([np.reshape(each, (-1, layout.rows, layout.columns)).astype(float)
                                 for each in samples[number].values()])
        moments = np.stack([(layout.weights * values).mean((1, 2)), (layout.weights * values**2).mean((1, 2))])
        totals, count = (totals if totals.size else 0.0) + moments, count + 1
    mean, square = totals / count
    return Normalisation(layout.channels, mean, deviation_of(square - mean**2, square))


def rollout(emulator: Emulator, state: Any, steps: int) -> Any:
    """States [time, c, j, i] after 1 to `steps` steps from one [c, j, i], in one program of JAX.

    Raises ValueError for a state of another shape.
    """
    state, steps, states = jnp.asarray(state), integer("steps", steps, 1), []
    shape = len(emulator.layout.channels), emulator.layout.rows, emulator.layout.columns
    if state.shape != shape:
        raise ValueError(f"state has the shape {state.shape}. Give one of [c, j, i] = {shape}, as Emulator.packed makes it.")
    if steps > UNROLLED:
        return jax.lax.scan(lambda state, _: 2 * (emulator(state, True),), state, None, length=steps)[1]
    for _ in range(steps):
        state = emulator(state)
        states.append(state)
    return jnp.stack(states)


def save_emulator(path: str | Path, emulator: Emulator) -> None:
    """Write an emulator to one file of safetensors with all that it needs: layout, normalisation, climatology, damping, weights and
    versions.

    Raises as `save_weights` does.
    """
    normalisation = Normalisation(emulator.layout.channels, emulator.mean, emulator.deviation)
    size = {"width": len(emulator.first[1]), "blocks": len(emulator.blocks)}
    case = emulator.layout.case() | {"network": size, "places": list(emulator.layout.places), "every": emulator.layout.every}
    save_weights(path, (trained(emulator), emulator.climatology, emulator.damping), normalisation=normalisation, case=case)


def load_emulator(path: str | Path, samples: RunSamples | None = None) -> Emulator:
    """An emulator from a file. samples: of a run which it has to fit; None takes it as it is.

    Raises ValueError, with what differs, for a file of something else, and where fields, levels, rows, columns or step are others.
    """
    case = saved_case(path)
    if "latitude" in case:  # in older files, all of spheres
        case |= {"boundary along y": Boundary.POLE.value, "places": case["latitude"]}
    if {"network", "places", "every", "fields and levels"} - set(case):
        raise ValueError(f"'{path}' holds weights of something else, not an emulator. Give a file that "
                         "dycore.learning.save_emulator wrote.")
    layout = Layout(tuple((name, number) for name, number in case["fields and levels"]), case["rows"], case["columns"],
                    tuple(case["places"]), case["every"], Boundary(case["boundary along y"]))
    there, here = layout.case(), layout.case() if samples is None else layout_of(samples).case()
    for name in there:
        if there[name] != here[name]:
            raise ValueError(f"The emulator in '{path}' is of another run: {name} is {there[name]} there and {here[name]} here. "
                             "Take an emulator of this run, or train one.")
    plain = Normalisation(layout.channels, np.zeros(len(layout.channels)), np.ones(len(layout.channels)))
    new = of_layout(0, layout, plain, case["network"]["width"], case["network"]["blocks"])
    saved = load_weights(path, (trained(new), new.climatology, new.damping), case=saved_case(path))
    (first, blocks, last), climatology, damping = saved.weights
    assert saved.normalisation is not None
    return Emulator(first, blocks, last, saved.normalisation.mean.astype(np.float32),
                    saved.normalisation.deviation.astype(np.float32), climatology, damping, layout)


def trained(emulator: Emulator) -> tuple[Any, Any, Any]:
    """All of an emulator that is trained."""
    return emulator.first, emulator.blocks, emulator.last


def damped(emulator: Emulator, climatology: Any, damping: float) -> Emulator:
    """An emulator that in each step takes back a part, from 0 to 1, of the departure from a climatology [c, j, 1]."""
    return equinox.tree_at(lambda each: (each.climatology, each.damping), emulator,
                           (np.asarray(climatology, np.float32), jnp.full((1, 1, 1), damping, jnp.float32)))


def with_weights(emulator: Emulator, weights: Sequence[Any]) -> Emulator:
    """An emulator with other weights, in the form of `trained`."""
    return equinox.tree_at(trained, emulator, tuple(weights))
