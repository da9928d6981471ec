"""Linear waves on the dispersion curves of theory and of the scheme: the program and the rows of its evidence."""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore.fluid import Atmosphere
from dycore.validation.evidence import Evidence, Row, close_to, within
from dycore.validation.wave_pictures import adjustment_figure, dispersion_figure
from dycore.validation.wave_runs import adjustment, external_waves, inertial_oscillation, internal_waves, lamb_wave, rossby_waves

SCHEME, THEORY = "dispersion relation of the scheme", "Gill 1982"


def linear_waves(backend: Any, short: bool = False) -> Evidence:
    """Linear waves on the dispersion curves: external, internal, inertial, Rossby, Lamb; geostrophic adjustment.

    Gill (1982), Atmosphere-Ocean Dynamics, sections 5.6 (external waves), 6.11 (vertical modes), 6.14 (Lamb wave), 7.2
    (adjustment), 8.2 (inertial oscillation) and 12.3 (Rossby waves). Every wave is compared with continuous theory and,
    much more tightly, with the dispersion relation of the scheme. All run from rest or balance, with small amplitudes.
    """
    external = external_waves(backend, (1, 12, 16) if short else (1, 24, 48), 120 if short else 400)
    internal = internal_waves(backend, (12, 3, 24) if short else (40, 3, 96), 3 if short else 6, 100)
    measured, adams_bashforth = inertial_oscillation(backend)
    rossby = rossby_waves(backend, (1, 10, 20) if short else (1, 32, 64), 2 if short else 6, 8.0 if short else 40.0)
    step = adjustment(backend, 200 if short else 800)
    lamb = {nz: lamb_wave(backend, (nz, 3, 16 if short else 32), 150 if short else 300)
            for nz in ((5, 10) if short else (10, 20, 40))}
    rows = [*gravity_wave_rows(external, internal), *inertial_rows(measured, adams_bashforth), *rossby_rows(rossby, short),
            *adjustment_rows(step), *lamb_rows(lamb, short)]
    return Evidence(rows, {"dispersion": dispersion_figure(external, internal, rossby, lamb),
                           "adjustment": adjustment_figure(step)})


def gravity_wave_rows(external: dict[str, Any], internal: dict[str, Any]) -> list[Row]:
    """External waves in all directions, and internal ones by vertical mode."""
    longest = np.argmin(np.hypot(external["k"], external["l"]))
    off = np.abs(external["measured"] - external["scheme"]).max()
    return [
        close_to("external wave, longest: speed (m/s)", external["speed"][longest], external["exact"], 0.01 * external["exact"],
                 "1 %: (k dx)^2 / 24 of the grid and of the step", f"sqrt(g H); {THEORY}, 5.6"),
        within("all external waves of the grid: largest error of the factor per step", float(off), None, 1.0e-7, "0",
               "products of waves 1e-6 m high in 4000 m, and round-off", SCHEME),
        close_to("internal wave, mode 1: speed (m/s)", internal["timed"][0], internal["exact"][0], 0.01 * internal["exact"][0],
                 "1 %: (pi / 2 nz)^2 / 3 of the levels, 0.05 % of the free surface, and the grid", f"N H / pi; {THEORY}, 6.11"),
        within("internal modes: largest relative error of speed on these levels", float(
            np.abs(internal["speed"] / internal["levels"] - 1.0).max()), None, 1.0e-4, "0",
            "levels stretch with the surface (z*), which the relation leaves out", SCHEME),
    ]


def inertial_rows(measured: complex, adams_bashforth: complex) -> list[Row]:
    """The inertial oscillation, from its factor per step."""
    turned, rotation = -np.angle(measured), 1.0e-4 * 1200.0
    return [
        close_to("inertial oscillation: period / (2 pi / f)", rotation / turned, 1.0, 0.01,
                 "AB3 at f dt = 0.12 errs by 3 (f dt)^4 / 8 at most", f"2 pi / f; {THEORY}, 8.2"),
        within("inertial oscillation: error of the factor per step", abs(measured - adams_bashforth), None, 1.0e-12, "0",
               "round-off: uniform flow leaves nothing else to do", "root of the AB3 polynomial"),
        within("inertial oscillation: amplitude after one period", abs(measured) ** (2.0 * np.pi / rotation), 0.99, 1.0,
               "1, never above", "AB3 damps by 3 (f dt)^4 / 8 a step: 0.4 % in a period of 52 steps", f"{THEORY}, 8.2"),
    ]


def rossby_rows(rossby: dict[str, Any], short: bool) -> list[Row]:
    """Phase speeds of Rossby waves."""
    return [
        within("Rossby waves: largest relative error of phase speed, waves " + f"1 to {len(rossby['k'])}", float(
            np.abs(rossby["speed"] / rossby["exact"] - 1.0).max()), None, 0.1 if short else 0.05, "0",
            "1 - cos(l dy) sin(k dx) / (k dx) of the grid, as the next row shows",
            f"-beta / (k^2 + l^2 + (f/c)^2); {THEORY}, 12.3"),
        within("Rossby waves: largest relative error on this grid", float(
            np.abs(rossby["speed"] / rossby["scheme"] - 1.0).max()), None, 5.0e-3,
            "0", "quasi-geostrophy errs by (beta L / f)^2 / 12 and by what f varies in (f/c)^2", SCHEME),
    ]


def adjustment_rows(step: dict[str, Any]) -> list[Row]:
    """Surface and energy after geostrophic adjustment."""
    error = np.sqrt(((step["surface"] - step["exact"])[step["near"]] ** 2).mean()) / step["height"]
    return [
        within("geostrophic adjustment: rms error of mean surface within 5 radii / step", float(error), None, 0.02, "0",
               "the wave of frequency f fades as t^(-1/2) and has not quite been averaged away", f"1 - exp(-|y|/a); {THEORY}, 7.2"),
        close_to("geostrophic adjustment: kinetic / released potential energy", step["kept"], 1.0 / 3.0, 0.02,
                 "as the row before, squared and over both fields", f"1/3; {THEORY}, 7.2"),
    ]


def lamb_rows(lamb: dict[int, dict[str, Any]], short: bool) -> list[Row]:
    """The Lamb wave by number of levels, the two largest of which are extrapolated to infinitely many."""
    half, whole = (lamb[nz] for nz in sorted(lamb)[-2:])
    kappa = Atmosphere().kappa
    limit = whole["speed"] + (whole["speed"] - half["speed"]) / (2.0 ** (1.0 - 2.0 * kappa) - 1.0)
    return [
        close_to(f"Lamb wave on {max(lamb)} levels: speed (m/s)", whole["timed"], whole["exact"],
                 (0.03 if short else 0.015) * whole["exact"], "u = sigma^-kappa has its energy up to the top: the error falls as "
                 "levels^-(1 - 2 kappa), 1.5 % at 10 and 0.8 % at 40; the grid adds 0.6 % at 16 and 0.2 % at 32 points a wave",
                 f"sqrt(cp/cv R T); {THEORY}, 6.14"),
        close_to("Lamb wave, extrapolated to infinitely many levels: speed (m/s)", limit, whole["exact"], 0.003 * whole["exact"],
                 "with the exponent 1 - 2 kappa; what is left is of higher order in the levels",
                 f"sqrt(cp/cv R T); {THEORY}, 6.14"),
        within("Lamb wave: largest relative error of speed on its levels", max(
            abs(wave["speed"] / wave["levels"] - 1.0) for wave in lamb.values()), None, 2.0e-3, "0",
            "the first flow holds a little of the slower modes too", SCHEME),
    ]
