"""Measure, count and show: python -m dycore.benchmarks.roofline [OPTIONS]"""

import argparse
import datetime
import importlib.util
import os
import sys
from pathlib import Path

from dycore.benchmarks import report
from dycore.benchmarks.fortran_reference import build_fortran
from dycore.benchmarks.launching import pinned
from dycore.benchmarks.problems import CannotStart, CannotWrite
from dycore.benchmarks.results_file import commit, write_json, writing
from dycore.benchmarks.roofline import ceilings, instructions, picture, standings, tables
from dycore.benchmarks.suite import terminated_like_interrupted
from dycore.check.machine import processor
from dycore.cli import complain
from dycore.commands.bench import BENCHMARK_CASES, COMPETITORS, STANDARD_CASES
from dycore.commands.option_values import file_name, names_among, positive_integer, sizes
from dycore.commands.problems import BadInput, Parser
from dycore.files import make_folder, whole

USUAL = ("fortran", "numba", "jax-native", "jax")
NEEDED = {"llvmlite": "numba", "jax": "jax", "matplotlib": "bench"}


def main(arguments: list[str] | None = None) -> int:
    try:
        options = options_of(arguments)
        if absent := [extra for library, extra in NEEDED.items() if importlib.util.find_spec(library) is None]:
            raise CannotStart(f"the roofline needs more libraries: pip install 'dycore[{','.join(absent)}]'")
        with terminated_like_interrupted():
            return run(options)
    except BadInput as problem:
        return complain(problem, 2)
    except (CannotStart, CannotWrite) as problem:
        return complain(problem, 1)
    except KeyboardInterrupt:
        return complain("interrupted.", 130)


def options_of(arguments: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m dycore.benchmarks.roofline",
                    description="Measure the ceilings of one core, count what a step has to do, and say where competitors stand.")
    parser.add_argument("--cases", type=names_among(BENCHMARK_CASES, "benchmark case"), default=list(STANDARD_CASES),
                        metavar="A,B", help=f"(default: {','.join(STANDARD_CASES)})")
    parser.add_argument("--cells", type=sizes, default=[10**5], metavar="N", help="number of cells (default: 1e5)")
    parser.add_argument("--backends", type=names_among(COMPETITORS, "competitor"), default=list(USUAL), metavar="A,B",
                        help=f"(default: {','.join(USUAL)})")
    parser.add_argument("--samples", type=positive_integer, default=7, metavar="N",
                        help="of each competitor (default: %(default)s)")
    parser.add_argument("--rounds", type=positive_integer, default=ceilings.ROUNDS, metavar="N",
                        help="in which ceilings are measured; more for a busy machine (default: %(default)s)")
    parser.add_argument("--no-valgrind", action="store_true", help="count floating-point operations alone")
    parser.add_argument("--output", type=file_name, default=Path("bench-results"), metavar="DIR",
                        help="for roofline.json, roofline.md and roofline.png (default: %(default)s)")
    options = parser.parse_args(arguments)
    if len(options.cells) > 1:
        raise BadInput("A roofline is of one size: give --cells one number.")
    return options


def run(options: argparse.Namespace) -> int:
    """The exit code: 0, or 1 where no competitor ran."""
    from dycore import cases

    with writing(options.output):
        make_folder(options.output)
    reason = "instructions, loads and stores were not counted: --no-valgrind" if options.no_valgrind else instructions.missing()
    shown = report.Lines()
    shown.line("the ceilings of this core")
    with pinned(1):
        rates = ceilings.measured(options.rounds)
    problems = {"fortran": build_fortran()} if "fortran" in options.backends else {}
    origin = (f"{processor()}, {os.cpu_count()} cores, one used; {datetime.datetime.now(datetime.UTC):%Y-%m-%d}; float64; "
              f"least of {options.samples} samples; commit {commit()[:12]}")
    notes, found = [reason] if reason else [], []
    for case in options.cases:
        shown.line(f"{case}: floating-point operations")
        step = standings.step_of(case, cases.cells_for(case, options.cells[0]))
        found += standings.standings(step, options.backends, options.samples, problems, rates, reason is None, shown.line)
        write(options.output, rates, found, origin, notes)  # counting takes long: what there is survives an interruption
    steps = list(dict.fromkeys(standing.step for standing in found))
    report.show_tables([("Ceilings", *tables.ceilings_table(rates)), ("Per cell and step", *tables.flops_table(steps)),
                        ("Standings: ns per cell and step", *tables.standings_table(found, rates))],
                       notes + tables.failures(found))
    shown.line(f"Wrote {', '.join(str(options.output / f'roofline.{kind}') for kind in ('json', 'md', 'png'))}.")
    return 0 if any(standing.least for standing in found) else 1


def write(folder: Path, rates: ceilings.Ceilings, found: list[standings.Standing], origin: str, notes: list[str]) -> None:
    """roofline.json, roofline.md and the picture. Raises CannotWrite."""
    records = [{"case": one.step.case, "cells": list(one.step.cells), "competitor": one.competitor, "ns_least": one.least,
                "ns_median": one.median, "flops": one.step.flops._asdict(), "bytes": one.step.bytes,
                "counts": one.counts._asdict() if one.counts else None, "limits_ns": standings.limits(one, rates),
                "error": one.error} for one in found]
    write_json(folder / "roofline.json", {"origin": origin, "ceilings": rates._asdict(), "standings": records})
    with writing(folder):
        with whole(folder / "roofline.md") as place:
            place.write_text(tables.markdown(rates, found, origin, notes))
        picture.draw(rates, found, folder / "roofline.png", origin)


if __name__ == "__main__":
    sys.exit(main())
