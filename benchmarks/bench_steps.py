"""What asv tracks: figures of the suite for each commit, and the time that `import dycore` takes.

Each case, precision and size is one run of `dycore bench` with an empty cache of compiled code, from the checkout of the
commit that asv measures. ASV_BENCH holds options of `dycore bench` that replace those in SMALL.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

from dycore.benchmarks import groups
from dycore.benchmarks.launching import ROOT
from dycore.cli import command_line
from dycore.commands.bench import BENCHMARK_CASES, FORWARD
from dycore.commands.bench import measured as asked

# An earlier commit may not know the last.
USUAL = [case for case in ("baroclinic_channel", "baroclinic_wave", "southern_channel") if case in BENCHMARK_CASES]
SMALL = f"--full --cases {','.join(USUAL)} --cells 1e4 --ranks 1,2 --backends {','.join(FORWARD)}"
OPTIONS = command_line().parse_args(["bench", *shlex.split(SMALL), *shlex.split(os.environ.get("ASV_BENCH", ""))])
ASKED = groups.Settings(**asked(OPTIONS), output=OPTIONS.output)
RANKS: list[int] = OPTIONS.ranks
Records = dict[tuple, dict[str, Any]]


def checkout() -> Path:
    """Of the commit that is measured: asv names it where it has installed one, else it is the one around this file."""
    return Path(os.environ.get("ASV_BUILD_DIR", ROOT))


def measured(case: str, precision: str, cells: int) -> list[dict[str, Any]]:
    """The records of one run of the suite, compiled code included in the first step."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--full", "--cases", case, "--precisions", precision, "--cells", str(cells),
                   "--backends", ",".join(ASKED.backends), "--ranks", ",".join(map(str, RANKS)), "--samples",
                   str(ASKED.samples), "--threads", str(ASKED.threads),
                   "--output", folder]
        ended = subprocess.run([sys.executable, "-m", "dycore.cli", "bench", *options], cwd=checkout(), capture_output=True,
                               text=True, check=False, env=os.environ | {"PYTHONPATH": str(checkout()), "NUMBA_CACHE_DIR": folder,
                                                                         "JAX_ENABLE_COMPILATION_CACHE": "false"})
        results = Path(folder, "results.json")
        if not results.exists():
            raise RuntimeError(f"dycore bench {' '.join(options)}: {ended.stderr.strip()}")
        return json.loads(results.read_text())


class Suite:
    """What the benchmarks read from; a competitor that could not run, or had too few cores, is n/a."""

    def setup_cache(self) -> Records:
        return {(case, precision, cells, record["competitor"], record["ranks"]): record
                for case, precision, cells in product(ASKED.cases, ASKED.precisions, ASKED.cells)
                for record in measured(case, precision, cells)}

    setup_cache.timeout = 24 * 3600.0  # type: ignore[attr-defined]

    def setup(self, records: Records, *which: Any) -> None:
        record = self.of(records, *which)
        if record["error"] or record["oversubscribed"]:
            raise NotImplementedError(record["error"] or "more ranks than cores")

    def of(self, records: Records, case: str, competitor: str, precision: str, cells: int, ranks: int = 1) -> dict[str, Any]:
        return records[case, precision, cells, competitor, ranks]


class Steps(Suite):
    """By case, competitor, precision, size and ranks."""

    param_names = ("case", "competitor", "precision", "cells", "ranks")
    params = (ASKED.cases, ASKED.backends, ASKED.precisions, ASKED.cells, RANKS)

    def track_wall_time(self, records: Records, *which: Any) -> float:
        return self.of(records, *which)["ms_per_million_cells"]

    def track_peak_memory(self, records: Records, *which: Any) -> float:
        return self.of(records, *which)["peak_memory_bytes"]

    track_wall_time.unit, track_wall_time.pretty_name = "ms/step/1M cells", "Wall time per step per 1M cells"  # type: ignore
    track_peak_memory.unit, track_peak_memory.pretty_name = "bytes", "Peak memory of all ranks"  # type: ignore


class Compiling(Suite):
    """On one rank: several find what that one has compiled."""

    param_names = Steps.param_names[:4]
    params = Steps.params[:4]

    def track_compile_time(self, records: Records, *which: Any) -> float:
        return self.of(records, *which)["compile_seconds"]

    track_compile_time.unit, track_compile_time.pretty_name = "seconds", "First step less a later one"  # type: ignore


def timeraw_import() -> tuple[str, str]:
    return "import dycore", f"import sys; sys.path.insert(0, {str(checkout())!r})"


timeraw_import.pretty_name, timeraw_import.repeat = "import dycore", 5  # type: ignore[attr-defined]
