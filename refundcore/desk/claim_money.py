"""The money of one claim: where its payout stands, and what may be done about it.

Approving, batches and what came back are the payouts page's.
"""

from __future__ import annotations

import streamlit as st

from refundcore import money, store
from refundcore.desk import acts
from refundcore.desk.show import known, money_text, plain, when_text
from refundcore.money import EXPONENTS
from refundcore.store import NEEDS, ClaimRecord, Payout, Person, may

_DECIDED = {"decided", "closed", "payout_failed"}


def panel(me: Person, claim: ClaimRecord) -> None:
    """A short line a payout, and the acts on it; nothing for a claim that is not decided."""
    if claim.state not in _DECIDED:
        return
    found = acts.read(store.payouts_of, claim.id)
    for payout in found:
        st.text(_line(payout))
    chargeback = bool(claim.facts.get("chargeback_open"))
    if chargeback and any(payout.state in {"awaiting", "queued"} for payout in found):
        st.text("A chargeback is open: nothing is paid out until it is closed.")
    if may(me.role, "queue_payout"):
        _queueing(me, claim, found)
        with st.container(horizontal=True, gap="small"):
            _opening(me, claim, found)
            _chargeback(me, claim, is_open=chargeback)
        acts.refusals(f"chargeback_{claim.id}_{claim.version}")
    for name, draw in (("route", _route), ("goodwill", _goodwill)):
        if acts.dialog_open(f"{name}_{claim.id}_{claim.version}"):
            draw(me, claim, found)


def _line(payout: Payout) -> str:
    """Where a payout stands, in a sentence."""
    kind = "Goodwill of " if payout.remedy == "goodwill" else "Payout of "
    what = f"{kind}{money_text(payout.amount, payout.currency)} by {payout.route}"
    match payout.state:
        case "awaiting":
            because = " and ".join(NEEDS[need] for need in payout.needs)
            return f"{what}: waits for another manager, since {because}."
        case "queued":
            return f"{what}: due."
        case "in_batch":
            sent = "sent to be paid" if payout.batch_state == "exported" else "not sent yet"
            return f"{what}: in batch {payout.batch}, {sent}."
        case "paid":
            return f"{what}: paid, as recorded {when_text(payout.settled_at)}."
        case _:
            again = "" if payout.unresolved else " It was queued again or given up."
            return f"{what}: failed {when_text(payout.settled_at)}, because: {payout.why}.{again}"


def _queueing(me: Person, claim: ClaimRecord, found: list[Payout]) -> None:
    form = f"requeue_{claim.id}_{claim.version}"
    failed = [payout for payout in found if payout.unresolved]
    for payout in failed:
        label = f"Queue {money_text(payout.amount, payout.currency)} again"
        if st.button(label, key=f"requeue_{payout.id}", icon=":material/replay:"):
            given = {"claim": claim.id, "version": claim.version, "payout": payout.id}
            acts.finish(acts.do(store.queue_payout, me, form, **given))
    decision = claim.decision
    never = decision and decision.outcome == "approve" and decision.refund and not found
    if never and st.button("Make its payout due", key="queue_first", icon=":material/payments:"):
        acts.finish(acts.do(store.queue_payout, me, form, claim=claim.id, version=claim.version))
    acts.refusals(form)


def _opening(me: Person, claim: ClaimRecord, found: list[Payout]) -> None:
    """The buttons that open a dialog."""
    at = f"{claim.id}_{claim.version}"
    movable = [payout for payout in found if payout.state in {"awaiting", "queued"}]
    if movable and may(me.role, "ask_route"):
        st.button("Another way …", key="route", on_click=acts.open_dialog, args=(f"route_{at}",))
    if claim.state in {"decided", "closed"} and known(claim.facts.get("currency")):
        st.button("Goodwill …", key="goodwill", on_click=acts.open_dialog, args=(f"goodwill_{at}",))


def _chargeback(me: Person, claim: ClaimRecord, *, is_open: bool) -> None:
    label = "The chargeback is closed" if is_open else "A chargeback was opened"
    if st.button(label, key="chargeback", icon=":material/credit_card_off:"):
        given = {"claim": claim.id, "version": claim.version, "is_open": not is_open}
        acts.finish(acts.do(store.set_chargeback, me, f"chargeback_{claim.id}_{claim.version}", **given))


@st.dialog("Pay another way", on_dismiss=acts.close_dialog)
def _route(me: Person, claim: ClaimRecord, found: list[Payout]) -> None:
    form = f"route_{claim.id}_{claim.version}"
    movable = {payout.id: _line(payout) for payout in found if payout.state in {"awaiting", "queued"}}
    chosen = st.radio("Payout", list(movable), format_func=movable.__getitem__, key=f"of_{form}")
    st.text("Money goes back the way it came. Another way waits until another manager has approved it.")
    way = st.text_input("Way", key=f"way_{form}", max_chars=60, placeholder="bank_transfer")
    reason = st.text_area("Reason", key=f"reason_{form}", max_chars=2000)
    if st.button("Ask for it", type="primary", key="confirm_route"):
        given = {"claim": claim.id, "version": claim.version, "payout": chosen, "route": way, "reason": reason}
        acts.finish(acts.do(store.ask_route, me, form, **given))
    acts.refusals(form)


@st.dialog("Goodwill outside the policy", on_dismiss=acts.close_dialog)
def _goodwill(me: Person, claim: ClaimRecord, _: list[Payout]) -> None:
    form, currency = f"goodwill_{claim.id}_{claim.version}", str(claim.facts.get("currency"))
    st.text("It is kept apart from what the policy gives, and waits until another manager has approved it.")
    typed = st.text_input(f"Amount in {currency}", key=f"amount_{form}", max_chars=20)
    reason = st.text_area("Reason", key=f"reason_{form}", max_chars=2000)
    if st.button("Ask for it", type="primary", key="confirm_goodwill"):
        try:
            amount = money.parse(typed, currency) if currency in EXPONENTS else 0
        except ValueError as wrong:
            st.error(plain(str(wrong)), icon=":material/error:")
        else:
            given = {"claim": claim.id, "version": claim.version, "amount": amount, "reason": reason}
            acts.finish(acts.do(store.goodwill, me, form, **given))
    acts.refusals(form)
