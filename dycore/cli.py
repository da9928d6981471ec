"""The command line: `dycore cases`, `dycore run`, `dycore validate`, `dycore bench`, `dycore slurm`, `dycore check`.

Bad input ends with one sentence and exit code 2, a run that failed with one sentence and exit code 1, an interrupted one with
128 and the number of the signal.
"""

import argparse
import importlib.metadata
import io
import re
import sys
import time
import traceback
import warnings
from functools import partial
from typing import Any

from dycore.commands import COMMANDS
from dycore.commands.loading import launched
from dycore.commands.problems import BadInput, FailedAlone, FailedRun, Interrupted, Parser, say_warning
from dycore.files import why
from dycore.running.progress import discard, tell


def main(arguments: list[str] | None = None) -> int:
    for stream in (sys.stdout, sys.stderr):  # a name of a file need not be text, nor the terminal know all letters
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return carried_out(arguments)
    except BadInput as problem:
        return complain(re.sub(r"(\S{60})\S{200,}", r"\1...", str(problem)), 2)  # of thousands of digits some will do
    except FailedRun as problem:
        rank, size = launched()
        if size == 1 or not isinstance(problem, FailedAlone):
            return complain(problem, 1)
        complain(f"rank {rank}: {problem}", 1, everywhere=True)
        abort()  # the other ranks would wait for ever
        return 1
    except Interrupted as problem:
        return complain(problem, problem.code)
    except KeyboardInterrupt:
        return complain("interrupted.", 130)
    except BrokenPipeError:  # dycore cases | head
        discard(sys.stdout)
        return 1
    except Exception:
        if launched()[1] == 1:
            raise
        traceback.print_exc()
        abort()
        return 1


def carried_out(arguments: list[str] | None) -> int:
    """The exit code of what is asked for. Raises FailedRun where what it prints cannot be written."""
    try:
        options = command_line().parse_args(arguments)
        options.arguments = sys.argv[1:] if arguments is None else arguments
        with warnings.catch_warnings():
            warnings.showwarning = partial(say_warning, quiet=getattr(options, "quiet", False))
            code = options.command(options)
    except OSError:
        check_printed("\n")  # was it the output that failed?
        raise
    except SystemExit:  # after the help
        check_printed()
        raise
    check_printed()
    return code


def check_printed(more: str = "") -> None:
    """Raise FailedRun where what has been printed, or `more`, does not arrive, as on a full disk."""
    try:
        if sys.stdout is not None and not sys.stdout.closed:
            print(more, end="", flush=True)
    except BrokenPipeError:
        raise
    except OSError as problem:
        discard(sys.stdout)
        raise FailedRun(f"what this command prints could not be written: {why(problem)}.") from None


def complain(problem: object, code: int, everywhere: bool = False) -> int:
    """Say a problem that all ranks have found, once; or one that this rank alone has."""
    sentence = " ".join(str(problem).split())
    sentence += "" if sentence.endswith((".", "?")) or isinstance(problem, Interrupted) else "."  # it ends with a command
    if everywhere or launched()[0] == 0 or not rank_is_known():
        tell(f"dycore: {sentence}", sys.stderr)
    if not everywhere:
        wait_for_others()
    return code


def rank_is_known() -> bool:
    """Whether this process is known to be a rank among the others, of which the first speaks for all."""
    return "mpi4py.MPI" in sys.modules and sys.modules["mpi4py.MPI"].COMM_WORLD.size == launched()[1]


def wait_for_others(seconds: float = 5.0) -> None:
    """Until all ranks are here, or so long: a launcher may end all when one fails, before the first has said why."""
    if launched()[1] > 1 and rank_is_known():
        all_here = sys.modules["mpi4py.MPI"].COMM_WORLD.Ibarrier()
        end = time.monotonic() + seconds
        while not all_here.Test() and time.monotonic() < end:
            time.sleep(0.01)


def command_line() -> argparse.ArgumentParser:
    parser = Parser(prog="dycore", description="One dynamical core for ocean and atmosphere.",
                    formatter_class=argparse.RawDescriptionHelpFormatter,
                    epilog="examples:\n  dycore cases\n"
                           "  dycore run baroclinic_wave --cells 10,32,64 --backend numba --days 1\n"
                           "  dycore bench --cells 1e4 --backends numba,jax\n\n"
                           "exit codes:\n  0    done\n  1    failed: a value that is no number, a full disk, a check, a verdict\n"
                           "  2    bad input, nothing was begun\n"
                           "  128 and the number of a signal that ended it: 130 Ctrl-C, 143 TERM, 129 HUP, 138 USR1, 140 USR2;\n"
                           "       a run has written a restart and says where")
    parser.add_argument("--version", action="version", version=f"dycore {version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, action: Any, purpose: str, examples: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=purpose, description=purpose, allow_abbrev=False,
                                    formatter_class=argparse.RawDescriptionHelpFormatter,
                                    epilog=f"examples:\n{examples}")
        added.set_defaults(command=action)
        return added

    for module in COMMANDS:
        module.add(command)
    return parser


def version() -> str:
    try:
        return importlib.metadata.version("dycore")
    except importlib.metadata.PackageNotFoundError:
        return "(a checkout that is not installed)"


def abort() -> None:
    """End all ranks."""
    from mpi4py import MPI

    sys.stderr.flush()
    time.sleep(0.5)  # a launcher that ends all ranks drops what it has not passed on yet
    MPI.COMM_WORLD.Abort(1)


if __name__ == "__main__":
    sys.exit(main())
