"""The report of `dycore check`.

Started on its own it tries each way of communication with two processes of its own; under mpiexec the processes that there
are try them all.
"""

from __future__ import annotations

import contextlib
import importlib.util
import platform
import sys
from typing import Any

from dycore.check import halos, machine, processes
from dycore.check.halos import WAYS, Result, Way
from dycore.check.machine import Facts


class Printer:
    """Lines with colours on a terminal where rich is installed, plain ones elsewhere."""

    def __init__(self) -> None:
        self.console: Any = None
        if sys.stdout.isatty() and importlib.util.find_spec("rich"):
            from rich.console import Console

            self.console = Console(highlight=False)

    def title(self, text: str) -> None:
        if self.console:
            self.console.print(f"\n[bold cyan]{text}[/]")
        else:
            print(f"\n{text}", flush=True)

    def line(self, label: str, text: str, style: str = "") -> None:
        if not self.console:
            print(f"  {label:<14} {text}", flush=True)
            return
        from rich.table import Table
        from rich.text import Text

        row = Table.grid(padding=(0, 1))  # a long text goes on below its own beginning
        row.add_column(width=16)
        row.add_column()
        row.add_row(Text(f"  {label}", style=style or "dim"), Text(text, style="yellow" if text == "not found" else ""))
        self.console.print(row)

    def busy(self, text: str) -> Any:
        """While something takes its time."""
        return self.console.status(f"[dim]{text}[/]") if self.console else contextlib.nullcontext()


def show_facts(printer: Printer, facts: Facts) -> None:
    for title, lines in facts.parts:
        printer.title(title)
        for label, text in lines:
            printer.line(label, text)


def halos_title(ranks: int) -> str:
    return f"Halos, {ranks} parts: exchanges checked, time of a small one, rate of a large one"


def show_result(printer: Printer, result: Result) -> None:
    title = next(way.title for way in WAYS if way.backend == result.backend)
    if result.problem:
        printer.line("WRONG", f"{title}: {result.problem}", "bold red")
        return
    printer.line("right", f"{title:<27} {result.exchanges:>3} checked {result.latency * 1e6:>6.0f} us "
                          f"{result.bandwidth / 1e9:>5.2f} GB/s", "bold green")


def show_remarks(printer: Printer, sentences: list[str]) -> None:
    if sentences:
        printer.title("Remarks")
        for sentence in sentences:
            printer.line("-", sentence, "yellow")


def run(limit: float) -> int:
    """Print everything: 0 where all that is installed is right, 1 where something is wrong."""
    from dycore.backends import launchers

    rank, ranks = launchers.launched()
    return alone(limit) if ranks == 1 else among_ranks(limit, rank, ranks)


def alone(limit: float) -> int:
    """Start processes for each way."""
    printer = Printer()
    with printer.busy("looking at the machine"):
        facts = machine.facts()
    show_facts(printer, facts)
    missing = list(facts.missing)
    mpiexec = machine.find("mpiexec", "mpirun")
    results = []
    printer.title(halos_title(processes.RANKS))
    for way in WAYS:
        lacking = [name for name in way.needs if machine.version(name) is None]
        if way.by_mpi:
            lacking += [name for name, there in (("an MPI library", facts.library), ("mpiexec", mpiexec)) if there is None]
        if lacking:
            printer.line("not checked", f"{way.title} needs {', '.join(lacking)}", "yellow")
            continue
        with printer.busy(f"{way.title}: exchanging halos"):
            results.append(processes.start_ranks(way, mpiexec, limit))
        show_result(printer, results[-1])
    return conclude(printer, results, missing, len(machine.usable_cores()))


def among_ranks(limit: float, rank: int, ranks: int) -> int:
    """Try all ways with the processes that there are; the first one prints."""
    from dycore.backends import mpi

    processes.one_thread_each()
    printer = Printer() if rank == 0 else None
    facts = machine.facts() if rank == 0 else None  # the others wait in MPI's start
    if printer and facts:
        show_facts(printer, facts)
        printer.title(halos_title(ranks))
    world = mpi.World()
    results = []
    for way in (way for way in WAYS if way.by_mpi):
        lacking = world.first(", ".join(name for name in way.needs if machine.version(name) is None) or None)
        if lacking:
            if printer:
                printer.line("not checked", f"{way.title} needs {lacking}", "yellow")
            continue

        def late(way: Way = way) -> None:
            if printer:
                show_result(printer, processes.too_late(way, ranks, limit))

        with processes.deadline(limit, rank, late):
            results.append(halos.attempt(way, world))
        if printer:
            show_result(printer, results[-1])
    # a launcher that binds, as that of Open MPI, leaves each process cores of its own
    each = world.comm.gather([(platform.node(), core) for core in machine.usable_cores()])
    if printer and facts:
        return conclude(printer, results, list(facts.missing), len({core for cores in each for core in cores}))
    return 1 if any(result.problem for result in results) else 0


def conclude(printer: Printer, results: list[Result], missing: list[str], cores: int) -> int:
    """Print remarks on the results of processes that had so many cores together. The exit code."""
    here = max((result.ranks for result in results), default=0)
    if here > cores:
        missing.append(f"{here} processes shared {cores} core(s): their times are those of taking turns.")
    show_remarks(printer, missing + [result.note for result in results if result.note])
    return 1 if any(result.problem for result in results) else 0
