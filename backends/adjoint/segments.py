"""Segments of a run that is gone through backwards: the states at their starts are kept, and those between computed again."""

import math

FEW = 8  # steps of which all states are kept


def segment_length(n: int) -> int:
    """Number of steps of a segment, of n: about the square root, so that about twice that many states are kept at a time."""
    return n if n <= FEW else math.isqrt(n - 1) + 1


def later_starts(n: int) -> range:
    """Steps after which segments start, but for the first."""
    return range(segment_length(n), n, segment_length(n)) if n else range(0)
