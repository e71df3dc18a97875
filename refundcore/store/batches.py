"""Batches of payouts: drafted from what is due, exported for the payment system, settled by what came back.

A batch is of one currency. Everything here is done whole or not at all, and by as many people at once as like:
a payout is in one batch, and what was recorded of it stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from refundcore.store import sentences, tables
from refundcore.store.acting import Act, Row, acting, allowed, asked_of, names_of
from refundcore.store.errors import Impossible
from refundcore.store.payable import move, told
from refundcore.store.payout_tables import batches, payouts
from refundcore.store.payouts import STATES, record, settle_if_done
from refundcore.store.store import Store, first_of, rows_of

MOST = 1_000
"""Payouts in one batch: it is recorded in one transaction, for which others wait."""

SHOWN = 20
"""Problems that a refusal names."""


@dataclass(frozen=True)
class BatchReceipt:
    """What was done to a batch."""

    batch: int
    repeated: bool
    """True: it was done before; nothing was done now."""
    sentence: str


@dataclass(frozen=True)
class Returned:
    """A line of the file that came back from the payment system."""

    line: int
    key: str
    amount: int
    """In minor units of `currency`."""
    currency: str
    result: str
    """paid or failed."""
    why: str = ""


class Mismatch(Impossible):
    """A returned file that does not fit its batch: nothing was recorded. `problems` has all of them, by line."""

    def __init__(self, problems: Sequence[str]) -> None:
        more = f" … and {len(problems) - SHOWN:,} more." if len(problems) > SHOWN else ""
        super().__init__(f"Nothing was recorded. {' '.join(problems[:SHOWN])}{more}")
        self.problems = tuple(problems)


def make_batch(store: Store, *, actor: int, at: datetime, key: str, payouts: Sequence[int]) -> BatchReceipt:
    """Draft a batch of due payouts, all of one currency. Raises `Impossible` naming one that is not due any more."""
    chosen = sorted(set(payouts))
    parameters = {"payouts": chosen}
    with acting(store, "pay", actor=actor, at=at, key=key, parameters=parameters) as act:
        earlier = first_of(act.connection, sa.select(batches).where(batches.c.key == key))
        if earlier is not None:
            if earlier["asked"] != asked_of("pay", actor, parameters):
                raise Impossible("This form was used for something else before; reload the page.")
            return BatchReceipt(earlier["id"], repeated=True, sentence=f"Batch {earlier['id']} was made.")
        if not 0 < len(chosen) <= MOST:
            raise Impossible(f"A batch has 1 to {MOST:,} payouts, not {len(chosen):,}.")
        found = {row["id"]: row for row in _rows(act, chosen)}
        for number in chosen:
            _refuse_undue(act, found.get(number))
        currencies = {row["currency"] for row in found.values()}
        if len(currencies) > 1:
            raise Impossible(f"A batch is of one currency, not of {' and '.join(sorted(currencies))}.")
        batch = (act.connection.execute(sa.select(sa.func.max(batches.c.id))).scalar() or 0) + 1
        act.connection.execute(
            sa.insert(batches).values(
                id=batch,
                key=key,
                asked=act.asked,
                currency=currencies.pop(),
                at=act.at,
                person_id=actor,
                state="drafted",
            )
        )
        for payout in found.values():
            now = move(act, payout, "in_batch", batch_id=batch)
            act.change(act.load(payout["claim_id"], None), "payout_batched", {"payouts": [told(now)], "batch": batch})
        act.sealed = {"payout_batch": batch, "state": "drafted", "payouts": chosen}
    return BatchReceipt(batch, repeated=False, sentence=f"Batch {batch} was made of {_count(len(chosen))}.")


def _count(number: int) -> str:
    return f"{number:,} payout{'' if number == 1 else 's'}"


def _rows(act: Act, chosen: Sequence[int]) -> list[Row]:
    found: list[Row] = []
    for start in range(0, len(chosen), 500):
        query = sa.select(payouts).where(payouts.c.id.in_(chosen[start : start + 500])).order_by(payouts.c.id)
        found += rows_of(act.connection, query)
    return found


def _refuse_undue(act: Act, payout: Row | None) -> None:
    if payout is None:
        raise Impossible("There is no such payout.")
    claim = act.load(payout["claim_id"], None)
    what = f"The payout of claim {claim['ref']}"
    if payout["state"] == "in_batch":
        made = first_of(act.connection, sa.select(batches).where(batches.c.id == payout["batch_id"]))
        who = names_of(act.connection).get(made["person_id"], "somebody") if made else "somebody"
        raise Impossible(f"{what} is in batch {payout['batch_id']} already, made by {who}; reload to see it.")
    if payout["state"] != "queued":
        raise Impossible(f"{what} is {STATES[payout['state']]}, not due; reload to see it.")
    if claim["chargeback_open"]:
        raise Impossible(f"{what} is blocked by an open chargeback.")


def _batch(act: Act, number: int) -> Row:
    found = first_of(act.connection, sa.select(batches).where(batches.c.id == number))
    if found is None:
        raise Impossible("There is no such batch.")
    return found


def discard_batch(store: Store, *, actor: int, at: datetime, key: str, batch: int) -> BatchReceipt:
    """Give up a batch that was not exported yet: its payouts are due again."""
    with acting(store, "pay", actor=actor, at=at, key=key) as act:
        found = _batch(act, batch)
        if found["state"] == "discarded":
            return BatchReceipt(batch, repeated=True, sentence=f"Batch {batch} was given up.")
        if found["state"] != "drafted":
            raise Impossible(f"Batch {batch} is {found['state']}: what was sent to be paid cannot be taken back here.")
        for payout in rows_of(act.connection, sa.select(payouts).where(payouts.c.batch_id == batch)):
            now = move(act, payout, "queued", batch_id=None)
            act.change(act.load(payout["claim_id"], None), "payout_unbatched", {"payouts": [told(now)], "batch": batch})
        act.connection.execute(sa.update(batches).where(batches.c.id == batch).values(state="discarded"))
        act.sealed = {"payout_batch": batch, "state": "discarded"}
    return BatchReceipt(batch, repeated=False, sentence=f"Batch {batch} was given up; its payouts are due again.")


def export_batch(store: Store, *, actor: int, at: datetime, key: str, batch: int) -> BatchReceipt:
    """Release a batch to be paid; from now on each of its payouts ends as paid or failed.

    Raises `Impossible` where a chargeback was opened since on one of its claims.
    """
    with acting(store, "pay", actor=actor, at=at, key=key) as act:
        found = _batch(act, batch)
        if found["state"] in {"exported", "settled"}:
            return BatchReceipt(batch, repeated=True, sentence=f"Batch {batch} was exported.")
        if found["state"] != "drafted":
            raise Impossible(f"Batch {batch} is {found['state']}.")
        claims = tables.claims
        query = (
            sa.select(claims.c.ref)
            .join(payouts, payouts.c.claim_id == claims.c.id)
            .where(payouts.c.batch_id == batch, claims.c.chargeback_open.is_(True))
        )
        if blocked := list(act.connection.execute(query).scalars()):
            raise Impossible(
                f"A chargeback was opened on claim {', '.join(blocked[:5])} since batch {batch} was made: give the"
                " batch up and make it without."
            )
        act.connection.execute(
            sa.update(batches).where(batches.c.id == batch).values(state="exported", exported_at=act.at)
        )
        act.sealed = {"payout_batch": batch, "state": "exported"}
    return BatchReceipt(batch, repeated=False, sentence=f"Batch {batch} was exported.")


def settle_batch(
    store: Store, *, actor: int, at: datetime, key: str, batch: int, lines: Sequence[Returned]
) -> BatchReceipt:
    """Record what the returned file says of a batch. A line that says what is known already changes nothing.

    Raises `Mismatch` where any line does not fit: nothing is recorded then.
    """
    with acting(store, "pay", actor=actor, at=at, key=key) as act:
        here = _in(act.connection, _batch(act, batch))
        problems, fresh = _compared(here, batch, lines)
        if problems:
            raise Mismatch(problems)
        for line in fresh:
            payout = here[line.key]
            record(act, act.load(payout["claim_id"], None), payout, line.result, line.why or "no reason was given")
        if not fresh:
            return BatchReceipt(batch, repeated=True, sentence=f"Batch {batch}: all of this was recorded before.")
        done = settle_if_done(act, batch)
    paid = sum(line.result == "paid" for line in fresh)
    rest = "it is settled" if done else "the others are still to be told"
    return BatchReceipt(
        batch, repeated=False, sentence=f"Batch {batch}: {paid:,} paid, {len(fresh) - paid:,} failed; {rest}."
    )


def check_returned(store: Store, *, actor: int, batch: int, lines: Sequence[Returned]) -> list[str]:
    """What does not fit in a returned file, by line, without recording anything."""
    with store.read() as connection:
        allowed(connection, actor, "pay")
        found = first_of(connection, sa.select(batches).where(batches.c.id == batch))
        if found is None:
            return ["There is no such batch."]
        return _compared(_in(connection, found), batch, lines)[0]


def _in(connection: sa.Connection, batch: Row) -> dict[str, Row]:
    """The payouts of a batch by their keys. Raises `Impossible` for one that is not out to be paid."""
    if batch["state"] not in {"exported", "settled"}:
        raise Impossible(f"Batch {batch['id']} is {batch['state']}: nothing can have come back for it.")
    return {row["key"]: row for row in rows_of(connection, sa.select(payouts).where(payouts.c.batch_id == batch["id"]))}


def _compared(here: Mapping[str, Row], batch: int, lines: Sequence[Returned]) -> tuple[list[str], list[Returned]]:
    """The problems of a returned file, and its lines that tell something new."""
    problems: list[str] = []
    fresh: list[Returned] = []
    seen: dict[str, int] = {}
    for line in lines:
        where = f"Line {line.line}:"
        payout = here.get(line.key)
        if line.key in seen:
            problems.append(f"{where} the payout {line.key} stands in line {seen[line.key]} already.")
        elif payout is None:
            problems.append(f"{where} the payout “{line.key[:40]}” is not in batch {batch}.")
        elif (line.amount, line.currency) != (payout["amount"], payout["currency"]):
            sent = sentences.amount(payout["amount"], payout["currency"])
            came = sentences.amount(line.amount, line.currency)
            problems.append(f"{where} {came} came back, but {sent} were sent.")
        elif line.result not in {"paid", "failed"}:
            problems.append(f"{where} the result is “{line.result[:40]}”, neither paid nor failed.")
        elif payout["state"] == "in_batch":
            fresh.append(line)
        elif payout["state"] != line.result:
            problems.append(f"{where} this payout was recorded as {payout['state']} before.")
        seen.setdefault(line.key, line.line)
    if not lines:
        problems.append("There is no line in the file.")
    return problems, fresh
