"""Measure ours beside other people's models: python -m dycore.benchmarks.peers [OPTIONS]"""

import argparse
import datetime
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from dycore.benchmarks import report
from dycore.benchmarks.peers import circulation, comparison
from dycore.benchmarks.peers.mitgcm import MITGCM
from dycore.benchmarks.peers.peer import Peer
from dycore.benchmarks.peers.python_peers import DINOSAUR, VEROS
from dycore.benchmarks.problems import CannotStart, CannotWrite, Failed
from dycore.benchmarks.results_file import commit, write_json, writing
from dycore.benchmarks.suite import terminated_like_interrupted
from dycore.check.machine import processor
from dycore.cli import complain
from dycore.commands.option_values import BACKENDS, file_name, name_among, names_among, positive_integer, positive_number
from dycore.commands.problems import BadInput, Parser
from dycore.files import make_folder, whole

PEERS = (MITGCM, VEROS, DINOSAUR)


def main(arguments: list[str] | None = None, peers: Sequence[Peer] = PEERS) -> int:
    try:
        options = options_of(arguments, peers)
        with terminated_like_interrupted():
            if options.circulation:
                return run_circulation(options)
            return run(options, [peer for peer in peers if peer.name in options.peers])
    except BadInput as problem:
        return complain(problem, 2)
    except (CannotStart, CannotWrite, Failed) as problem:
        return complain(problem, 1)
    except KeyboardInterrupt:
        return complain("interrupted.", 130)


def options_of(arguments: list[str] | None, peers: Sequence[Peer]) -> argparse.Namespace:
    names = tuple(peer.name for peer in peers)
    cases = tuple(dict.fromkeys(case.ours for peer in peers for case in peer.cases))
    parser = Parser(prog="python -m dycore.benchmarks.peers", epilog="MITGCM_ROOT names the root directory of MITgcm; VEROS_PYTHON "
                    "and DINOSAUR_PYTHON name a Python in which these are installed (default: the one that runs this).",
                    description="Measure ours beside other people's models, on the nearest equal cases, in turn on one core.")
    parser.add_argument("--peers", type=names_among(names, "peer"), default=list(names), metavar="A,B",
                        help=f"(default: {','.join(names)})")
    parser.add_argument("--cases", type=names_among(cases, "case that peers have"), default=list(cases), metavar="A,B",
                        help=f"(default: {','.join(cases)})")
    parser.add_argument("--backend", type=name_among(BACKENDS, "backend"), default="numba", metavar="NAME",
                        help="of ours (default: %(default)s)")
    parser.add_argument("--samples", type=positive_integer, default=5, metavar="N", help="of each (default: %(default)s)")
    parser.add_argument("--output", type=file_name, default=Path("bench-results"), metavar="DIR",
                        help="for peers.json and peers.md, or circulation.* (default: %(default)s)")
    parser.add_argument("--circulation", type=positive_number, metavar="DAYS",
                        help="compare transport, overturning and temperature of southern_channel with Veros after so many days, "
                             "instead of times (a year: half an hour)")
    return parser.parse_args(arguments)


def run_circulation(options: argparse.Namespace) -> int:
    """The exit code: 0. Raises CannotStart, CannotWrite and Failed."""
    found = circulation.compared(options.circulation, options.backend)
    report.show_tables([(f"Circulation after {options.circulation:g} days", *circulation.table(found))], [])
    circulation.write(options.output, options.circulation, found)
    report.Lines().line(f"Wrote {options.output / 'circulation.json'}, {options.output / 'circulation.md'}.")
    return 0


def run(options: argparse.Namespace, peers: list[Peer]) -> int:
    """The exit code: 0, or 1 where nothing could be compared."""
    shown, found = report.Lines(), []
    origin = (f"{processor()}, {os.cpu_count()} cores, one used; {datetime.datetime.now(datetime.UTC):%Y-%m-%d}; "
              f"{options.samples} samples; commit {commit()[:12]}")
    absent = {peer.name: reason for peer in peers if (reason := peer.missing())}
    notes = list(absent.values())
    wanted = [(each, case) for each in peers if each.name not in absent for case in each.cases if case.ours in options.cases]
    for peer, case in wanted:
        found.append(comparison.compared(peer, case, options.backend, options.samples, shown.line))
        notes = [*absent.values(), *comparison.failures(found)]
        if not found[-1].error:
            write(options.output, found, options.backend, origin, notes)
    if all(one.error for one in found):
        return complain("nothing could be compared: " + "; ".join(notes), 1)
    report.show_tables([("Peers beside ours", *comparison.table(found, options.backend))], notes)
    shown.line(f"Wrote {options.output / 'peers.json'}, {options.output / 'peers.md'}.")
    return 0


def write(folder: Path, found: list[comparison.Compared], backend: str, origin: str, notes: list[str]) -> None:
    """peers.md and peers.json, after each comparison: what there is survives an interruption. Raises CannotWrite."""
    with writing(folder):
        make_folder(folder)
        with whole(folder / "peers.md") as place:
            place.write_text(comparison.markdown(found, backend, origin, notes))
    write_json(folder / "peers.json", {"origin": origin, "notes": notes, "compared": [
        one._asdict() | {"case": one.case._asdict()} for one in found]})


if __name__ == "__main__":
    sys.exit(main())
