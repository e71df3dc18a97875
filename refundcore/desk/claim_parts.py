"""Parts of the page of one claim: its summary, its facts as a form, its way through the queue, its timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from refundcore import store
from refundcore.desk import acts, context, fields, filters
from refundcore.desk.listing import Line, Pair, listing, pairs
from refundcore.desk.show import (
    REASONS,
    Word,
    ago_text,
    badge,
    count_text,
    known,
    money_text,
    plain,
    state_word,
    value_text,
    verdict_word,
    when_text,
)
from refundcore.facts import BY_NAME, Fact
from refundcore.store import ClaimRecord, Event, Filter, Person, QueueRow

ICONS = {
    "created": "add_circle",
    "imported": "upload_file",
    "facts_set": "edit",
    "assigned": "person",
    "noted": "sticky_note_2",
    "evidence_attached": "attach_file",
    "evidence_judged": "fact_check",
    "evidence_removed": "delete",
    "asked": "help",
    "decided": "gavel",
    "override_requested": "approval_delegation",
    "override_approved": "verified",
    "override_rejected": "cancel",
    "reopened": "restart_alt",
    "reply_begun": "outgoing_mail",
    "reply_sent": "mark_email_read",
    "reply_failed": "unsubscribe",
    "replied": "outbox",
    "closed": "archive",
    "erased": "ink_eraser",
    "payout_approved": "verified",
    "payout_rejected": "cancel",
    "route_asked": "alt_route",
    "goodwill_asked": "volunteer_activism",
    "payout_queued": "payments",
    "payout_batched": "stacks",
    "payout_unbatched": "undo",
    "payout_paid": "paid",
    "payout_failed": "money_off",
}


def go(ref: str, chosen: Filter, people: Sequence[Person]) -> None:
    """Show another claim, keeping the queue's filter in the address."""
    acts.close_dialog()
    st.query_params.from_dict({"claim": ref, **filters.carried(chosen, people)})
    st.rerun()


def way(me: Person, claim: ClaimRecord, chosen: Filter, people: Sequence[Person]) -> None:
    """Back to the queue, and on to the claims before and after this one within its filter."""
    before, after = _beside(me, claim, chosen)
    if st.button("Queue", key="back", icon=":material/arrow_back:", shortcut="Q", help="Back to the queue as it was."):
        st.switch_page("pages/queue.py", query_params=filters.address(chosen, people))
    for label, key, shortcut, ref in (("Previous", "previous", "P", before), ("Next", "next", "N", after)):
        if st.button(label, key=key, shortcut=shortcut, disabled=not ref) and ref:
            go(ref, chosen, people)


def _beside(me: Person, claim: ClaimRecord, chosen: Filter) -> tuple[str, str]:
    """The references before and after this claim; one that was just decided keeps its place between them."""
    kept = st.session_state.get("beside")
    if claim.state not in store.OPEN_STATES and kept and kept[0] == (claim.id, chosen):
        beside: tuple[str, str] = kept[1]
        return beside
    rows = acts.read(store.neighbours, chosen, person=me.id, at=context.now(), claim=claim.id)
    before, after = (row.ref if row else "" for row in rows)
    if claim.state in store.OPEN_STATES:
        st.session_state["beside"] = ((claim.id, chosen), (before, after))
    return before, after


def standing(claim: ClaimRecord) -> None:
    """How the claim stands, as badges: its state, and the policy's verdict where nobody decided yet."""
    badge(state_word(claim.state, claim.outcome))
    if claim.state in store.OPEN_STATES:
        badge(verdict_word(claim.verdict, claim.leaning))
    elif claim.decision and claim.decision.override:
        badge(Word(f"Policy: {verdict_word(claim.decision.verdict).label}", "warning", "orange"))


def summary(claim: ClaimRecord) -> None:
    """The facts that everybody looks for first."""
    facts = claim.facts
    order = " / ".join(str(facts[name]) for name in ("order_ref", "item_ref") if known(facts.get(name)))
    shown = [
        Pair("Order", order or "unknown", unknown=not order),
        _pair("customer_email", facts, "Customer"),
        Pair("Reason", REASONS.get(str(facts.get("reason")), "unknown"), unknown=not known(facts.get("reason"))),
        _pair("amount", facts),
        _pair("product", facts),
        Pair("Purchased", value_text(_purchase(facts), facts), unknown=not known(facts.get(_purchase(facts)))),
        _pair("submitted_at", facts, "Received"),
    ]
    if known(facts.get("description")):
        shown.append(Pair("The customer's grounds", str(facts["description"]), wide=True))
    pairs(shown, "summary")


def _purchase(facts: Mapping[str, Any]) -> str:
    return "purchased_at" if known(facts.get("purchased_at")) else "ordered_at"


def _pair(name: str, facts: Mapping[str, Any], label: str = "") -> Pair:
    return Pair(label or BY_NAME[name].label, value_text(name, facts), unknown=not known(facts.get(name)))


def facts_form(me: Person, claim: ClaimRecord) -> None:
    """The facts as a form, by topic; what was changed is saved as one act."""
    name = f"facts_{claim.id}_{claim.version}"
    before = {fact: fields.text_of(fact, claim.facts) for fact in BY_NAME}
    form = fields.Form()
    with st.form(name, border=False):
        fields.draw(form, BY_NAME["reason"], name, before["reason"], missing="reason" in claim.missing)
        fields.draw_all(form, claim.facts.get("reason"), name, before, missing=claim.missing, leave_out=("claim_ref",))
        sent = st.form_submit_button("Save the facts", type="primary", icon=":material/save:")
    if sent:
        facts, problems = fields.read({**before, **form.typed})
        problems = {fact: why for fact, why in problems.items() if form.typed.get(fact, "") != before.get(fact, "")}
        changed = fields.changes(before, form.typed, facts)
        form.show(problems)
        if problems:
            st.error(f"Nothing was saved yet: {count_text(len(problems), 'field')} cannot be read.")
        elif not changed:
            st.info("Nothing was changed, so nothing was saved.")
        else:
            acts.finish(acts.do(store.set_facts, me, name, claim=claim.id, version=claim.version, changes=changed))
    acts.refusals(name)


def facts_shown(claim: ClaimRecord) -> None:
    """All facts, to be read only."""
    for title, asked in fields.asked(claim.facts.get("reason")).items():
        st.markdown(f"**{title}**")
        pairs([_read_only(fact, claim.facts) for fact in asked], f"facts_{title}")


def _read_only(fact: Fact, facts: Mapping[str, Any]) -> Pair:
    there = known(facts.get(fact.name))
    value = value_text(fact.name, facts, unknown=f"not given: {fact.blank}" if fact.blank else "unknown")
    return Pair(fact.label, value, wide=fact.name in fields.WIDE, unknown=not there and not fact.blank)


def assigning(me: Person, claim: ClaimRecord, people: Sequence[Person]) -> None:
    """Who has the claim, and handing it over."""
    names: dict[int | None, str] = {None: "Nobody"}
    names |= {person.id: person.name for person in people if person.role != "auditor"}
    form = f"assign_{claim.id}_{claim.version}"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        options = list(names)
        present = options.index(claim.assignee_id) if claim.assignee_id in names else 0
        to = st.selectbox(
            "Assigned to",
            options,
            index=present,
            key=f"to_{form}",
            format_func=lambda number: names.get(number, "somebody else"),
        )
        mine = claim.assignee_id != me.id and st.button("Assign to me", key="assign_me", shortcut="M")
    wanted = me.id if mine else to
    if wanted != claim.assignee_id and (mine or claim.assignee_id in names):
        acts.finish(acts.do(store.assign, me, form, claim=claim.id, version=claim.version, to=wanted))
    acts.refusals(form)


def noting(me: Person, claim: ClaimRecord) -> None:
    """A note to the timeline."""
    form = f"note_{claim.id}"
    text = st.chat_input("Add a note for colleagues", key=f"text_{form}", max_chars=4000)
    if text and text.strip():
        acts.finish(acts.do(store.note, me, form, claim=claim.id, version=claim.version, text=text.strip()))
    acts.refusals(form)


def timeline(claim: ClaimRecord) -> None:
    """What happened to the claim, the newest first."""
    happened = acts.read(store.events, claim.id)
    listing([_event(event) for event in reversed(happened)], "timeline", "What happened, the newest first")


def _event(event: Event) -> Line:
    return Line(
        head=event.sentence,
        note=when_text(event.at),
        icon=ICONS.get(event.kind, "circle"),
        tone="gray",
        when=ago_text(event.at),
    )


def related(claim: ClaimRecord, chosen: Filter, people: Sequence[Person]) -> None:
    """Other claims of the same order or customer."""
    others = acts.read(store.related, claim.id)
    if not others:
        return
    st.header("Same order or customer", anchor=False)
    opened = listing(
        [_other(row, claim) for row in others], "related", "Other claims of the same order or customer",
        along=filters.carried(chosen, people),
    )  # fmt: skip
    if opened and opened != claim.ref:
        go(opened, chosen, people)


def _other(row: QueueRow, claim: ClaimRecord) -> Line:
    same = "same order" if known(row.order_ref) and row.order_ref == claim.facts.get("order_ref") else "same customer"
    verdict, state = verdict_word(row.verdict, row.leaning), state_word(row.state, row.outcome)
    amount = money_text(row.amount, row.currency, unknown="amount unknown")
    return Line(
        head=row.ref,
        text=f"{REASONS.get(row.reason or '', 'Reason unknown')} · {amount}",
        note=same,
        icon=state.icon,
        tone=state.tone,
        word=state.label,
        when="" if row.state in {"decided", "closed"} else verdict.label,
        opens=row.ref,
    )


def no_such_claim(ref: str) -> None:
    """What to say where the address names no claim."""
    with st.container(border=True):
        st.markdown(f"**There is no claim {plain(ref)}.**" if ref else "**No claim was named.**")
        st.markdown("Check the reference, or look for the order or the e-mail address in the queue.")
        if st.button("To the queue", key="to_queue", icon=":material/arrow_back:"):
            st.switch_page("pages/queue.py")
