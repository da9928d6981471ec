"""A box of fluid between walls twice: as it is, and folded along its middle row, which is to be the same box."""

import numpy as np

from dycore.geometry.metrics import Ground, metrics_of
from dycore.grid import Grid, interior, rectilinear
from dycore.state import initial_state
from dycore.tiles import HALO, Boundary, Place, Tile

LENGTH, ROTATION = 1.0e4, 1.0e-4  # of a cell (m), Coriolis parameter (1/s)


def unfolded(interfaces, rows, columns, bottom=None, **options):
    """A box of 2 rows x columns cells, the westernmost and the easternmost ones land."""
    land = np.zeros((2 * rows, columns), bool)
    land[:, [0, -1]] = True
    return rectilinear((len(interfaces) - 1, 2 * rows, columns), extent=(columns * LENGTH, 2 * rows * LENGTH),
                       interfaces=interfaces, x_boundary=Boundary.WALL, coriolis=ROTATION, bottom=bottom, land=land, **options)


def folded(box, partial_cells=None):
    """The grid of a box of 2 n rows and n columns, its northern half turned round beside the southern one, with a fold row."""
    nz, rows, columns = box.cells
    n = rows // 2
    tile = Tile((nz, n + 1, 2 * columns), Boundary.PERIODIC, Boundary.FOLD)
    shape = tile.region.padded[1:]
    lengths = {name: np.full(shape, LENGTH) for name in ("dx_u", "dx_v", "dy_u", "dy_v")}
    lengths |= {name: np.full(shape, LENGTH**2) for name in ("area", "area_z")}
    lengths["dy_u"][:, HALO + np.array([0, columns, 2 * columns])] = 0.0  # the poles of a tripolar grid, on land
    bottom = on_folded(interior(box.metrics.fixed), Place.CENTER, box)
    metrics, has_land = metrics_of(tile, box.dtype, box.interfaces, lengths, np.full(shape, ROTATION),
                                   Ground(bottom, on_folded(~box.wet.any(axis=0), Place.CENTER, box), False, partial_cells))
    x, y = LENGTH * np.arange(2 * columns + 1), LENGTH * np.arange(n + 2)
    return Grid(tile, metrics, 0.5 * (x[1:] + x[:-1]), 0.5 * (y[1:] + y[:-1]), x, y, box.interfaces, False, has_land)


def on_folded(values, place, box):
    """Values [..., j, i] of a box on the folded one, as its fold row has them too."""
    n = box.cells[1] // 2
    south, north = values[..., :n, :], values[..., n:, :]
    if place is Place.SOUTH_FACE:
        walled = np.concatenate([north, np.zeros_like(north[..., :1, :])], axis=-2)  # the northern wall
        turned = -walled[..., :0:-1, ::-1]
        fold = np.concatenate([north[..., :1, :], -north[..., :1, ::-1]], axis=-1)
        return np.concatenate([np.concatenate([south, turned], axis=-1), fold], axis=-2)
    if place is Place.WEST_FACE:
        walled = np.concatenate([north, np.zeros_like(north[..., :1])], axis=-1)
        turned = -walled[..., ::-1, :0:-1]
    else:
        turned = north[..., ::-1, ::-1]
    cells = np.concatenate([south, turned], axis=-1)
    image = cells[..., -1:, ::-1]
    image = -np.roll(image, 1, axis=-1) if place is Place.WEST_FACE else image
    return np.concatenate([cells, image], axis=-2)


def pair(parameters, interfaces, random, rows=7, columns=10, bottom=None, partial_cells=None):
    """(grid, state) of a box with random fields and (grid, state) of it folded; the second tracer is 1."""
    box = unfolded(interfaces, rows, columns, bottom, partial_cells=partial_cells)
    fold = folded(box, partial_cells)
    nz = len(interfaces) - 1
    surface, u, v, tracer = (random.standard_normal((nz, 2 * rows, columns)) for _ in range(4))
    u, v, surface = 0.3 * u, 0.3 * v, 0.5 * surface[0]
    u[:, :, [0, 1, -1]], v[:, 0], v[:, :, [0, -1]], surface[:, [0, -1]] = 0.0, 0.0, 0.0, 0.0
    one = np.ones_like(tracer)
    given = {"surface": (surface, Place.CENTER), "u": (u, Place.WEST_FACE), "v": (v, Place.SOUTH_FACE)}
    tracers = (15.0 + tracer, one)[: len(parameters.tracer_names)]
    return ((box, initial_state(box, **{name: values for name, (values, _) in given.items()}, tracers=tracers)),
            (fold, initial_state(fold, **{name: on_folded(values, place, box) for name, (values, place) in given.items()},
                                 tracers=tuple(on_folded(values, Place.CENTER, box) for values in tracers))))


def differences(box, state, there):
    """The largest differences of the fields of a folded state from those of the box, by name, relative to their range."""
    found = {}
    for name, place, one, other in (("u", Place.WEST_FACE, state.u, there.u), ("v", Place.SOUTH_FACE, state.v, there.v),
                                    ("w", Place.CENTER, state.w, there.w), ("surface", Place.CENTER, state.surface, there.surface),
                                    *((f"tracer {m}", Place.CENTER, *both) for m, both in enumerate(zip(
                                        state.tracers, there.tracers, strict=True)))):
        right, got = on_folded(interior(np.asarray(one)), place, box), interior(np.asarray(other))
        counted = slice(None) if place is Place.SOUTH_FACE or name in ("surface", "u") else slice(0, -1)
        found[name] = float(np.abs(right - got)[..., counted, :].max() / max(np.abs(right).max(), 1e-30))
    return found
