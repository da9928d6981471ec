"""Words and tables of the first run on a GPU."""

import math
import statistics
from typing import Any

from dycore.benchmarks import report, tables
from dycore.benchmarks.competitor import Competitor
from dycore.benchmarks.tables import figure


def of(result: dict[str, Any]) -> str:
    """The case, the number of cells and the precision of a result."""
    return f"{result['case']}, {tables.size(math.prod(result['cells']))} cells, {result['precision']}"


def compiled(result: dict[str, Any]) -> str:
    form = f", {result['form']}" if result["form"] else ""
    return f"{of(result)}{form} ({result['program']}): " + (result["error"] or f"compiled in {result['seconds']:.0f} s")


def agreed(result: dict[str, Any]) -> str:
    if "error" in result:
        return f"{of(result)}: {result['error']}"
    word = "agrees with NumPy" if result["agrees"] else "IS NOT WHAT NUMPY HAS"
    return f"{of(result)}: {word} after {result['steps']} steps, {result['worst']} to {result['differences'][result['worst']]:.1e}"


def counted(result: dict[str, Any]) -> str:
    if "error" in result:
        return f"{of(result)}: {result['error']}"
    seen = (f"; the profiler saw {result['profiled_launches']:.0f} in {result['profiled_microseconds']:.0f} us"
            if "profiled" in result else "")
    return (f"{of(result)}: {result['launches']:.0f} kernels a step, {result['over_compulsory']:.1f} x the compulsory traffic "
            f"({result['over_compulsory_without_loops']:.1f} without barotropic substeps){seen}")


def differentiated(result: dict[str, Any]) -> str:
    if "error" in result:
        return f"{of(result)}: {result['error']}"
    return (f"{of(result)}: gradient of {result['steps']} steps {figure(result['gradient_ms_per_step'])} ms a step, "
            f"{result['ratio']:.1f} x the steps{'' if result['finite'] else ', NOT FINITE'}")


def form(each: Competitor) -> dict[str, Any]:
    """What was measured of a form of the kernels."""
    per_step = [1e3 * seconds / each.steps for seconds in each.seconds]
    joules = [value / each.steps for value in each.joules if value is not None]
    return {"case": each.group.case, "cells": list(each.group.cells), "precision": each.group.precision, "form": each.form,
            "ms_per_step": statistics.median(per_step) if per_step else None, "samples_ms_per_step": per_step,
            "ms_per_million_cells": 1e6 * statistics.median(per_step) / each.group.n_cells if per_step else None,
            "joules_per_step": statistics.median(joules) if joules else None, "error": each.error}


def in_form(result: dict[str, Any]) -> str:
    return f"{of(result)}, {result['form']}: " + (
        result["error"] or f"{figure(result['ms_per_million_cells'])} ms a step per 1M cells")


def show(content: dict[str, Any]) -> None:
    """Tables of all that was found, and a sentence for what was not."""
    results = {name: part["results"] for name, part in content["parts"].items()}
    titled = [("JAX on the device against NumPy: largest difference of a field, of its largest value",
               ["case", "precision", "field", "difference", "agrees"],
               [[each["case"], each["precision"], each["worst"], f"{each['differences'][each['worst']]:.1e}",
                 "yes" if each["agrees"] else "NO"] for each in whole(results, "agreement")]),
              ("Wall time of a step", ["case", "cells", "precision", "who", "ms per 1M cells", "x floor", "J per step"],
               [[each["case"], tables.size(each["n_cells"]), each["precision"], tables.LABELS[each["competitor"]],
                 figure(each["ms_per_million_cells"]), figure(each["floor_ratio"]), figure(each["joules_per_step"])]
                for each in (*whole(results, "suite"), *whole(results, "host"))]),
              ("Kernels a step",
               ["case", "cells", "counted", "profiled", "us", "numbers a cell", "x compulsory", "without substeps"],
               [[each["case"], tables.size(math.prod(each["cells"])), f"{each['launches']:.0f}",
                 f"{each.get('profiled_launches', 0):.0f}", f"{each.get('profiled_microseconds', 0):.0f}",
                 figure(each["numbers_per_cell"]), figure(each["over_compulsory"]), figure(each["over_compulsory_without_loops"])]
                for each in whole(results, "kernels")]),
              ("Kernels that take longest", ["case", "kernel", "launches a step", "us a step"],
               [[each["case"], one["name"][:60], figure(one["launches"]), figure(one["microseconds"])]
                for each in whole(results, "kernels") for one in each.get("profiled", [])[:8]]),
              ("Forms of the kernels", ["case", "cells", "precision", "form", "ms per 1M cells", "J per step"],
               [[each["case"], tables.size(math.prod(each["cells"])), each["precision"], each["form"],
                 figure(each["ms_per_million_cells"]), figure(each["joules_per_step"])] for each in whole(results, "forms")]),
              ("Gradient", ["case", "cells", "ms a step", "x the steps", "MB of temporaries", "compiled in s"],
               [[each["case"], tables.size(math.prod(each["cells"])), figure(each["gradient_ms_per_step"]), figure(each["ratio"]),
                 figure(each["temporary_bytes"] and each["temporary_bytes"] / 1e6), f"{each['compile_seconds']:.0f}"]
                for each in whole(results, "gradient")])]
    report.show_tables([each for each in titled if each[2]], remarks(content))


def whole(results: dict[str, list], part: str) -> list[dict[str, Any]]:
    """The results of a part that are measurements."""
    return [each for each in results.get(part, []) if not each.get("error")]


def remarks(content: dict[str, Any]) -> list[str]:
    """A sentence for each part that is not done, and for each result that is an error."""
    said = [": ".join(filter(None, [name, part["state"], (part["why"] or "").rstrip(".")])) + "."
            for name, part in content["parts"].items() if part["state"] != "done"]
    said += [f"{name}, {of(each)}: {each['error']}" for name, part in content["parts"].items() for each in part["results"]
             if each.get("error")]
    return list(dict.fromkeys([*said, f"Energy: {content['energy']}."]))
