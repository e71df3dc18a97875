"""The page of payouts: approvals that wait, what is due, batches with what to do next, sums by currency.

Text that came from outside is shown in tables and as plain text only.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from refundcore import store
from refundcore.desk import acts, context
from refundcore.desk.listing import Line, listing
from refundcore.desk.show import Word, badge, count_text, money_text, when_text
from refundcore.intake.payout_files import batch_file, returned_file
from refundcore.store import NEEDS, Batch, Filter, Payout, Person, may

MAKE = "make_batch"
"""The form that makes a batch."""

SHOWN = 50
"""Approvals that are drawn at once, the most urgent first."""

BATCHES = {
    "drafted": Word("Drafted", "edit_note", "orange", "Not sent yet: export it, then have it paid."),
    "exported": Word("Sent to be paid", "outbox", "blue", "Waiting for what the payment system says."),
    "settled": Word("Settled", "task_alt", "green", "Every payout was paid or failed."),
}
WORDS = {
    "awaiting": "waiting for another manager",
    "queued": "due",
    "in_batch": "in batches",
    "paid": "paid",
    "failed": "failed",
}


def totals() -> None:
    """Sums of payouts, a line a currency: they are never added across."""
    by_currency: dict[str, list[str]] = {}
    found = acts.read(store.payout_totals)
    for state, word in WORDS.items():
        for total in found:
            if total.state == state:
                kind = "goodwill " if total.remedy == "goodwill" else ""
                text = f"{total.count:,} {kind}{word}: {money_text(total.amount, total.currency)}"
                by_currency.setdefault(total.currency, []).append(text)
    lines = [Line(head=currency, text=" · ".join(texts)) for currency, texts in sorted(by_currency.items())]
    if lines:
        listing(lines, "payout_totals", "Payouts by currency")
    else:
        st.text("No claim has a payout yet: an approved refund makes one.")


def _what(payout: Payout) -> str:
    kind = "Goodwill of " if payout.remedy == "goodwill" else ""
    item = f" / {payout.item_ref}" if payout.item_ref else ""
    amount = money_text(payout.amount, payout.currency)
    return f"{kind}{amount} by {payout.route} · claim {payout.ref} · order {payout.order_ref}{item}"


# Approvals


def approvals(me: Person) -> None:
    """Decisions and payouts that wait for another manager."""
    st.subheader("Payouts", anchor=False)
    waiting = acts.read(store.payouts_in, "awaiting", limit=SHOWN)
    if not waiting:
        st.text("No payout waits for approval.")
    for payout in waiting:
        with st.container(border=True):
            _approval(me, payout)
    st.subheader("Decisions", anchor=False)
    page = acts.read(store.queue, Filter(state="approval"), person=me.id, at=context.now())
    if not page.rows:
        st.text("No decision waits for approval.")
        return
    lines = [
        Line(head=row.ref, text=money_text(row.amount, row.currency, unknown="amount unknown"), opens=row.ref)
        for row in page.rows
    ]
    if opened := listing(lines, "waiting_decisions", "Decisions that wait for approval"):
        st.switch_page("pages/claim.py", query_params={"claim": opened})


def _approval(me: Person, payout: Payout) -> None:
    st.text(_what(payout))
    because = " and ".join(NEEDS[need] for need in payout.needs)
    st.text(f"{payout.person} asked for it. It waits for another manager, since {because}.")
    if payout.reason:
        st.text(f"“{payout.reason}”")
    if not may(me.role, "approve_payout"):
        return
    if me.id == payout.person_id or (me.id == payout.decider_id and {"override", "limit"} & {*payout.needs}):
        st.text("You asked for it or decided it: another manager has to look at it.")
        return
    form = f"approval_{payout.id}_{payout.version}"
    given = {"claim": payout.claim, "version": payout.version, "payout": payout.id}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        said = st.text_input("Reason (needed to reject)", key=f"reason_{form}", max_chars=500)
        yes = st.button("Approve", key=f"approve_{payout.id}", type="primary", icon=":material/verified:")
        no = st.button("Reject", key=f"reject_{payout.id}", icon=":material/cancel:")
    if yes:
        acts.finish(acts.do(store.approve_payout, me, form, reason=said, **given))
    if no:
        acts.finish(acts.do(store.reject_payout, me, form, reason=said, **given))
    acts.refusals(form)


def limits() -> None:
    """Above which amount a payout needs another manager, by currency; it is set on the page of settings."""
    found = acts.read(store.payout_limits)
    told = ", ".join(f"above {money_text(limit, currency)}" for currency, limit in sorted(found.items()))
    st.text(
        f"Another manager has to approve payouts {told}." if told else "No currency has a limit for one person yet."
    )


# Due


def due(me: Person) -> None:
    """What is due, a table a currency, and the batch that may be made of it."""
    waiting = acts.read(store.payouts_in, "queued")
    if not waiting:
        st.text("Nothing is due.")
    for code in sorted({payout.currency for payout in waiting}):
        st.subheader(code, anchor=False)
        _due(me, code, [payout for payout in waiting if payout.currency == code])
    acts.refusals(MAKE)


def _due(me: Person, currency: str, waiting: Sequence[Payout]) -> None:
    _table(waiting, f"due_{currency}")
    ready = [payout for payout in waiting if not payout.blocked]
    if not may(me.role, "pay") or not ready:
        return
    names = {payout.id: payout.ref for payout in ready}
    left = st.multiselect("Leave out", list(names), key=f"leave_{currency}", format_func=names.__getitem__)
    chosen = [payout for payout in ready if payout.id not in left]
    total = money_text(sum(payout.amount for payout in chosen), currency)
    label = f"Make a batch of {count_text(len(chosen), 'payout')}, {total}"
    numbers = tuple(payout.id for payout in chosen)
    # What was shown is what is asked for: a click on a page that others have overtaken is refused, not widened.
    st.button(
        label,
        key=f"make_{currency}",
        type="primary",
        icon=":material/stacks:",
        disabled=not chosen,
        on_click=_make,
        args=(me, numbers),
    )


def _make(me: Person, numbers: tuple[int, ...]) -> None:
    if done := acts.do(store.make_batch, me, MAKE, payouts=numbers):
        acts.tell(done.sentence)


def _table(payouts: Sequence[Payout], key: str) -> None:
    shown = pd.DataFrame(
        {
            "Claim": [payout.ref for payout in payouts],
            "Order": [payout.order_ref for payout in payouts],
            "Item": [payout.item_ref for payout in payouts],
            "Amount": [money_text(payout.amount, payout.currency) for payout in payouts],
            "Route": [payout.route for payout in payouts],
            "Kind": [payout.remedy for payout in payouts],
            "Pay by": [when_text(payout.act_by) for payout in payouts],
            "Note": [_note(payout) for payout in payouts],
        }
    )
    st.dataframe(shown, key=key, hide_index=True)


def _note(payout: Payout) -> str:
    if payout.state == "failed":
        return f"failed: {payout.why}"
    if payout.state == "paid":
        return f"paid {when_text(payout.settled_at)}"
    return "blocked: a chargeback is open" if payout.blocked else ""


# Batches


def batches(me: Person) -> None:
    """The batches, the newest first, each with what is to be done next."""
    found = acts.read(store.batches)
    if not found:
        st.text("No batch was made yet.")
    for batch in sorted(found, key=lambda one: one.state == "settled"):
        with st.container(border=True, key=f"batch_{batch.id}"):
            _batch(me, batch)


def _batch(me: Person, batch: Batch) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**Batch {batch.id}**", width="content")
        badge(BATCHES[batch.state])
    total = money_text(batch.total, batch.currency)
    st.text(f"{count_text(batch.count, 'payout')}, {total}; made by {batch.person}, {when_text(batch.at)}.")
    if len(batch.sums) > 1 or batch.state == "settled":
        parts = [f"{n:,} {WORDS[s]} ({money_text(t, batch.currency)})" for s, (n, t) in sorted(batch.sums.items())]
        st.text("; ".join(parts).replace("in batches", "still to be told") + ".")
    payouts = acts.read(store.payouts_of_batch, batch.id)
    with st.expander("Its payouts"):
        _table(payouts, f"of_batch_{batch.id}")
    if batch.state == "drafted" and may(me.role, "pay"):
        _drafted(me, batch)
    elif batch.state != "drafted":
        st.download_button(
            "Download the file for the payment system",
            batch_file(payouts),
            file_name=f"payouts-batch-{batch.id}.csv",
            mime="text/csv",
            key=f"file_{batch.id}",
            icon=":material/download:",
            on_click="ignore",
        )
    if batch.state == "exported" and may(me.role, "pay"):
        _comes_back(me, batch)
        _by_hand(me, [payout for payout in payouts if payout.state == "in_batch"])


def _drafted(me: Person, batch: Batch) -> None:
    form = f"export_{batch.id}"
    with st.container(horizontal=True, gap="small"):
        export = st.button("Export it", key=form, type="primary", icon=":material/outbox:")
        discard = st.button("Give it up", key=f"discard_{batch.id}", icon=":material/undo:")
    act = store.export_batch if export else store.discard_batch
    if (export or discard) and (done := acts.do(act, me, form, batch=batch.id)):
        acts.tell(done.sentence)
        st.rerun()
    acts.refusals(form)


def _comes_back(me: Person, batch: Batch) -> None:
    """The returned file: what it says is shown before it is recorded."""
    form = f"settle_{batch.id}"
    given = st.file_uploader(
        "The file that came back: the same columns, and result (paid or failed)", type="csv", key=f"returned_{batch.id}"
    )
    if given is not None:
        lines, problems = returned_file(given.getvalue())
        if lines or not problems:
            problems += acts.read(store.check_returned, actor=me.id, batch=batch.id, lines=lines)
        if problems:
            st.error("Nothing was recorded, since the file does not fit this batch.", icon=":material/error:")
            st.text("\n".join(problems[:SHOWN]))
            return
        paid = sum(line.result == "paid" for line in lines)
        st.text(f"It says: {paid:,} paid, {len(lines) - paid:,} failed, of {batch.count:,}.")
        if st.button("Record this", key=f"record_{batch.id}", type="primary", icon=":material/check:"):
            done = acts.do(store.settle_batch, me, form, batch=batch.id, lines=lines)
            if done:
                acts.tell(done.sentence)
                st.rerun()
    acts.refusals(form)


def _by_hand(me: Person, payouts: Sequence[Payout]) -> None:
    if not payouts:
        return
    number, names = payouts[0].batch, {payout.id: _what(payout) for payout in payouts}
    with st.expander("Record one by hand"):
        chosen = st.selectbox("Payout", list(names), key=f"hand_{number}", format_func=lambda one: names.get(one, ""))
        payout = next((one for one in payouts if one.id == chosen), payouts[0])
        form = f"hand_{payout.id}_{payout.version}"
        why = st.text_input("Why it failed", key=f"why_{form}", max_chars=500)
        with st.container(horizontal=True, gap="small"):
            paid = st.button("It was paid", key=f"paid_{number}", icon=":material/paid:")
            failed = st.button("It failed", key=f"failed_{number}", icon=":material/money_off:")
        if paid or failed:
            given = {"claim": payout.claim, "version": payout.version, "payout": payout.id}
            result = "paid" if paid else "failed"
            acts.finish(acts.do(store.mark_payout, me, form, result=result, why=why, **given))
        acts.refusals(form)
