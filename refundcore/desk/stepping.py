"""What happened on a claim, recorded step by step: a menu of the steps that fit, and a dialog for each.

Each dialog shows what the step will do to the verdict and the deadlines while it is filled in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from refundcore import money, store
from refundcore.deadlines import moment
from refundcore.desk import acts, context, effects, fields
from refundcore.desk.show import count_text, money_text, plain
from refundcore.facts import BY_NAME
from refundcore.store import STEPS, ClaimRecord, Given, Impossible, Person, Step

ICONS = {
    "answered": "mark_chat_read",
    "access_requested": "vpn_key_alert",
    "access_granted": "vpn_key",
    "access_refused": "vpn_key_off",
    "defect_confirmed": "engineering",
    "defect_rejected": "do_not_disturb_on",
    "fix_recorded": "build",
    "fix_accepted": "handshake",
    "replacement_offered": "redeem",
    "remedy_chosen": "rule",
    "withdrawn": "undo",
}
_CHOICES = {"refund": "The money back", "replacement": "The replacement"}
_EFFECTS = {
    "withdrawn": "The claim will be closed as withdrawn, and nothing will be paid. It can be reopened.",
    "replacement_offered": "The claim then waits for the customer's choice. Without one, the refund is due.",
}


def form_of(step: str, claim: ClaimRecord) -> str:
    """The name of a step's form and dialog about the claim as it is now."""
    return f"step_{step}_{claim.id}_{claim.version}"


def fitting(claim: ClaimRecord) -> list[Step]:
    """The steps that fit the claim now, in the order in which they usually come; an answer has a button of its own."""
    row = _row(claim)
    return [
        step
        for name, step in STEPS.items()
        if name != "answered" and not store.unfit(name, row, context.now_us(), context.edition(claim.edition))
    ]


def menu(claim: ClaimRecord) -> None:
    """The menu of what can be recorded."""
    steps = {step.label: step.name for step in fitting(claim)}
    chosen = st.menu_button("Record …", list(steps), key="record_step", help="What happened outside of the desk.")
    if chosen:
        acts.open_dialog(form_of(steps[chosen], claim))


def dialogs(me: Person, claim: ClaimRecord) -> None:
    """Draw the dialog of a step that is open."""
    for name, step in STEPS.items():
        if acts.dialog_open(form_of(name, claim)):
            st.dialog(step.label, on_dismiss=acts.close_dialog, icon=f":material/{ICONS[name]}:")(_draw)(
                me, claim, step
            )


def _row(claim: ClaimRecord) -> Mapping[str, Any]:
    """A claim as the store's steps look at it."""
    return {**claim.facts, "state": claim.state, "verdict": claim.verdict, "asked_for": " ".join(claim.asked_for)}


def _draw(me: Person, claim: ClaimRecord, step: Step) -> None:
    form = form_of(step.name, claim)
    given, problems = _given(claim, step, form)
    changes: dict[str, Any] | None = None
    if not problems:
        try:
            changes = store.step_changes(
                step.name, _row(claim), given, context.now_us(), context.edition(claim.edition)
            )
        except Impossible as refusal:
            problems = [str(refusal)]
    if step.name in _EFFECTS:
        st.text(_EFFECTS[step.name])
    if changes is not None and step.name != "withdrawn":
        effects.show(claim, changes, form)
    elif problems:
        st.caption(f":material/info: {plain(problems[0])}")
    if st.button("Record", type="primary", key=f"confirm_{step.name}", shortcut="Ctrl+Enter"):
        if problems:
            st.error(plain(problems[0]), icon=":material/error:")
        elif step.needs_text and not given.text.strip():
            st.error(f"“{step.text}” is needed.", icon=":material/error:")
        else:
            acts.finish(
                acts.do(store.take_step, me, form, claim=claim.id, version=claim.version, step=step.name, given=given)
            )
    acts.refusals(form)


def _given(claim: ClaimRecord, step: Step, form: str) -> tuple[Given, list[str]]:
    """What is filled in, and what of it cannot be read."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    if step.name == "answered":
        values["answers"], problems = _answers(claim, form)
    if step.moment:
        values["when"], problems = _moment(step, form)
    if step.name == "replacement_offered":
        values["price"], problems = _price(claim, form)
    if step.name == "remedy_chosen":
        present = str(claim.facts.get("remedy_choice") or "")
        at = list(_CHOICES).index(present) if present in _CHOICES else None
        choice = st.radio("The customer wants", list(_CHOICES), at, _CHOICES.__getitem__, key=f"choice_{form}")
        values["choice"] = choice or ""
    label = step.text if step.needs_text else f"{step.text} (optional)"
    values["text"] = st.text_area(label, key=f"words_{form}", max_chars=4000, height=110)
    return Given(**values), problems


def _moment(step: Step, form: str) -> tuple[tuple[int, int] | None, list[str]]:
    fact = BY_NAME[step.moment]
    now = moment(context.now_us(), context.zone())
    typed = fields.Form()
    opened = st.session_state.setdefault(f"opened_{form}", f"{now:%Y-%m-%d %H:%M}")  # it stays while one types
    fields.draw(typed, fact, form, opened)
    facts, problems = fields.read({step.moment: typed.typed[step.moment]})
    if step.moment in problems:
        return None, [problems[step.moment]]
    first, last = facts[step.moment], facts[fact.latest]
    return (None if first is None else (first, last)), []


def _price(claim: ClaimRecord, form: str) -> tuple[int | None, list[str]]:
    low, high = store.price_limits(claim.facts, context.edition(claim.edition))
    currency = str(claim.facts["currency"])
    typed = st.text_input(
        f"Its price in {currency}",
        key=f"price_{form}",
        help="A replacement is of about the same value as what was paid (C6d).",
        placeholder=f"{money.plain(low, currency)} to {money.plain(high, currency)}",
    )
    st.caption(f"From {money_text(low, currency)} to {money_text(high, currency)}.")
    if not typed.strip():
        return None, []
    try:
        return money.parse(typed, currency), []
    except ValueError as problem:
        return None, [str(problem)]


def _answers(claim: ClaimRecord, form: str) -> tuple[dict[str, Any], list[str]]:
    """The facts that were asked for, as fields."""
    st.text(f"{count_text(len(claim.asked_for), 'fact')} asked for. What is left empty stays as it is.")
    before = {name: fields.text_of(name, claim.facts) for name in BY_NAME}
    typed = fields.Form()
    for name in claim.asked_for:
        fields.draw(typed, BY_NAME[name], form, before[name])
    facts, problems = fields.read({**before, **typed.typed})
    asked = {name: why for name, why in problems.items() if name in claim.asked_for}
    typed.show(asked)
    return fields.changes(before, typed.typed, facts), list(asked.values())
