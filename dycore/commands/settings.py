"""Settings of a run: each is an option of `dycore run` and a key of a TOML file, with the same values and checks."""

import argparse
import datetime
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from dycore.calendars import CALENDARS
from dycore.commands.dates import moment
from dycore.commands.loading import case_functions
from dycore.commands.option_values import (
    BACKENDS,
    PRECISIONS,
    cell_numbers,
    chunk_sizes,
    diagnostic_names,
    field_names,
    file_name,
    local_file,
    name_among,
    no_such,
    number,
    parts_or_none,
    positive_integer,
    positive_number,
    true_or_false,
    whole_number,
)
from dycore.commands.problems import BadInput
from dycore.files import at_home, read_toml
from dycore.locations import ENDINGS, end_of

LENGTH, NUMERICS, MACHINE, OUTPUT, RESTARTS = "length of the run (one of)", "grid and numerics", "machine", "output", "restarts"
DATE = "date"
LONGEST = 200  # letters of a value in a message
GROUPS = (LENGTH, DATE, NUMERICS, MACHINE, OUTPUT, RESTARTS)


class Setting(NamedTuple):
    """Where help shows a setting, what makes its value of text, and what it is for."""

    group: str
    convert: Callable[[str], Any]
    metavar: str
    purpose: str


@dataclass(frozen=True)
class Settings:
    """Settings of a run as they were asked for; None is what the case has, or off."""

    case: str
    days: Annotated[float | None, Setting(LENGTH, positive_number, "D", "until this day, counted from the beginning")] = None
    steps: Annotated[int | None, Setting(LENGTH, positive_integer, "N", "until this time step, counted from the beginning")] = None
    start: Annotated[str | None, Setting(
        DATE, moment, "DATE", "of the beginning, as in 2000-01-31 or '2000-01-31 12:00:00' (default: days are counted, without "
                              "dates)")] = None
    calendar: Annotated[str, Setting(
        DATE, name_among(tuple(CALENDARS), "calendar"), "NAME", f"of the start: {', '.join(CALENDARS)}")] = "standard"
    cells: Annotated[tuple[int, int, int] | None, Setting(
        NUMERICS, cell_numbers, "NZ,NY,NX", "levels, rows and columns (default: those of the case)")] = None
    time_step: Annotated[float | None, Setting(NUMERICS, positive_number, "SECONDS", "(default: that of the case)")] = None
    precision: Annotated[str, Setting(
        NUMERICS, name_among(PRECISIONS, "precision"), "NAME", f"of every field: {' or '.join(PRECISIONS)}")] = "float64"
    backend: Annotated[str | None, Setting(
        MACHINE, name_among(BACKENDS, "backend"), "NAME",
        f"what does the arithmetic: {', '.join(BACKENDS)} (JAX compiled by XLA, or with Numba's kernels; default: of those "
        "installed the one that is first at the end)")] = None
    threads: Annotated[int, Setting(MACHINE, positive_integer, "N", "of each process")] = 1
    processes: Annotated[tuple[int, int] | str | None, Setting(
        MACHINE, parts_or_none, "PJ,PI|none", "parts in j and in i, under mpiexec (default: the shape with the smallest halo); "
                                              "none: a run by itself, as in a child of an MPI job")] = None
    output: Annotated[Path | None, Setting(OUTPUT, file_name, "FILE", f"snapshots, in a path that ends {ENDINGS}")] = None
    output_every: Annotated[float, Setting(OUTPUT, positive_number, "D", "days from one to the next")] = 1.0
    means: Annotated[Path | None, Setting(OUTPUT, file_name, "FILE", f"means over time, in a path that ends {ENDINGS}")] = None
    means_every: Annotated[float, Setting(OUTPUT, positive_number, "D", "days that a mean is taken over")] = 10.0
    fields: Annotated[tuple[str, ...] | None, Setting(OUTPUT, field_names, "A,B", "of both (default: all)")] = None
    chunks: Annotated[tuple[str, ...] | None, Setting(
        OUTPUT, chunk_sizes, "NAME=N,...", "records (time), levels, rows or columns in a chunk of both, by dimension (default: a "
                                           "record, the part of a process, up to 64 MiB)")] = None
    diagnostics: Annotated[Path | None, Setting(
        OUTPUT, file_name, "FILE", f"what follows from the fields, in a path that ends {ENDINGS}")] = None
    diagnostics_every: Annotated[float, Setting(OUTPUT, positive_number, "D", "days from one to the next")] = 1.0
    diagnose: Annotated[tuple[str, ...] | None, Setting(
        OUTPUT, diagnostic_names, "A,B", "of dycore.diagnostics, as in overturning,heat_transport (default: energy)")] = None
    state_out: Annotated[Path | None, Setting(
        OUTPUT, local_file, "FILE.npz", "the last global fields by name, without halo")] = None
    log: Annotated[Path | None, Setting(
        OUTPUT, local_file, "FILE", "append progress, warnings and errors, each with the time of day")] = None
    restarts: Annotated[Path | None, Setting(RESTARTS, file_name, "FOLDER", "write restarts, one of them at the end")] = None
    restarts_every: Annotated[float, Setting(RESTARTS, positive_number, "D", "days from one to the next")] = 10.0
    keep: Annotated[int, Setting(RESTARTS, positive_integer, "N", "how many of the newest stay")] = 2
    continue_: Annotated[Path | None, Setting(
        RESTARTS, file_name, "FOLDER|FILE", "go on from the newest restart of a folder, from the beginning if it has none; or from "
                                            "that file")] = None
    parameters: dict[str, Any] = field(default_factory=dict)


# by key: "continue" is no name in Python
SETTINGS: dict[str, Setting] = {name.rstrip("_"): kind.__metadata__[0] for name, kind in inspect.get_annotations(Settings).items()
                                if hasattr(kind, "__metadata__")}
REFINEMENTS = {"calendar": ("start",), "output_every": ("output",), "means_every": ("means",), "fields": ("output", "means"),
               "chunks": ("output", "means"), "diagnostics_every": ("diagnostics",), "diagnose": ("diagnostics",),
               "restarts_every": ("restarts",), "keep": ("restarts",)}  # mean nothing without one of these


def attribute(key: str) -> str:
    """The attribute of Settings that holds a key."""
    return f"{key}_" if key == "continue" else key


def add_settings(parser: argparse.ArgumentParser) -> None:
    """An option for every setting; what is not given is left out of the namespace, so that a file can hold it."""
    groups = {name: parser.add_argument_group(name) for name in GROUPS}
    for key, about in SETTINGS.items():
        default = getattr(Settings, attribute(key))
        groups[about.group].add_argument(
            f"--{key.replace('_', '-')}", type=about.convert, metavar=about.metavar, default=argparse.SUPPRESS,
            help=about.purpose + ("" if default is None else f" (default: {default})"))


class Kind(NamedTuple):
    """Kind of value that a parameter takes, in words, and what makes it of text."""

    words: str
    convert: Callable[[str], Any]


def or_none(text: str) -> float | None:
    return None if text == "none" else number(text)


KINDS = {"float": Kind("number", number), "int": Kind("whole number", whole_number), "bool": Kind("true or false", true_or_false),
         "float | None": Kind("number or none", or_none), "Coefficient | None": Kind("number or none", or_none)}


def case_parameters(function: Callable) -> dict[str, tuple[Kind, Any]]:
    """Kind and default of what a case takes besides settings."""
    return {name: (KINDS[each.annotation], each.default) for name, each in inspect.signature(function).parameters.items()
            if name not in SETTINGS and each.annotation in KINDS}


def model_parameters() -> dict[str, Kind]:
    """Fields of dycore.parameters.Parameters that are plain numbers; a case has values of its own for them."""
    from dycore.parameters import Parameters

    return {each.name: KINDS[str(each.type)] for each in fields(Parameters) if each.type in KINDS and each.name not in SETTINGS}


class Given(NamedTuple):
    """Text given for a parameter, where, and whether a file had it in quotes."""

    place: str
    text: str
    quoted: bool = False


def assignment(text: str) -> tuple[str, Given]:
    """NAME=VALUE."""
    name, equals, value = (part.strip() for part in text.partition("="))
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=VALUE, as in angle=45")
    return name, Given(f"--set {name}={value}", value)


def settings_of(options: argparse.Namespace) -> Settings:
    """Those of a TOML file, if one is named in place of a case, and over them those of the command line."""
    given = {name: value for name, value in vars(options).items() if name in SETTINGS}
    case, parameters = options.case, dict(options.set)
    if case.endswith(".toml"):
        try:
            path = at_home(case)
        except ValueError as problem:
            raise BadInput(str(problem)) from problem
        held, of_file = read_file(path)
        if "case" not in held:
            raise BadInput(f"{case} names no case: add case = \"NAME\", with a name that 'dycore cases' lists.")
        case, parameters = held.pop("case"), of_file | parameters
        if given.keys() & {"days", "steps"}:
            held = {name: value for name, value in held.items() if name not in ("days", "steps")}
        given = held | given
    functions = case_functions()
    if case not in functions:
        raise BadInput(no_such("case", case, tuple(functions)))
    lengths = sorted(given.keys() & {"days", "steps"})
    if len(lengths) != 1:
        raise BadInput("one of the options --steps and --days is required" + (", not both." if lengths else "."))
    for key, of in REFINEMENTS.items():
        if key in given and not given.keys() & {*of}:
            raise BadInput(f"{key} = {as_toml(given[key])} is given without {' or '.join(of)}.")
    paths: dict[str, str] = {}
    for key in given.keys() & {"output", "means", "diagnostics", "state_out", "log", "restarts"}:
        other = paths.setdefault(end_of(given[key]), key)
        if other != key:
            raise BadInput(f"{' and '.join(sorted((key, other)))} are both '{given[key]}': give each a place of its own.")
    return Settings(case, **{attribute(key): value for key, value in given.items()},
                    parameters=converted(case, functions[case], parameters))


def converted(case: str, function: Callable, given: dict[str, Given]) -> dict[str, Any]:
    """Parameters of a case, or of the model, by name."""
    kinds = model_parameters() | {name: kind for name, (kind, _) in case_parameters(function).items()}
    values = {}
    for name, (place, text, quoted) in given.items():
        if name not in kinds:
            raise BadInput(f"{place}: {no_such(f'parameter of {case}', name, tuple(kinds))}")
        try:
            values[name] = kinds[name].convert(text)
        except argparse.ArgumentTypeError as problem:
            raise BadInput(f"{place}: {problem}.") from problem
        if quoted and values[name] is not None:
            raise BadInput(f"{place} has to be written {name} = {as_toml(values[name])}.")
    return values


def read_file(path: Path) -> tuple[dict[str, Any], dict[str, Given]]:
    """Settings of a TOML file, with the case, and the text of its parameters."""
    try:
        table = read_toml(path)
    except ValueError as problem:
        raise BadInput(str(problem)) from problem
    parameters = table.pop("parameters", {})
    if not isinstance(parameters, dict):
        raise BadInput(f"{path}: parameters = {shown(parameters)} is not a table: write [parameters] and lines NAME = VALUE.")
    held = {}
    for key, value in table.items():
        if key not in SETTINGS and key != "case":
            raise BadInput(f"{path}: {no_such('key', key, ('case', *SETTINGS, 'parameters'))}")
        convert = str if key == "case" else SETTINGS[key].convert
        value = str(value) if key == "start" and isinstance(value, datetime.date) else value  # which TOML has
        if isinstance(value, list) and any(isinstance(part, list | dict) for part in value):
            raise BadInput(f"{path}: {key} = {shown(value)} holds lists or tables within a list: write its values side by side.")
        try:
            held[key] = convert(text_of(value))
        except argparse.ArgumentTypeError as problem:
            raise BadInput(f"{path}: {key} = {shown(value)}: {problem}.") from problem
        if not same_kind(value, held[key]):
            raise BadInput(f"{path}: {key} = {shown(value)} has to be written {key} = {as_toml(held[key])}.")
    for name, value in parameters.items():
        if isinstance(value, list | dict):
            raise BadInput(f"{path}: parameters.{name} = {shown(value)} is a list or a table: give one value.")
    return held, {name: Given(f"{path}: parameters.{name} = {shown(value)}", text_of(value), isinstance(value, str))
                  for name, value in parameters.items()}


def same_kind(written: Any, meant: Any) -> bool:
    """Whether a file has text for text, a list of as many for a list, and numbers for numbers, not in quotes."""
    if isinstance(written, list) or isinstance(meant, tuple):
        return (isinstance(written, list) and isinstance(meant, tuple) and len(written) == len(meant)
                and all(map(same_kind, written, meant)))
    return isinstance(written, str) == (isinstance(meant, str) or hasattr(meant, "suffix"))


def text_of(value: Any) -> str:
    """A value of a TOML file as one would give it to an option."""
    if isinstance(value, list):
        return ",".join(map(text_of, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def as_toml(value: Any) -> str:
    """A value as TOML has it, which for text, numbers, truth and lists of them is as JSON has it, but for the letter DEL.

    Not by tomli-w: it gives whole files alone, spreads lists over lines, and NumPy is all that a run needs to be installed.
    """
    return json.dumps("none" if value is None else value, ensure_ascii=False, default=str).replace("\x7f", "\\u007f")


def toml(settings: Settings, values: dict[str, Any], parameters: dict[str, Any]) -> str:
    """A file that repeats a run, with the values in place of those that the settings leave to the case."""
    held = {key: getattr(settings, attribute(key)) for key in ("case", *SETTINGS)} | values
    idle = {key for key, of in REFINEMENTS.items() if not any(held[name] for name in of)}
    lines = [f"{key} = {as_toml(value)}" for key, value in held.items() if value is not None and key not in idle]
    return "\n".join([*lines, "", "[parameters]", *(f"{name} = {as_toml(value)}" for name, value in parameters.items())])
