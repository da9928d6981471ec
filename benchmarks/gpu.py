"""The first run on a GPU: one command that measures what is worth knowing, the most important first, and keeps what it has.

    python -m dycore.benchmarks.gpu --minutes 6                                      # on a machine with a GPU, JAX for it and NumPy
    python -m dycore.benchmarks.gpu --device cpu --cells 2000 --minutes 2            # the same on a CPU: a test of this program

Its parts, each within its share of what is left of the time: all programs compiled once, in parallel, into JAX's cache; JAX on the
device against NumPy; the suite; kernels of a step, counted and timed; forms of the kernels against each other; gradients; Numba
on the host's cores. DIR/gpu.json holds what was found, as JSON that is whole at any moment, whatever ends the program; the suite's
records are in DIR/results.json too. What is missing on a machine is said in a sentence, and the next part follows.
"""

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from dycore.benchmarks import energy, gpu_tables, report
from dycore.benchmarks.gpu_work import SHARES, Findings, Run, parts_of
from dycore.benchmarks.launching import allowed_cores
from dycore.benchmarks.problems import CannotStart, CannotWrite
from dycore.benchmarks.results_file import Results, commit
from dycore.check.machine import PACKAGES, processor, version
from dycore.commands.bench import BENCHMARK_CASES
from dycore.commands.option_values import PRECISIONS, file_name, names_among, sizes
from dycore.commands.problems import BadInput, Parser

TO_END_SECONDS = 5.0  # kept for the tables


class TimeIsUp(BaseException):
    """The share of a part is used up."""


class Ended(BaseException):
    """The program was told to end."""


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0, or 1 where a part found nothing or what is no number as it should be, 2 for what cannot be asked for."""
    try:
        return run(options_of(arguments))
    except (BadInput, CannotStart) as problem:
        print(f"dycore.benchmarks.gpu: {problem}", file=sys.stderr)
        return 2
    except CannotWrite as problem:
        print(f"dycore.benchmarks.gpu: {problem}", file=sys.stderr)
        return 1


def options_of(arguments: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m dycore.benchmarks.gpu",
                    description="Measure what is worth knowing on a GPU, within some minutes.")
    parser.add_argument("--minutes", type=float, default=6.0, metavar="M", help="that all of it may take (default: %(default)g)")
    parser.add_argument("--device", choices=("gpu", "cpu"), default="gpu", help="cpu is for a test (default: %(default)s)")
    parser.add_argument("--cells", type=sizes, default=[10**5, 10**6, 10**7, 10**8], metavar="N,N",
                        help="numbers of cells, above 2e7 in float32 alone (default: 1e5,1e6,1e7,1e8)")
    parser.add_argument("--cases", type=names_among(BENCHMARK_CASES, "benchmark case"), metavar="A,B",
                        default=["baroclinic_channel", "held_suarez"], help="(default: baroclinic_channel,held_suarez)")
    parser.add_argument("--precisions", type=names_among(PRECISIONS, "precision"), default=["float64", "float32"], metavar="A,B",
                        help="(default: float64,float32)")
    parser.add_argument("--parts", type=names_among(tuple(SHARES), "part"), default=list(SHARES), metavar="A,B",
                        help=f"(default: {','.join(SHARES)})")
    parser.add_argument("--samples", type=int, default=3, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--output", type=file_name, default=Path("gpu-results"), metavar="DIR", help="(default: %(default)s)")
    options = parser.parse_args(arguments)
    if not 0.0 < options.minutes <= 24 * 60.0:
        raise BadInput(f"--minutes {options.minutes:g} is no time to measure in: give a number of minutes above 0.")
    return options


def run(options: argparse.Namespace) -> int:
    """All parts in their order, each within its share of the time that is left; then the tables."""
    end = time.monotonic() + 60.0 * options.minutes - min(TO_END_SECONDS, 6.0 * options.minutes)
    results = Results(options.output, "python -m dycore.benchmarks.gpu")  # also tells whether results can be written there
    findings = Findings(free(options.output / "gpu.json"), beginning(options, str(results.origin["run"])))
    parts = parts_of(results)
    code, asked = 0, [name for name in SHARES if name in options.parts]
    with compiled_once(), told_to_end():
        try:
            for number, name in enumerate(asked):
                left = end - time.monotonic()
                share = left * SHARES[name] / sum(SHARES[other] for other in asked[number:])
                carry_out(name, parts[name], Run(options, findings, report.Lines()), share)
        except Ended as why:
            findings.content["ended"] = str(why)
            print(f"Ended: {why}. What was measured is kept.", flush=True)
            code = 130
    findings.save()
    gpu_tables.show(findings.content)
    print(f"Wrote {findings.path} and {results.path}.")
    return code or int(any(part["state"] != "done" for part in findings.content["parts"].values()))


def free(path: Path) -> Path:
    """A path, after what an earlier run has left there was moved beside it."""
    if path.exists():
        moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime(path.stat().st_mtime))
        path.replace(path.with_name(f"{path.stem}-{moment}{path.suffix}"))
    return path


def beginning(options: argparse.Namespace, run_name: str) -> dict[str, Any]:
    """What is known before the first part."""
    asked = {name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()}
    return {"asked": asked, "run": run_name, "commit": commit(), "machine": {"cpu": processor(), "cores": len(allowed_cores())},
            "versions": {name: version(name) for name in ("dycore", *PACKAGES, "jaxlib")},
            "energy": energy.find(options.device).words, "ended": None,
            "parts": {name: {"state": "not begun", "seconds": None, "why": None, "results": []} for name in SHARES
                      if name in options.parts}}


def carry_out(name: str, part: Callable[[Run], None], run: Run, seconds: float) -> None:
    """A part within so many seconds; what it has found by then is kept."""
    if seconds <= 0.0:
        run.findings.say(name, state="not begun", why="the time was up")
        return
    run.shown.line(f"{name}: {seconds:.0f} s at most")
    begun = time.monotonic()
    state = "cut short"
    why: str | None = "the program was told to end"
    try:
        with limited(seconds):
            part(run)
        state, why = "done", None
        errors = [result["error"] for result in run.findings.content["parts"][name]["results"] if result.get("error")]
        if errors:
            state, why = "incomplete", errors[0]
    except TimeIsUp:
        why = f"its share of the time, {seconds:.0f} s, was up"
    except CannotWrite:
        raise
    except Exception as problem:
        state, why = "failed", f"{type(problem).__name__}: {' '.join(str(problem).split())[:300]}"
    finally:
        run.findings.say(name, state=state, why=why, seconds=time.monotonic() - begun)
        run.shown.line(f"{name}: {state}{f', {why}' if why else ''}, {time.monotonic() - begun:.0f} s")


@contextlib.contextmanager
def compiled_once() -> Iterator[None]:
    """All processes that are started meanwhile keep what JAX compiles in one folder: the user's, or one that is removed."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="dycore-compiled-", ignore_cleanup_errors=True) as folder:
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", folder)
        os.environ |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raises TimeIsUp in what is done meanwhile, once it has taken so long."""
    def up(number: int, frame: object) -> None:
        raise TimeIsUp

    before = signal.signal(signal.SIGALRM, up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def told_to_end() -> Iterator[None]:
    """Raises Ended where a terminal, a scheduler or a user ends the program; the second time it is not heard."""
    def end(number: int, frame: object) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        raise Ended(f"{signal.Signals(number).name} came")

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
