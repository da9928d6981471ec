"""Tripolar grids: parallels and meridians up to a latitude, and north of it a grid with two poles on that latitude.

The north is Murray's (1996, J. Comput. Phys. 126, 251) bipolar cap in closed form. In the stereographic plane about the North
Pole, w = tan(pi/4 - latitude/2) exp(i (longitude - pole)), the join is the circle |w| = r and the two poles of the grid are at
w = r and -r;

    w = r tanh((x + i y) / 2) = r (cos l + i sin y sin l) / (1 + cos y |sin l|),      x = log cot(l / 2)

for l, the longitude from the first pole at which a column meets the join, and y, which falls from pi/2 on the join to 0 on the
fold. Columns and rows are orthogonal everywhere. The fold is the meridian from pole to pole across the North Pole, of which every
point but the ends is met twice: by the columns l and 2 pi - l.

Points are those at half the spacing [2 ny + 1, 2 nx + 1] (dycore.geometry.geographic), the fold row of cells beyond the fold among
them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dycore.geometry.geographic import Geographic, unit_vectors
from dycore.geometry.sphere import arc, lengths_on_sphere, triangle
from dycore.tiles import HALO


class Shape(NamedTuple):
    """Rows of cells south and north of the join, columns; southern edge, join and longitude of a pole (degrees)."""

    south_rows: int
    cap_rows: int
    columns: int
    south: float
    join: float
    pole: float

    @property
    def rows(self) -> int:
        """Rows of cells, without the fold row."""
        return self.south_rows + self.cap_rows


def shape_of(cells: tuple[int, int, int], south: float, join: float, pole: float) -> Shape:
    """The shape of a grid whose rows, the last one the fold row, are as thick on either side of the join halfway between the poles.

    Raises ValueError where the cells make none.
    """
    _, ny, nx = cells
    if nx % 4 or nx < 8:
        raise ValueError(f"{nx} columns make no tripolar grid: its two poles and the middles between them lie on faces between "
                         f"columns. Use a number that 4 divides, for example {max(8, 4 * round(nx / 4))}.")
    thickness = (join - south + 90.0 * np.cos(np.radians(join))) / max(1, ny - 1)
    south_rows = round((join - south) / thickness)
    shape = Shape(south_rows, ny - 1 - south_rows, nx, south, join, pole)
    if min(shape.south_rows, shape.cap_rows) < HALO:
        raise ValueError(f"{ny} rows, of which the last is the fold row, leave {max(0, shape.south_rows)} south of the join at "
                         f"latitude {join:g} and {max(0, shape.cap_rows)} north of it. Use so many that {HALO} are on either side, "
                         "or another join.")
    return shape


def cap_coordinate(shape: Shape) -> np.ndarray:
    """y of rows of points [2 cap_rows + 1] from the join to the fold, in steps of a constant ratio, the first as in the south."""
    n = shape.cap_rows
    first = np.radians((shape.join - shape.south) / shape.south_rows) / np.cos(np.radians(shape.join))
    powers, ratio = np.arange(n), 1.0
    for _ in range(100):  # Newton: the thicknesses add up to pi / 2
        excess = first * (ratio**powers).sum() - 0.5 * np.pi
        ratio -= excess / (first * (powers[1:] * ratio ** (powers[1:] - 1.0)).sum())
    y = 0.5 * np.pi - np.concatenate([[0.0], np.cumsum(np.repeat(0.5 * first * ratio**powers, 2))])
    y[-1] = 0.0
    return y


def cap(shape: Shape) -> Geographic:
    """Points north of the join and on it [2 cap_rows + 1, 2 nx + 1]: longitudes from the first pole, latitudes, angles (degrees).

    The eastern half is the mirror image of the western one to the last bit.
    """
    y, half = cap_coordinate(shape)[:, None], shape.columns
    longitude = np.linspace(0.0, np.pi, half + 1)
    sine, cosine = np.sin(longitude), np.cos(longitude)
    sine[-1], cosine[half // 2] = 0.0, 0.0  # which rounding leaves nearly so
    r = np.tan(0.25 * np.pi - 0.5 * np.radians(shape.join))
    w = r * (cosine + 1j * np.sin(y) * sine) / (1.0 + np.cos(y) * sine)
    along = -1.0 / (sine + np.cos(y) + 1j * cosine * np.sin(y)) / np.where(w == 0.0, 1.0, w)  # dw/dl over w, but for its length

    def with_mirror_image(west: np.ndarray, east: np.ndarray) -> np.ndarray:
        return np.concatenate([west, east[:, -2::-1]], axis=1)

    latitude = 90.0 - 2.0 * np.degrees(np.arctan(np.abs(w)))
    angle = np.degrees(with_mirror_image(np.angle(along), -np.angle(-along))) - 90.0
    return Geographic(np.degrees(with_mirror_image(np.angle(w), -np.angle(w))), with_mirror_image(latitude, latitude), angle)


def ordinary(shape: Shape) -> Geographic:
    """Points south of the join [2 south_rows, 2 nx + 1], as `cap`."""
    latitude = shape.south + (shape.join - shape.south) * np.arange(2 * shape.south_rows) / (2 * shape.south_rows)
    longitude = 180.0 * np.arange(2 * shape.columns + 1) / shape.columns
    longitude, latitude = np.broadcast_arrays(longitude[None, :], latitude[:, None])
    return Geographic(longitude, latitude, np.zeros(latitude.shape))


def points(shape: Shape) -> Geographic:
    """Points of the grid [2 rows + 1, 2 nx + 1], without the fold row, as `cap`."""
    return Geographic(*(np.concatenate(parts) for parts in zip(ordinary(shape), cap(shape), strict=True)))


def nominal(shape: Shape) -> np.ndarray:
    """Latitudes (degrees) of rows of points [2 rows + 3] halfway between the poles of the grid, counted on across the fold.

    They are what orders the rows where a grid needs one number for each.
    """
    south, middle = ordinary(shape).latitude[:, 0], cap(shape).latitude[:, shape.columns // 2]
    return np.concatenate([south, middle, 180.0 - middle[-2:-4:-1]])


def supergrid(shape: Shape) -> Geographic:
    """Points with those of the fold row [2 rows + 3, 2 nx + 1]: true longitudes from -180 to 180, latitudes, angles (degrees)."""
    here = points(shape)
    images = here.at(slice(-2, -4, -1), slice(None, None, -1))
    images = images._replace(angle=images.angle + 180.0)
    longitude, latitude, angle = (np.concatenate(parts) for parts in zip(here, images, strict=True))
    return Geographic(turn(longitude + shape.pole), latitude, turn(angle))


def turn(degrees: np.ndarray) -> np.ndarray:
    """Angles from -180 to before 180 degrees."""
    return (degrees + 180.0) % 360.0 - 180.0


def lengths(shape: Shape, radius: float) -> dict[str, np.ndarray]:
    """Lengths (m) and areas (m2) of cells, padded [j, i], with the names of dycore.geometry.metrics.Metrics.

    On rows south of the join those of a grid of longitudes and latitudes; north of it great circles and spherical triangles,
    between which and the parallel of the join the first row has what is left: areas add up to that of the sphere.
    """
    dlat = np.radians((shape.join - shape.south) / shape.south_rows)
    dlon, first = 2.0 * np.pi / shape.columns, shape.south_rows
    face = np.radians(shape.south) + np.arange(-HALO, first + 1) * dlat
    south = lengths_on_sphere(face, dlon, dlat, radius, poles=False)
    there = points(shape)
    all_of_them = unit_vectors(there.longitude, there.latitude)
    corner = all_of_them[:, 2 * first:: 2, ::2]  # of the cap, from the join on
    centre = all_of_them[:, 2 * first - 1:: 2, 1::2]  # from the last row south of the join on
    centre = np.concatenate([centre, centre[:, -1:, ::-1]], axis=1)  # with the fold row
    western = np.roll(centre, 1, axis=2)
    a, b, c, d = corner[:, :-1, :-1], corner[:, :-1, 1:], corner[:, 1:, 1:], corner[:, 1:, :-1]
    area = triangle(a, b, c) + triangle(a, c, d)
    top = np.array([0.0, 0.0, 1.0])[:, None]
    area[0] += dlon * (1.0 - np.sin(np.radians(shape.join))) - triangle(a[:, 0], b[:, 0], top)
    area_z = triangle(western[:, :-1], centre[:, :-1], centre[:, 1:]) + triangle(western[:, :-1], centre[:, 1:], western[:, 1:])
    dx_v = arc(a, b), arc(corner[:, -1:, :-1], corner[:, -1:, 1:])
    north = {"dx_u": arc(western[:, 1:-1], centre[:, 1:-1]), "dy_u": arc(a, d), "dx_v": np.concatenate(dx_v)[1:],
             "dy_v": arc(centre[:, :-1], centre[:, 1:]), "area": area, "area_z": area_z}
    scale = {"area": radius**2, "area_z": radius**2}
    whole = {}
    for name, values in north.items():
        ordinary_rows = south[name][: HALO + shape.rows + (name in ON_CORNER_ROWS) - len(values)]
        rows = np.broadcast_to(ordinary_rows[:, None], (len(ordinary_rows), shape.columns))
        whole[name] = padded(shape, np.concatenate([rows, scale.get(name, radius) * values]), name in ON_CORNER_ROWS,
                             name in ON_CORNER_COLUMNS)
    return whole


ON_CORNER_ROWS, ON_CORNER_COLUMNS = ("dx_v", "dy_v", "area_z"), ("dx_u", "dy_u", "area_z")  # else on those of centres


def padded(shape: Shape, values: np.ndarray, corner_rows: bool, corner_columns: bool) -> np.ndarray:
    """A field that knows no direction with its halo and fold row, from its rows, from the southern halo up to the fold.

    Rows of corners include the fold, whose eastern half gets the values of the western one.
    """
    rows, nx = shape.rows, shape.columns
    j = np.arange(-HALO, rows + 1 + HALO)[:, None]
    i = np.arange(-HALO, nx + HALO)[None, :] % nx
    is_image = (j >= rows + corner_rows) | ((j == rows) & (i >= nx // 2))
    j, i = np.where(is_image, 2 * rows - 1 + corner_rows - j, j), np.where(is_image, (nx - 1 + corner_columns - i) % nx, i)
    return values[j + HALO, i]
