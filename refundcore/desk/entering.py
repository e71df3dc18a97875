"""Entering a claim by hand: questions, what they come to so far, and saving."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from refundcore import store
from refundcore.desk import acts, attaching, fields, verdicts
from refundcore.desk.listing import listing
from refundcore.desk.show import REASONS, code_text, count_text, fact_label, known, plain, verdict_badge
from refundcore.facts import BY_NAME
from refundcore.store import Person

FORM = "entry"


def questions() -> fields.Form:
    """The questions, by topic, following the reason; what is typed stays while one looks at another page."""
    form = fields.Form()
    fact = BY_NAME["reason"]
    chosen = st.segmented_control(
        fact.label,
        list(REASONS),
        format_func=code_text,
        key=f"{FORM}_reason",
        help=fact.help,
        persist_state="session",
        wrap=True,
    )
    form.typed["reason"] = chosen or ""
    fields.draw_all(form, chosen, FORM, {}, keep=True)
    attaching.waiting_files(FORM)
    return form


def understood(form: fields.Form) -> tuple[dict[str, Any], dict[str, str]]:
    """What was typed as facts, and what of it cannot be read, which is also said under its field."""
    facts, problems = fields.read(form.typed, anew=True)
    form.show(problems)
    if attaching.kept_so_far(FORM):
        facts["evidence_attached"] = True
    return facts, problems


def verdict_so_far(facts: Mapping[str, Any], problems: Mapping[str, str]) -> None:
    """What the policy makes of the claim as far as it is typed: verdict, what is missing, deadlines."""
    with st.container(border=True):
        if not any(known(value) for value in facts.values()):
            st.markdown("**The verdict appears here** as soon as something is known.")
            return
        explanation = verdicts.explain(facts)
        verdict_badge(explanation.verdict, explanation.leaning)
        verdicts.headline(explanation)
        if explanation.missing:
            st.markdown("**Still to ask**")
            listing(verdicts.missing_lines(explanation), "entry_missing", "Still to ask")
        if explanation.deadlines:
            st.markdown("**Deadlines**")
            listing(verdicts.deadline_lines(explanation.deadlines), "entry_deadlines", "Deadlines")
        if problems:
            left_out = "is" if len(problems) == 1 else "are"
            st.markdown(f"{count_text(len(problems), 'answer')} {left_out} left out so far: see under the fields.")


def save(me: Person, facts: Mapping[str, Any], problems: Mapping[str, str], *, assign_to: int | None) -> None:
    """Add the claim and open it; where an answer cannot be read, say which."""
    unread = {name: sentence for name, sentence in problems.items() if name}
    if unread:
        names = ", ".join(fact_label(name) for name in unread)
        st.error(plain(f"Not saved yet: {names} cannot be read."), icon=":material/error:")
        return
    if "" in problems:
        st.error("Not saved yet: the order is wanted, or a claim reference.", icon=":material/error:")
        return
    given = {name: value for name, value in facts.items() if value is not None}
    receipt = acts.do(store.add_claim, me, FORM, facts=given, assign_to=assign_to)
    if receipt:
        attaching.attach_waiting(me, FORM, receipt)
        forget()
        acts.tell(receipt.sentence)
        st.switch_page("pages/claim.py", query_params={"claim": receipt.ref})


def forget() -> None:
    """Empty the form."""
    for key in [key for key in st.session_state if str(key).startswith(f"{FORM}_")]:
        del st.session_state[key]
