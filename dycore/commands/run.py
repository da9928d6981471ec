"""Run a case."""

import argparse
import dataclasses
import math
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy

from dycore.commands.dates import start_of, started, when
from dycore.commands.loading import case_functions, create_backend, fastest_backend, launched, world
from dycore.commands.log_files import logged
from dycore.commands.option_values import no_such
from dycore.commands.problems import BadInput, FailedAlone, FailedRun, Interrupted
from dycore.commands.settings import Settings, add_settings, assignment, case_parameters, model_parameters, settings_of, toml
from dycore.commands.writable import why_not_this_file
from dycore.files import WritingFailed, save_arrays, whole
from dycore.locations import ENDINGS
from dycore.running.progress import LOG, tell
from dycore.stopping import noted


def add(command: Any) -> None:
    """Register the command with its options."""
    run = command("run", run_case, "Run a case, all of it from options or from a TOML file that options override.",
                  "  dycore run baroclinic_channel --cells 10,24,32 --steps 20 --state-out channel.npz\n"
                  "  dycore run held_suarez --backend jax --precision float32 --days 1200 --set dissipation=0.5\n"
                  "  dycore run held_suarez --days 1200 --dry-run > climate.toml\n"
                  "  dycore run climate.toml --backend numba --quiet --log climate.log\n"
                  "  dycore run global_ocean --start 2000-01-01 --calendar 360_day --days 360 --output ocean.zarr\n"
                  "  dycore run global_ocean --days 30 --diagnostics found.nc --diagnose overturning,heat_transport,energy\n"
                  "  dycore run climate.toml --restarts r --continue r --time-step 300   # after it became unstable\n"
                  "  mpiexec -n 4 dycore run baroclinic_wave --backend numba --processes 2,2 --days 1 --state-out wave.npz\n\n"
                  "A signal (Ctrl-C, TERM, HUP, USR1, USR2, XCPU) to any process ends a run with a restart and the command that\n"
                  "goes on from it; Ctrl-C or TERM again, a second later, ends it at once.\n\n"
                  "A TOML file holds the same names with _ for -, lists in brackets, and parameters in a table of their own:\n"
                  "  case = \"held_suarez\"\n  cells = [20, 64, 128]\n  days = 1200\n\n  [parameters]\n  dissipation = 0.5")
    run.usage = "dycore run CASE|FILE.toml (--days D | --steps N) [option ...]"
    run.add_argument("case", metavar="CASE|FILE.toml", help="a name that 'dycore cases' lists, or a file with settings")
    run.add_argument("--set", type=assignment, action="append", default=[], metavar="NAME=VALUE",
                     help="a parameter of the case, as 'dycore cases CASE' lists them; may be repeated")
    run.add_argument("--quiet", action="store_true", help="say nothing but errors")
    run.add_argument("--dry-run", action="store_true", help="check everything and print the TOML file of this run; run nothing")
    add_settings(run)


def run_case(options: argparse.Namespace) -> int:
    with noted() as received:  # from here on: to load, to build and to compile takes long
        return run_noting(options, received)


def run_noting(options: argparse.Namespace, received: list[int]) -> int:
    """Run a case until its end, or until a signal is among those `received`."""
    settings = settings_of(options)
    communication = world(settings.processes)
    unwritable = why_unwritable(settings) if launched()[0] == 0 else None  # the rank that writes
    if communication is not None:
        unwritable = communication.first(unwritable)
    if unwritable is not None:
        raise BadInput(unwritable)
    grid, parameters, state = of_case(settings)
    steps = length(settings, parameters)
    name, why = (settings.backend, "") if settings.backend else fastest_backend(math.prod(grid.cells) / launched()[1], steps)
    model = built(grid, parameters, create_backend(name, settings.threads, communication))
    state, origin = first_state(settings, model, state)
    check_outputs(settings, model, state)
    if options.dry_run:
        if launched()[0] == 0:
            print(described(settings, model))  # what cannot be written is an error here
        return 0
    with logged(settings.log):
        say(f"{title(settings, model, why)}, {origin}", options.quiet)
        state = advanced(settings, model, state, steps, options, received)
        if settings.state_out is not None:
            gathered = model.gather(state)
            if gathered is not None:
                write_fields(settings.state_out, global_fields(model.parameters.tracer_names, gathered))
                say(f"wrote {settings.state_out}", options.quiet)
    return 0


def first_state(settings: Settings, model: Any, state: Any) -> tuple[Any, str]:
    """That of the restart from which to go on, if there is one, and where it comes from."""
    from dycore import restart

    path = settings.continue_
    if path is not None and path.suffix != ".npz":
        # the same for all, whenever they look
        path = model.backend.communication.first(restart.latest(path) if launched()[0] == 0 and restart.all_in(path) else None)
    if path is None:
        return state, "from the beginning" + (f" (no restart in {settings.continue_})" if settings.continue_ else "")
    try:
        state = restart.read(path, model)
    except ValueError as problem:
        raise BadInput(str(problem)) from problem
    return state, f"from {path}, {when(model, state)}{after_another_step(path, model)}"


def after_another_step(path: Path, model: Any) -> str:
    """Words about the time step of a restart, where the run goes on with another one."""
    from dycore.running.time_steps import header

    before, now = header(path)["time step"], model.parameters.time_step
    return "" if math.isclose(before, now, rel_tol=1e-9) else f", where the time step was {before:g} s"


def advanced(settings: Settings, model: Any, state: Any, steps: int, options: argparse.Namespace, received: list[int]) -> Any:
    """The state at the end of the run, so many steps from the beginning; output and restarts are written on the way."""
    from dycore import diagnostics, restart, stopping, writing

    if state.step >= steps:
        say("the end is reached already: nothing to do", options.quiet)
        return state
    if model.backend.communication.largest(float(len(received))):
        raise stopped_by(received, model, "before the first step and wrote nothing. Start it again with",
                         command(options.arguments))
    write: list[Any] = []
    chunks = {name: int(size) for name, _, size in (part.partition("=") for part in settings.chunks or ())} or None
    if settings.output is not None:
        write.append(writing.Snapshots(settings.output, settings.output_every, settings.fields, chunks))
    if settings.means is not None:
        write.append(writing.Means(settings.means, settings.means_every, settings.fields, chunks=chunks))
    if settings.diagnostics is not None:
        functions = tuple(diagnostics.OF_STATES[name] for name in settings.diagnose or ("energy",))
        write.append(writing.Diagnostics(settings.diagnostics, settings.diagnostics_every, functions))
    restarts = settings.restarts and restart.Restarts(settings.restarts, settings.restarts_every, settings.keep)
    try:
        # what is no number is found and said in a sentence
        with numpy.errstate(all="ignore"):
            return model.run(state, steps=steps - state.step, progress=not options.quiet, write=tuple(write), restarts=restarts,
                             stop=lambda: bool(received))
    except stopping.Stopped as stopped:
        raise interrupted(settings, model, stopped, received, options.arguments) from None
    except (ArithmeticError, WritingFailed) as problem:  # found by all ranks together
        raise FailedRun(str(problem)) from problem
    except ValueError as problem:  # before the run, also by all
        raise BadInput(str(problem)) from problem
    except (RuntimeError, MemoryError) as problem:
        raise FailedAlone(str(problem) or "the run needed more memory than there is.") from problem


def interrupted(settings: Settings, model: Any, stopped: Any, received: list[int], arguments: list[str]) -> Exception:
    """Exception for a run that a signal stopped, when there is a restart."""
    from dycore import restart

    try:
        path = stopped.path or restart.write(f"{settings.case}-restarts", model, stopped.state)
    except WritingFailed as problem:
        return FailedRun(str(problem))
    return stopped_by(received, model, f"on day {stopped.day:.4g} and wrote {path}. Go on with",
                      command_from(path.parent, arguments))


def stopped_by(received: list[int], model: Any, what: str, going_on: str) -> Interrupted:
    """Exception for a run that a signal to any process stopped."""
    number = int(model.backend.communication.largest(float(max(received, default=0))))
    return Interrupted(f"stopped by {signal.Signals(number).name} {what}: {going_on}", number)


def command_from(folder: Path, arguments: list[str]) -> str:
    """The command line that goes on from a restart in a folder."""
    kept = list(arguments)
    for n in reversed(range(len(kept))):
        if kept[n].partition("=")[0] == "--continue":
            del kept[n: n + (1 if "=" in kept[n] else 2)]
    return command([*kept, "--continue", str(folder)])


def command(arguments: list[str]) -> str:
    """A command line as it was started."""
    ranks, started = launched()[1], Path(sys.argv[0])
    program = ["python", "-m", "dycore"] if started.parts[-2:] == ("dycore", "__main__.py") else ["dycore"]
    return shlex.join([*(["mpiexec", "-n", str(ranks)] if ranks > 1 else []), *program, *arguments])


def of_case(settings: Settings) -> tuple[Any, Any, Any]:
    """The grid, the parameters with what the settings change of them, and the first state."""
    function = case_functions()[settings.case]
    names = case_parameters(function)
    given = {name: value for name, value in settings.parameters.items() if name in names}
    start = start_of(settings.start, settings.calendar)
    if settings.cells is not None:
        given["cells"] = settings.cells
    changes = {name: value for name, value in settings.parameters.items() if name not in names}
    with told_as_bad_input():
        grid, parameters, state = function(precision=settings.precision, time_step=settings.time_step, **given)
        return grid, dataclasses.replace(parameters, start=start, **changes), state


def length(settings: Settings, parameters: Any) -> int:
    """Time steps of the run from the beginning."""
    from dycore.writing import whole_steps

    with told_as_bad_input():
        return settings.steps or whole_steps(settings.days or 0.0, parameters.time_step, "the run")


def built(grid: Any, parameters: Any, backend: Any) -> Any:
    """The model."""
    from dycore import Model

    with told_as_bad_input():
        return Model(grid, parameters, backend)


@contextmanager
def told_as_bad_input() -> Iterator[None]:
    """Raise what is wrong with values of a user as BadInput."""
    try:
        yield
    except ValueError as problem:
        raise BadInput(str(problem)) from problem
    except MemoryError as problem:
        raise FailedAlone("there is not enough memory for so many cells.") from problem


def title(settings: Settings, model: Any, why: str = "") -> str:
    """A run in a line, with the reason for its backend."""
    cells = " x ".join(map(str, model.grid.cells))
    size = launched()[1]
    return (f"{settings.case}: {cells} cells, {settings.precision}, {model.backend.name}{f' ({why})' if why else ''}"
            + (f" on {size} processes" if size > 1 else "") + f", time step {model.parameters.time_step:g} s"
            + started(model))


def check_outputs(settings: Settings, model: Any, state: Any) -> None:
    """Raise BadInput for fields that are none, and for files that are there where a run starts from the beginning."""
    from dycore import output, restart
    from dycore.running.growing_files import file_at

    known = tuple(output.variables(model))
    for name in settings.fields or ():
        if name not in known:
            raise BadInput(no_such("field", name, known))
    wanted = filter(None, (settings.output, settings.means, settings.diagnostics))
    with told_as_bad_input():
        there = [path for path in wanted if file_at(path, model).exists()]
    goes_on = settings.continue_ and settings.restarts and 0 in restart.all_in(settings.restarts)  # killed before its first day
    there = model.backend.communication.first((there if not goes_on else None) or None)  # whenever they look
    if there and state.step == 0:
        raise BadInput(f"'{there[0]}' is there already, and the run starts from the beginning. Name another path, remove it, or "
                       "give --restarts and --continue with restarts of the run that wrote it.")


def described(settings: Settings, model: Any) -> str:
    """The TOML file that repeats a run."""
    defaults = {name: default for name, (_, default) in case_parameters(case_functions()[settings.case]).items()}
    of_model = {name: getattr(model.parameters, name) for name in model_parameters() if name not in defaults}
    return toml(settings, {"cells": model.grid.cells, "time_step": model.parameters.time_step},
                defaults | of_model | settings.parameters)


def say(sentence: str, quiet: bool) -> None:
    """On the first rank, to the log and unless quiet to the output."""
    if launched()[0] == 0:
        LOG.info(sentence)
        if not quiet:
            tell(sentence, sys.stdout)


def why_unwritable(settings: Settings) -> str | None:
    """Found out before the run, not after it."""
    from dycore.running.growing_files import KINDS

    if settings.state_out is not None and settings.state_out.suffix != ".npz":
        better = settings.state_out.parent / f"{settings.state_out.stem.strip('.') or 'state'}.npz"
        return f"'{settings.state_out}' does not end in .npz, the only format there is. Use '{better}'."
    if settings.continue_ is not None and settings.continue_.suffix != ".npz" and settings.continue_.is_file():
        return f"'{settings.continue_}' is a file, and no restart, which ends in .npz. Name one, or the folder of them."
    for path in filter(None, (settings.output, settings.means, settings.diagnostics)):
        if path.suffix not in KINDS:
            return f"'{path}' does not end {ENDINGS}, the formats that there are."
    for path in filter(None, (settings.state_out, settings.log)):
        if (unwritable := why_not_this_file(path)) is not None:
            return unwritable
    return None


def global_fields(tracer_names: tuple[str, ...], state: Any) -> dict[str, Any]:
    """u, v, w, surface and the tracers by name, without halo."""
    from dycore.grid import interior

    fields = {name: getattr(state, name) for name in ("u", "v", "w", "surface")}
    fields |= dict(zip(tracer_names, state.tracers, strict=True))
    return {name: interior(numpy.asarray(field)) for name, field in fields.items()}


def write_fields(path: Path, fields: dict[str, Any]) -> None:
    """No half file is ever found under the name."""
    try:
        with whole(path) as place:
            save_arrays(place, fields)
    except OSError as problem:
        raise FailedRun(f"the state could not be written to '{path}': {problem.strerror}.") from problem
