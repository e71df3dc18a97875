"""The decision on a claim: follow the verdict in one step, decide otherwise with a reason, ask, approve, reopen.

Each dialog says what will happen before it does. Which of them a person sees follows from the claim's state and
their role; the store checks both again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import streamlit as st

from refundcore import money, store
from refundcore.deadlines import HOUR, SECOND, moment, start_of_day
from refundcore.desk import acts, context, effects, replying, stepping
from refundcore.desk.show import (
    LEANINGS,
    OUTCOMES,
    VERDICTS,
    count_text,
    day_text,
    fact_label,
    known,
    money_text,
    plain,
    span_text,
    verdict_word,
    when_text,
)
from refundcore.facts import FACTS
from refundcore.money import EXPONENTS
from refundcore.store import ClaimRecord, Decision, Person, Receipt, may
from refundcore.words import Explanation
from refundcore.words.questions import CUSTOMER, TECHNICIANS

DECISIONS = {"approve": "Approve a refund", "exchange": "Give a replacement", "deny": "Deny the claim"}
NO_REASON = "Say why: a reason is needed."
_CONFIRM = {"approve": "Approve", "exchange": "Exchange", "deny": "Deny"}
_ASK_OF = {"customer": "The customer", "technician": "The technicians"}


def panel(me: Person, claim: ClaimRecord, explanation: Explanation) -> None:
    """What can be decided now, and the dialog that is open."""
    if claim.state in {"decided", "closed", "payout_failed"}:
        _decided(me, claim)
    elif claim.state == "awaiting_approval":
        _awaiting(me, claim)
    else:
        _open(me, claim)
    stepping.dialogs(me, claim)
    for name, draw in _DIALOGS.items():
        if acts.dialog_open(_named(name, claim)):
            draw(me, claim, explanation)


def _named(what: str, claim: ClaimRecord) -> str:
    """A form or dialog about the claim as it is now: once somebody changed it, the name is another."""
    return f"{what}_{claim.id}_{claim.version}"


def _button(label: str, what: str, claim: ClaimRecord, **looks: Any) -> None:  # noqa: ANN401 - Streamlit's own parameters
    st.button(label, key=what, on_click=acts.open_dialog, args=(_named(what, claim),), **looks)


def _open(me: Person, claim: ClaimRecord) -> None:
    if claim.asked_for:
        until = f" by {when_text(claim.asked_until)}" if claim.asked_until else ""
        st.text(f"Asked for{until}: {', '.join(fact_label(name) for name in claim.asked_for)}.")
    if not may(me.role, "decide"):
        st.text("Not decided yet.")
        return
    asks = _primary(claim)
    chooses, waits = _chooses(claim), bool(claim.asked_for)
    with st.container(horizontal=True, gap="small"):
        if chooses:
            _button(f"{_CONFIRM.get(claim.verdict, 'Decide')} …", "follow", claim)
        if claim.verdict != "review":
            _button("Decide otherwise …", "override", claim)
        if waits and claim.verdict != "need_info":
            _record(claim)
        if not asks:
            _button("Ask again …" if waits else "Ask …", "ask", claim)
        stepping.menu(claim)


def _chooses(claim: ClaimRecord) -> bool:
    """Whether the customer was offered a replacement and has not chosen yet."""
    return claim.state == "waiting_customer" and claim.asked_for == ("remedy_choice",)


def _primary(claim: ClaimRecord) -> bool:
    """What is to be done next with the claim, as the button that stands out; whether that is asking."""
    looks: dict[str, Any] = {"type": "primary", "width": "stretch", "shortcut": "Ctrl+Enter"}
    if _chooses(claim):
        _step("remedy_chosen", "Record the customer's choice …", claim, **looks)
        return False
    match claim.verdict:
        case "approve" | "exchange" | "deny":
            amount = money_text(claim.refund, claim.facts.get("currency")) if claim.verdict == "approve" else ""
            label = f"Approve {amount}" if amount else _CONFIRM[claim.verdict]
            _button(f"{label} …", "follow", claim, icon=f":material/{VERDICTS[claim.verdict].icon}:", **looks)
        case "need_info" if claim.asked_for:
            _record(claim, **looks)
        case "need_info":
            _button("Ask for what is missing …", "ask", claim, icon=":material/help:", **looks)
            return True
        case "review":
            _button("Decide …", "override", claim, icon=":material/balance:", **looks)
        case "pending" if "defect_approved" in claim.missing and claim.state == "new":
            _button("Ask the technicians …", "ask", claim, icon=":material/engineering:", **looks)
            return True
        case _:
            until = f" until {when_text(claim.next_deadline)}" if known(claim.next_deadline) else ""
            st.text(f"Nothing to decide{until}: time alone will settle this claim.")
    return False


def _step(step: str, label: str, claim: ClaimRecord, **looks: Any) -> None:  # noqa: ANN401 - Streamlit's own parameters
    """The way to the dialog of a step."""
    st.button(
        label,
        key=f"step_{step}",
        icon=f":material/{stepping.ICONS[step]}:",
        on_click=acts.open_dialog,
        args=(stepping.form_of(step, claim),),
        **looks,
    )


def _record(claim: ClaimRecord, **looks: Any) -> None:  # noqa: ANN401 - Streamlit's own parameters
    """The way to where an answer that came is entered."""
    _step("answered", "Record the answer …", claim, **looks)


def _awaiting(me: Person, claim: ClaimRecord) -> None:
    decision = claim.decision
    if decision:
        wish = DECISIONS[decision.outcome].lower()
        amount = f" of {money_text(decision.refund, decision.currency)}" if decision.refund else ""
        policy = verdict_word(decision.verdict).label
        st.text(f"{decision.person} wants to {wish}{amount}. The policy's verdict is: {policy}.")
        st.text(f"“{decision.reason}”")
    if not may(me.role, "approve_override") or (decision and decision.person_id == me.id):
        st.text("A manager other than the one who asked has to approve it.")
        return
    with st.container(horizontal=True, gap="small"):
        _button("Approve the decision …", "approve", claim, type="primary", icon=":material/approval_delegation:")
        _button("Reject …", "reject", claim)


def _decided(me: Person, claim: ClaimRecord) -> None:
    decision = claim.decision
    if claim.outcome == "withdrawn":
        last = next((event for event in reversed(acts.read(store.events, claim.id)) if event.kind == "withdrawn"), None)
        st.text(f"{last.sentence} {when_text(last.at)}." if last else "The customer withdrew the claim.")
    if decision:
        amount = money_text(decision.refund, decision.currency) if decision.outcome == "approve" else ""
        st.text(_who_and_when(decision))
        if amount:
            fee = f" after a fee of {money_text(decision.fee, decision.currency)}" if decision.fee else ""
            st.text(f"Refund {amount}{fee}.")
        if decision.override:
            st.text(f"Against the policy's verdict: {decision.reason}")
        elif decision.reason:
            st.text(decision.reason)
    with st.container(horizontal=True, gap="small"):
        if claim.state == "decided" and may(me.role, "close"):
            form = _named("close", claim)
            if st.button("Close the claim", key="close", icon=":material/archive:"):
                acts.finish(acts.do(store.close, me, form, claim=claim.id, version=claim.version))
            acts.refusals(form)
        if may(me.role, "reopen"):
            _button("Reopen …", "reopen", claim)


def _who_and_when(decision: Decision) -> str:
    """Who decided and when; where another person had to approve it, both of them."""
    done, when = OUTCOMES[decision.outcome].label, when_text(decision.at)
    if not decision.approver:
        return f"{done} by {decision.person}, {when}."
    approved = f"approved by {decision.approver}, {when_text(decision.approved_at)}"
    return f"{done}: asked for by {decision.person}, {when}; {approved}."


def _follow(me: Person, claim: ClaimRecord, explanation: Explanation) -> None:
    st.dialog(f"{_CONFIRM[claim.verdict]} this claim", on_dismiss=acts.close_dialog)(_follow_body)(
        me, claim, explanation
    )


def _follow_body(me: Person, claim: ClaimRecord, explanation: Explanation) -> None:
    form = _named("follow", claim)
    st.text(explanation.headline)
    amount = money_text(claim.refund, claim.facts.get("currency"))
    consequence = {
        "approve": f"{amount} will be due to the customer." if amount else "A refund will be due.",
        "exchange": "A replacement will be due to the customer.",
        "deny": "Nothing will be paid.",
    }[claim.verdict]
    st.text(f"{consequence} The claim will be {OUTCOMES[claim.verdict].label.lower()} and leave the queue.")
    for line in explanation.deadlines:
        if line.clause == "C3" and line.title.startswith("Pay by"):
            st.text(f"We then aim to pay by {when_text(line.at)}; no other deadline of the claim runs on.")
    reply = st.text_area(
        "Reply to the customer, kept with the decision",
        value=replying.proposal(claim, claim.verdict),
        key=f"reply_{form}",
        height=220,
    )
    label, icon = _CONFIRM[claim.verdict], VERDICTS[claim.verdict].icon
    if st.button(label, type="primary", key="confirm_follow", icon=f":material/{icon}:", shortcut="Ctrl+Enter"):
        acts.finish(
            acts.do(store.decide, me, form, claim=claim.id, version=claim.version, outcome=claim.verdict, reply=reply)
        )
    acts.refusals(form)


@st.dialog("Decide with a reason", on_dismiss=acts.close_dialog)
def _override(me: Person, claim: ClaimRecord, _: Explanation) -> None:
    form = _named("override", claim)
    review = claim.verdict == "review"
    if review:
        leaning = f", {LEANINGS[claim.leaning]}" if claim.leaning else ""
        st.text(f"The policy leaves this claim to a person{leaning}.")
    else:
        st.text(f"The policy's verdict is: {verdict_word(claim.verdict).label}.")
    options = [code for code in DECISIONS if code != claim.verdict]
    at = options.index(claim.leaning) if claim.leaning in options else None
    outcome = st.radio("Decision", options, at, DECISIONS.__getitem__, key=f"outcome_{form}")
    refund, problem = _refund(claim, form) if outcome == "approve" else (None, "")
    reason = st.text_area("Reason", key=f"reason_{form}", max_chars=2000, placeholder="Why, in a sentence or two")
    answer = st.text_area("Reply to the customer, if you like", key=f"reply_{form}", height=110)
    if not review and not may(me.role, "decide_override_alone"):
        st.text("It is against the policy, so it waits for a manager's approval.")
    if st.button("Decide", type="primary", key="confirm_override", shortcut="Ctrl+Enter"):
        if not outcome or problem or not reason.strip():
            why = "Choose a decision." if not outcome else problem or NO_REASON
            st.error(plain(why), icon=":material/error:")
        else:
            given: dict[str, Any] = {} if refund is None else {"refund": refund}
            given |= {"outcome": outcome, "reason": reason.strip(), "reply": answer.strip()}
            acts.finish(acts.do(store.decide, me, form, claim=claim.id, version=claim.version, **given))
    acts.refusals(form)


def _refund(claim: ClaimRecord, form: str) -> tuple[int | None, str]:
    """The amount to refund where the policy gives none: minor units, and what is wrong with what was typed."""
    if known(claim.refund):
        st.text(f"Refund: {money_text(claim.refund, claim.facts.get('currency'))}, as the policy gives it.")
        return None, ""
    currency = str(claim.facts.get("currency") or "")
    if currency not in EXPONENTS:
        return None, "The currency is not known, so no amount can be refunded. Add it to the facts first."
    due = (claim.facts.get("amount") or 0) - (claim.facts.get("refunded_before") or 0)
    typed = st.text_input(f"Refund in {currency}", value=money.plain(max(due, 0), currency), key=f"refund_{form}")
    try:
        return money.parse(typed, currency), ""
    except ValueError as problem:
        return None, str(problem)


@st.dialog("Ask", on_dismiss=acts.close_dialog)
def _ask(me: Person, claim: ClaimRecord, explanation: Explanation) -> None:
    form = _named("ask", claim)
    technicians = "defect_approved" in claim.missing
    of = st.radio(
        "Whom",
        list(_ASK_OF),
        index=int(technicians),
        format_func=lambda code: _ASK_OF[code],
        key=f"whom_{form}",
        horizontal=True,
    )
    names = [fact.name for fact in FACTS if fact.name != "claim_ref"]
    asked = st.multiselect(
        "For what",
        names,
        default=_askable(claim, explanation, of or "customer"),
        key=f"asked_{of}_{form}",
        format_func=fact_label,
    )
    until = _until(claim, form)
    reply = ""
    if of == "customer":
        if not asked and explanation.missing:
            looked = ", ".join(dict.fromkeys(line.asks for line in explanation.missing))
            st.text(f"What is missing does not come from the customer but from {looked}: enter it among the facts.")
        reply = _proposed(
            "Message to the customer, kept with the claim",
            replying.composed(claim, "ask", until, asked).text,
            f"reply_{form}",
        )
    patience = acts.read(store.settings_now).follow_up_hours
    comes = f"on {day_text(until)}" if until else f"after {span_text(patience * HOUR)}"
    st.text(
        f"The claim then waits for {_ASK_OF[of].lower()}; it comes back when an answer is entered, or {comes}. The"
        " policy's own deadlines run on."
    )
    if st.button(
        f"Ask for {count_text(len(asked), 'fact')}",
        type="primary",
        key="confirm_ask",
        disabled=not asked,
        shortcut="Ctrl+Enter",
    ):
        acts.finish(
            acts.do(
                store.decide,
                me,
                form,
                claim=claim.id,
                version=claim.version,
                outcome="ask",
                ask_for=asked,
                ask_of=of,
                ask_until=until,
                reply=reply,
            )
        )
    acts.refusals(form)


def _askable(claim: ClaimRecord, explanation: Explanation, of: str) -> list[str]:
    """What is asked of somebody: the missing facts that they can know, and what the customer has to supply."""
    if of == "technician":
        return [line.fact for line in explanation.missing if line.asks == TECHNICIANS] or [
            name for name in claim.missing if name == "defect_approved"
        ]
    known_ones = [line.fact for line in explanation.missing if line.asks == CUSTOMER]
    if claim.verdict == "need_info" and "C8e" in claim.clauses:
        known_ones.append("description")
    good = claim.facts["evidence_attached"] and claim.facts["evidence_sufficient"] is not False
    if claim.verdict == "need_info" and "C5b" in claim.clauses and not good:
        known_ones.append("evidence_attached")
    return list(dict.fromkeys(known_ones))


def _proposed(label: str, text: str, key: str) -> str:
    """A text to write in that follows its proposal until somebody changed it."""
    before = f"proposed_{key}"
    if st.session_state.get(key, "") == st.session_state.get(before, ""):
        st.session_state[key] = text
    st.session_state[before] = text
    return st.text_area(label, key=key, height=220)


def _until(claim: ClaimRecord, form: str) -> int | None:
    """Until the end of which day the answer is asked for; None where no day is named."""
    zone = context.zone()
    due = moment(claim.next_deadline, zone).date() if claim.next_deadline and claim.verdict == "need_info" else None
    chosen = st.date_input(
        "Answer by",
        value=due,
        min_value=context.now().astimezone(zone).date(),
        max_value=due,
        key=f"until_{form}",
        help="The end of that day. Left empty, the desk's own follow-up time counts.",
    )
    if chosen is None:
        return None
    end = int(start_of_day(np.array([(chosen - date(1970, 1, 1)).days + 1]), context.policy().zone)[0]) - SECOND
    return claim.next_deadline if claim.next_deadline and chosen == due else end


def _with_reason(title: str, what: str, act: Callable[..., Receipt], says: str, *, needed: bool) -> Callable[..., None]:
    """A dialog that asks for a reason and does one act with it."""

    @st.dialog(title, on_dismiss=acts.close_dialog)
    def draw(me: Person, claim: ClaimRecord, _: Explanation) -> None:
        form = _named(what, claim)
        st.text(says)
        if what == "reopen":
            effects.show_reopened(claim, form)
        reason = st.text_area("Reason" if needed else "Remark, if there is one", key=f"reason_{form}", max_chars=2000)
        if st.button(title, type="primary", key=f"confirm_{what}", shortcut="Ctrl+Enter"):
            if needed and not reason.strip():
                st.error(NO_REASON, icon=":material/error:")
            else:
                acts.finish(acts.do(act, me, form, claim=claim.id, version=claim.version, reason=reason.strip()))
        acts.refusals(form)

    return draw


_DIALOGS: dict[str, Callable[..., None]] = {
    "follow": _follow,
    "override": _override,
    "ask": _ask,
    "approve": _with_reason(
        "Approve the decision",
        "approve",
        store.approve_override,
        "The decision against the policy will stand.",
        needed=False,
    ),
    "reject": _with_reason(
        "Reject the decision", "reject", store.reject_override, "The claim will be open again.", needed=True
    ),
    "reopen": _with_reason(
        "Reopen the claim",
        "reopen",
        store.reopen,
        "The decision will be withdrawn and the claim will be open again.",
        needed=True,
    ),
}
