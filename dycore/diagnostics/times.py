"""Times of a dataset as numbers, whether xarray has decoded them or not."""

from __future__ import annotations

from typing import Any

IN_A_DAY = {"s": 86400.0, "seconds": 86400.0, "minutes": 1440.0, "hours": 24.0, "days": 1.0,
            "milliseconds": 864e5, "microseconds": 864e8, "nanoseconds": 864e11}


def days_of(time: Any) -> tuple[float, Any]:
    """The factor that makes days of times, and these as numbers, whether xarray has decoded them or not."""
    from xarray.conventions import encode_cf_variable

    time = encode_cf_variable(time)
    unit = str(time.attrs.get("units", "")).partition(" ")[0]
    if unit not in IN_A_DAY:
        raise ValueError(f"the time has the unit {unit!r}: there are {', '.join(IN_A_DAY)}, since a date.")
    return 1.0 / IN_A_DAY[unit], time
