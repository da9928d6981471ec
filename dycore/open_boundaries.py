"""Open boundaries: sides of an ocean through which water, waves and tracers come in and leave, and what is known outside.

    tide = Tide(TIDES["M2"], elevation=0.5, phase=30.0, velocity=0.02, velocity_phase=30.0)
    Parameters(..., open_boundaries=OpenBoundaries(west=OpenSide(tides=(tide,), tracers=(10.0, 35.0)), east=OpenSide()))

The outermost row or column of cells at an open side lies outside: it holds what the sea has there, and the face between it and the
next cell is the boundary (dycore.equations.open_boundaries). The other sides stay walls. Gravity waves leave, internal ones too;
Rossby waves, which come back as slow short ones, need a sponge (dycore.physics.sponge) of about their length beside an open side.
"""

from __future__ import annotations

from typing import Any, NamedTuple

# speeds of tidal constituents (degrees an hour): Schureman (1958), Manual of harmonic analysis and prediction of tides, US Coast
# and Geodetic Survey Special Publication 98, table 2
SPEEDS = {"M2": 28.9841042, "S2": 30.0, "N2": 28.4397295, "K2": 30.0821373, "K1": 15.0410686, "O1": 13.9430356, "P1": 14.9589314,
          "Q1": 13.3986609, "M4": 57.9682084, "Mf": 1.0980331, "Mm": 0.5443747}
TIDES = {name: 3600.0 * 360.0 / speed for name, speed in SPEEDS.items()}  # periods (s)


class Tide(NamedTuple):
    """A constituent outside of a side: elevation cos(2 pi t / period - phase) and so the velocity, t since the start of a run.

    Both matter: of a wave that comes in, the velocity is elevation sqrt(g / h) into the grid; without one half of it comes in.
    Amplitudes (m, m/s eastward or northward) and phases (degrees) are numbers or lines [n] along the side, as an atlas of tides has
    them; what belongs to a date (astronomical arguments, nodal corrections) has to be in them.
    """

    period: float  # s
    elevation: Any = 0.0  # m, amplitude
    phase: Any = 0.0  # degrees
    velocity: Any = 0.0  # m/s, amplitude
    velocity_phase: Any = 0.0  # degrees


class OpenSide(NamedTuple):
    """The sea outside of an open side; all is at rest by default.

    elevation (m) and velocity (m/s, the depth mean across the side, eastward or northward): numbers or lines [n] along the
    side, which tides are added to; waves leave past them (Flather). profile: velocity across the side, a number, a
    profile [nz], a section [nz, n] or a volume, of which what differs from its depth mean is taken, and which internal waves come
    back from; with None they leave, at the speed of the first mode (radiation). tracers: values for the first tracers of
    tracer_names that come in with the inflow, as `profile`; None for what is within. All may be a dycore.time_series.TimeSeries of
    these. seconds: time in which the cells outside take the tracers once water flows in; zero is at once.
    """

    elevation: Any = 0.0  # m
    velocity: Any = 0.0  # m/s, the depth mean across the side
    tides: tuple[Tide, ...] = ()  # added to both
    profile: Any = None  # m/s, velocity across the side, less its depth mean
    tracers: tuple = ()  # values that come in with the inflow, each in its unit
    seconds: float = 0.0  # s, in which the cells outside take the tracers


class OpenBoundaries(NamedTuple):
    """The sides of a grid that are open; None for a wall."""

    west: OpenSide | None = None
    east: OpenSide | None = None
    south: OpenSide | None = None
    north: OpenSide | None = None
