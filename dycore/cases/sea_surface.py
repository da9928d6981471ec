"""Surface of an invented ocean: temperatures and salinities, rounded after observed means, and which sea is the Atlantic.

Zonal means as in the World Ocean Atlas (Locarnini et al. and Zweng et al. 2018, NOAA Atlas NESDIS 81 and 82), rounded by eye: no
data, and no season. The salinity of the Atlantic stands for itself, as it is what lets its north sink and not that of the Pacific.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# conservative temperature (degree C) at latitudes (degrees)
TEMPERATURE = ((-90.0, -1.7), (-65.0, -1.3), (-60.0, 0.0), (-55.0, 2.5), (-50.0, 6.0), (-45.0, 10.0), (-40.0, 14.0), (-30.0, 20.3),
               (-20.0, 24.5), (-10.0, 27.0), (0.0, 27.3), (10.0, 28.0), (20.0, 26.0), (30.0, 22.0), (35.0, 19.0), (40.0, 14.5),
               (45.0, 10.5), (50.0, 8.0), (60.0, 6.0), (70.0, 2.0), (80.0, -1.2), (90.0, -1.7))
# salinity (g/kg) outside and inside the Atlantic
SALINITY = ((-90.0, 34.3), (-65.0, 33.9), (-50.0, 34.0), (-40.0, 34.9), (-30.0, 35.6), (-20.0, 35.5), (-5.0, 34.9), (8.0, 34.0),
            (22.0, 35.0), (30.0, 34.7), (40.0, 33.8), (50.0, 32.8), (70.0, 32.0), (90.0, 31.5))
ATLANTIC_SALINITY = ((-34.0, 35.4), (-18.0, 37.0), (0.0, 35.7), (8.0, 35.2), (25.0, 37.2), (35.0, 36.4), (45.0, 35.6), (55.0, 34.9),
                     (65.0, 35.0), (72.0, 34.9), (80.0, 33.0), (90.0, 31.5))
SOUTH, NORTH = -34.0, 66.0  # degrees: of the Atlantic, beyond which there is none, and all is the Arctic that it opens into
# longitudes (degrees east) of its shores at latitudes, on land
WESTERN = ((-34.0, -65.0), (0.0, -72.0), (7.0, -77.5), (9.0, -80.0), (9.5, -83.0), (12.0, -85.5), (15.0, -88.5), (16.5, -94.0),
           (18.0, -97.0), (22.0, -102.0), (30.0, -105.0), (66.0, -120.0))
EASTERN = ((-34.0, 20.0), (0.0, 25.0), (31.0, 30.0), (32.0, 37.0), (42.0, 42.0), (66.0, 60.0))
# (south, north, west, east) in degrees: an isthmus and a strait narrower than cells of 2 degrees. Open, 8 and 12 Sv went through
CLOSED = {"Panama": (7.9, 10.1, 274.9, 283.1), "Bering Strait": (65.3, 67.3, 180.0, 200.0)}


def closed(longitude: Any, latitude: Any) -> np.ndarray:
    """True at places (degrees) that are land between two seas, though cells there may be mostly sea."""
    east, north = np.asarray(longitude) % 360.0, np.asarray(latitude)
    return np.logical_or.reduce([(north > box[0]) & (north < box[1]) & (east > box[2]) & (east < box[3])
                                 for box in CLOSED.values()])


def atlantic(longitude: Any, latitude: Any) -> np.ndarray:
    """True at places (degrees) of the Atlantic north of 34 degrees south, and in the Arctic."""
    east = (np.asarray(longitude) + 180.0) % 360.0 - 180.0
    between = (east > np.interp(latitude, *np.transpose(WESTERN))) & (east < np.interp(latitude, *np.transpose(EASTERN)))
    return (np.asarray(latitude) > SOUTH) & (between | (np.asarray(latitude) > NORTH))


def temperature(latitude: Any) -> np.ndarray:
    """Temperature of the surface (degree C)."""
    return np.interp(latitude, *np.transpose(TEMPERATURE))


def salinity(longitude: Any, latitude: Any) -> np.ndarray:
    """Salinity of the surface (g/kg)."""
    return np.where(atlantic(longitude, latitude), np.interp(latitude, *np.transpose(ATLANTIC_SALINITY)),
                    np.interp(latitude, *np.transpose(SALINITY)))
