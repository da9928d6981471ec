"""The circulation of `southern_channel` beside that of Veros, whose set-up "ACC" it is, after equally many days from rest.

    python -m dycore.benchmarks.peers --circulation 365        a year: half an hour of one core, almost all of it of Veros
"""

import datetime
import importlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dycore import Model, cases
from dycore.benchmarks.peers.peer import python_named, python_with, ran
from dycore.benchmarks.problems import CannotStart
from dycore.benchmarks.results_file import commit, write_json, writing
from dycore.benchmarks.tables import markdown_table
from dycore.cases.southern_channel import CHANNEL, COAST, WIDTH
from dycore.files import make_folder, whole
from dycore.grid import EARTH_RADIUS, interior

VARIABLE = "VEROS_PYTHON"
PROGRAM = Path(__file__).resolve().parent / "programs" / "veros_acc.py"
CELLS = (15, 42, 30)
SPACING = np.radians(WIDTH / CELLS[2])  # of both kinds
FACES = np.radians(-COAST + (np.arange(CELLS[1]) + 1.0) * 2.0 * COAST / CELLS[1])  # latitudes of north faces
CENTRES = FACES - 0.5 * SPACING
EDGE = round((CHANNEL + COAST) / (2.0 * COAST) * CELLS[1])  # rows of the channel


class Fields(NamedTuple):
    """What either model has at the end: u on faces between columns, v on north faces (m/s), the rest at centres [k, j, i]."""

    u: np.ndarray
    v: np.ndarray
    temperature: np.ndarray  # degree C
    before: np.ndarray  # temperature at the beginning
    energy: np.ndarray  # of eddies (m2/s2)
    wet: np.ndarray
    thickness: np.ndarray  # [k] (m)
    radius: float = EARTH_RADIUS  # m


class Row(NamedTuple):
    """A measure of both, with its unit: its values, or one that both have together."""

    name: str
    ours: float
    theirs: float | None


def missing() -> str | None:
    """Why Veros cannot run, and how to name it, or None."""
    return python_with("veros", VARIABLE)


def compared(days: float, backend: str) -> list[Row]:
    """Rows of the table. Raises Failed where Veros fails, and CannotStart where it is not there."""
    if reason := missing():
        raise CannotStart(f"the circulation cannot be compared: {reason}.")
    with tempfile.TemporaryDirectory() as folder:
        theirs = of_veros(days, Path(folder))
    return rows(ours(days, backend), theirs)


def of_veros(days: float, folder: Path) -> Fields:
    """Fields of Veros on NumPy, in a folder of its own, where it leaves a restart. Raises Failed."""
    file = folder / "acc.npz"
    ran([python_named(VARIABLE), str(PROGRAM), repr(days), str(file)], folder, "Veros",
        {"VEROS_BACKEND": "numpy", "VEROS_LOGLEVEL": "error"})
    with np.load(file) as found:
        return Fields(**{name: found[name] for name in Fields._fields})


def ours(days: float, backend: str) -> Fields:
    """Fields of our case as it comes."""
    grid, parameters, start = cases.southern_channel(CELLS)
    model = Model(grid, parameters, importlib.import_module("dycore.backends.by_name").create(backend))
    state = model.steps(model.asarrays(start), round(days * 86400.0 / parameters.time_step))
    u, south, temperature, energy = (interior(np.asarray(field)) for field in (state.u, state.v, state.tracers[0],
                                                                               state.closure[1]))
    north = np.concatenate([south[:, 1:], np.zeros_like(south[:, :1])], axis=1)
    return Fields(u, north, temperature, interior(start.tracers[0]), energy, grid.wet, np.diff(grid.interfaces))


def transport(fields: Fields) -> np.ndarray:
    """Eastward transport of rows [j, i] (Sv)."""
    return (fields.u * fields.thickness[:, None, None]).sum(axis=0) * fields.radius * SPACING / 1.0e6


def overturning(fields: Fields) -> np.ndarray:
    """Northward transport below the upper faces of levels through north faces [k, j] (Sv), with the other sign: Eulerian."""
    of_levels = (fields.v * fields.thickness[:, None, None]).sum(axis=2)
    return -np.cumsum(of_levels, axis=0) * np.cos(FACES) * fields.radius * SPACING / 1.0e6


def zonal_change(fields: Fields) -> np.ndarray:
    """Change of the zonal-mean temperature from the beginning [k, j] (K)."""
    return np.where(fields.wet, fields.temperature - fields.before, 0.0).sum(axis=2) / fields.wet.sum(axis=2)


def rows(ours: Fields, theirs: Fields) -> list[Row]:
    """The measures of two models that have the same cells."""
    weights = theirs.thickness[:, None] * theirs.wet.sum(axis=2) * np.cos(CENTRES)
    volume = theirs.thickness[:, None, None] * theirs.wet * np.cos(CENTRES)[:, None]

    def both(name: str, measure: Callable[[Fields], float]) -> Row:
        return Row(name, float(measure(ours)), float(measure(theirs)))

    def mean_square(values: np.ndarray) -> float:
        return float(np.sqrt((weights * values**2).sum() / weights.sum()))

    def north_of_channel(fields: Fields) -> float:
        return np.abs(np.cumsum(transport(fields)[EDGE:], axis=0)).max()

    change = mean_square(zonal_change(ours) - zonal_change(theirs))
    return [both("eastward transport through the channel (Sv)", lambda fields: transport(fields)[:EDGE].sum(axis=0).mean()),
            both("greatest transport north of it, from its edge northwards (Sv)", north_of_channel),
            both("least of the Eulerian overturning (Sv)", lambda fields: overturning(fields)[:-1, :-1].min()),
            both("greatest of the Eulerian overturning (Sv)", lambda fields: overturning(fields)[:-1, :-1].max()),
            both("change of the zonal-mean temperature, root mean square (K)", lambda fields: mean_square(zonal_change(fields))),
            Row("root mean square of the difference of these changes (K)", change, None),
            both("mean energy of eddies (m2/s2)", lambda fields: (fields.energy * volume).sum() / volume.sum())]


def table(found: list[Row]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows, with the difference over what Veros has."""
    def shown(row: Row) -> list[str]:
        if row.theirs is None:
            return [row.name, f"{row.ours:.4g}", "", ""]
        difference = f"{100.0 * (row.ours / row.theirs - 1.0):+.1f} %" if row.theirs else ""
        return [row.name, f"{row.ours:.4g}", f"{row.theirs:.4g}", difference]

    return ["measure", "ours", "Veros", "difference"], list(map(shown, found))


def write(folder: Path, days: float, found: list[Row]) -> None:
    """circulation.md and circulation.json. Raises CannotWrite."""
    title = f"# Circulation after {days:g} days from rest"
    origin = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}; commit {commit()[:12]}"
    with writing(folder):
        make_folder(folder)
        with whole(folder / "circulation.md") as place:
            place.write_text("\n".join([title, "", origin, "", *markdown_table(*table(found)), ""]))
    write_json(folder / "circulation.json", {"origin": origin, "days": days, "rows": [row._asdict() for row in found]})
