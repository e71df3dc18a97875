"""The queue's table: one component for a whole page of claims, whose deadlines tick in the browser.

It costs the server nothing while it ticks, and tells of claims by their id, never by a row's number, so that a
claim that arrives in between cannot be taken for another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from refundcore.deadlines import SECOND
from refundcore.desk import context
from refundcore.desk.listing import claim_address
from refundcore.desk.parts import component
from refundcore.desk.show import REASONS, ago_text, fact_label, money_text, state_word, verdict_word, when_text
from refundcore.store import QueueRow

_CLOCKS = {"need_info": "evidence is due", "pending": "72 hours end", "review": "72 hours end"}


@dataclass(frozen=True)
class Shown:
    """What the person did with the table: the ids they selected, and the reference of the claim they opened."""

    selected: tuple[int, ...]
    opened: str


def claims_table(
    rows: Sequence[QueueRow], key: str, *, caption: str, selection: int | None, along: Mapping[str, str], me: int = 0
) -> Shown:
    """Draw a page of claims.

    `selection` numbers the round of selecting: a new number clears what was selected; None lets nothing be
    selected. `along` is what the links to the claims carry: the queue's filter.
    """
    data = {
        "now": context.now_us() / SECOND,
        "round": selection,
        "selectable": selection is not None,
        "caption": caption,
        "rows": [_row(row, along, me) for row in rows],
    }
    drawn = component("claims_table")(
        key=key, data=data, on_selected_change=_ignore, on_opened_change=_ignore, height="content"
    )
    chosen = drawn.selected or {}
    shown = {row.id for row in rows}
    ids = (int(number) for number in chosen.get("ids", ())) if chosen.get("round") == selection else ()
    return Shown(tuple(number for number in ids if number in shown), str(drawn.opened or ""))


def due_for(row: QueueRow) -> str:
    """What a claim is to be acted on for, in a few words."""
    if row.act_by is None:
        return ""
    if row.act_by == row.next_deadline:
        return _CLOCKS.get(row.verdict, "deadline of the policy")
    if row.state in {"waiting_customer", "waiting_technician"}:
        return "ask again"
    return "our approval" if row.state == "awaiting_approval" else "our answer"


def _title(clause: str) -> str:
    """A clause by its title: what is missing where no single fact is, such as detailed grounds."""
    found = context.policy().clauses.get(clause)
    return found.title if found else clause


def _row(row: QueueRow, along: Mapping[str, str], me: int) -> dict[str, Any]:
    verdict = verdict_word(row.verdict)
    detail = row.clause
    if row.verdict == "need_info":
        detail = ", ".join(fact_label(name) for name in row.missing) or _title(row.clause)
    elif row.verdict == "review":
        detail = " · ".join(filter(None, (row.clause, f"leaning: {row.leaning}" if row.leaning else "")))
    return {
        "id": str(row.id),
        "ref": row.ref,
        "href": claim_address(row.ref, along),
        "received": ago_text(row.submitted_at) or "date unknown",
        "due": None if row.act_by is None else row.act_by / SECOND,
        "dueAt": when_text(row.act_by),
        "dueWhat": due_for(row),
        "verdict": verdict.label,
        "icon": verdict.icon,
        "tone": verdict.tone,
        "verdictDetail": detail,
        "reason": REASONS.get(row.reason or "", "Reason unknown"),
        "product": row.product or "",
        "order": " / ".join(filter(None, (row.order_ref, row.item_ref))) or "Order unknown",
        "customer": row.customer_email or "Customer unknown",
        "amount": money_text(row.amount, row.currency, unknown="unknown"),
        "state": state_word(row.state, row.outcome).label,
        "assignee": "me" if row.assignee_id == me else row.assignee,
    }


def _ignore() -> None:
    """Reading the values after the run is enough."""
