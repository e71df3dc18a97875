"""What is counted of a backtest. Tallies of parts add up to the tally of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from refundcore import rules
from refundcore.backtest.comparing import Compared
from refundcore.facts import REASONS, VERDICTS
from refundcore.policy import Policy
from refundcore.rulebook.known import Codes
from refundcore.rulebook.regions import UNKNOWN_REASON

APPROVE, DENY = VERDICTS.index("approve"), VERDICTS.index("deny")


@dataclass(frozen=True)
class Money:
    """What approvals come to, in minor units of one currency."""

    refund_before: int = 0
    refund_after: int = 0
    fee_before: int = 0
    fee_after: int = 0

    def __add__(self, other: Money) -> Money:
        return Money(*(getattr(self, name) + getattr(other, name) for name in vars(self)))

    @property
    def refund(self) -> int:
        """How much more is refunded; less than 0: less."""
        return self.refund_after - self.refund_before

    @property
    def fee(self) -> int:
        """How much more is kept as a fee."""
        return self.fee_after - self.fee_before


def _nothing() -> Codes:
    return np.zeros((len(REASONS) + 1, len(VERDICTS), len(VERDICTS)), dtype=np.int64)


@dataclass(frozen=True)
class Tally:
    """What is counted; made by `of`, added by `+`."""

    flow: Codes = field(default_factory=_nothing)
    """Claims by reason (the last: unknown), verdict before and verdict after."""
    money: Mapping[str, Money] = field(default_factory=dict)
    """By currency; "" where it isn't known."""
    won: Mapping[str, int] = field(default_factory=dict)
    """By clause with a deadline: claims that were denied as late and are not any more."""
    missed: Mapping[str, int] = field(default_factory=dict)
    """By clause with a deadline: claims that were in time and are denied as late now."""
    did: Mapping[str, int] = field(default_factory=dict)
    """Flipped claims by the clause that led to the denial, or else leads, of the side where one leads."""
    regular: int = 0
    """Decisions of people that were against the old policy and would not be against the new one."""
    irregular: int = 0
    """Decisions of people that the old policy allowed and that would be against the new one."""

    @classmethod
    def of(cls, compared: Compared, policy: Policy) -> Tally:
        """The tally of claims that were judged twice; `policy` says which clauses hold a deadline."""
        old, new = compared.before, compared.after
        reason = compared.claims.read.codes("reason", UNKNOWN_REASON)
        shape = (len(REASONS) + 1, len(VERDICTS), len(VERDICTS))
        key = np.ravel_multi_index((reason, old.verdict, new.verdict), shape)
        late = _late(policy)
        was = np.where(old.verdict == DENY, old.clauses & late, 0)
        now = np.where(new.verdict == DENY, new.clauses & late, 0)
        led = np.where(old.verdict == DENY, old.lead, np.where(new.lead != 0, new.lead, old.lead))
        return cls(
            flow=np.bincount(key, minlength=int(np.prod(shape))).reshape(shape),
            money=_money(compared),
            won=_by_clause(np.where(now == 0, was, 0)),
            missed=_by_clause(np.where(was == 0, now, 0)),
            did=_by_clause(led[compared.flipped]),
            regular=int(compared.regular.sum()),
            irregular=int(compared.irregular.sum()),
        )

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.flow + other.flow,
            {name: self.money.get(name, Money()) + other.money.get(name, Money())
             for name in dict.fromkeys([*self.money, *other.money])},
            _added(self.won, other.won),
            _added(self.missed, other.missed),
            _added(self.did, other.did),
            self.regular + other.regular,
            self.irregular + other.irregular,
        )  # fmt: skip

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tally):
            return NotImplemented
        same = np.array_equal(self.flow, other.flow) and self.money == other.money
        return same and all(
            getattr(self, n) == getattr(other, n) for n in ("won", "missed", "did", "regular", "irregular")
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def claims(self) -> int:
        """How many claims were judged."""
        return int(self.flow.sum())

    @property
    def flips(self) -> int:
        """Of how many the verdict is another."""
        return self.claims - int(np.trace(self.flow.sum(axis=0)))

    def pairs(self) -> dict[tuple[str, str], int]:
        """Flipped claims by verdict before and after, the most first."""
        both = self.flow.sum(axis=0)
        found = {
            (old, new): int(both[i, j])
            for i, old in enumerate(VERDICTS)
            for j, new in enumerate(VERDICTS)
            if i != j and both[i, j]
        }
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def by_reason(self) -> dict[str, int]:
        """Flipped claims by reason, "" where it isn't known."""
        names = (*REASONS, "")
        return {
            name: count
            for place, name in enumerate(names)
            if (count := int(self.flow[place].sum() - np.trace(self.flow[place])))
        }

    def verdicts(self, *, after: bool) -> dict[str, int]:
        """Claims by verdict, before or after."""
        counts = self.flow.sum(axis=(0, 1)) if after else self.flow.sum(axis=(0, 2))
        return {name: int(count) for name, count in zip(VERDICTS, counts, strict=True)}

    def more(self, verdict: str) -> int:
        """How many more claims have a verdict after than before: reviews and questions are work."""
        return self.verdicts(after=True)[verdict] - self.verdicts(after=False)[verdict]


def _late(policy: Policy) -> int:
    """Bits of the clauses that deny because of a deadline: those with a period, and those that close through one."""
    names = {name for name, clause in policy.clauses.items() if clause.said.window}
    names |= {closer for closer, wider in rules.BOOK.closer.items() if wider in names}
    return sum(rules.BOOK.bit(name) for name in names if name in rules.BOOK.precedence)


def _by_clause(bits: Codes) -> dict[str, int]:
    found: dict[str, int] = {}
    masks, counts = np.unique(bits[bits != 0], return_counts=True)
    for mask, count in zip(masks.tolist(), counts.tolist(), strict=True):
        for name in rules.BOOK.names(mask):
            found[name] = found.get(name, 0) + count
    return dict(sorted(found.items()))


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in sorted({*one, *other})}


def _money(compared: Compared) -> dict[str, Money]:
    """Sums of approvals by currency, exactly: partial sums stay far below 64 bits and are added as Python's numbers."""
    old, new = compared.before, compared.after
    paid = np.flatnonzero((old.verdict == APPROVE) | (new.verdict == APPROVE))
    currencies = compared.claims.claims.columns["currency"].take(pa.array(paid)).fill_null("").dictionary_encode()
    codes, names = currencies.indices.to_numpy(zero_copy_only=False), currencies.dictionary.to_pylist()
    sums = {}
    for place, name in enumerate(names):
        rows = paid[codes == place]
        each = [
            int(
                pc.sum(
                    pa.array(np.where(side.verdict[rows] == APPROVE, values[rows], 0)).cast(pa.decimal128(38))
                ).as_py()
                or 0
            )
            for side, values in ((old, old.refund), (new, new.refund), (old, old.fee), (new, new.fee))
        ]
        if any(each):
            sums[name] = Money(*each)
    return dict(sorted(sums.items()))
