"""The bins in which lengths of time are counted: at most 5 % wide, every whole hour up to 100 h an edge."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from refundcore.deadlines import HOUR, SECOND

STEP = 1.05
HOURLY = 100
"""Every whole hour up to this many is an edge, so that a target in hours is judged to the microsecond."""

_SHORTEST, _LONGEST = 60 * SECOND, 20 * 366 * 24 * HOUR


def _edges() -> list[int]:
    found = [_SHORTEST]
    while found[-1] < _LONGEST:
        last = found[-1]
        step = int(last * STEP) // SECOND * SECOND
        hour = (last // HOUR + 1) * HOUR
        found.append(min(step, hour) if last < HOURLY * HOUR else step)
    return found


EDGES: tuple[int, ...] = tuple(_edges())
"""Upper ends, included, in microseconds; bin 0 is a minute or less, the bin after the last has no end."""

_ARRAY = np.array(EDGES, dtype=np.int64)


def bins_of(times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The bin of each length of time in microseconds."""
    return np.searchsorted(_ARRAY, times, side="left")


def within(limit: int) -> int:
    """The number of bins that lie wholly within a limit: exact where the limit is an edge."""
    place = bisect_left(EDGES, limit)
    return place + 1 if place < len(EDGES) and EDGES[place] == limit else place


def middle(number: int) -> int:
    """The length of time that stands for a bin: its middle, in microseconds."""
    if number <= 0:
        return _SHORTEST // 2
    if number >= len(EDGES):
        return EDGES[-1]
    return (EDGES[number - 1] + EDGES[number]) // 2


def median_bin(counts: dict[int, int]) -> int | None:
    """The bin that holds the median, the lower one of two; None of nothing."""
    whole, reached = sum(counts.values()), 0
    for number in sorted(counts):
        reached += counts[number]
        if whole and 2 * reached >= whole:
            return number
    return None


def widest() -> float:
    """How wide the widest bin above the first is, as a share of its lower end."""
    return max((high - low) / low for low, high in pairwise(EDGES))
