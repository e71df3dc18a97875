"""What an import would bring, before anything is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from refundcore.intake.files import Source
from refundcore.intake.plans import Plan
from refundcore.intake.problems import Group, Problem, Tally
from refundcore.intake.reading import rows

if TYPE_CHECKING:
    from refundcore.policy import Policy

FIRST_ROWS = 20
FIRST_PROBLEMS = 200
JUDGED = 200_000


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

    @property
    def rejected(self) -> int:
        """How many rows cannot come in."""
        return self.rows - self.usable


def preview(file: Source, plan: Plan, policy: Policy | None, as_of: int, *, limit: int = JUDGED) -> Preview:
    """Read a file by its plan and judge its rows as of an instant (microseconds), storing nothing.

    Stops after `limit` rows. Without a policy nothing is judged.
    """
    verdicts: Counter[str] = Counter()
    tally, problems, left_out = Tally(), list[Problem](), list[tuple[int, str]]()
    first: list[pd.DataFrame] = []
    total = usable = judged = 0
    complete = True
    for batch in rows(file, plan):
        if total >= limit:
            complete = False
            break
        total += batch.rows
        usable += len(batch.lines)
        if sum(map(len, first)) < FIRST_ROWS:
            first.append(batch.claims.frame.head(FIRST_ROWS))
        if policy is not None and len(batch.claims):
            from refundcore.rules import judge  # noqa: PLC0415 - reading alone needs no rules

            verdicts.update(judge(batch.claims, policy, as_of, zone=plan.zone)["verdict"].tolist())
            judged += len(batch.claims)
        tally.add(batch.problems)
        problems += batch.problems[: FIRST_PROBLEMS - len(problems)]
        left_out += batch.left_out
    shown = pd.concat(first, ignore_index=True).head(FIRST_ROWS) if first else pd.DataFrame()
    shown = shown[[name for name in shown if shown[name].notna().any()]]
    return Preview(shown, total, usable, dict(verdicts), judged, tally.groups, problems, left_out, complete)
