"""Units of what comes in from outside: what an attribute `units` says, after CF, brought to the unit that an argument has.

Units are what UDUNITS makes of them, by way of the library cf-units, besides the usual spellings of the model's own. What has no
attribute `units` is taken to be in the unit that is wanted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

VELOCITY, VERTICAL, STRESS, TIME, TEMPERATURE = ("m s-1",), ("m", "Pa"), ("N m-2",), ("s",), ("degree_C",)
# spellings of practical salinity, which is no mass per mass: UDUNITS takes ppt for parts per trillion
PRACTICAL = ("1", "psu", "pss", "pss-78", "pss78", "ppt", "1e-3", "1.e-3", "1.0e-3", "0.001", "per mille", "permille", "permil",
             "per mil", "\u2030")
SPELLINGS = {
    "m s-1": ("m/s", "m s**-1", "m s^-1", "m.s-1"), "N m-2": ("n/m2", "n/m^2", "n/m**2", "n m**-2", "n m^-2", "n.m-2"),
    "m": ("metre", "metres", "meter", "meters"), "s": ("second", "seconds", "sec"), "Pa": ("pascal", "pascals"),
    "degree_C": ("degc", "deg c", "deg_c", "degree c", "degrees c", "degrees_c", "c", "\u00b0c", "celsius", "degree_celsius",
                 "degrees_celsius", "degree celsius", "degrees celsius"),
    "g kg-1": ("g/kg", "g kg**-1", "g kg^-1")}


def units_of(values: Any) -> Any:
    """The attribute `units` of an array of xarray, zarr or netCDF4; '' where there is none."""
    attributes = getattr(values, "attrs", None)
    if isinstance(attributes, Mapping):
        return attributes.get("units", "")
    return getattr(values, "units", "") if hasattr(values, "ncattrs") else ""


def in_unit(name: str, array: np.ndarray, values: Any, units: tuple[str, ...]) -> np.ndarray:
    """The numbers of `values` in the unit that the argument `name` has: the one of `units` into which theirs can be converted.

    They are as they were where `values` have no units or the argument has none. Raises as `converted`.
    """
    own = units_of(values)
    if not units or (isinstance(own, str) and not own.strip()):
        return array
    wanted = next((each for each in units if is_convertible(own, each)), units[0])
    return np.asarray(converted(array, own, wanted, name), array.dtype)


def is_temperature(own: Any) -> bool:
    """Whether units are those of a temperature; the usual ones are known without cf-units too."""
    return str(own).strip().lower() in ("k", "kelvin", "degk", "degf") or is_convertible(own, *TEMPERATURE)


def is_convertible(own: Any, wanted: str) -> bool:
    """Whether units are spelled as the ones that are wanted, or known to be convertible to them."""
    if is_same(own, wanted):
        return True
    try:
        from cf_units import Unit

        return bool(Unit(as_udunits(own)).is_convertible(wanted)) and " since " not in str(own)
    except (ImportError, ValueError, TypeError):
        return False


def is_same(own: Any, wanted: str) -> bool:
    """Whether units are those that are wanted, in one of the usual spellings."""
    text = str(own).strip()
    return text == wanted or text.lower() in SPELLINGS.get(wanted, ())


def as_udunits(own: str) -> str:
    """Units with the dyne as UDUNITS spells it."""
    return re.sub(r"\bdynes?\b|\bdyn\b", "dyne", own)


def converted(values: np.ndarray, own: Any, wanted: str, what: str) -> np.ndarray:
    """Values in other units; `what` they are of is for the messages.

    Raises ValueError for units that are no text, unknown or of something else, and ImportError where cf-units is missing.
    """
    if not isinstance(own, str):
        raise ValueError(f"The units of {what} are {own!r:.80}, which is no text. Correct its attribute 'units', or remove it "
                         f"where {what} is in '{wanted}'.")
    own = own.strip()
    if own == "" or is_same(own, wanted):
        return values
    if wanted == "g kg-1" and own.lower() in PRACTICAL:
        raise ValueError(f"The units of {what} are '{own}', those of practical salinity. Give absolute salinity in '{wanted}', "
                         "which gsw.SA_from_SP makes of it.")
    try:
        from cf_units import Unit
    except ImportError:
        raise ImportError(f"The units of {what} are '{own}', not '{wanted}'. To convert them install cf-units (pip install "
                          f"cf-units), or give it in '{wanted}'.") from None
    if not is_convertible(own, wanted):
        raise ValueError(f"The units of {what} are '{own}', which cannot be converted to '{wanted}'. Convert {what} or correct "
                         "its attribute 'units'.")
    return Unit(as_udunits(own)).convert(values, wanted)
