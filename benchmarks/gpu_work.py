"""The parts of the first run on a GPU (gpu.py), in their order, and the file that holds what they find."""

import argparse
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from dycore import cases
from dycore.benchmarks import energy, gpu_tables, measuring, report, tables
from dycore.benchmarks.competitor import Competitor, Group
from dycore.benchmarks.forms import FORMS
from dycore.benchmarks.gpu_processes import compile_all, lines_of
from dycore.benchmarks.groups import Settings, groups
from dycore.benchmarks.launching import allowed_cores
from dycore.benchmarks.results_file import Results, write_json
from dycore.check.machine import version
from dycore.commands.bench import STANDARD_CASES

SHARES = {"compilation": 6, "agreement": 2, "suite": 8, "kernels": 2, "forms": 3, "gradient": 2, "host": 1}  # of the time
LARGEST_IN_DOUBLE = 2 * 10**7  # cells; above, single precision alone


class Findings:
    """What was found so far, and the file that holds it."""

    def __init__(self, path: Path, content: dict[str, Any]) -> None:
        self.path, self.content = path, content
        self.save()

    def add(self, part: str, result: dict[str, Any]) -> None:
        """A result, in the place of an earlier one of the same measurement."""
        kept = [each for each in self.content["parts"][part]["results"] if what(each) != what(result)]
        self.content["parts"][part]["results"] = [*kept, result]
        self.save()

    def say(self, part: str, **words: Any) -> None:
        self.content["parts"][part] |= words
        self.save()

    def save(self) -> None:
        write_json(self.path, self.content)


def what(result: dict[str, Any]) -> list[Any]:
    """What tells results of a part apart."""
    return [result.get(name) for name in ("program", "competitor", "case", "precision", "form")] + list(result["cells"])


class Run(NamedTuple):
    """What a part is given: the options, where results go, and how progress is shown."""

    options: argparse.Namespace
    findings: Findings
    shown: report.Lines

    @property
    def groups(self) -> list[Group]:
        """Cases, sizes and precisions of the suite, the small ones first."""
        return [group for group in groups(settings_of(self.options, "jax"))
                if group.n_cells <= LARGEST_IN_DOUBLE or group.precision == "float32"]

    @property
    def middle(self) -> list[Group]:
        """The suite's cases in double precision, of the size in the middle."""
        n_cells = sorted(self.options.cells)[(len(self.options.cells) - 1) // 2]
        return [Group(case, cases.cells_for(case, n_cells), self.options.precisions[0]) for case in self.options.cases]


def parts_of(results: Results) -> dict[str, Callable[[Run], None]]:
    """All parts by name, of which those that the suite has too keep their records there."""
    return {"compilation": compilation, "agreement": agreement, "suite": lambda run: suite(run, results), "kernels": kernels,
            "forms": forms, "gradient": gradient, "host": lambda run: host(run, results)}


def compilation(run: Run) -> None:
    """All programs of the other parts, the ones that are needed first begun first."""
    options = run.options
    asked = options.parts
    wanted = [*(agreed(run) if "agreement" in asked else []), *(run.groups if "suite" in asked else []),
              *(run.middle if {"kernels", "forms"} & set(asked) else [])]
    programs: list[tuple[str, Group, str | None]] = [("suite", group, None) for group in dict.fromkeys(wanted)]
    programs += [("suite", run.middle[0], form) for form in FORMS if "forms" in asked]
    programs += [("gradient", smallest(run)[0], None)] if "gradient" in asked else []
    programs += [("host", group, None) for group in run.middle if "host" in asked and version("numba")]
    for result in compile_all(programs, options.device):
        run.findings.add("compilation", result)
        run.shown.line(gpu_tables.compiled(result))


def smallest(run: Run) -> list[Group]:
    return [Group(case, cases.cells_for(case, min(run.options.cells)), run.options.precisions[0]) for case in run.options.cases]


def agreed(run: Run) -> list[Group]:
    """The standard cases of the suite in both precisions, small."""
    return [Group(case, cases.cells_for(case, min(run.options.cells)), precision) for case in STANDARD_CASES
            for precision in run.options.precisions]


def in_processes(run: Run, part: str, wanted: list[Group], words: Callable[[dict[str, Any]], str]) -> None:
    """A part that has a process of its own for each group; of several results of one the last counts."""
    for group in wanted:
        take(run, part, [group], words)


def take(run: Run, part: str, together: list[Group], words: Callable[[dict[str, Any]], str]) -> None:
    """What processes of a part find that run side by side."""
    for result in lines_of(part, together, run.options.device):
        run.findings.add(part, result)
        run.shown.line(words(result))


def agreement(run: Run) -> None:
    take(run, "agreement", agreed(run), gpu_tables.agreed)


def kernels(run: Run) -> None:
    in_processes(run, "kernels", run.middle, gpu_tables.counted)


def gradient(run: Run) -> None:
    in_processes(run, "gradient", smallest(run)[:1], gpu_tables.differentiated)


def suite(run: Run, results: Results) -> None:
    measured(run, "suite", run.groups, settings_of(run.options, "jax"), results)


def host(run: Run, results: Results) -> None:
    """Numba on all cores of the host, the same cases."""
    settings = settings_of(run.options, "numba")._replace(threads=len(allowed_cores()), device="cpu")
    measured(run, "host", run.middle, settings, results)


def measured(run: Run, part: str, wanted: list[Group], settings: Settings, results: Results) -> None:
    """Groups of the suite, as `dycore bench` measures them."""
    for group in wanted:
        records: list[dict[str, Any]] = []
        for records in measuring.measure(group, settings, {}, run.shown):
            results.keep(records)
            for record in records:
                run.findings.add(part, record)
        for record in records:
            run.shown.line(tables.sentence(record))


def settings_of(options: argparse.Namespace, backend: str) -> Settings:
    return Settings(options.cases, sorted(options.cells), [backend], options.precisions, 1, options.samples, options.device,
                    options.output, [1])


def forms(run: Run) -> None:
    """The forms that kernels may take, sampled in turn."""
    group, counters = run.middle[0], energy.find(run.options.device)
    everyone = [Competitor("jax", group, 1, run.options.device, counters=counters, form=form) for form in FORMS]
    with contextlib.ExitStack() as stack:
        try:
            for each in everyone:
                stack.callback(each.stop)
            measuring.start_together(everyone)
            for _ in measuring.rounds(everyone, run.options.samples, run.shown):
                for each in everyone:
                    run.findings.add("forms", gpu_tables.form(each))
        finally:
            for each in everyone:
                if each.seconds or each.error:
                    run.shown.line(gpu_tables.in_form(gpu_tables.form(each)))
