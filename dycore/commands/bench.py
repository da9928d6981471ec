"""Measure against the Fortran reference."""

import argparse
import importlib
import importlib.util
from pathlib import Path
from typing import Any

from dycore.commands.loading import check_threads
from dycore.commands.option_values import (
    BACKENDS,
    PRECISIONS,
    file_name,
    names_among,
    positive_integer,
    positive_number,
    process_numbers,
    rank_numbers,
    sizes,
)
from dycore.commands.problems import BadInput, FailedRun

# Competitors that take the gradient of a run, and the backend whose steps are differentiated: one more is one more line.
GRADIENTS = {"gradient": "jax", "gradient-native": "jax-native"}
FORWARD = (*BACKENDS, "fortran")
COMPETITORS = (*FORWARD, *GRADIENTS)
SCALINGS = ("strong", "weak")
STANDARD_CASES = ("baroclinic_channel", "baroclinic_wave", "held_suarez")  # for which there is time in ten minutes
BENCHMARK_CASES = (*STANDARD_CASES, "southern_channel")

# What is measured unless options say otherwise: within ten minutes on two cores, within two, and all that is committed.
STANDARD: dict[str, Any] = {
    "cases": list(STANDARD_CASES), "cells": [10**4, 10**5, 10**6], "backends": list(FORWARD), "precisions": ["float64"],
    "scaling": ["strong"], "threads": 1, "samples": 2, "device": "cpu", "sample_seconds": 2.0, "minutes": 10.0, "messages": False,
    "weak_cells": [10**4, 10**5, 10**6], "gradient_steps": 100, "gradient_cells": [10**4, 10**5]}
QUICK = STANDARD | {"cells": [10**4], "samples": 1, "minutes": 2.0, "gradient_steps": 20, "gradient_cells": [10**4]}
FULL = STANDARD | {
    "cases": list(BENCHMARK_CASES), "cells": [10**4, 10**5, 10**6, 10**7], "backends": list(COMPETITORS),
    "precisions": list(PRECISIONS),
    "scaling": ["strong", "weak"], "samples": 3, "sample_seconds": 10.0, "minutes": 1e4, "messages": True}
GRADIENTS_ALONE = {"precisions": list(PRECISIONS), "minutes": 30.0}


def add(command: Any) -> None:
    """Register the command with its options."""
    bench = command("bench", run_benchmarks, "Measure wall time per step per 1M cells against the Fortran reference.",
                    "  dycore bench\n"
                    "  dycore bench --quick\n"
                    "  dycore bench --cases baroclinic_wave --cells 1e5 --backends numba,fortran --precisions float32\n"
                    "  dycore bench --cases baroclinic_channel,southern_channel --cells 1e5\n"
                    "  dycore bench --gradient\n"
                    "  dycore bench --backends jax --device gpu --cells 1e6,1e7\n"
                    "  dycore bench --ranks 1,2,4 --scaling strong,weak --cells 1e5\n"
                    "  dycore bench --report\n"
                    "  dycore bench --results before after --report comparison.html\n"
                    "  dycore bench --results laptop cluster workstation")
    extent = bench.add_mutually_exclusive_group()
    extent.add_argument("--quick", action="store_true", help="one size, few samples, within two minutes")
    extent.add_argument("--full", action="store_true", help="all cases, sizes up to 1e7, both precisions, "
                                                            "weak scaling, gradients, more samples (hours)")
    bench.add_argument("--gradient", action="store_true",
                       help="measure gradients of runs, and of the others only what --backends names")
    add_measured(bench, STANDARD)
    add_gradients_and_limits(bench)
    bench.set_defaults(**dict.fromkeys(STANDARD))  # so that `measured` can tell what was asked for
    bench.add_argument("--ranks", type=rank_numbers, metavar="N,N",
                       help="MPI ranks, each on cores of its own (default: 1, and 2 in the first precision where there are "
                            "two cores and an mpiexec)")
    bench.add_argument("--processes", type=process_numbers, metavar="PJ,PI",
                       help="of several ranks, in j and in i (default: each program decides)")
    bench.add_argument("--launcher", metavar="WORDS",
                       help="starts ranks in place of mpiexec, as in 'srun --overlap --ntasks={ranks} --cpus-per-task={threads}'; "
                            "{nodes} and {ranks_per_node} are known too")
    bench.add_argument("--nodes", type=positive_integer, default=1, metavar="N",
                       help="that the launcher puts the ranks on (default: %(default)s)")
    bench.add_argument("--output", type=file_name, default=Path("bench-results"), metavar="DIR",
                       help="results.json is added to, results.md and the pictures are renewed (default: %(default)s)")
    bench.add_argument("--report", type=file_name, nargs="?", const=True, metavar="FILE.html",
                       help="write one HTML page to send to a colleague (default: report.html beside the results)")
    bench.add_argument("--results", type=file_name, nargs="+", metavar="DIR",
                       help="measure nothing: report the newest run in this folder, or of several folders a leaderboard and how "
                            "the others compare with the first")


def add_measured(command: argparse.ArgumentParser, standard: dict[str, Any], competitors: tuple[str, ...] = COMPETITORS) -> None:
    """The options that say what is measured, with these defaults."""
    def add(name: str, purpose: str, **kind: Any) -> None:
        value = standard[name] if isinstance(standard[name], list) else [standard[name]]
        words = ",".join(f"{each:.0e}".replace("e+0", "e") if name == "cells" else str(each) for each in value)
        command.add_argument(f"--{name}", default=standard[name], help=f"{purpose} (default: {words})".strip(), **kind)

    add("cases", f"among {', '.join(BENCHMARK_CASES)}", type=names_among(BENCHMARK_CASES, "benchmark case"), metavar="A,B")
    add("cells", "numbers of cells", type=sizes, metavar="N,N")
    add("backends", "", type=names_among(competitors, "competitor"), metavar="A,B")
    add("precisions", "", type=names_among(PRECISIONS, "precision"), metavar="A,B")
    add("scaling", "with several ranks strong keeps the cells, weak the cells of each rank",
        type=names_among(SCALINGS, "scaling"), metavar="A,B")
    add("threads", "threads and cores for each competitor", type=positive_integer, metavar="N")
    add("samples", "samples of at least 20 steps, fewer where a step takes long", type=positive_integer, metavar="N")
    add("device", "gpu is for jax alone, which XLA compiles", choices=("cpu", "gpu"))


def add_gradients_and_limits(bench: argparse.ArgumentParser) -> None:
    bench.add_argument("--gradient-steps", type=positive_integer, metavar="N",
                       help="of the run whose gradient is taken (default: 100)")
    bench.add_argument("--gradient-cells", type=sizes, metavar="N,N",
                       help="sizes at which gradients are taken, whose memory grows with the steps (default: --cells if given, "
                            "else 1e4,1e5)")
    bench.add_argument("--weak-cells", type=sizes, metavar="N,N",
                       help="those of --cells that are measured in weak scaling too (default: --cells if given, else up to 1e6)")
    bench.add_argument("--messages", action=argparse.BooleanOptionalAction,
                       help="measure what messages cost: on several ranks each competitor also without them, and on one rank, in "
                            "the same rounds (default: with --full, or where --ranks is given)")
    bench.add_argument("--sample-seconds", type=positive_number, metavar="S",
                       help="a sample of 20 steps that takes longer has fewer (default: 2; with --full 10)")
    bench.add_argument("--minutes", type=positive_number, metavar="M",
                       help="leave out what cannot be done by then (default: 10; with --quick 2, with --gradient 30, with --full "
                            "no limit)")


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """The settings of the suite that options give, with defaults for those that they do not."""
    standard = QUICK if options.quick else FULL if options.full else STANDARD | GRADIENTS_ALONE if options.gradient else STANDARD
    given = {name: value for name in standard if (value := getattr(options, name)) is not None}
    asked = standard | {"messages": options.full or options.ranks is not None} | given
    for name in ("weak_cells", "gradient_cells"):
        if "cells" in given and name not in given:
            asked[name] = given["cells"]
    if options.gradient:
        asked["backends"] = [*(name for name in given.get("backends", []) if name not in GRADIENTS), *GRADIENTS]
    return asked


def check_processes(options: argparse.Namespace) -> None:
    if options.processes is None:
        return
    wanted = options.processes[0] * options.processes[1]
    for ranks in options.ranks or [1, 2]:
        if ranks not in (1, wanted):
            raise BadInput(f"--processes {','.join(map(str, options.processes))} is for {wanted} ranks, and {ranks} are to be "
                           f"measured: give --ranks 1,{wanted}.")


def page_path(options: argparse.Namespace) -> Path | None:
    """Where the HTML page goes, if there is to be one; what it lacks is said before anything is measured."""
    if options.report is None and options.results is None:
        return None
    lacking = [name for name in ("jinja2", "matplotlib") if importlib.util.find_spec(name) is None]
    if lacking:
        raise BadInput(f"the report needs {' and '.join(lacking)}: pip install 'dycore[bench]'.")
    if not isinstance(options.report, Path):
        several = len(options.results or []) > 1
        return (options.results or [options.output])[-1] / ("comparison.html" if several else "report.html")
    if options.report.is_dir() or not options.report.parent.is_dir():
        raise BadInput(f"--report {options.report} is not a file in a folder that exists: name one such as report.html.")
    return options.report


def benchmarks(name: str) -> Any:
    """A module of the suite, imported when it is wanted. Raises BadInput where a library that it needs is missing."""
    try:
        return importlib.import_module(f"dycore.benchmarks.{name}")
    except ImportError as problem:
        raise BadInput(f"the benchmark suite cannot be loaded ({problem}): pip install 'dycore[bench]'.") from problem


def run_benchmarks(options: argparse.Namespace) -> int:
    page, asked = page_path(options), measured(options)
    check_threads(asked["threads"])
    check_processes(options)
    suite, problems, settings = benchmarks("suite"), benchmarks("problems"), benchmarks("groups").Settings
    asked |= {"ranks": options.ranks, "processes": options.processes, "output": options.output}
    if options.launcher is not None:
        asked["launcher"] = benchmarks("launching").Launcher(options.launcher, options.nodes)
    try:
        code = 0 if options.results else suite.run(settings(**asked))
        if page and code == 0:
            benchmarks("page").write(options.results or [options.output], page)
            print(f"Wrote {page}.")
        return code
    except problems.CannotStart as problem:
        raise BadInput(str(problem)) from problem
    except problems.CannotWrite as problem:
        raise FailedRun(str(problem)) from problem
