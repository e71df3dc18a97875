"""Parts of the page of one claim: its summary, its facts as a form, its way through the queue, its timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from refundcore import store
from refundcore.desk import acts, context, effects, fields, filters, stepping
from refundcore.desk.listing import Line, Pair, listing, pairs
from refundcore.desk.show import (
    REASONS,
    Word,
    ago_text,
    badge,
    count_text,
    fact_label,
    known,
    money_text,
    plain,
    state_word,
    value_text,
    verdict_word,
    when_text,
)
from refundcore.facts import BY_NAME, Fact
from refundcore.store import ClaimRecord, Event, Filter, Person, QueueRow, Receipt

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
    "undone": "undo",
    **stepping.ICONS,
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
    """The facts as a form, by topic; what was changed is saved as one act, after its effect was seen.

    The form stands by the claim as it was when it was first shown: where somebody changed the facts since, saving is
    refused, and what was typed can be taken over.
    """
    now = {fact: fields.text_of(fact, claim.facts) for fact in BY_NAME}
    base: dict[str, Any] = st.session_state.setdefault(_base(claim.id), {})
    if not base or base["facts"] == now:
        base |= {"version": claim.version, "facts": now, "name": base.get("name", f"facts_{claim.id}_{claim.version}")}
    version, before, name = base["version"], base["facts"], base["name"]
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
        elif version == claim.version and effects.changes_anything(claim, changed):
            st.session_state[_pending(claim.id)] = changed
            acts.open_dialog(f"confirm_{name}")
        else:
            _saved(claim, acts.do(store.set_facts, me, name, claim=claim.id, version=version, changes=changed))
    if acts.dialog_open(f"confirm_{name}") and _pending(claim.id) in st.session_state:
        _confirm_facts(me, claim, name)
    acts.refusals(name, keep=lambda fresh: _take_over(before, name, fresh))


@st.dialog("Save these facts?", on_dismiss=acts.close_dialog)
def _confirm_facts(me: Person, claim: ClaimRecord, name: str) -> None:
    """What saving the facts will do, before it is done."""
    changed = st.session_state[_pending(claim.id)]
    st.text(", ".join(dict.fromkeys(fact_label(column.removesuffix("_latest")) for column in changed)))
    effects.show(claim, changed, name)
    if st.button("Save", type="primary", key="confirm_facts", icon=":material/save:", shortcut="Ctrl+Enter"):
        _saved(claim, acts.do(store.set_facts, me, name, claim=claim.id, version=claim.version, changes=changed))
    acts.refusals(name)


def _saved(claim: ClaimRecord, receipt: Receipt | None) -> None:
    """Show the form about the claim as it is now, once its facts were saved."""
    if receipt:
        st.session_state.pop(_base(claim.id), None)
        st.session_state.pop(_pending(claim.id), None)
    acts.finish(receipt)


def _take_over(before: Mapping[str, str], name: str, fresh: ClaimRecord) -> None:
    """Begin the form anew by the claim as it is now, with what was typed into the old one."""
    again = f"facts_{fresh.id}_{fresh.version}"
    for fact, text in before.items():
        typed = st.session_state.get(f"{name}_{fact}", text)
        if str(typed or "") != text:
            st.session_state[f"{again}_{fact}"] = typed
    st.session_state.pop(_base(fresh.id), None)


def _base(claim: int) -> str:
    return f"facts_base_{claim}"


def _pending(claim: int) -> str:
    return f"facts_pending_{claim}"


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
    names |= {person.id: person.name for person in people if store.may(person.role, "decide")}
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


def timeline(me: Person, claim: ClaimRecord) -> None:
    """What happened to the claim, the newest first, and a way to take one's own last act back."""
    happened = acts.read(store.events, claim.id)
    _taking_back(me, claim)
    listing([_event(event) for event in reversed(happened)], "timeline", "What happened, the newest first")


def _taking_back(me: Person, claim: ClaimRecord) -> None:
    did = acts.read(store.can_undo, actor=me.id, at=context.now_us(), claim=claim.id)
    if not did or not store.may(me.role, "undo"):
        return
    form = f"undo_{claim.id}_{claim.version}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(plain(f"You {did}."))
        if st.button("Undo", key="undo", icon=":material/undo:", help="For ten minutes, as an entry of its own."):
            acts.finish(acts.do(store.undo, me, form, claim=claim.id, version=claim.version))
    acts.refusals(form)


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
