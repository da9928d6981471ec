"""Pictures of linear waves: speeds against theory and the scheme's relation, and the surface after adjustment."""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore.validation.wave_theory import lamb_speed, rossby_frequency


def dispersion_figure(external: dict, internal: dict, rossby: dict, lamb: dict) -> Any:
    """Four panels of speeds: theory as lines, the scheme's relation dashed, our runs as points."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 6.8), layout="constrained")
    axes = figure.subplots(2, 2)
    draw_external_waves(figure, axes[0, 0], external)
    draw_internal_waves(axes[0, 1], internal)
    draw_rossby_waves(axes[1, 0], rossby)
    draw_lamb_waves(axes[1, 1], lamb)
    return figure


def draw_external_waves(figure: Any, axis: Any, external: dict) -> None:
    """Speed of all waves of the grid against wavenumber, by direction."""
    spacing, c = external["spacing"], external["exact"]
    size = np.hypot(external["k"], external["l"]) * spacing / np.pi
    direction = np.degrees(np.arctan2(np.abs(external["l"]), external["k"]))
    points = axis.scatter(size, external["speed"] / c, c=direction, s=9, cmap="viridis", vmin=0.0, vmax=90.0)
    figure.colorbar(points, ax=axis, label="direction of the wave (degrees)")
    axis.axhline(1.0, color="0.4")
    order = np.argsort(size)
    for chosen, style in ((external["l"] == 0.0, "--"), (np.isclose(np.abs(external["l"]), external["k"]), ":")):
        some = order[chosen[order]]
        axis.plot(size[some], external["scheme_speed"][some] / c, style, color="k", lw=1.0)
    axis.set(title="External waves: all waves of the grid", xlabel="wavenumber x spacing / pi", ylabel="speed / sqrt(g H)")
    axis.text(0.03, 0.13, "line: continuous theory\ndashed: scheme, along x\ndotted: scheme, along the diagonal",
              transform=axis.transAxes, fontsize=8)


def draw_internal_waves(axis: Any, internal: dict) -> None:
    """Speed by vertical mode."""
    many = np.linspace(1.0, internal["number"][-1] + 0.2, 100)
    axis.plot(many, internal["exact"][0] / many, color="0.4", label="N H / (n pi)")
    axis.plot(internal["number"], internal["levels"], "k+", ms=11, label="these levels, exact in x and t")
    axis.plot(internal["number"], internal["timed"], "o", ms=5, mfc="none", color="C0", label="run")
    axis.set(title="Internal waves", xlabel="vertical mode n", ylabel="speed (m/s)", ylim=(0.0, None))
    axis.legend(fontsize=8)


def draw_rossby_waves(axis: Any, rossby: dict) -> None:
    """Phase speed against wavenumber."""
    k = np.linspace(0.6 * rossby["k"][0], 1.1 * rossby["k"][-1], 200)
    axis.plot(k * 1e6, rossby_frequency(k, rossby["l"], rossby["beta"], rossby["f"], rossby["wave_speed"]) / k, color="0.4",
              label="-beta / (k^2 + l^2 + (f/c)^2)")
    axis.plot(rossby["k"] * 1e6, rossby["scheme"], "k+", ms=11, label="scheme")
    axis.plot(rossby["k"] * 1e6, rossby["speed"], "o", ms=5, mfc="none", color="C0", label="run")
    axis.set(title="Rossby waves in a channel", xlabel="k (1e-6 / m)", ylabel="phase speed (m/s), eastward")
    axis.legend(fontsize=8)


def draw_lamb_waves(axis: Any, lamb: dict) -> None:
    """Speed of the Lamb wave by number of levels."""
    levels = np.array(sorted(lamb))
    wave = lamb[levels[-1]]
    axis.axhline(wave["exact"], color="0.4", label="sqrt(cp/cv R T), Lamb wave")
    axis.axhline(wave["formula"], color="0.4", ls="--", label="sqrt((1 + kappa) R T), neutral stratification")
    many_levels = np.array([10, 20, 40, 80, 160, 320])
    axis.plot(many_levels, [lamb_speed(nz) for nz in many_levels], "k+", ms=11, label="these levels, exact in x and t")
    axis.plot(levels, [lamb[nz]["timed"] for nz in levels], "o", ms=5, mfc="none", color="C0", label="run")
    axis.set(title="External wave of an isothermal atmosphere", xlabel="levels", ylabel="speed (m/s)", xscale="log")
    axis.legend(fontsize=8, loc="center right")


def adjustment_figure(step: dict) -> Any:
    """Surface after adjustment, time mean and theory."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 3.6), layout="constrained")
    axis = figure.subplots()
    y = step["y"] / step["radius"]
    axis.plot(y, step["height"] * np.sign(y), color="0.7", label="at first")
    axis.plot(y, step["exact"], color="k", lw=1.0, label="1 - exp(-|y| / a)")
    axis.plot(y, step["surface"], ".", ms=5, color="C0", label="run, mean of three inertial periods")
    axis.set(xlim=(-6.0, 6.0), xlabel="y / radius of deformation", ylabel="surface (m)", title="Geostrophic adjustment of a step")
    axis.legend(fontsize=8)
    return figure
