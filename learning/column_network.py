"""A network of columns: a function of whole columns in the array API, so that the same weights run under NumPy, Numba and JAX.

    rates = of_columns(network, theta, surface, sine2)      # [n, j, i] of fields [k, j, i] and planes [j, i]

Every column is treated by itself. Normalisation is a part of the network, and is saved with its weights. What is trained are the
layers: `network._replace(layers=found)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from dycore.inputs.given import as_array, integer, shown
from dycore.learning.normalisation import mean_and_deviation
from dycore.learning.seeds import random_numbers


class ColumnNetwork(NamedTuple):
    """Layers [n, 1 + m] from m values to n, biases first, with tanh between them, and the normalisation of what goes in.

    All of it are matrices: a step takes a vector as long as a profile with its halo for one.
    """

    layers: tuple[Any, ...]
    inputs: Any  # [2, m]: mean and standard deviation, in their units
    outputs: Any  # [2, n]: zero point and typical size, in their units


def random_network(seed: int, inputs: Any, sizes: Any, hidden: Sequence[int] = (32, 32)) -> ColumnNetwork:
    """A network of columns with random weights, those of the last layer small.

    inputs: samples [..., m] of all that goes into a column, in the order of the arguments of `of_columns`: their mean and standard
    deviation become those of the normalisation. sizes: typical sizes [n] of the outputs, in their units. Raises ValueError where
    these have other shapes, or a number of `hidden` values is not whole and positive.
    """
    random = random_numbers(seed)
    inputs, sizes = as_array("inputs", inputs), as_array("sizes", sizes)
    if not inputs.size or inputs.ndim < 1 or not sizes.size or sizes.ndim != 1:
        raise ValueError(f"inputs have the shape {inputs.shape} and sizes {sizes.shape}. Give samples [..., m] of what goes in and "
                         "a size for each output [n].")
    if not isinstance(hidden, (tuple, list)):
        raise ValueError(f"hidden={shown(hidden)} must be numbers of values between layers, for example (32, 32).")
    hidden, inputs = [integer("hidden", number, 1) for number in hidden], inputs.reshape(-1, inputs.shape[-1])
    numbers = (inputs.shape[1], *hidden, len(sizes))
    layers = [np.concatenate([np.zeros((n, 1)), random.standard_normal((n, m)) / m**0.5], axis=1)
              for m, n in pairwise(numbers)]
    return ColumnNetwork((*layers[:-1], 0.1 * layers[-1]), np.stack(mean_and_deviation(inputs)),
                         np.stack([np.zeros_like(sizes), sizes]))


def check_layers(network: ColumnNetwork) -> None:
    """Raise ValueError where the layers of a network do not follow from one another, its inputs and its outputs."""
    sizes = [np.shape(network.inputs)[-1]]
    for number, layer in enumerate(network.layers):
        shape = np.shape(layer)
        if len(shape) != 2 or shape[1] != 1 + sizes[-1]:
            raise ValueError(f"Layer {number} of the network has the shape {list(shape)}, but {sizes[-1]} values go into it. Give "
                             f"it {1 + sizes[-1]} columns, biases first.")
        sizes.append(shape[0])
    if sizes[-1] != np.shape(network.outputs)[-1]:
        raise ValueError(f"The last layer of the network makes {sizes[-1]} values, but {np.shape(network.outputs)[-1]} have a "
                         "normalisation. Give as many of both.")


def of_columns(network: ColumnNetwork, *fields: Any, limited: Callable[[Any], Any] | None = None) -> Any:
    """Outputs [n, j, i] of a network, in their units, of fields [k, j, i] and planes [j, i], stacked in their order.

    limited: a function of the outputs before they get their units.
    """
    library = fields[0].__array_namespace__()
    stacked = library.concat([field if field.ndim == 3 else field[None] for field in fields], axis=0)
    values = (stacked - upright(network.inputs[0])) / upright(network.inputs[1])
    for number, layer in enumerate(network.layers):
        values = library.tanh(values) if number else values
        values = library.tensordot(layer[:, 1:], values, axes=1) + upright(layer[:, 0])
    return upright(network.outputs[0]) + upright(network.outputs[1]) * (values if limited is None else limited(values))


def upright(values: Any) -> Any:
    """Numbers [n] as [n, 1, 1], the same for all columns."""
    return values[:, None, None]


def bounded(values: Any, limit: float) -> Any:
    """Values y as y / sqrt(1 + (y / limit)^2): nearly the same where they are small, and never beyond the limit."""
    library = values.__array_namespace__()
    return values / library.sqrt(1.0 + (values / limit) ** 2)


def share(values: Any) -> Any:
    """Values of any size as numbers between 0 and 1, by the logistic function."""
    return 0.5 + 0.5 * values.__array_namespace__().tanh(0.5 * values)
