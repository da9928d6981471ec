"""Words, figures and tables of records of the suite (see measuring.py for what a record holds)."""

import math
from collections.abc import Iterator
from typing import Any

from dycore.benchmarks import calibration
from dycore.commands.bench import GRADIENTS
from dycore.running.progress import DAY

COMPETITORS = ("fortran", "numba", "jax-native", "jax", "numpy")
NO_COUNTERS = "no counters"
NOT_LOOKED_FOR = "not looked for in this run"
LABELS = {"fortran": "Fortran", "numba": "Numba", "jax-native": "JAX (native)", "jax": "JAX (XLA)", "numpy": "NumPy"}
LABELS |= {name: f"gradient, {LABELS[backend]}" for name, backend in GRADIENTS.items()}


# Words


def title(record: dict[str, Any]) -> str:
    return f"{record['case']}, {size(math.prod(record['cells']))} cells, {record['precision']}{ranks_words(record)}"


def ranks_words(record: dict[str, Any]) -> str:
    """Nothing for one rank."""
    if record["ranks"] == 1:
        return ""
    return f", {record['ranks']} ranks" + (" (weak)" if record["scaling"] == "weak" else "")


def size(n_cells: int) -> str:
    """1.03e5 for 102960."""
    mantissa, exponent = f"{n_cells:.2e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def figure(number: float | None) -> str:
    """Three digits, no exponent."""
    if number is None:
        return "n/a"
    return f"{number:.{max(0, 2 - math.floor(math.log10(abs(number))))}f}" if number else "0"


def sentence(record: dict[str, Any]) -> str:
    if record["error"]:
        return f"{title(record)}: {record['competitor']} n/a: {record['error']}"
    forward = f", {figure(record['over_forward'])} x forward" if record.get("over_forward") else ""
    return (f"{title(record)}: {record['competitor']} {spread(record)} ms per 1M cells"
            + floor_words(record) + scaling_words(record) + forward + busy_mark(record))


def spread(record: dict[str, Any]) -> str:
    """The median and, in brackets, the least and the greatest, all per 1M cells (ms)."""
    scale = record["ms_per_million_cells"] / record["ms_per_step"]
    return (f"{figure(record['ms_per_million_cells'])} ({figure(record['ms_min'] * scale)}"
            f" to {figure(record['ms_max'] * scale)})")


def floor_words(record: dict[str, Any]) -> str:
    return f", {figure(record['floor_ratio'])} x floor" if record["floor_ratio"] else ""


def scaling_words(record: dict[str, Any]) -> str:
    if record["ranks"] == 1:
        return ""
    return ((f", efficiency {record['efficiency']:.2f}" if record["efficiency"] else "")
            + (f", messages {100 * record['message_share']:.0f} %" if record["message_share"] is not None else "")
            + (", oversubscribed" if record["oversubscribed"] else ""))


def busy_mark(record: dict[str, Any]) -> str:
    return ", machine busy" if record.get("busy") else ""


# Tables


def of_steps(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of steps, without those of gradients."""
    return [record for record in records if not record.get("gradient_steps")]


def alone(record: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The record of one rank that this one is measured against."""
    same = ("case", "competitor", "precision", "threads", "run")
    return next((other for other in records if other["ranks"] == 1 and other["cells"] == record["base_cells"]
                 and all(other[name] == record[name] for name in same)), None)


def allowed_efficiency(record: dict[str, Any], records: list[dict[str, Any]]) -> float | None:
    """What the bandwidth of memory leaves: that of all ranks together, over so many times that of one."""
    if record.get("allowed_efficiency"):
        return record["allowed_efficiency"]
    base = alone(record, records)
    bandwidths = record.get("bandwidth_bytes_per_second"), base and base.get("bandwidth_bytes_per_second")
    if not all(bandwidths):
        return None
    return bandwidths[0] / (record["ranks"] * bandwidths[1])


def by(records: list[dict[str, Any]], *names: str) -> dict[tuple, list[dict[str, Any]]]:
    """The records in groups, in the order in which they came."""
    grouped: dict[tuple, list[dict[str, Any]]] = {}
    for record in records:
        grouped.setdefault(tuple(record[name] for name in names), []).append(record)
    return grouped


def timings(records: list[dict[str, Any]]) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Heading, columns and rows: one table for each case and precision, a row for each size."""
    records = of_steps(records)
    present = [name for name in COMPETITORS if any(record["competitor"] == name for record in records)]
    for (case, precision), group in by(records, "case", "precision").items():
        rows = []
        for _, same_size in by(group, "n_cells", "ranks", "scaling").items():
            entry = {record["competitor"]: record for record in same_size}
            fortran = entry.get("fortran", {}).get("ms_per_million_cells")
            floor = next((record["floor_ms_per_million_cells"] for record in same_size
                          if record["floor_ms_per_million_cells"]), None)
            cells = " x ".join(map(str, same_size[0]["cells"]))
            rows.append([f"{size(same_size[0]['n_cells'])} ({cells}){ranks_words(same_size[0])}",
                         *(cell(entry.get(name), fortran) for name in present), figure(floor)])
        yield f"{case}, {precision}", ["cells", *(LABELS[name] for name in present), "floor"], rows


def cell(record: dict[str, Any] | None, fortran: float | None) -> str:
    if record is None or record["error"]:
        return "n/a"
    ratio = f", {record['ms_per_million_cells'] / fortran:.2f} x Fortran" if fortran else ""
    return spread(record) + (ratio if record["competitor"] != "fortran" else "") + floor_words(record) + busy_mark(record)


def scaling_table(records: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """A row for each measurement on several ranks."""
    columns = ["case", "precision", "scaling", "cells", "ranks", "competitor", "ms per 1M cells", "efficiency",
               "bandwidth allows", "efficiency / allowed", "messages' share", "messages a step", "kB a step"]
    rows = []
    for record in records:
        if record["ranks"] == 1 or record["error"]:
            continue
        allowed, efficiency, sent = allowed_efficiency(record, records), record["efficiency"], record["bytes_per_step"]
        layout = f" ({' x '.join(map(str, record['processes']))})" if record["processes"] else ""
        layout += f" on {record['nodes']} nodes" if record.get("nodes", 1) > 1 else ""
        rows.append([record["case"], record["precision"], record["scaling"], size(record["n_cells"]),
                     f"{record['ranks']}{layout}{', oversubscribed' if record['oversubscribed'] else ''}{busy_mark(record)}",
                     LABELS[record["competitor"]], spread(record), fraction(efficiency), fraction(allowed),
                     fraction(efficiency / allowed if efficiency and allowed else None), percent(record["message_share"]),
                     "n/a" if record["messages_per_step"] is None else str(record["messages_per_step"]),
                     figure(sent / 1e3) if sent is not None else "n/a"])
    return columns, rows


def gradients(records: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """A row for each gradient of a run, against the forward run."""
    columns = ["case", "precision", "cells", "steps", "competitor", "ms a step per 1M cells", "forward (XLA)", "gradient / forward",
               "compile s", "forward's", "peak MB"]
    return columns, [
        [record["case"], record["precision"], size(record["n_cells"]), str(record["gradient_steps"]), LABELS[record["competitor"]],
         spread(record) + busy_mark(record), figure(per_million(record.get("forward_ms_per_step"), record)),
         figure(record.get("over_forward")), fraction(record.get("compile_seconds")),
         fraction(record.get("forward_compile_seconds")), figure(megabytes(record))]
        for record in records if record.get("gradient_steps") and not record["error"]]


GRADIENT_WORDS = (
    "The gradient of a run by its initial state, with a checkpoint at each step, against the forward run of as many steps as XLA "
    "compiles it (`Model.steps`), in the same rounds. Times are per step of the run. Of JAX (native) Numba's kernels take the way "
    "forward, and XLA the way back.")


def per_million(milliseconds: float | None, record: dict[str, Any]) -> float | None:
    return milliseconds and milliseconds * 1e6 / record["n_cells"]


def megabytes(record: dict[str, Any]) -> float | None:
    return record.get("peak_memory_bytes") and record["peak_memory_bytes"] / 1e6


def fraction(number: float | None) -> str:
    return "n/a" if number is None else f"{number:.2f}"


def percent(share: float | None) -> str:
    return "n/a" if share is None else f"{100.0 * share:.0f} %"


def details(records: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    columns = ["case", "cells", "precision", "ranks", "competitor", "samples x steps", "M cells/s", "compile s", "peak MB",
               "simulated years/day", "core-hours / simulated year", "J / simulated day"]
    rows = [[record["case"], size(record["n_cells"]), record["precision"], str(record["ranks"]), LABELS[record["competitor"]],
             f"{record.get('samples', 'n/a')} x {record.get('steps_per_sample', 'n/a')}",
             figure(1e3 / record["ms_per_million_cells"]),
             fraction(record.get("compile_seconds")),
             figure(megabytes(record)),
             figure(record.get("simulated_years_per_day")), figure(core_hours_per_simulated_year(record)),
             NO_COUNTERS if (joules := joules_per_simulated_day(record)) is None else figure(joules)]
            for record in records if not record["error"]]
    return columns, rows


def on_gpu(record: dict[str, Any]) -> bool:
    return record["device"] != record["machine"]["cpu"]


def core_hours_per_simulated_year(record: dict[str, Any]) -> float | None:
    """What a computing centre counts; on a GPU, hours of the GPU."""
    cores = 1 if on_gpu(record) else min(record["ranks"] * record["threads"], record["machine"]["cores"])
    return cores * 24.0 / record["simulated_years_per_day"] if record.get("simulated_years_per_day") else None


def joules_per_simulated_day(record: dict[str, Any]) -> float | None:
    """None where nothing counted energy, as in records older than the counters."""
    joules = record.get("joules_per_step")
    return joules * DAY / record["time_step"] if joules is not None and record.get("time_step") else None


def failures(records: list[dict[str, Any]]) -> list[str]:
    """One line for each competitor and reason, with where it was."""
    lines = []
    for (name, error), group in by([record for record in records if record["error"]], "competitor", "error").items():
        where = "; ".join(title(record) for record in group) if len(group) < 4 else f"{len(group)} measurements"
        lines.append(f"{LABELS[name]} could not run ({where}): {error}")
    loud = [record for record in records if record.get("silent_error")]
    for (name, error), group in by(loud, "competitor", "silent_error").items():
        lines.append(f"{LABELS[name]} could not run without messages ({len(group)} measurements): {error}")
    return lines


def marks(records: list[dict[str, Any]]) -> list[str]:
    """What a reader of the scaling has to know."""
    shared = sorted({record["ranks"] for record in records if record.get("oversubscribed")})
    lines = [f"{', '.join(map(str, shared))} ranks are more than there are cores: they share cores, and say little about scaling."
             ] if shared else []
    apart = dict.fromkeys(title(record) for record in records if record.get("sampled_apart") and not record["error"])
    if apart:
        lines.append(f"Memory was too small for all at once, and each was sampled by itself: {'; '.join(apart)}.")
    reasons = dict.fromkeys(record["busy"] for record in records if record.get("busy") and not record["error"])
    return lines + ([f"{busy_words(records)}, and marked so: {' | '.join(reasons)}. Their times are of little worth, and so are "
                     "ratios to them."] if reasons else [])


def busy_words(records: list[dict[str, Any]], before: str = "") -> str:
    """How many of the measurements were taken while the machine was busy; nothing where none was."""
    measured = [record for record in records if not record["error"]]
    busy = sum(bool(record.get("busy")) for record in measured)
    return f"{before}{busy} of {len(measured)} measured while the machine was busy" if busy else ""


def origin(records: list[dict[str, Any]]) -> list[str]:
    """Where, when and with what, in a few lines."""
    first = records[0]
    versions = {name: version for record in records for name, version in record["versions"].items()}
    on = ", ".join(dict.fromkeys(f"{record['device']}" for record in records))
    return [f"{on}; threads: {first['threads']}, cores: {first['machine']['cores']}; {first['utc'][:10]}; "
            f"commit {first['commit'][:12]}{'-changed' * first['commit'].endswith('-changed')}",
            ", ".join(f"{name} {version}" for name, version in versions.items()),
            *(f"{case}: {group[0]['stepper']}, {group[0]['right_hand_sides']} right-hand side a step, "
              f"{group[0]['substeps']} barotropic substeps, "
              f"tracers: {group[0]['tracers']} ({group[0]['tracer_scheme']})"
              for (case,), group in by(records, "case").items())]


def energy_words(records: list[dict[str, Any]]) -> str:
    """How to read the columns of cost and energy, and what counted."""
    counted = dict.fromkeys(record.get("energy_counters", NOT_LOOKED_FOR) for record in records)
    return ("Core-hours: cores times wall time (hours of the GPU, on one). J: what the machine's counters counted while a sample "
            "ran; they count all that the machine does, and no memory, disk or power supply. "
            f"Counters: {', or '.join(counted)}.")


SCALING_WORDS = (
    "Efficiency: t1 / (R tR) with t per cell, against one rank in the same rounds. Bandwidth allows: what a triad on all ranks "
    "at once keeps of R times the triad on one. Messages' share: what is saved with the messages switched off. "
    "Messages and kB: sent by the busiest rank.")


MODEL_WORDS = (
    "`benchmarks/model.py`, calibrated by this run: compute from the records of one rank, contention (how much longer a rank "
    "takes where all compute and are silent), and the latency and bandwidth that best explain what messages took here.")


def prediction_table(records: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    columns = ["case", "precision", "competitor", "scaling", "cells", "ranks", "measured ms a step", "predicted",
               "predicted / measured", "contention", "latency us", "bandwidth GB/s"]
    rows = []
    for one in calibration.fitted(of_steps(records)):
        bandwidth = one.memory.bandwidth_bytes_per_second
        for record, measured, predicted in one.checks:
            rows.append([one.case, one.precision, LABELS[one.competitor], record["scaling"], size(record["n_cells"]),
                         str(record["ranks"]), figure(measured), figure(predicted), fraction(predicted / measured),
                         fraction(one.model.compute.contention), figure(one.memory.latency_seconds * 1e6),
                         "not seen" if math.isinf(bandwidth) else figure(bandwidth / 1e9)])
    return columns, rows


def markdown_table(columns: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in (columns, ["---"] * len(columns), *rows)]
