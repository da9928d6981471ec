"""Colours of a field: their map, its limits, and the bar that says what they mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore.plotting.plotted_fields import UNITS, extends

FAR = 10.0  # times the spread of nearly all values: what spreads farther would leave no colours for these


def colours(field: Any) -> tuple[dict[str, Any], str]:
    """The colour map and its limits, and which ends of it are left open.

    The limits are the extremes, unless single values lie so far out (FAR) that all others would have one colour. A constant has
    one colour. Raises ValueError where there are no values.
    """
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    values = field.values[np.isfinite(field.values)]
    if not values.size:
        raise ValueError(f"{field.attrs['long_name']} has no values there: all of it is land, or not a number.")
    low, high = values.min(), values.max()
    units = field.attrs["units"]
    signed = field.name != "speed" and (units in ("m/s", "Pa/s", "Sv", UNITS["s-1"][0]) or (units == "m" and low < 0.0 < high))
    name = "RdBu_r" if signed else "plasma" if units in ("K", UNITS["degree_C"][0]) else "viridis"
    if alike(values):
        return {"cmap": ListedColormap([colormaps[name](0.5)]), "vmin": low - 1.0, "vmax": low + 1.0}, "neither"
    low, high = most(field, low, high)
    if signed:
        high = max(abs(low), abs(high))
        low = -high
    ends = ("neither", "min", "max", "both")[int(values.min() < low) + 2 * int(values.max() > high)]
    return {"cmap": name, "vmin": low, "vmax": high}, ends


def most(field: Any, low: float, high: float) -> tuple[float, float]:
    """Limits that leave out what lies far out; `low` and `high`, the extremes, where nothing does."""
    moments = field.transpose("time", ...).values if extends(field, "T") else field.values[None]
    finite = (moment[np.isfinite(moment)] for moment in moments)
    ranges = np.array([(np.percentile(moment, 1.0, method="higher"), np.percentile(moment, 99.0, method="lower"))
                       for moment in finite if moment.size])
    first, last = ranges[:, 0].min(), ranges[:, 1].max()  # an animation shows what has grown by its end
    if not 0.0 < FAR * (last - first) < high - low:
        return low, high
    return max(low, first - 0.25 * (last - first)), min(high, last + 0.25 * (last - first))


def alike(values: np.ndarray) -> bool:
    """Whether there is but a constant and its round-off in finite values."""
    return bool(np.ptp(values) <= 1e3 * np.finfo(values.dtype).eps * np.abs(values).max())


def colour_bar(figure: Any, axes: Any, mesh: Any, field: Any, extend: str, **options: Any) -> None:
    """The bar beside a mesh, with the unit; of a constant it has one colour and its value."""
    low, high = mesh.get_clim()
    bar = figure.colorbar(mesh, ax=axes, extend=extend, label=field.attrs["units"], pad=0.02, **options)
    if mesh.cmap.N == 1:
        bar.set_ticks([0.5 * (low + high)], labels=[f"{0.5 * (low + high):.6g}"])
    else:
        bar.formatter.set_useOffset(False)  # 999.8 hPa, not 1e3 and -0.2


def extremes(field: Any) -> str:
    """The least and the greatest value of a field in words."""
    low, high, units = float(field.min()), float(field.max()), field.attrs["units"]
    if alike(field.values[np.isfinite(field.values)]):
        return f"{low:.6g} {units} everywhere"
    return f"{low:.5g} to {high:.5g} {units}"
