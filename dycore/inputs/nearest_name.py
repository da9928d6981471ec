"""The nearest of known names, for a sentence about one that is none of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest_name(name: object, known: Iterable[str]) -> str | None:
    """The known name that is most like a name; None where none is."""
    near = difflib.get_close_matches(str(name), [*known], n=1)
    return near[0] if near else None


def instead_of(name: object, known: Iterable[str]) -> str:
    """The end of a sentence about a name that is not there: `did you mean 'x'?`, or all that there are."""
    known = [*known]
    near = nearest_name(name, known)
    return f"did you mean '{near}'?" if near else f"there are {', '.join(known) or 'none'}."
