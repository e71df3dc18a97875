"""One claim: what the policy says and why, what is known, what happened, and the decision."""

from __future__ import annotations

import streamlit as st

from refundcore import desk
from refundcore.desk import (
    claim_money,
    claim_parts,
    clocks,
    deciding,
    evidence_parts,
    filters,
    mail_parts,
    presence,
    proof_parts,
    replying,
    verdicts,
)

# Who may
me = desk.page("Claim", head=False)
works = desk.may(me.role, "decide")

# Load the claim that the address names, within the queue's filter that it carries along
ref = st.query_params.get("claim", "")
desk.read(desk.rejudge_due, desk.now())
people = desk.read(desk.people, active=True)
chosen = filters.carried_by(st.query_params.to_dict(), people)
claim = desk.read(desk.claim, ref) if ref else None
if claim is None:
    desk.heading("Claim", me)
    claim_parts.no_such_claim(ref)
    st.stop()
alike = desk.read(desk.alike_evidence, claim.id)
explanation = verdicts.explained(claim)

# Show
desk.heading(desk.plain(claim.ref), me)
with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    claim_parts.standing(claim)
    with st.container(horizontal=True, horizontal_alignment="right"):
        claim_parts.way(me, claim, chosen, people)

presence.panel(me, claim)
left, right = st.columns([3, 2], gap="medium")
with left:
    with st.container(border=True):
        withdrawn, edition = claim.outcome == "withdrawn", verdicts.edition_of(claim)
        verdicts.headline(explanation, withdrawn=withdrawn, edition=edition)
        claim_parts.summary(claim)
        evidence_parts.warning(alike)
    if explanation.missing and claim.verdict == "need_info":
        st.header("What to ask", anchor=False)
        desk.listing(verdicts.missing_lines(explanation), "missing", "What to ask")
    clocks.panel(claim, explanation)
    why, evidence, facts = st.tabs(["Why", "Evidence", "Facts"], key="claim_tab", on_change="rerun")
    if facts.open:
        with facts:
            if works and claim.state not in {"decided", "closed", "payout_failed"}:
                claim_parts.facts_form(me, claim)
            else:
                claim_parts.facts_shown(claim)
            mail_parts.found_in(claim)
    elif evidence.open:
        with evidence:
            mail_parts.came_with(me, claim)
            if other := evidence_parts.panel(me, claim, explanation, alike):
                claim_parts.go(other, chosen, people)
    else:
        with why:
            verdicts.why(explanation, claim.clauses)
            verdicts.turning(claim.facts)

with right:
    with st.container(border=True):
        st.header("Decision", anchor=False)
        deciding.panel(me, claim, explanation)
        claim_money.panel(me, claim)
    if works:
        claim_parts.assigning(me, claim, people)
    else:
        st.text(f"Assigned to {claim.assignee or 'nobody'}")
    st.header("Reply to the customer", anchor=False)
    replying.panel(me, claim)
    proof_parts.panel(me, claim)
    st.header("What happened", anchor=False)
    if works:
        claim_parts.noting(me, claim)
    claim_parts.timeline(me, claim)
    claim_parts.related(claim, chosen, people)
