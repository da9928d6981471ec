"""Fields of parameters that a network makes of static maps, column by column.

    normalisation = normalisation_of([static_maps(grid) for grid in basins])
    network = MapNetwork(normalisation.names, {DRAG: Range(1e-4, 1e-2)}, key=jax.random.key(0))

    def loss(network, batch):
        model, state, maps, seen = batch                             # maps: normalisation.normalised(static_maps(model.grid))
        _, levels = trajectory(with_fields(model, network(maps)), state, steps, every, see)
        return ((levels - seen) ** 2).mean()

    found = fit(loss, network, batches, optax.adam(1e-2), passes=30)

The same weights serve every column of every basin, so that what they learn where there are observations holds elsewhere, as far as
maps tell places apart. (Parameters of a process model from static maps, by gradients through it: Tsai et al. 2021, Nat. Commun.
12, 5988, in hydrology.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any, NamedTuple

import equinox
import jax
import jax.numpy as jnp
import numpy as np

from dycore.inputs.given import check_number, integer, shown
from dycore.learning.differentiable import numbers, with_numbers
from dycore.learning.state_fields import check_names
from dycore.model import Model

FIRST = 0.1  # of their usual size: the last weights of a new network, whose fields are then nearly even


class Range(NamedTuple):
    """The range of a parameter, both ends positive and in its unit, and the value to begin with, None for their geometric mean."""

    least: float
    greatest: float
    first: float | None = None


def bounded(raw: Any, least: float, greatest: float) -> Any:
    """Positive values between two bounds, as even in their logarithm as a logistic function is: of NumPy or JAX, any shape.

        value = least (greatest / least)^s,     s = 1 / (1 + exp(-raw))

    raw = 0 is the geometric mean of the bounds. Raises ValueError unless 0 < least < greatest.
    """
    check_bounds(least, greatest)
    xp = raw.__array_namespace__() if hasattr(raw, "__array_namespace__") else np
    return least * xp.exp(np.log(greatest / least) * 0.5 * (1.0 + xp.tanh(0.5 * raw)))  # the logistic function without overflow


def unbounded(value: Any, least: float, greatest: float) -> Any:
    """The raw value of which `bounded` makes this one. Raises ValueError where it is not within the bounds."""
    check_bounds(least, greatest)
    value = np.asarray(value, float)
    if not ((least < value) & (value < greatest)).all():
        raise ValueError(f"value={shown(value)} must be greater than {least:g} and less than {greatest:g}.")
    share = np.log(value / least) / np.log(greatest / least)
    return np.log(share / (1.0 - share))


def check_bounds(least: float, greatest: float) -> None:
    """Raise ValueError unless 0 < least < greatest."""
    check_number("least", least, "a positive finite number", lambda value: 0.0 < value < inf)
    check_number("greatest", greatest, f"a finite number above least={least:g}", lambda value: least < value < inf)


class MapNetwork(equinox.Module):
    """A network from normalised maps [map, j, i] to fields [j, i] of parameters, by name, within their ranges.

    A perceptron of `depth` hidden layers of `width`, tanh between them, for each column by itself. maps: their names, in the order
    of the first axis. ranges: of each parameter, by its name in `dycore.learning.numbers`. Raises ValueError unless there are both.
    """

    layers: equinox.nn.MLP
    maps: tuple[str, ...] = equinox.field(static=True)
    ranges: tuple[tuple[str, Range], ...] = equinox.field(static=True)

    def __init__(self, maps: Sequence[str], ranges: Mapping[str, Range], *, key: Any, width: int = 8, depth: int = 1):
        if isinstance(maps, str) or not maps or not ranges or len({*maps}) < len(maps):
            raise ValueError(f"maps={shown(maps)} and ranges={shown(ranges)} must be names of one or more maps, each once, and of "
                             "one or more parameters with their ranges.")
        self.maps, self.ranges = tuple(maps), tuple((name, Range(*bounds)) for name, bounds in ranges.items())
        layers = equinox.nn.MLP(len(self.maps), len(self.ranges), integer("width", width, 1), integer("depth", depth, 1),
                                jnp.tanh, key=key)
        first = [unbounded((least * greatest) ** 0.5 if value is None else value, least, greatest)
                 for _, (least, greatest, value) in self.ranges]
        last = layers.layers[-1].weight
        self.layers = equinox.tree_at(lambda layers: (layers.layers[-1].weight, layers.layers[-1].bias), layers,
                                      (FIRST * last, jnp.array(first, last.dtype)))

    def __call__(self, maps: Any) -> dict[str, Any]:
        """Fields [j, i] by name, in their units. Raises ValueError for another number of maps."""
        if maps.ndim != 3 or len(maps) != len(self.maps):
            raise ValueError(f"maps have the shape {maps.shape}. Give [map, j, i] with the maps {', '.join(self.maps)}.")
        columns = jnp.reshape(jnp.asarray(maps), (len(maps), -1)).T
        raw = jnp.reshape(jax.vmap(self.layers)(columns).T, (-1, *maps.shape[1:]))
        return {name: bounded(row, bounds.least, bounds.greatest) for row, (name, bounds) in zip(raw, self.ranges, strict=True)}

    @property
    def case(self) -> dict[str, Any]:
        """The case that weights belong to, for `dycore.learning.save_weights`: the maps, and the parameters with their bounds."""
        return {"maps": list(self.maps), "parameters": {name: [bounds.least, bounds.greatest] for name, bounds in self.ranges}}


def with_fields(model: Model, fields: Mapping[str, Any]) -> Model:
    """The model with other fields [j, i] of its parameters, by their names in `dycore.learning.numbers`; JAX may trace them.

    "friction" stands for both viscosities, "friction.divergence" and "friction.vorticity". Where the model was made with a number
    in place of a field its step is compiled anew. Raises ValueError for a name that does not exist.
    """
    known = numbers(model.parameters)
    given: dict[str, Any] = {}
    for name, values in fields.items():
        found = [name] if name in known else [each for each in known if each.startswith(f"{name}.")]
        if not found:
            check_names("The parameter", (name,), known)
        given |= dict.fromkeys(found, values)
    return model.with_parameters(with_numbers(model.parameters, given))
