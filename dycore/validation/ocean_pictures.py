"""Pictures of years of a global ocean."""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore import diagnostics, pictures


def of(ocean: Any, atlantic: Any, heat: Any, atlantic_heat: Any) -> dict[str, Any]:
    """Figures by name: maps of the last year, overturning, transport of heat, and the way there."""
    last = ocean.means.isel(time=-1, drop=True)
    psi = diagnostics.barotropic_stream_function(last).values[1:]
    americas = psi[ocean.grid.latitude[:, 0].searchsorted(40.0), np.abs(ocean.grid.x % 360.0 - 255.0).argmin()]
    flow = last.sea_surface_height.copy(data=np.where(ocean.grid.wet[-1], psi - americas, np.nan)).assign_attrs(
        long_name="barotropic stream function, 0 on the Americas", units="Sv")
    fields = {"stream-function": flow} | {
        name: last[name].isel(height=-1, drop=True).assign_attrs(long_name=f"{name} of the uppermost level")
        for name in ("temperature", "salinity")}
    return {name: pictures.map_of(field, pictures.mollweide, 200.0) for name, field in fields.items()} | {
        "overturning": overturning(last, atlantic), "heat-transport": transport(heat, atlantic_heat), "drift": drift(ocean)}


def overturning(last: Any, atlantic: Any) -> Any:
    """Overturning of the resolved flow in depth, of all seas and of the Atlantic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 8), layout="constrained")
    for axes, region, title in zip(figure.subplots(2, 1, sharex=True), (None, atlantic), ("all seas", "the Atlantic"), strict=True):
        psi = diagnostics.overturning(last, region)
        edge, south = psi.dims
        levels = np.arange(-40.0, 41.0, 4.0)
        filled = axes.contourf(psi[south], -psi[edge], psi, levels=levels, cmap="RdBu_r", extend="both")
        axes.contour(psi[south], -psi[edge], psi, levels=levels, colors="k", linewidths=0.3)
        figure.colorbar(filled, ax=axes, label="Sv")
        axes.set(title=f"overturning of the resolved flow, {title}", ylabel="depth (m)", ylim=(5000.0, 0.0))
    axes.set_xlabel("latitude (degrees north)")
    return figure


def transport(heat: Any, atlantic: Any) -> Any:
    """Transport of heat northward."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.plot(heat.latitude, heat.transport / 1e15, label="all seas")
    inside = atlantic.latitude > -34.0
    axes.plot(atlantic.latitude[inside], atlantic.transport[inside] / 1e15, label="Atlantic")
    axes.plot([24.0, 24.0], [2.1, 1.3], "k*", label="Talley 2003: all seas, Atlantic")
    axes.axhline(0.0, color="0.7", linewidth=0.8)
    axes.set(xlabel="latitude (degrees north)", ylabel="northward transport of heat (PW)")
    axes.legend()
    return figure


def drift(ocean: Any) -> Any:
    """Current through Drake Passage, and mean temperature, over the years."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    days = {name: data.time.values / (1.0 if "days" in data.time.units else 86400.0)
            for name, data in (("drake", ocean.drake), ("years", ocean.years))}
    upper.plot(days["drake"] / 365.0, ocean.drake.drake_passage)
    upper.set_ylabel("transport through\nDrake Passage (Sv)")
    lower.plot(days["years"] / 365.0, diagnostics.content(ocean.years, "temperature") / diagnostics.content(ocean.years), "o-")
    lower.set(xlabel="years", ylabel="mean temperature of the ocean (degree C)")
    return figure
