"""The gate for numbers from outside: every array that a user gives comes in through `given`, and is refused with one sentence.

    bottom = given("bottom", values, grid.cells, NUMBER, PLANE, needed=~land)

What comes out are finite numbers of one precision in a shape whose meaning is known. A number holds everywhere; a profile
[nz] lies along k, never along x; a plane is [ny, nx] and a volume [nz, ny, nx], in both of which an axis may have length 1.
Dimensions with names (xarray) are brought into that order (dycore.inputs.named_axes), their longitudes into that of the grid
(dycore.inputs.places), and numbers with an attribute `units` into those of the argument (dycore.inputs.units).
What is masked (netCDF4 hands out masked arrays), NaN or infinite is no value: it is refused where there is fluid, and gives
way to a harmless number elsewhere.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from dycore.assembly.values import is_traced
from dycore.inputs.named_axes import on_axes
from dycore.inputs.places import Places, at_places
from dycore.inputs.units import in_unit


class Form(NamedTuple):
    """Form of an array: what its shape means, and its axes."""

    name: str
    axes: str


NUMBER, PROFILE, PLANE, VOLUME = Form("a number", ""), Form("a profile", "k"), Form("a plane", "ji"), Form("a volume", "kji")
SIZES = {"k": "nz", "j": "ny", "i": "nx"}
LONGEST = 80  # letters of a value in a message
MOST = 1e30  # of a length, a time, a speed: fourth powers of it are still numbers


def given(name: str, values: Any, cells: tuple[int, int, int], *forms: Form, precision: Any = float,
          needed: np.ndarray | None = None, otherwise: float = 0.0, units: tuple[str, ...] = (),
          places: Places | None = None) -> np.ndarray:
    """Finite numbers from what was given as the argument `name`: (), [nz], [ny, nx] or [nz, ny, nx], one of the `forms`.

    precision: the dtype of the result. needed: True where there is fluid, [k, j, i] or [j, i]; everywhere if None. What is
    no value elsewhere becomes `otherwise`. units: those that the argument has, into one of which values with an attribute `units`
    are converted. places: longitudes and latitudes of the grid, with which those of a DataArray have to agree.
    What JAX traces comes out traced.
    Raises ValueError with the shapes that are allowed, or the number and the first place of the values that will not do.
    """
    if is_traced(values):
        return traced(name, values, cells, forms, precision)
    values = at_places(name, values, places)
    array = in_unit(name, as_array(name, values, precision), values, units)
    form = form_of(name, array.shape, cells, forms)
    array = np.broadcast_to(array, sizes(form, cells))
    finite = np.isfinite(array)
    if not finite.all():
        lacking = needed_by(form, needed) & ~finite
        if lacking.any():
            kinds = f"not finite numbers{' or masked' if is_masked(values) else ''} in {array.dtype}"
            raise ValueError(f"{name} has values that are {kinds}{'' if needed is None else ' where there is fluid'}, "
                             f"{points(form, lacking, array)}. Give numbers there.")
        array = np.where(finite, array, array.dtype.type(otherwise))
    return array


def traced(name: str, values: Any, cells: tuple[int, int, int], forms: tuple[Form, ...], precision: Any) -> Any:
    """An array that JAX traces, of one of the forms, whole and of the precision: its shape and type are known."""
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{name} is of the type {values.dtype}. Give real numbers.")
    form = form_of(name, tuple(values.shape), cells, forms)
    namespace = values.__array_namespace__()
    return namespace.broadcast_to(namespace.astype(values, precision), sizes(form, cells))


def as_array(name: str, values: Any, precision: Any = float) -> np.ndarray:
    """The numbers of anything that holds real ones, NaN where they are masked. Raises ValueError for what does not."""
    found = unmasked(name, values)
    data, masked = np.ma.getdata(found, subok=False), np.ma.getmask(found)
    if data.dtype.kind not in "biufO":
        raise ValueError(f"{name} is of the type {data.dtype}. Give real numbers.")
    if data.dtype.kind == "O":
        data = np.where(masked, np.nan, data)  # what is masked need not be a number
        if any(isinstance(each, (str, bytes, bytearray, memoryview)) for each in data.flat):  # NumPy would read it as a number
            raise ValueError(f"{name} cannot be read as real numbers: some of it is text. Give real numbers.")
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # what is too large becomes infinite, and is refused as that
            array = data.astype(precision, copy=False)
    except (TypeError, ValueError, OverflowError) as problem:
        raise ValueError(f"{name} cannot be read as real numbers: {problem}.") from None
    return array if masked is np.ma.nomask else np.where(masked, array.dtype.type(np.nan), array)


def unmasked(name: str, values: Any) -> Any:
    """An array, masked or not. Raises ValueError for rows of different length, and what cannot become an array."""
    if not isinstance(values, (list, tuple)):
        values = on_axes(name, values)
        try:
            return np.asanyarray(values)  # a variable of netCDF4 becomes masked here
        except Exception as problem:  # whatever a library says of what it holds, such as an xarray.Dataset
            raise ValueError(f"{name} is a {type(values).__name__}, which cannot be read as one array ({type(problem).__name__}). "
                             "Give real numbers.") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy warns that a masked number becomes NaN, as it shall
            found = np.ma.array(values)
    except ValueError:
        raise ValueError(f"{name} is made of rows of different length. Give an array.") from None
    return found if np.ma.is_masked(found) else found.data


def is_masked(values: Any) -> bool:
    """Whether something has values that are masked."""
    return bool(np.ma.is_masked(unmasked("", values)))


def sizes(form: Form, cells: tuple[int, int, int]) -> tuple[int, ...]:
    """The shape of a form on a grid."""
    return tuple(cells["kji".index(axis)] for axis in form.axes)


def form_of(name: str, shape: tuple[int, ...], cells: tuple[int, int, int], forms: tuple[Form, ...]) -> Form:
    """The form that a shape has. Raises ValueError with those that are allowed."""
    for form in forms:
        whole = sizes(form, cells)
        broad = len(whole) > 1 and len(shape) == len(whole) and all(n in (1, m) for n, m in zip(shape, whole, strict=True))
        if shape == whole or broad:
            return form
    allowed = [described(form, cells) for form in sorted(forms, key=lambda form: -len(form.axes))]
    raise ValueError(f"{name} has shape {shape}; the grid needs {', '.join(allowed[:-1])} or {allowed[-1]}.")


def described(form: Form, cells: tuple[int, int, int]) -> str:
    """'(4, 6, 8) as a volume [nz, ny, nx]'."""
    return f"{sizes(form, cells)} as {form.name} [{', '.join(SIZES[axis] for axis in form.axes)}]" if form.axes else form.name


def needed_by(form: Form, needed: np.ndarray | None) -> np.ndarray:
    """Mask of needed values of a form: wherever one of the cells is for which they stand."""
    if needed is None:
        return np.array(True)
    axes = "kji"[-needed.ndim:]
    return np.asarray(needed.any(axis=tuple(n for n, axis in enumerate(axes) if axis not in form.axes)))


def points(form: Form, where: np.ndarray, array: np.ndarray) -> str:
    """'being nan', or 'at 3 of 80 points, first nan at [j, i] = [0, 2]'."""
    if not form.axes:
        return f"being {array.item():g}"
    found = np.argwhere(np.broadcast_to(where, array.shape))
    first = found[0].tolist()
    return f"at {len(found)} of {array.size} points, first {array[tuple(first)]:g} at [{', '.join(form.axes)}] = {first}"


def truths(name: str, values: Any, cells: tuple[int, int, int], places: Places | None = None) -> np.ndarray:
    """True or false [j, i], from a plane of truth values or of zeros and ones; True where it is masked.

    Raises ValueError for other numbers, NaN among them, and other shapes.
    """
    values = at_places(name, values, places)
    array, masked = as_array(name, values), np.ma.getmaskarray(unmasked(name, values))
    form = form_of(name, array.shape, cells, (NUMBER, PLANE))
    strange = ~masked & (array != 0.0) & (array != 1.0)
    if strange.any():
        raise ValueError(f"{name} has values that are neither true nor false, {points(form, strange, array)}. Give True or 1 where "
                         f"it is so and False or 0 elsewhere, for example {name}=fraction > 0.5.")
    return np.broadcast_to(masked | (array == 1.0), sizes(PLANE, cells))


def masked_points(name: str, values: Any, cells: tuple[int, int, int], places: Places | None = None) -> np.ndarray:
    """True where a plane [j, i] is masked."""
    masked = np.ma.getmaskarray(unmasked(name, at_places(name, values, places)))
    form_of(name, masked.shape, cells, (NUMBER, PLANE))
    return np.broadcast_to(masked, sizes(PLANE, cells))


# One value: a number, a switch, a function, a record


def is_number(value: Any, fits: Callable[[float], bool]) -> bool:
    """Whether something is one real number that fits; text, truth values, NaN and what is masked never do."""
    try:
        if isinstance(value, (bool, type)) or not (isinstance(value, (int, float)) or hasattr(value, "__array__")):
            return False
        found = as_array("", value)
        return found.ndim == 0 and np.asarray(value).dtype.kind != "b" and not np.isnan(found) and bool(fits(float(found)))
    except (TypeError, ValueError, OverflowError):
        return False


def check_number(name: str, value: Any, what: str, fits: Callable[[float], bool]) -> float:
    """The number that something is. Raises ValueError '`name`=... must be `what`' unless it is one number that fits."""
    if not is_number(value, fits):
        raise ValueError(f"{name}={shown(value)} must be {what}.")
    return float(value)


def finite(name: str, value: Any, unit: str) -> float:
    """A finite number, of which powers are finite too."""
    return check_number(name, value, f"one finite number ({unit})", lambda value: abs(value) < MOST)


def positive(name: str, value: Any, unit: str) -> float:
    """A positive finite number, of which powers are positive and finite too."""
    return check_number(name, value, f"one positive finite number ({unit})", lambda value: 1.0 / MOST < value < MOST)


def not_negative(name: str, value: Any, unit: str) -> float:
    """A finite number that is not negative."""
    return check_number(name, value, f"a finite number ({unit}) that is not negative", lambda value: 0.0 <= value < MOST)


def integer(name: str, value: Any, least: int, most: int = 10**15) -> int:
    """A whole number from `least` to `most`; whole numbers of Python pass at once."""
    if type(value) is int and least <= value <= most:
        return value
    return int(check_number(name, value, f"at least {least} and at most {most:.0e}, a whole number",
                            lambda value: least <= value <= most and value == int(value)))


def check_switch(name: str, value: Any) -> None:
    """Raise ValueError unless something is True or False: any other text or number would count as one of them."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name}={shown(value)} must be True or False.")


def is_array(value: Any) -> bool:
    """Whether something holds several numbers, in an array or in lists of one shape."""
    try:
        axes = 0 if isinstance(value, (str, bytes, type)) else np.ndim(value)
        return isinstance(axes, int) and axes > 0
    except ValueError:  # rows of different length
        return False


def check_function(name: str, value: Any, *arguments: str) -> None:
    """Raise ValueError unless something is a function, and one of these arguments where they are named."""
    if not callable(value) or isinstance(value, type):
        raise ValueError(f"{name}={shown(value)} must be a function{of_arguments(arguments)}.")
    with suppress(ValueError):  # what does not say what it takes is asked when it is called
        taken = inspect.signature(value)
        try:
            taken.bind(*arguments) if arguments else None
        except TypeError:
            raise TypeError(f"{name}={shown(value)} must be a function{of_arguments(arguments)}, and it takes {taken}.") from None


def of_arguments(arguments: tuple[str, ...]) -> str:
    """' of (longitude, latitude)'."""
    return f" of ({', '.join(arguments)})" if arguments else ""


def check_kind(name: str, value: Any, kind: type, advice: str = "") -> None:
    """Raise TypeError, with the advice, unless something is of a kind."""
    if not isinstance(value, kind):
        place = f"{kind.__module__}.{kind.__name__}"
        raise TypeError(f"{name}={shown(value)} must be a {place}. {advice}".rstrip())


def check_list(name: str, values: Any, kind: type) -> list:
    """The records of a kind that a list holds. Raises ValueError unless it is one, of one record at least."""
    is_list = isinstance(values, Iterable) and not isinstance(values, (str, bytes, Mapping)) and not hasattr(values, "_fields")
    found = list(values) if is_list and getattr(values, "ndim", 1) == 1 else []
    if not found or not all(isinstance(each, kind) for each in found):
        raise ValueError(f"{name}={shown(values)} must be a list of one or more, each of it a {kind.__module__}.{kind.__name__}.")
    return found


def check_model(value: Any) -> None:
    """Raise TypeError unless something is a dycore.model.Model, which builds on those that ask."""
    if isinstance(value, type) or not all(hasattr(value, part) for part in ("grid", "parameters", "backend", "layout")):
        raise TypeError(f"model={shown(value)} must be a dycore.model.Model.")


def check_text(name: str, value: Any, example: str) -> None:
    """Raise TypeError unless something is text."""
    if not isinstance(value, str):
        raise TypeError(f"{name}={shown(value)} must be text, for example {example!r}.")


def check_labelled(name: str, data: Any) -> None:
    """Raise TypeError unless something is of xarray."""
    if isinstance(data, type) or not (hasattr(data, "coords") and hasattr(data, "attrs") and hasattr(data, "isel")):
        raise TypeError(f"{name}={shown(data)} must be an xarray.DataArray or an xarray.Dataset.")


def shown(value: Any) -> str:
    """A value in a message, cut where it is long."""
    with suppress(Exception):  # whatever a repr of others says
        plain = isinstance(value, np.ndarray) and value.ndim and not np.ma.isMaskedArray(value)
        text = np.array2string(value, threshold=6) if plain else repr(value)
        text = " ".join(text.split())
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({type(value).__name__})"
    return f"something of the type {type(value).__name__}"
