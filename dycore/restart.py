"""Restarts: a run goes on from one, bit for bit, on any number of processes and on any backend; or with another time step.

A restart is one file of the whole domain, in NumPy's npz format, whose parts carry checksums: all fields of a state without
halo, histories included, what an unfinished mean has summed up, and what it belongs to (`identity`). It is written aside and
takes its name when it is on the disk.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dycore.files import by_first, raise_on_all, save_arrays, why
from dycore.grid import interior
from dycore.inputs.given import check_kind, check_model, integer
from dycore.locations import fresh, location, make_folder, whole
from dycore.running.identity import difference, identity, written
from dycore.running.progress import LOG
from dycore.running.time_steps import retimed, times
from dycore.state import State, leaves, map_state, padded

KIND = "dycore restart 1"


@dataclass(frozen=True)
class Restarts:
    """Restarts in a folder, of which the last `keep` stay.

    One every so many days (rounded to whole steps), one at the end, and one at the start where the folder holds none.
    """

    folder: str | Path
    days: float
    keep: int = 2

    def __post_init__(self) -> None:
        integer("keep", self.keep, 1)  # the newest always stays


class Sums(NamedTuple):
    """Sums of an unfinished mean on the cells of a process, or of the whole domain."""

    samples: int
    since: float  # step, not whole where the time step has become longer since
    fields: dict[str, np.ndarray]
    interval: float | None = None  # between the records of the mean (s); None of what an earlier version wrote


def names(model: Any) -> list[str]:
    """The names that the fields of a state have in a file."""
    closure = tuple(replace(field, name=in_file(field.name)) for field in model.layout.closure)
    return [field.name for field in leaves(model.layout._replace(closure=closure)[:-2])]


def in_file(name: str) -> str:
    """The name in a file of a closure's field, which may be called as anything else in it."""
    return f"closure {name}"


def path_of(folder: str | Path, step: int) -> Path:
    """Path of the restart of a step in a folder."""
    return location(folder) / f"restart_{step:010d}.npz"


def all_in(folder: str | Path) -> dict[int, Path]:
    """Restarts in a folder by step, the oldest first."""
    found = {path.stem.removeprefix("restart_"): path for path in sorted(fresh(location(folder)).glob("restart_*.npz"))}
    return {int(step): path for step, path in found.items() if step.isascii() and step.isdecimal()}


def latest(folder: str | Path) -> Path:
    """The newest restart in a folder. Raises ValueError where there is none."""
    found = all_in(folder)
    if not found:
        raise ValueError(f"There is no restart in '{folder}' (restart_*.npz).")
    return list(times(found.values()))[-1]


def write(path: Any, model: Any, state: State, means: dict[str, Sums] | None = None) -> Path:
    """Write the state to a path or address that ends in .npz, or under its step into a folder; all processes call it. The path.

    Raises WritingFailed with the reason; what was there before is then still there.
    """
    check_model(model)
    check_kind("state", state, State, "A state is what dycore.initial_state, Model.step and dycore.restart.read return.")
    path = location(path)
    if path.suffix != ".npz":
        path = path_of(path, int(state.step))
    gathered = model.gather(state)
    assembled = model.backend.communication.assembled
    sums = {name: {field: assembled(model.tile, values) for field, values in part.fields.items()}
            for name, part in (means or {}).items()}

    def save() -> None:
        assert gathered is not None
        arrays = {name: interior(field) for name, field in zip(names(model), leaves(gathered[:-2]), strict=True)}
        begun = {name: (part.samples, part.since, part.interval) for name, part in (means or {}).items()}
        scalars = {"kind": KIND, "step": gathered.step, "means": begun}
        for name, value in written(identity(model)).items():
            (arrays if isinstance(value, np.ndarray) else scalars)[name] = value
        for name, fields in sums.items():
            arrays |= {f"sum of {field} in {name}": values for field, values in fields.items()}
        make_folder(path.parent)
        with whole(path) as place:
            save_arrays(place, {"about": np.array(json.dumps(scalars, default=float))} | arrays)

    by_first(model.backend.communication, save, f"The restart '{path}' could not be written")
    return path


def loaded(path: Path, model: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """(numbers and words, arrays) of a restart. Raises ValueError where it is none, not whole, or not of this model."""
    if path.is_dir():
        raise ValueError(f"'{path}' is a folder. Name a restart in it, or use dycore.restart.latest.")
    try:
        with path.open("rb") as held, np.load(held) as file:
            about = json.loads(str(file["about"])) if "about" in file else {}
            if not isinstance(about, dict) or about.get("kind") != KIND:
                raise ForeignFile
            for name, here in identity(model).items():
                there = file[name] if isinstance(here, np.ndarray) and name in file.files else about.get(name)
                differs = difference(name, there, here)
                if differs and name != "time step":
                    raise ForeignFile(differs)
            return about, renamed({name: file[name] for name in file.files if name != "about"}, model)
    except FileNotFoundError:
        raise ValueError(f"There is no restart '{path}'.") from None
    except ForeignFile as problem:
        raise ValueError(f"The restart '{path}' does not belong to this model: {problem}." if problem.args else
                         f"'{path}' is no restart that this version of dycore wrote.") from None
    except MemoryError:
        raise
    except Exception as problem:  # whatever zipfile, zlib, json or NumPy say of bytes that are not what they were
        older = [each for each in all_in(path.parent).values() if each < path]
        hint = f" Use the one before it: '{older[-1]}'." if older else ""
        raise ValueError(f"'{path}' cannot be read as a restart: it is damaged, cut short or something else "
                         f"({why(problem)}).{hint}") from None


def renamed(arrays: dict[str, np.ndarray], model: Any) -> dict[str, np.ndarray]:
    """Arrays of a restart with fields of closures under the names of today, where an earlier version gave them without a prefix.

    Raises ForeignFile for a field in whose place such a version wrote something else of its name.
    """
    for name in (field.name for field in model.layout.closure):
        if in_file(name) not in arrays:
            if name not in arrays or name in identity(model):
                raise ForeignFile(f"the field '{name}' of a closure is not in it")
            arrays[in_file(name)] = arrays.pop(name)
    return arrays


class ForeignFile(Exception):
    """A file that is whole but of something else; the message says what differs."""


def read(path: str | Path, model: Any) -> State:
    """The state of the whole domain from a restart; any model of the same grid and fluid goes on from it.

    With another time step it is at the same time, and its histories are those of the new steps (dycore.running.time_steps). All
    processes have to call it. Raises ValueError with what is wrong where the file is no whole restart, belongs to something
    else, with both values, or is at no whole number of the model's time steps.
    """
    check_model(model)
    about, arrays = on_all(path, model)

    def field(about: Any, name: str) -> np.ndarray:
        return padded(model.grid, about.place, arrays[name])

    time_step, held = model.parameters.time_step, iter(names(model))
    state = map_state(lambda about: field(about, next(held)), model.layout)
    state = state._replace(step=about["step"], time=about["step"] * about["time step"])
    if difference("time step", about["time step"], float(time_step)) is None:
        return state
    LOG.info(f"'{path}' was written with a time step of {about['time step']:g} s; the run goes on with {time_step:g} s")
    try:
        return retimed(state, about["time step"], time_step)
    except ValueError as problem:
        raise ValueError(f"The restart '{path}', of a time step of {about['time step']:g} s: {problem}.") from None


def on_all(path: str | Path, model: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """`loaded` on every process; where one cannot read it, none does."""
    found, problem = None, None
    try:
        found = loaded(location(path), model)
    except ValueError as raised:
        problem = raised
    raise_on_all(model.backend.communication, problem)
    assert found is not None
    return found


def partial_means(folder: str | Path, model: Any, step: int) -> dict[str, Sums]:
    """Sums of the unfinished means of a run at a step, by the paths of their files, on the cells of this process."""
    communication, time_step = model.backend.communication, model.parameters.time_step
    here = times(all_in(folder).values()) if communication.rank == 0 else {}
    path = communication.first(next((path for path, time in here.items() if abs(time / time_step - step) < 0.5), None))
    if path is None:
        return {}
    about, arrays = on_all(path, model)
    cut = ..., slice(*model.tile.rows), slice(*model.tile.columns)
    if model.backend.communication.ranks == 1:  # of several devices, too, it keeps all
        cut = ..., slice(None), slice(None)
    return {name: Sums(samples, since * about["time step"] / time_step, {
        field.removeprefix("sum of ").removesuffix(f" in {name}"): values[cut] for field, values in arrays.items()
        if field.startswith("sum of ") and field.endswith(f" in {name}")}, *interval)
        for name, (samples, since, *interval) in about["means"].items()}


def check_folder(folder: Path, step: int, time_step: float) -> bool:
    """Clear what was half written; whether there is no restart yet.

    Raises ValueError where a folder holds restarts of later steps than that of a run's start.
    """
    found = all_in(folder)
    later = [path for path, time in times(found.values()).items() if time > (step + 0.5) * time_step]
    if later:
        raise ValueError(f"'{later[-1]}' is of a later step than the state from which this run starts ({step}). Go on from it, or "
                         "move it to another folder.")
    for path in folder.glob(".restart_*.partial"):
        path.unlink(missing_ok=True)
    return not found


def check_start(folder: Path, model: Any, state: State) -> bool:
    """Whether a folder holds the state from which a run starts at step 0; all processes have to call it.

    Raises ValueError where it holds another of that step: two runs must not go on from one restart.
    """
    path, communication = path_of(folder, 0), model.backend.communication
    if int(state.step) or not communication.largest(float(path.exists())):
        return False
    _, arrays = on_all(path, model)
    gathered = model.gather(state)
    same = gathered is None or all(np.array_equal(arrays[name], interior(field), equal_nan=True) for name, field in zip(
        names(model), leaves(gathered[:-2]), strict=True))
    if not communication.first(same):
        raise ValueError(f"'{path}' is another state than that from which this run starts. Go on from it, or move it to another "
                         "folder.")
    return True


def retain(folder: Path, keep: int) -> None:
    """Delete all but the newest restarts of a folder."""
    found = all_in(folder).values()
    for path in list(times(found))[:-keep] if len(found) > keep else ():
        path.unlink(missing_ok=True)
