"""How often each clause decided, was decided against, or never did anything."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from refundcore.store import tables
from refundcore.store.acting import visible
from refundcore.store.store import Store


@dataclass
class ClauseFigures:
    """What a clause came to over all claims."""

    leads: int = 0
    """Claims whose verdict it leads."""
    fires: int = 0
    """Claims whose verdict it decides, alone or with others."""
    decided: int = 0
    """Standing decisions that were made while it led."""
    overridden: int = 0
    """Those of them that went against the policy."""


def clause_figures(store: Store) -> dict[str, ClauseFigures]:
    """The figures of every clause that ever decided anything."""
    claims, decisions = tables.claims, tables.decisions
    found: dict[str, ClauseFigures] = {}
    with store.read() as connection:
        count = sa.func.count()
        sets = sa.select(claims.c.clause, claims.c.clauses, count).where(visible(connection))
        for lead, together, number in connection.execute(sets.group_by(claims.c.clause, claims.c.clauses)):
            for name in together.split():
                found.setdefault(name, ClauseFigures()).fires += number
            if lead:
                found.setdefault(lead, ClauseFigures()).leads += number
        made = sa.select(decisions.c.clause, decisions.c.override, count).where(decisions.c.status == "standing")
        for lead, override, number in connection.execute(made.group_by(decisions.c.clause, decisions.c.override)):
            if lead:
                figures = found.setdefault(lead, ClauseFigures())
                figures.decided += number
                figures.overridden += number if override else 0
    return found
