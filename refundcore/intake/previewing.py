"""What an import would bring, before anything is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from refundcore.facts import Claims
from refundcore.intake.files import Source
from refundcore.intake.plans import Plan
from refundcore.intake.problems import Group, Problem, Tally
from refundcore.intake.reading import Batch, Reject, rows

if TYPE_CHECKING:
    from refundcore.policy import Policy
    from refundcore.store import Difference, Store

FIRST_ROWS = 20
FIRST_PROBLEMS = 200
JUDGED = 200_000
MENDED = 300
"""No more faulty rows than this are offered to be mended one by one; a file of more is mended in its own program."""
FIRST_DIFFERENCES = 200


@dataclass
class Meeting:
    """What rows would meet in the store: claims with the same facts, and claims with other ones."""

    new: int = 0
    unchanged: int = 0
    facts: Counter[str] = field(default_factory=Counter)
    """Fact -> claims that differ in it."""
    first: list[Difference] = field(default_factory=list)
    """The first of the differing claims."""
    versions: dict[int, int] = field(default_factory=dict)
    """The differing claims that may be changed -> the version that was compared."""
    refusals: Counter[str] = field(default_factory=Counter)
    """The claims that may not be changed, by their state."""
    repeated: int = 0
    """Rows that say the same of a claim as an earlier row of the file."""
    contradicting: int = 0
    """Rows that say otherwise of a claim than an earlier row."""
    named: dict[str, object] = field(default_factory=dict, repr=False)

    @property
    def differing(self) -> int:
        """How many claims are there with other facts."""
        return len(self.versions) + sum(self.refusals.values())

    def add(self, store: Store, batch: Batch) -> None:
        """Compare some more rows."""
        from refundcore import store as acts  # noqa: PLC0415 - reading a file needs no database

        found = acts.compare(store, batch.claims, batch.lines, self.named)
        self.new += found.new
        self.unchanged += found.unchanged
        self.repeated += found.repeated
        self.contradicting += found.contradicting
        for one in found.differing:
            if one.claim in self.versions:
                continue
            self.facts.update(one.facts)
            if one.refusal:
                self.refusals[one.state] += 1
            else:
                self.versions[one.claim] = one.version
            if len(self.first) < FIRST_DIFFERENCES:
                self.first.append(one)


@dataclass(frozen=True)
class Preview:
    """The first rows as they would be stored, the mix of verdicts, and what is wrong, grouped."""

    first: pd.DataFrame
    """Columns of `facts.COLUMNS` that hold anything, for the first rows."""
    rows: int
    usable: int
    verdicts: Mapping[str, int]
    judged: int
    """How many usable rows the mix of verdicts is about."""
    groups: list[Group]
    problems: list[Problem]
    """The first of them, one by one."""
    left_out: list[tuple[int, str]]
    complete: bool
    """Whether all of the file was read."""
    rejects: list[Reject] = field(default_factory=list)
    """The first of the rows that cannot come in, to be mended."""
    meeting: Meeting = field(default_factory=Meeting)
    """What the usable rows would meet in the store."""

    @property
    def rejected(self) -> int:
        """How many rows cannot come in."""
        return self.rows - self.usable


def _judged(claims: Claims, policy: Policy, as_of: int, plan: Plan, store: Store | None) -> list[str]:
    """The verdicts of claims."""
    from refundcore.rules import judge  # noqa: PLC0415 - reading alone needs no rules

    found = judge(claims, policy, as_of, zone=plan.zone) if store is None else store.laws.judge(claims, as_of, by=judge)
    verdicts: list[str] = found["verdict"].tolist()
    return verdicts


def preview(
    file: Source, plan: Plan, policy: Policy | None, as_of: int, *, limit: int = JUDGED, store: Store | None = None
) -> Preview:
    """Read a file by its plan and judge its rows as of an instant (microseconds), storing nothing.

    Stops after `limit` rows. Without a policy nothing is judged; with a store rows are compared with its claims, and
    judged as it will judge them: each by the edition in force at its order.
    """
    verdicts: Counter[str] = Counter()
    tally, problems, left_out = Tally(), list[Problem](), list[tuple[int, str]]()
    first: list[pd.DataFrame] = []
    total = usable = judged = 0
    complete = True
    rejects, meeting = list[Reject](), Meeting()
    for batch in rows(file, plan):
        if total >= limit:
            complete = False
            break
        total += batch.rows
        usable += len(batch.lines)
        if sum(map(len, first)) < FIRST_ROWS:
            first.append(batch.claims.frame.head(FIRST_ROWS))
        if policy is not None and len(batch.claims):
            verdicts.update(_judged(batch.claims, policy, as_of, plan, store))
            judged += len(batch.claims)
        tally.add(batch.problems)
        problems += batch.problems[: FIRST_PROBLEMS - len(problems)]
        left_out += batch.left_out
        rejects += batch.rejected[: MENDED - len(rejects)]
        if store is not None and len(batch.claims):
            meeting.add(store, batch)
    shown = pd.concat(first, ignore_index=True).head(FIRST_ROWS) if first else pd.DataFrame()
    shown = shown[[name for name in shown if shown[name].notna().any()]]
    return Preview(
        shown, total, usable, dict(verdicts), judged, tally.groups, problems, left_out, complete, rejects, meeting
    )
