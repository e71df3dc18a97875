"""Payouts as rows: made with the decision that makes them due, given up, replaced; what stands in an event for them.

A payout is never rewritten: its state goes on, and another amount, route or attempt is another payout. Each event
that makes one or moves one holds it whole under `payouts`, so that the rows can be checked against the chain.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from refundcore import money
from refundcore.store import balances, sentences
from refundcore.store.acting import Act, Row, names_of
from refundcore.store.errors import Impossible
from refundcore.store.limits import limits_of
from refundcore.store.payout_tables import batches, payouts
from refundcore.store.store import rows_of

TOLD = (
    "id",
    "order_ref",
    "item_ref",
    "remedy",
    "amount",
    "currency",
    "route",
    "key",
    "needs",
    "replaces",
    "state",
    "batch_id",
    "approver_id",
)
"""What an event tells of a payout."""

NEEDS: Mapping[str, str] = {
    "override": "it goes against the policy's verdict",
    "goodwill": "it is goodwill outside the policy",
    "route": "it goes another way than it was paid",
    "limit": "it is above the limit for one person",
}
"""Why a payout waits for another manager."""

_ONCE = sa.text("payouts.state NOT IN ('failed', 'withdrawn')")
"""What `LIVE` says in the words of the index on an order's payouts, so that it is used."""

# Made once: to build a statement takes as long as to run it.
_LAST, _PAYOUT = sa.select(sa.func.max(payouts.c.id)), sa.insert(payouts)
_ITEM = sa.bindparam("item", type_=sa.Text)
_SAME = (
    sa.select(payouts)
    .where(
        payouts.c.order_ref == sa.bindparam("order"),
        payouts.c.remedy == sa.bindparam("kind"),
        _ONCE,
        sa.or_(sa.literal_column("''") == _ITEM, payouts.c.item_ref.in_([_ITEM, sa.literal_column("''")])),
    )
    .limit(sa.literal_column("1", sa.Integer))
)
"""A live payout for an item, or for its whole order."""

_ROOM = "room"
"""Under this name a planned payout says what was known of its order."""

_PART = re.compile(r"\s*([^:;]+?)\s*:\s*([0-9.]+)\s*")


def told(payout: Row) -> dict[str, Any]:
    """A payout as an event holds it."""
    return {name: payout[name] for name in TOLD}


def why_waiting(needs: str) -> str:
    """The reasons for a second manager, as the end of a sentence."""
    return " and ".join(NEEDS[need] for need in needs.split())


def original_route(row: Row, amount: int) -> str:
    """The way the money came: the method, or its share of a split payment, pro rata by largest remainder (C8d).

    Raises `Impossible` for a split that cannot be read or does not hold the amount.
    """
    text, currency = row["payment_split"], row["currency"]
    if text is None:
        return str(row["payment_method"] or "original")
    parts: dict[str, int] = {}
    try:
        for piece in str(text).strip().rstrip(";").split(";"):
            found = _PART.fullmatch(piece)
            if found is None or found[1] in parts:
                raise ValueError(piece)  # noqa: TRY301 - one sentence for all that is wrong
            parts[found[1]] = money.parse(found[2], currency)
        shares = money.split(amount, parts)
    except ValueError as wrong:
        raise Impossible(
            f"Payment split: “{text}” does not say how {sentences.amount(amount, currency)} are to be shared; write it"
            " as card:6.00;balance:4.00."
        ) from wrong
    return ";".join(f"{name}:{money.plain(share, currency)}" for name, share in shares.items() if share)


def planned(act: Act, row: Row, *, amount: int, remedy: str = "refund", **others: Any) -> dict[str, Any]:  # noqa: ANN401 - columns
    """A payout of an amount for a loaded claim, not yet written; `others` are columns that differ from the usual.

    Raises `Impossible` where the item was paid already or the order has no room for it.
    """
    order, item, currency = row["order_ref"], row["item_ref"] or "", row["currency"]
    refuse_twice(act, order, item, remedy)
    room = balances.checked(act.connection, order, currency, amount)
    values = {
        "id": next_number(act),
        "claim_id": row["id"],
        "decision_id": None,
        "at": act.at,
        "person_id": act.actor.id,
        "order_ref": order,
        "item_ref": item,
        "remedy": remedy,
        "amount": amount,
        "currency": currency,
        "key": secrets.token_hex(12),
        "needs": "",
        "reason": "",
        "replaces": None,
        "approver_id": None,
        "approved_at": None,
        "batch_id": None,
        "settled_at": None,
        "why": "",
        _ROOM: room,
        **others,
    }
    values.setdefault("route", original_route(row, amount))
    values["state"] = "awaiting" if values["needs"] and values["approver_id"] is None else "queued"
    return values


def of_decision(act: Act, row: Row, decision: Mapping[str, Any]) -> dict[str, Any] | None:
    """The payout that a decision makes due as it comes to stand; None where it gives no money.

    `decision` holds outcome, override, refund and who decided it, and who approved it where somebody did.
    """
    if decision["outcome"] != "approve" or not decision["refund"]:
        return None
    needs = []
    if not decision["approver_id"]:
        limit = limits_of(act.kept_settings).get(row["currency"])
        needs = ["override"] * bool(decision["override"])
        needs += ["limit"] * (limit is not None and decision["refund"] > limit)
    return planned(act, row, amount=decision["refund"], needs=" ".join(needs), person_id=decision["person_id"])


def next_number(act: Act) -> int:
    """The number of the next payout: this transaction is the only writer."""
    return (act.connection.execute(_LAST).scalar() or 0) + 1


def refuse_twice(act: Act, order: str, item: str, remedy: str) -> None:
    """Raise `Impossible` where a payout for the item, or for its whole order, is due, under way or made."""
    found = act.connection.execute(_SAME, {"order": order, "item": item, "kind": remedy}).first()
    if found is not None:
        what = f"item {found.item_ref}" if found.item_ref else "the whole order"
        raise Impossible(
            f"A {'refund' if remedy == 'refund' else 'goodwill payment'} for {what} of order {order} is {_how(found)}"
            " already: nothing is paid twice."
        )


def _how(payout: Any) -> str:  # noqa: ANN401 - a row
    return {"paid": "paid", "in_batch": f"in batch {payout.batch_id}"}.get(payout.state, "due")


def write(act: Act, values: Mapping[str, Any], event: int, **others: object) -> None:
    """Write a planned payout and count it in its order's balance."""
    kept = {name: value for name, value in values.items() if name != _ROOM}
    balances.take(act.connection, kept["order_ref"], kept["currency"], kept["amount"], values[_ROOM])
    act.connection.execute(_PAYOUT, {**kept, "event_id": event, **others})


def move(act: Act, payout: Row, state: str, **others: Any) -> Row:  # noqa: ANN401 - columns
    """A payout in another state; one that is given up or failed no longer counts in its order's balance.

    Raises `Impossible` where somebody else moved it meanwhile.
    """
    values = {"state": state, **others}
    found = act.connection.execute(
        sa.update(payouts).where(payouts.c.id == payout["id"], payouts.c.state == payout["state"]).values(values)
    )
    if found.rowcount != 1:
        raise Impossible("This payout was changed by somebody else just now; reload to see it.")
    if state in {"failed", "withdrawn"}:
        balances.give_back(act.connection, payout["order_ref"], payout["currency"], payout["amount"])
    return {**payout, **values}


def of_claim(connection: sa.Connection, claim: int, states: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The payouts of a claim, first to last; only those in some states where they are named."""
    query = sa.select(payouts).where(payouts.c.claim_id == claim).order_by(payouts.c.id)
    return rows_of(connection, query.where(payouts.c.state.in_(states)) if states else query)


def withdraw_all(act: Act, row: Row) -> list[dict[str, Any]]:
    """Give up what is due on a claim that is opened again, as its event tells it.

    Raises `Impossible` where money is under way or the refund was paid: that cannot be taken back by the desk.
    """
    found = of_claim(act.connection, row["id"])
    names = names_of(act.connection)
    for payout in found:
        if payout["state"] == "in_batch":
            made = act.connection.execute(
                sa.select(batches.c.person_id).where(batches.c.id == payout["batch_id"])
            ).scalar()
            raise Impossible(
                f"Its payout is in batch {payout['batch_id']} ({names.get(made or 0, 'somebody')}): wait for its result"
                " before reopening the claim."
            )
        if payout["state"] == "paid" and payout["remedy"] == "refund":
            when = sentences.clock(payout["settled_at"], act.at)
            raise Impossible(
                f"{sentences.amount(payout['amount'], payout['currency'])} were paid {when}: a paid claim is not"
                " reopened, so that nothing is paid twice."
            )
    return [told(move(act, payout, "withdrawn")) for payout in found if payout["state"] in {"awaiting", "queued"}]
