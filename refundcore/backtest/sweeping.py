"""One number over a range of values: what each would have done, told as a curve.

Each part of the claims is read once and goes through all values in one pass over whole columns. As the number grows
each deadline moves one way only, so a claim whose facts lie alike on the sides of all deadlines at both ends of a range
lies so at every value between them, and is judged no more: only claims that a range still parts are judged at its
middle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from refundcore.backtest.comparing import Compared, again, touched
from refundcore.backtest.population import Population
from refundcore.backtest.tally import Tally
from refundcore.editions import Editions
from refundcore.rulebook.verdicts import Rows

Places = npt.NDArray[np.int64]


@dataclass
class Sweep:
    """The tally of each value, in the order of the values."""

    values: tuple[int, ...]
    tallies: dict[int, Tally] = field(default_factory=dict)

    def __getitem__(self, value: int) -> Tally:
        return self.tallies[value]

    def add(self, values: Iterable[int], tally: Tally) -> None:
        """Count a tally under some values."""
        for value in values:
            self.tallies[value] = self.tallies[value] + tally if value in self.tallies else tally


def sweep(parts: Iterable[Population], before: Editions, drafts: Mapping[int, Editions]) -> Sweep:
    """The tally of each draft against the editions before; `drafts` are editions by the value of the one number.

    They may differ in that number alone. The result is the same as comparing with each by itself.
    """
    values = tuple(sorted(drafts))
    found = Sweep(values, {value: Tally() for value in values})
    for part in parts:
        if len(part):
            _Pass(part, before, drafts, values, found).all_values()
    return found


class _Pass:
    """A part of the claims on its way through the values."""

    def __init__(
        self, claims: Population, before: Editions, drafts: Mapping[int, Editions], values: Sequence[int], found: Sweep
    ) -> None:
        self.claims, self.before, self.drafts, self.values, self.found = claims, before, drafts, values, found
        self.old = before.coded(claims.read, claims.since)
        self.touched = touched(before, drafts[values[-1]])
        self.policy = before.all[-1].policy

    def all_values(self) -> None:
        every = np.arange(len(self.claims), dtype=np.int64)
        last = len(self.values) - 1
        low, high = self._judged(0, every), self._judged(last, every)
        self._part(0, last, every, low, high)
        self._count([last], every, high)

    def _judged(self, place: int, rows: Places) -> Rows:
        whole = len(rows) == len(self.claims)
        claims = self.claims if whole else self.claims.take(rows)
        return again(claims, self.before, self.drafts[self.values[place]], self.old if whole else self.old.take(rows))

    def _part(self, first: int, last: int, rows: Places, low: Rows, high: Rows) -> None:
        """Counts the claims at the values from `first` to just before `last`, at both of which they are judged."""
        if first == last or not len(rows):
            return
        if last == first + 1:
            self._count([first], rows, low)
            return
        alike = (low.pattern == high.pattern) & (low.refund == high.refund) & (low.fee == high.fee)
        same, rest = np.flatnonzero(alike), np.flatnonzero(~alike)
        if len(same):
            self._count(range(first, last), rows[same], low.take(same))
        if len(rest):
            middle = (first + last) // 2
            between = self._judged(middle, rows[rest])
            self._part(first, middle, rows[rest], low.take(rest), between)
            self._part(middle, last, rows[rest], between, high.take(rest))

    def _count(self, places: Iterable[int], rows: Places, new: Rows) -> None:
        whole = len(rows) == len(self.claims)
        claims = self.claims if whole else self.claims.take(rows)
        compared = Compared(claims, self.old if whole else self.old.take(rows), new, self.touched)
        self.found.add([self.values[place] for place in places], Tally.of(compared, self.policy))
