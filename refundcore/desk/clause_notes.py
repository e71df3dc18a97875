"""What stands beside a clause: how often it decided, and the rule that weighs it, as it is written."""

from __future__ import annotations

import inspect
from functools import cache

from refundcore import rules
from refundcore.desk.show import count_text
from refundcore.policy import Clause
from refundcore.rulebook.book import WEIGHING
from refundcore.store.clause_figures import ClauseFigures


@cache
def sources(clause: str) -> list[dict[str, str]]:
    """The rules of a clause, each with the role in which it weighs and its source."""
    return [
        {"role": role, "source": inspect.getsource(rule).rstrip()}
        for (name, role), rule in rules.BOOK.rules.items()
        if name == clause
    ]


def figures(clause: Clause, found: ClauseFigures | None) -> str:
    """How often a clause decided and was decided against; nothing of one that only explains."""
    if not set(clause.roles) & set(WEIGHING):
        return ""
    if found is None or not found.fires:
        return "Never decided a claim so far."
    told = f"Decides {count_text(found.fires, 'claim')}, leads {found.leads:,}"
    if not found.decided:
        return f"{told}; nobody decided one of them yet."
    return f"{told}; {count_text(found.decided, 'decision')} by it, {found.overridden:,} against the policy."
