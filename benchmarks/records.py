"""What a record of results.json has to be, so that it can be shown: measuring.py says what its entries mean."""

from typing import Any

TEXT, WHOLE, NUMBER, NOTHING = (str,), (int,), (int, float), (type(None),)
# where there is no measurement, `error` says why, and numbers may be None
ALWAYS: dict[str, tuple[type, ...]] = (
    dict.fromkeys(("case", "competitor", "precision", "scaling", "run", "commit", "device"), TEXT)
    | dict.fromkeys(("n_cells", "ranks", "threads"), WHOLE) | dict.fromkeys(("machine", "versions"), (dict,))
    | {"error": TEXT + NOTHING, "silent_error": TEXT + NOTHING, "energy_counters": TEXT, "oversubscribed": (bool,)})
MEASURED = ("ms_per_step", "ms_min", "ms_max", "ms_per_million_cells")
MAYBE = ("compile_seconds", "bandwidth_bytes_per_second", "floor_ms_per_million_cells", "floor_ratio", "simulated_years_per_day",
         "ms_per_step_silent", "message_share", "efficiency", "allowed_efficiency", "joules_per_step", "messages_per_step",
         "bytes_per_step", "substeps", "tracers", "time_step", "peak_memory_bytes", "others_cores", "triad_spread",
         "over_forward", "forward_ms_per_step", "forward_compile_seconds")
COUNTS = "samples", "steps_per_sample"
THREE, PAIR = ("cells", "base_cells"), ("processes",)


def check(records: Any, competitors: Any) -> None:
    """Raise ValueError with what is wrong of records, of these competitors; entries that pages do without may be missing."""
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise ValueError("it is not a list of tables")
    for number, record in enumerate(records):
        for name, kinds in kinds_of(record).items():
            value = record.get(name)
            if name not in record or type(value) not in kinds:
                raise ValueError(f"{name} of record {number} is {value!r:.60}" if name in record else
                                 f"record {number} has no {name}")
            if type(value) in NUMBER and not value >= 0:
                raise ValueError(f"{name} of record {number} is {value!r:.60}")
        if record["competitor"] not in competitors:
            raise ValueError(f"competitor of record {number} is {record['competitor']!r:.60}")
        if min(record["n_cells"], record["ranks"], record["threads"], *(record[name] for name in MEASURED if not record["error"]),
               *(record[name] for name in ("floor_ms_per_million_cells", "simulated_years_per_day") if record.get(name) is not None)
               ) <= 0:
            raise ValueError(f"record {number} has a size or a time of zero")
        machine, versions = record["machine"], record["versions"]
        if type(machine.get("cpu")) is not str or type(machine.get("cores")) is not int or machine["cores"] < 1:
            raise ValueError(f"machine of record {number} is {machine!r:.60}")
        if not all(isinstance(version, str) for version in versions.values()):
            raise ValueError(f"versions of record {number} are {versions!r:.60}")
        for name, length in (*((name, 3) for name in THREE), *((name, 2) for name in PAIR)):
            value = record.get(name)
            if value is None and name in PAIR:
                continue
            if not isinstance(value, list) or len(value) != length or not all(type(part) is int and part > 0 for part in value):
                raise ValueError(f"{name} of record {number} is {value!r:.60}")


def kinds_of(record: dict[str, Any]) -> dict[str, tuple[type, ...]]:
    """The types that entries of a record may have, by name."""
    numbers = NUMBER + (NOTHING if record.get("error") else ())
    return (ALWAYS | dict.fromkeys(MEASURED, numbers) | {name: NUMBER + NOTHING for name in MAYBE if name in record}
            | {name: WHOLE for name in COUNTS if name in record}
            | ({"busy": TEXT + NOTHING} if "busy" in record else {})
            | ({"sampled_apart": (bool,)} if "sampled_apart" in record else {})
            | ({"gradient_steps": WHOLE} if "gradient_steps" in record else {})
            | ({"command": TEXT} if "command" in record else {}) | ({"nodes": WHOLE} if "nodes" in record else {}))
