"""Two commits against each other: python -m dycore.benchmarks.commits BEFORE [AFTER]

Both are unpacked into folders and run their own workers; without AFTER it is this checkout as it is. One start is a process
of each, on the same cores, and only one of them computes at any time: before after, after before, and so on, so that the
drift of the machine hits both alike. Its ratio is the median over these pairs. Where memory of a process lies is a matter of
luck that no number of samples averages out, so there are several starts, and the interval is that of the median over starts
(from its order statistics, 95 %, whatever the distribution): if it holds 1, the commits cannot be told apart.
"""

import argparse
import contextlib
import io
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy
from scipy import stats

from dycore import cases
from dycore.benchmarks import report, tables
from dycore.benchmarks.competitor import Competitor, Group, missing_mpi
from dycore.benchmarks.launching import ROOT
from dycore.benchmarks.problems import Failed
from dycore.benchmarks.suite import terminated_like_interrupted
from dycore.cli import complain
from dycore.commands.bench import BENCHMARK_CASES
from dycore.commands.loading import check_threads
from dycore.commands.option_values import BACKENDS, PRECISIONS, names_among, positive_integer, rank_numbers, sizes
from dycore.commands.problems import BadInput, Parser

LEAST_STARTS = 6  # of fewer no interval holds the median in 95 % of cases


def main(arguments: list[str] | None = None) -> int:
    try:
        return compare(options_of(arguments))
    except BadInput as problem:
        return complain(problem, 2)
    except KeyboardInterrupt:
        return complain("interrupted.", 130)


def options_of(arguments: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m dycore.benchmarks.commits", description="Compare the speed of two commits, sampled in turn.")
    parser.add_argument("before", metavar="BEFORE", help="a commit")
    parser.add_argument("after", metavar="AFTER", nargs="?", help="a commit (default: this checkout as it is)")
    parser.add_argument("--cases", type=names_among(BENCHMARK_CASES, "benchmark case"), default=list(BENCHMARK_CASES[:2]),
                        metavar="A,B", help=f"(default: {','.join(BENCHMARK_CASES[:2])})")
    parser.add_argument("--cells", type=sizes, default=[10**5], metavar="N,N", help="numbers of cells (default: 1e5)")
    parser.add_argument("--backends", type=names_among(BACKENDS, "backend"), default=["numba"], metavar="A,B",
                        help="(default: numba)")
    parser.add_argument("--precisions", type=names_among(PRECISIONS, "precision"), default=["float64"], metavar="A,B",
                        help="(default: float64)")
    parser.add_argument("--ranks", type=rank_numbers, default=[1], metavar="N,N", help="MPI ranks (default: 1)")
    parser.add_argument("--threads", type=positive_integer, default=1, metavar="N", help="of each rank (default: %(default)s)")
    parser.add_argument("--starts", type=positive_integer, default=8, metavar="N", help="of both processes (default: %(default)s)")
    parser.add_argument("--samples", type=positive_integer, default=5, metavar="N", help="pairs in a start (default: %(default)s)")
    options = parser.parse_args(arguments)
    check_threads(options.threads)
    if options.starts < LEAST_STARTS:
        raise BadInput(f"{options.starts} starts leave no interval of 95 %: give --starts {LEAST_STARTS} or more.")
    return options


def compare(options: argparse.Namespace) -> int:
    """A sentence for each measurement. The exit code: 0, or 1 if one of them failed."""
    wanted = [(name, Group(case, cases.cells_for(case, n_cells), precision, ranks))
              for n_cells, case, precision, ranks, name
              in product(options.cells, options.cases, options.precisions, options.ranks, options.backends)]
    labels, failed = (options.before, options.after or "this checkout"), False
    with (terminated_like_interrupted(), unpacked(options.before) as before, unpacked(options.after) as after,
          report.progress(len(wanted) * options.starts) as shown):
        shown.line(f"Time of a step, {labels[1]} over {labels[0]}: median of {options.starts} starts (95 % interval)")
        for name, group in wanted:
            what = f"{tables.title(group._asdict())}: {tables.LABELS[name]}"
            problem = missing_mpi(name, group, "cpu") if group.ranks > 1 else None
            ratios: list[float] = []
            try:
                for start in range(options.starts):
                    shown.doing(f"{what}, start {start + 1}")
                    pair = [Competitor(name, group, options.threads, "cpu", problem, root=root) for root in (before, after)]
                    ratios.append(ratio(pair, labels, start, options.samples))
                    shown.advance()
                shown.line(f"{what} {verdict(ratios)}")
            except Failed as failure:
                failed = True
                shown.line(f"{what} n/a: {failure}")
    return int(failed)


@contextlib.contextmanager
def unpacked(commit: str | None) -> Iterator[Path]:
    """A folder with the files of a commit; None: this checkout."""
    if commit is None:
        yield ROOT
        return
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        raise BadInput(f"'{commit}' is no commit of this repository: 'git log --oneline' shows those that there are.")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as files:
            files.extractall(folder, filter="data")
        yield Path(folder)


def ratio(pair: list[Competitor], labels: tuple[str, str], start: int, samples: int) -> float:
    """After over before, in one start; which of them comes first changes from start to start and from sample to sample."""
    with contextlib.ExitStack() as stack:
        for each in in_turn(pair, start):
            stack.callback(each.stop)
            each.attempt(Competitor.start)
        for turn in range(start, start + samples):
            for each in in_turn(pair, turn):
                each.attempt(Competitor.sample)
        for each, label in zip(pair, labels, strict=True):
            each.attempt(Competitor.finish)
            if each.error:
                raise Failed(f"{label}: {each.error}")
    before, after = (numpy.array(each.seconds) / each.steps for each in pair)
    return float(numpy.median(after / before))


def in_turn(pair: list[Competitor], turn: int) -> list[Competitor]:
    return pair[::-1] if turn % 2 else pair


def verdict(ratios: list[float]) -> str:
    least, greatest = stats.quantile_test(ratios, p=0.5).confidence_interval(0.95)
    word = "faster" if greatest < 1.0 else "slower" if least > 1.0 else "no difference beyond the noise"
    return f"{numpy.median(ratios):.3f} ({least:.3f} to {greatest:.3f}): {word}"


if __name__ == "__main__":
    sys.exit(main())
