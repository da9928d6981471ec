"""Tables and words of a roofline."""

from dycore.benchmarks.roofline.ceilings import Ceilings
from dycore.benchmarks.roofline.standings import Standing, Step, limits
from dycore.benchmarks.tables import LABELS, figure, markdown_table, size

NAMES = {"fused": "flops, fused", "apart": "flops, apart", "memory": "memory", "beyond l2": "beyond L2",
         "instructions": "instructions", "loads": "loads", "stores": "stores"}
WORDS = (
    "Times are of the processor, not of the clock, so that other programs on the machine disturb less. Columns after the time are "
    "limits: the ns per cell and step that a ceiling allows for what a step has to do (in brackets how much that is). Flops, as "
    "multiplications fused with additions, or each an instruction of its own; memory: what a step has to read and write once; "
    "beyond L2: lines that the second cache fetches; instructions, loads, stores: those executed. The nearest ceiling is the "
    "greatest limit, as a share of the time (the least sample).")
COUNTING = (
    "Instructions, loads, stores and L2: cachegrind, the difference of two runs of other lengths, with caches as large as here. "
    "It knows no AVX-512: counted programs are compiled for AVX2, what is timed for this machine, so that a program with longer "
    "vectors may pass a limit of instructions, loads or stores.")


def ceilings_table(ceilings: Ceilings) -> tuple[list[str], list[list[str]]]:
    bits = f"{64 * ceilings.lanes} bits"
    rows = [["triad in L1", f"{figure(ceilings.l1 / 1e9)} GB/s", f"{bits}, {ceilings.l1_cache.size // 2048} kB of arrays"],
            ["triad in L2", f"{figure(ceilings.l2 / 1e9)} GB/s", f"{bits}, {ceilings.l2_cache.size // 2048} kB of arrays"],
            ["triad in memory", f"{figure(ceilings.memory / 1e9)} GB/s", f"{bits}; writes count once"],
            ["multiply-add", f"{figure(ceilings.multiply_add / 1e9)} Gflop/s", f"{bits}, two flops each"],
            ["multiply or add", f"{figure(ceilings.multiply_or_add / 1e9)} Gflop/s", bits],
            ["issue", f"{figure(ceilings.instructions / 1e9)} instructions/ns", "whole numbers and loads"],
            ["loads", f"{figure(ceilings.loads / 1e9)} loads/ns", "256 bits, in L1"],
            ["stores", f"{figure(ceilings.stores / 1e9)} stores/ns", "256 bits, in L1"]]
    return ["ceiling of one core", "rate", "how"], rows


def flops_table(steps: list[Step]) -> tuple[list[str], list[list[str]]]:
    columns = ["case", "cells", "additions", "multiplications", "divisions, roots", "polar filter", "all", "exp, log, powers",
               "comparisons, choices", "bytes", "flops / byte"]
    rows = [[step.case, size(step.group.n_cells),
             *(figure(number) for number in (step.flops.additions, step.flops.multiplications, step.flops.divisions,
                                             step.flops.transforms, step.flops.total, step.flops.transcendental,
                                             step.flops.comparisons, step.bytes, step.flops.total / step.bytes))] for step in steps]
    return columns, rows


def standings_table(standings: list[Standing], ceilings: Ceilings) -> tuple[list[str], list[list[str]]]:
    columns = ["case", "competitor", "ns: least (median)", "Gflop/s", *NAMES.values(), "nearest ceiling"]
    rows = []
    for standing in standings:
        found = limits(standing, ceilings)
        speed = figure(standing.step.flops.total / standing.least) if standing.least else "n/a"
        time = f"{figure(standing.least)} ({figure(standing.median)})" if standing.least else "n/a"
        rows.append([standing.step.case, LABELS[standing.competitor], time, speed,
                     *(f"{figure(found[name])}{amount(standing, name)}" if name in found else "n/a" for name in NAMES),
                     nearest(standing, ceilings)])
    return columns, rows


def amount(standing: Standing, name: str) -> str:
    """How much of it there is, where it differs from competitor to competitor."""
    counts = standing.counts
    if counts is None or name not in ("instructions", "loads", "stores", "beyond l2"):
        return ""
    return f" ({figure(counts.bytes_beyond_l2)} B)" if name == "beyond l2" else f" ({figure(getattr(counts, name))})"


def nearest(standing: Standing, ceilings: Ceilings) -> str:
    """The ceiling with the greatest limit; whether a program may fuse operations is the compiler's affair: both are not counted."""
    found = {name: limit for name, limit in limits(standing, ceilings).items() if name != "apart"}
    name = max(found, key=lambda name: found[name])
    return f"{NAMES[name]}, {100.0 * found[name] / standing.least:.0f} %" if standing.least else "n/a"


def failures(standings: list[Standing]) -> list[str]:
    return [f"{standing.step.case}: {LABELS[standing.competitor]}: {standing.error}" for standing in standings if standing.error]


def markdown(ceilings: Ceilings, standings: list[Standing], origin: str, notes: list[str]) -> str:
    """The page of a machine."""
    steps = list(dict.fromkeys(standing.step for standing in standings))
    remarks = [f"- {line}" for line in (*notes, *failures(standings))]
    return "\n".join([
        "# Roofline of one core", "", origin, "", *remarks, *[""] * bool(remarks), *markdown_table(*ceilings_table(ceilings)), "",
        "Per cell and step, from the jaxpr:", "", *markdown_table(*flops_table(steps)), "", WORDS, "", COUNTING, "",
        *markdown_table(*standings_table(standings, ceilings)), ""])
