"""A spectral transform model of shallow water on the sphere: what the core is compared with where there is no exact solution.

It shares no discretisation with the core: vorticity, divergence and depth are spherical harmonics with triangular
truncation, products are taken on a Gaussian grid that leaves no aliasing of quadratic terms (as in the reference
solutions of Jakob-Chien, Hack and Williamson 1995, J. Comput. Phys. 119, 164), and time goes on in steps of
fourth-order Runge-Kutta. Damping acts on the shortest waves of vorticity and divergence only.

    d(zeta)/dt = -div[(f + zeta) u],   d(delta)/dt = curl[(f + zeta) u] - del^2 (K + g H),   dh/dt = -div(h u)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dycore.cases.water_on_a_sphere import GRAVITY, RADIUS, ROTATION

DAMPING = 1.0 / 7200.0  # 1/s, of the shortest waves; it falls with the eighth power of the wavenumber


class Waves(NamedTuple):
    """Coefficients of spherical harmonics: vorticity and divergence (1/s), surface height (m)."""

    vorticity: np.ndarray
    divergence: np.ndarray
    surface: np.ndarray


class Transform(NamedTuple):
    """Between coefficients up to a truncation and the values on its Gaussian grid [j, i], from north to south."""

    truncation: int
    rows: int
    degree: np.ndarray  # l of each coefficient
    latitude: np.ndarray  # of the rows (radians)

    @property
    def options(self) -> dict[str, Any]:
        """Options of every transform."""
        return {"lmax": self.truncation, "mmax": self.truncation, "geometry": "GL", "nthreads": 1}

    @property
    def root(self) -> np.ndarray:
        """sqrt(l (l + 1)) / a (1/m)."""
        return np.sqrt(self.degree * (self.degree + 1.0)) / RADIUS

    def values(self, coefficients: np.ndarray) -> np.ndarray:
        """A scalar on the grid."""
        from ducc0 import sht

        return sht.synthesis_2d(alm=coefficients[None], spin=0, ntheta=self.rows, nphi=2 * self.rows, **self.options)[0]

    def coefficients(self, values: np.ndarray) -> np.ndarray:
        """The coefficients of a scalar."""
        from ducc0 import sht

        return sht.analysis_2d(map=np.ascontiguousarray(values)[None], spin=0, **self.options)[0]

    def wind(self, vorticity: np.ndarray, divergence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Southward and eastward velocity (m/s) on the grid."""
        from ducc0 import sht

        inverse = np.divide(1.0, self.root, out=np.zeros_like(self.root), where=self.root > 0.0)
        both = -np.stack([divergence * inverse, vorticity * inverse])  # of the potential and the stream function
        return sht.synthesis_2d(alm=both, spin=1, ntheta=self.rows, nphi=2 * self.rows, **self.options)

    def curl_and_divergence(self, southward: np.ndarray, eastward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients of the curl and the divergence of a vector on the grid (its unit per m)."""
        from ducc0 import sht

        gradient, rotation = sht.analysis_2d(map=np.stack([southward, eastward]), spin=1, **self.options)
        return -self.root * rotation, -self.root * gradient


def transform(truncation: int) -> Transform:
    """Transforms with so many wavenumbers."""
    rows = (3 * truncation + 1) // 2 + 1
    degree = np.concatenate([np.arange(m, truncation + 1) for m in range(truncation + 1)])
    rows += rows % 2
    return Transform(truncation, rows, degree, np.arcsin(np.polynomial.legendre.leggauss(rows)[0][::-1]))


def places(made: Transform) -> tuple[np.ndarray, np.ndarray]:
    """Longitude [1, i] and latitude [j, 1] (radians) of the Gaussian grid."""
    return np.pi * np.arange(2 * made.rows)[None, :] / made.rows, made.latitude[:, None]


def waves_of(made: Transform, u: Any, v: Any, surface: Any) -> Waves:
    """Coefficients of velocity u, v (m/s) and surface height (m), on the Gaussian grid [j, i] or constant along an axis."""
    longitude, latitude = places(made)
    u, v, surface = (field + 0.0 * (longitude + latitude) for field in (u, v, surface))
    return Waves(*made.curl_and_divergence(-v, u), made.coefficients(surface))


def tendency(made: Transform, ground: np.ndarray, waves: Waves) -> Waves:
    """Rates of change (per s) over a ground of such coefficients (m)."""
    _, latitude = places(made)
    south, east = made.wind(waves.vorticity, waves.divergence)
    absolute = made.values(waves.vorticity) + 2.0 * ROTATION * np.sin(latitude)
    depth = made.values(waves.surface - ground)
    curl, outflow = made.curl_and_divergence(absolute * south, absolute * east)
    _, flux = made.curl_and_divergence(depth * south, depth * east)
    head = made.coefficients(0.5 * (south**2 + east**2)) + GRAVITY * waves.surface
    return Waves(-outflow, curl + made.root**2 * head, -flux)


def moved(waves: Waves, rate: Waves, time: float) -> Waves:
    """The waves after such rates for so long (s)."""
    return Waves(*(now + time * change for now, change in zip(waves, rate, strict=True)))


def run(made: Transform, waves: Waves, days: float, ground: Any = 0.0,
        each: Callable[[float, Waves], None] | None = None) -> Waves:
    """The waves so many days later, over the ground (m), which is given on the Gaussian grid or constant.

    `each` is called with the time (s) and the waves at the start and after every step.
    """
    longitude, latitude = places(made)
    below = made.coefficients(ground + 0.0 * (longitude + latitude))
    wind = np.hypot(*made.wind(waves.vorticity, waves.divergence)).max()
    speed = float(np.sqrt(GRAVITY * made.values(waves.surface - below).max()) + wind)
    steps = int(np.ceil(days * 86400.0 * speed * made.truncation / RADIUS / 1.8))
    dt = days * 86400.0 / steps
    scale = made.degree * (made.degree + 1.0) / (made.truncation * (made.truncation + 1.0))
    left = np.exp(-DAMPING * dt * scale**4)
    for step in range(steps):
        if each is not None:
            each(step * dt, waves)
        first = tendency(made, below, waves)
        second = tendency(made, below, moved(waves, first, 0.5 * dt))
        third = tendency(made, below, moved(waves, second, 0.5 * dt))
        fourth = tendency(made, below, moved(waves, third, dt))
        rates = zip(first, second, third, fourth, strict=True)
        waves = moved(waves, Waves(*((a + 2.0 * b + 2.0 * c + d) / 6.0 for a, b, c, d in rates)), dt)
        waves = waves._replace(vorticity=left * waves.vorticity, divergence=left * waves.divergence)
    if each is not None:
        each(days * 86400.0, waves)
    return waves


def on_cells(made: Transform, coefficients: np.ndarray, rows: int) -> np.ndarray:
    """A scalar at the cell centres [j, i] of a latitude-longitude grid with so many rows."""
    return _sampled(made, coefficients, "F1", rows, rows, np.pi / (2.0 * rows))


def on_corners(made: Transform, coefficients: np.ndarray, rows: int) -> np.ndarray:
    """A scalar at the south-west corners [j - 1, i] of the cells of such a grid, j > 0."""
    return _sampled(made, coefficients, "CC", rows + 1, rows, 0.0)[1:-1]


def _sampled(made: Transform, coefficients: np.ndarray, geometry: str, parallels: int, rows: int, first: float) -> np.ndarray:
    """A scalar on equidistant parallels from south to north, at 2 `rows` longitudes that begin at `first` (radians)."""
    from ducc0 import sht

    order = np.repeat(np.arange(made.truncation + 1), made.truncation + 1 - np.arange(made.truncation + 1))
    turned = coefficients * np.exp(1j * order * first)
    return sht.synthesis_2d(alm=turned[None], spin=0, ntheta=parallels, nphi=2 * rows,
                            **(made.options | {"geometry": geometry}))[0][::-1]
