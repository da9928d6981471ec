"""Weights in a file: with the normalisation, the versions that made them and the case that they belong to, by safetensors.

    save_weights("drag.safetensors", network, normalisation=normalisation, case={"field": "bottom drag", "unit": "m/s"})
    saved = load_weights("drag.safetensors", network, case={"field": "bottom drag", "unit": "m/s"})

Such a file holds arrays and words, and runs no code when it is read. The case is what weights depend on and do not say
themselves, in words, numbers and lists of these: what goes in and comes out, in which unit, for which spacing or time step.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import equinox
import jax
import jax.numpy as jnp
import numpy as np

from dycore import __version__
from dycore.files import WritingFailed, at_home, whole, why
from dycore.inputs.given import check_kind, shown
from dycore.learning.normalisation import Normalisation

KIND, FORMAT = "dycore weights", 1  # what a file says that it is; the newest format that is read
WEIGHTS, MEAN, DEVIATION = "weights.", "normalisation.mean", "normalisation.deviation"
LIBRARIES = "jax", "equinox", "optax", "numpy", "safetensors"


class Saved(NamedTuple):
    """Saved weights as they were read, the normalisation (None where there is none), versions by name, and the case."""

    weights: Any
    normalisation: Normalisation | None
    versions: dict[str, str]
    case: dict[str, Any]


def save_weights(path: str | Path, weights: Any, *, case: Mapping[str, Any], normalisation: Normalisation | None = None) -> None:
    """Write the arrays of a tree, such as a module of equinox, to a file of safetensors, whole or not at all.

    Raises ValueError where an array is not finite or the case holds what JSON does not, and dycore.files.WritingFailed.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    arrays = {f"{WEIGHTS}{name}": np.array(value, order="C") for name, value in arrays_of(weights).items()}
    if not arrays or any(value.dtype.kind not in "fiub" for value in arrays.values()):
        raise ValueError(f"weights={shown(weights)} must be a tree of arrays of numbers, such as a module of equinox.")
    if normalisation is not None:
        check_kind("normalisation", normalisation, Normalisation, "dycore.learning.normalisation_of makes one.")
        arrays |= {MEAN: np.array(normalisation.mean, float), DEVIATION: np.array(normalisation.deviation, float)}
    for name, value in arrays.items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise ValueError(f"{int((~np.isfinite(value)).sum())} of {value.size} numbers of {name} are not finite. Weights like "
                             "these are not saved.")
    words = {"kind": KIND, "format": str(FORMAT), "versions": json.dumps(versions()), "case": json.dumps(in_json(case)),
             "names": json.dumps([] if normalisation is None else list(normalisation.names))}
    path = at_home(path)
    try:
        with whole(path) as partial:
            save_file(arrays, partial, words)
    except (OSError, SafetensorError) as problem:
        reason = why(problem) if isinstance(problem, OSError) else problem
        raise WritingFailed(f"Weights could not be written to '{path}': {reason}.") from None


def load_weights(path: str | Path, like: Any, *, case: Mapping[str, Any]) -> Saved:
    """Weights from a file, in the form of others: those of a new network of the same kind.

    like: the tree that was saved, with any values. case: to which the weights have to belong. Raises ValueError, with what
    differs, for a file that holds no weights or those of a newer dycore, another case, or arrays of other names, shapes or types.
    """
    arrays, words = contents(at_home(path))
    known = json.loads(words["versions"])
    if int(words["format"]) > FORMAT or release(known["dycore"]) > release(__version__):
        raise ValueError(f"The weights in '{path}' were written by dycore {known['dycore']} in format {words['format']}; this one "
                         f"is {__version__} and reads formats up to {FORMAT}. Take a newer dycore.")
    there = json.loads(words["case"])
    check_case(path, there, in_json(case))
    names, normalisation = json.loads(words["names"]), None
    if names:
        normalisation = Normalisation(tuple(names), arrays.pop(MEAN), arrays.pop(DEVIATION))
    own = arrays_of(like)
    check_arrays(path, {name.removeprefix(WEIGHTS): value for name, value in arrays.items()}, own)
    values = iter([jnp.asarray(arrays[f"{WEIGHTS}{name}"]) for name in own])
    weights = jax.tree.map(lambda leaf: next(values) if equinox.is_array(leaf) else leaf, like)
    return Saved(weights, normalisation, known, there)


def saved_case(path: str | Path) -> dict[str, Any]:
    """The case to which the weights in a file belong. Raises ValueError for a file that holds no weights."""
    return json.loads(contents(at_home(path))[1]["case"])


def contents(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """(arrays by name, words by name) of a file. Raises ValueError where it cannot be read or holds no weights of ours."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            words = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (OSError, SafetensorError) as problem:
        raise ValueError(f"No weights can be read from '{path}': {why(problem)}. Give a file that dycore.learning.save_weights "
                         "wrote.") from None
    if words.get("kind") != KIND or {"format", "versions", "case", "names"} - set(words):
        raise ValueError(f"'{path}' holds tensors {shown(sorted(arrays))}, but does not say what they belong to. Give a file that "
                         "dycore.learning.save_weights wrote.")
    return arrays, words


def check_case(path: Any, there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    """Raise ValueError, with both values, where weights belong to another case."""
    for name in sorted({*there, *here}):
        if name not in there or name not in here or not alike(there[name], here[name]):
            found, given = (repr(case[name]) if name in case else "not said" for case in (there, here))
            raise ValueError(f"The weights in '{path}' belong to another case: {name} is {found} there and {given} here. Take "
                             "weights of this case, or train them.")


def check_arrays(path: Any, there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    """Raise ValueError, with the first array that differs, where weights are those of another network."""
    def form(arrays: Mapping[str, Any], name: str) -> str:
        return f"{arrays[name].dtype} {list(arrays[name].shape)}" if name in arrays else "not there"

    for name in sorted({*there, *here}):
        if form(there, name) != form(here, name):
            raise ValueError(f"The weights in '{path}' are those of another network: {name} is {form(there, name)} in the file and "
                             f"{form(here, name)} in the network given. Give a network of the form that was saved.")


def arrays_of(tree: Any) -> dict[str, Any]:
    """The arrays of a tree by dotted names, in order."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves if equinox.is_array(leaf)}


def alike(there: Any, here: Any) -> bool:
    """Whether two values of a case are equal, numbers but for rounding."""
    if isinstance(there, list) and isinstance(here, list):
        return len(there) == len(here) and all(map(alike, there, here))
    if isinstance(there, dict) and isinstance(here, dict):
        return set(there) == set(here) and all(alike(there[name], here[name]) for name in there)
    if isinstance(there, float) or isinstance(here, float):
        return all(isinstance(each, (int, float)) for each in (there, here)) and math.isclose(there, here, rel_tol=1e-12)
    return there == here and isinstance(there, bool) == isinstance(here, bool)


def in_json(case: Mapping[str, Any]) -> dict[str, Any]:
    """A case as it comes out of a file. Raises ValueError for what JSON does not hold."""
    def plain(value: Any) -> Any:
        if isinstance(value, (np.ndarray, np.generic)):
            return value.tolist()
        raise TypeError(shown(value))

    check_kind("case", case, Mapping)
    try:
        return json.loads(json.dumps(dict(case), default=plain, allow_nan=False))
    except (TypeError, ValueError) as problem:
        raise ValueError(f"The case {shown(dict(case))} does not go into a file: {why(problem)}. Describe it by words, finite "
                         "numbers and lists of these.") from None


def versions() -> dict[str, str]:
    """Versions of dycore and of libraries that made weights."""
    found = {"dycore": __version__}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def release(text: str) -> tuple[int, ...]:
    """A version such as 0.1.0, or 0.1.1.dev3+gCOMMIT between two, as numbers that can be compared."""
    return tuple(int(part) for part in text.split(".")[:3] if part.isdigit())
