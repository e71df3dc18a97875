"""Editions of the policy, and judging by the one that was in force when the order was placed (A15).

An edition judges the orders from the moment on at which it began. Of a claim without the date of its order the purchase
counts, then when the claim was received, then since when it is known: the edition of an open claim never changes with
time, only with its facts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from refundcore import rules
from refundcore.deadlines import FAR_PAST, Instants
from refundcore.facts import Claims
from refundcore.policy import Policy
from refundcore.rulebook.reading import Reader
from refundcore.rulebook.verdicts import Rows, coded

Judge = Callable[..., pd.DataFrame]


@dataclass(frozen=True)
class Edition:
    """One edition and from when on it judges."""

    number: int
    policy: Policy
    begins: int = FAR_PAST
    """The first instant of the orders that it judges, in microseconds; the first edition judges all before, too."""


class Editions:
    """All editions in force or ahead, in the order in which they begin; at least one."""

    def __init__(self, editions: Sequence[Edition]) -> None:
        # Of two that begin at once the later one counts.
        ordered = sorted(editions, key=lambda edition: (edition.begins, edition.number))
        self.all: tuple[Edition, ...] = (replace(ordered[0], begins=FAR_PAST), *ordered[1:])

    @classmethod
    def only(cls, policy: Policy, number: int = 1) -> Editions:
        """One policy that judges everything."""
        return cls([Edition(number, policy)])

    @cached_property
    def fingerprint(self) -> str:
        """Of one edition its document's; of several what stands for all of them and their beginnings."""
        if len(self.all) == 1:
            return self.all[0].policy.fingerprint
        told = [f"{edition.policy.fingerprint} {edition.begins}" for edition in self.all]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()

    @cached_property
    def begins(self) -> Instants:
        """When each begins."""
        return np.array([edition.begins for edition in self.all], dtype=np.int64)

    def at(self, instant: int) -> Edition:
        """The edition that judges an order of an instant."""
        return self.all[int(np.searchsorted(self.begins, instant, side="right")) - 1]

    def of_number(self, number: int) -> Edition:
        """An edition by its number; the first where there is none of it."""
        return next((edition for edition in self.all if edition.number == number), self.all[0])

    def with_draft(self, policy: Policy, begins: int) -> Editions:
        """These and one more, which comes after all others; those that begin later give way to it."""
        kept = [edition for edition in self.all if edition.begins < begins]
        return Editions([*kept, Edition(self.all[-1].number + 1, policy, begins)])

    def places(self, read: Reader, since: Instants | None = None) -> npt.NDArray[np.int64]:
        """Which of `all` judges each claim of a table; `since` is since when each is known."""
        if len(self.all) == 1:
            return np.zeros(len(read.claims), dtype=np.int64)
        return np.searchsorted(self.begins, law(read, since), side="right").astype(np.int64) - 1

    def judge(
        self, claims: Claims, as_of: int | Instants, *, since: Instants | None = None, by: Judge = rules.judge
    ) -> pd.DataFrame:
        """The verdicts of claims as `rules.judge` gives them, each by its edition, named in the column `edition`."""
        if len(self.all) == 1:
            found = by(claims, self.all[0].policy, as_of)
            return found.assign(edition=self.all[0].number)
        instants = np.broadcast_to(np.asarray(as_of, dtype=np.int64), (len(claims),))
        places = self.places(Reader(claims, instants), since)
        parts = []
        for number in np.unique(places):
            rows = np.flatnonzero(places == number)
            edition = self.all[number]
            part = by(claims.take(rows), edition.policy, instants[rows])
            parts.append(part.assign(edition=edition.number).set_axis(rows, axis=0))
        if len(parts) == 1:
            return parts[0].reset_index(drop=True)
        return pd.concat(parts).sort_index() if parts else by(claims, self.all[-1].policy, as_of).assign(edition=0)

    def coded(self, read: Reader, since: Instants | None = None) -> Rows:
        """The verdicts in codes: the same as `judge`, for who counts them."""
        rows, places = Rows.empty(len(read.claims)), self.places(read, since)
        for number in np.unique(places):
            policy = self.all[number].policy
            rules.BOOK.check(policy)
            coded(rules.BOOK, read, policy, policy.zone, np.flatnonzero(places == number), rows)
        return rows


def law(read: Reader, since: Instants | None = None) -> Instants:
    """The instant that says under which edition each claim falls: of its order, else of what stands in for it."""
    found = read.as_of if since is None else np.minimum(since, read.as_of)
    for name in ("submitted_at", "purchased_at", "ordered_at"):
        instants, given = read.whole(name)
        found = np.where(given & (instants <= read.as_of), instants, found)
    return found
