"""Amendments that would have made decisions against the policy unnecessary, clause by clause.

A clause against which people decide again and again says something else than what they hold to be right. For each such
clause every single change is tried: its numbers, a value of a reading about it, switching it off. Proposed is the one
that makes most of these decisions regular; of several alike, the one with the fewest other flips, then the smallest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from refundcore import rules
from refundcore.amending import Amendment, amended
from refundcore.backtest.comparing import compare
from refundcore.backtest.population import UNDECIDED, Population
from refundcore.backtest.tally import Tally
from refundcore.editions import Editions
from refundcore.facts import VERDICTS
from refundcore.policy import Policy, PolicyError
from refundcore.rulebook.book import REVIEW

MOST_VALUES = 31
"""Values of a number that are tried on either side of the present one."""


@dataclass(frozen=True)
class Proposal:
    """What would have made decisions against a clause unnecessary."""

    clause: str
    claims: tuple[str, ...]
    """The claims decided against it, by name."""
    outcomes: tuple[str, ...]
    """What people decided on them, each once."""
    amendment: Amendment | None
    """The change; None where no single change would do."""
    tally: Tally
    """Its backtest over all claims."""

    @property
    def regular(self) -> int:
        """How many of the decisions it would have made regular."""
        return self.tally.regular if self.amendment else 0


def proposals(
    parts: Sequence[Population], before: Editions, start: date, begins: int, *, most: int = 8
) -> list[Proposal]:
    """For each clause against which people decided, the amendment from `start` on (the instant `begins`), most first.

    At most `most` clauses are worked out, those with the most decisions.
    """
    policy = before.all[-1].policy
    groups: dict[str, list[Population]] = {}
    for part in parts:
        rows = np.flatnonzero(part.outcome != UNDECIDED)
        if len(rows):
            irregular = part.take(rows)
            old = before.coded(irregular.read, irregular.since)
            against = (irregular.outcome != old.verdict) & (old.verdict != REVIEW)
            for bit in np.unique(old.lead[against & (old.lead != 0)]).tolist():
                (name,) = rules.BOOK.names(bit)
                groups.setdefault(name, []).append(irregular.take(np.flatnonzero(against & (old.lead == bit))))
    found = []
    for clause, own in sorted(groups.items(), key=lambda item: (-sum(map(len, item[1])), item[0]))[:most]:
        best = _best(own, parts, before, policy, clause, start, begins)
        outcomes = dict.fromkeys(VERDICTS[place] for part in own for place in part.outcome.tolist())
        names = tuple(name for part in own for name in part.names.to_pylist())
        found.append(Proposal(clause, names, tuple(outcomes), *best))
    return found


def _best(  # noqa: PLR0917 - what a backtest takes
    own: Sequence[Population],
    parts: Sequence[Population],
    before: Editions,
    policy: Policy,
    clause: str,
    start: date,
    begins: int,
) -> tuple[Amendment | None, Tally]:
    scored: list[tuple[int, Amendment, Policy]] = []
    for amendment in single_changes(policy, clause, start):
        try:
            made = amended(policy, amendment)
        except PolicyError:
            continue
        tally = _run(own, before, before.with_draft(made, begins))
        if tally.regular:
            scored.append((tally.regular, amendment, made))
    if not scored:
        return None, Tally()
    most = max(regular for regular, _, _ in scored)
    # Changes of a number come nearest first, so of each number only the smallest change that reaches the most is run.
    tried: dict[object, tuple[Amendment, Tally]] = {}
    for regular, amendment, made in scored:
        kind = next(iter(amendment.numbers), None) or next(iter(amendment.readings), None) or "off"
        if regular == most and (kind not in tried or isinstance(kind, str)):
            tally = _run(parts, before, before.with_draft(made, begins))
            if kind not in tried or tally.flips < tried[kind][1].flips:
                tried[kind] = amendment, tally
    return min(tried.values(), key=lambda each: each[1].flips)


def single_changes(policy: Policy, clause: str, start: date) -> Iterator[Amendment]:
    """Every single change of a clause that is tried, the smallest of a number first."""
    for name, dated in policy.clauses[clause].numbers.items():
        now = dated[max((day for day in dated if day <= start), default=min(dated))]
        for step in range(1, MOST_VALUES + 1):
            for value in (now + step, now - step):
                if value >= 0:
                    yield Amendment(start, numbers={(clause, name): value})
    for reading in policy.readings.values():
        if clause in {*reading.clauses, *reading.parts}:
            for meaning in reading.meanings:
                if {reading.strict, reading.default, reading.generous} != {meaning}:
                    yield Amendment(start, readings={reading.id: (meaning, meaning, meaning)})
    if "ground" not in policy.clauses[clause].roles:
        yield Amendment(start, off=frozenset({clause}))


def _run(parts: Sequence[Population], before: Editions, after: Editions) -> Tally:
    total = Tally()
    for part in parts:
        total += Tally.of(compare(part, before, after), before.all[-1].policy)
    return total
