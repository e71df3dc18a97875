"""Judging claims twice, by the editions as they are and by those with a draft, and telling where they part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from refundcore import rules
from refundcore.backtest.population import UNDECIDED, Population
from refundcore.editions import Editions
from refundcore.facts import VERDICTS
from refundcore.rulebook.book import REVIEW
from refundcore.rulebook.known import Truth
from refundcore.rulebook.verdicts import Rows, coded


@dataclass(frozen=True)
class Compared:
    """A part of the claims, judged twice."""

    claims: Population
    before: Rows
    after: Rows
    touched: tuple[str, ...] = field(default=())
    """The clauses that differ between the two."""

    @property
    def flipped(self) -> Truth:
        """Where the verdict is another."""
        return np.asarray(self.before.verdict != self.after.verdict)

    @property
    def regular(self) -> Truth:
        """Decided by people against the old policy, and not against the new one."""
        return self._against(self.before) & ~self._against(self.after)

    @property
    def irregular(self) -> Truth:
        """Decided by people as the old policy lets them, and against the new one."""
        decided = self.claims.outcome != UNDECIDED
        return decided & ~self._against(self.before) & self._against(self.after)

    def _against(self, rows: Rows) -> Truth:
        """Where a decision needs an override: the policy says otherwise and leaves it to nobody."""
        decided = self.claims.outcome != UNDECIDED
        return np.asarray(decided & (self.claims.outcome != rows.verdict) & (rows.verdict != REVIEW))


@dataclass(frozen=True)
class Flip:
    """A claim whose verdict is another under a draft."""

    name: str
    reason: str
    before: str
    before_clause: str
    after: str
    after_clause: str
    clause: str
    """The clause that did it."""
    refund_before: int | None
    refund_after: int | None
    """In minor units, of an approval."""
    currency: str
    outcome: str
    """What people decided; "" where nobody did."""


def compare(claims: Population, before: Editions, after: Editions) -> Compared:
    """Judge claims by two sets of editions, each at its own moment. What one document judges in both is judged once."""
    old = before.coded(claims.read, claims.since)
    return Compared(claims, old, again(claims, before, after, old), touched(before, after))


def again(claims: Population, before: Editions, after: Editions, old: Rows) -> Rows:
    """The verdicts by `after`, taking over those of claims that the same document judges in `before`."""
    new = Rows(**{name: values.copy() for name, values in vars(old).items()})
    were, are = before.places(claims.read, claims.since), after.places(claims.read, claims.since)
    for number in np.unique(are):
        policy = after.all[number].policy
        same = [place for place, edition in enumerate(before.all) if edition.policy == policy]
        rows = np.flatnonzero((are == number) & ~np.isin(were, same))
        if len(rows):
            rules.BOOK.check(policy)
            coded(rules.BOOK, claims.read, policy, policy.zone, rows, new)
    return new


def touched(before: Editions, after: Editions) -> tuple[str, ...]:
    """The clauses in which the newest editions of both differ, by themselves or by a reading of them."""
    old, new = before.all[-1].policy, after.all[-1].policy
    found = [name for name, clause in new.clauses.items() if old.clauses.get(name) != clause]
    for name, reading in new.readings.items():
        was = old.readings.get(name)
        if was != reading:
            found += [*reading.parts, *reading.clauses]
    if old.fees != new.fees:
        found += [name for name, clause in new.clauses.items() if "fee" in clause.roles]
    return tuple(dict.fromkeys(found))


def flips(compared: Compared, rows: npt.NDArray[np.int64] | None = None) -> Iterator[Flip]:
    """The claims whose verdict is another, or those at some places, each with the clause that did it."""
    places = np.flatnonzero(compared.flipped) if rows is None else rows
    old, new, claims = compared.before, compared.after, compared.claims
    columns = {name: claims.claims.columns[name].take(pa.array(places)).to_pylist() for name in ("reason", "currency")}
    names = claims.names.take(pa.array(places)).to_pylist()
    mark = sum(rules.BOOK.bit(name) for name in compared.touched if name in rules.BOOK.precedence)
    for place, row in enumerate(places.tolist()):
        was, now = int(old.verdict[row]), int(new.verdict[row])
        outcome = int(claims.outcome[row])
        yield Flip(
            name=names[place],
            reason=columns["reason"][place] or "",
            before=VERDICTS[was],
            before_clause=_first(int(old.lead[row])),
            after=VERDICTS[now],
            after_clause=_first(int(new.lead[row])),
            clause=_did(compared, row, mark),
            refund_before=int(old.refund[row]) if VERDICTS[was] == "approve" else None,
            refund_after=int(new.refund[row]) if VERDICTS[now] == "approve" else None,
            currency=columns["currency"][place] or "",
            outcome=VERDICTS[outcome] if outcome != UNDECIDED else "",
        )


def _first(bits: int) -> str:
    return next(iter(rules.BOOK.names(bits)), "")


def _did(compared: Compared, row: int, mark: int) -> str:
    """The clause that did it: a changed one that decides on one side only, else one that did or does decide."""
    old, new = int(compared.before.clauses[row]), int(compared.after.clauses[row])
    parted = old ^ new
    if own := parted & mark:
        return _first(own)
    if own := (old | new) & mark:
        return _first(own)
    return _first(old & ~new) or _first(new & ~old) or _first(int(compared.after.lead[row]))
