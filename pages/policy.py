"""Policy: every clause as it reads on a day, what is unclear in it, changes tried on past claims, and its editions."""

from __future__ import annotations

import streamlit as st

from refundcore import desk
from refundcore.desk import checked_parts, drafting, editions_parts, lab_parts, policy_parts

# Who may: everybody reads; managers change, auditors see what a change would do
me = desk.page("Policy")
changes = desk.may(me.role, "propose_edition")
tries = desk.may(me.role, "try_policy")

# Show the part whose tab is open, narrowed down by the filter in the address
policy_parts.introduction()
names = ["Clause by clause", "Worked examples", "How time is counted", "What is unclear"]
names += ["Try a change", "Proposals", "Editions"] if tries else ["Editions"]
tabs = dict(zip(names, st.tabs(names, key="part", on_change="rerun", bind="query-params"), strict=True))
opened = ""
if tabs["Clause by clause"].open:
    with tabs["Clause by clause"]:
        policy_parts.document(policy_parts.filter_fields(), policy_parts.day_field())
if tabs["Worked examples"].open:
    with tabs["Worked examples"]:
        policy_parts.examples(policy_parts.filter_fields())
if tabs["How time is counted"].open:
    with tabs["How time is counted"]:
        policy_parts.counting()
if tabs["What is unclear"].open:
    with tabs["What is unclear"]:
        checked_parts.checked()
if tries and tabs["Try a change"].open:
    with tabs["Try a change"]:
        form, effect = st.columns([2, 5], gap="large")
        with form:
            tried = drafting.draft_form()
            chosen = drafting.chosen_claims()
            st.button("Start over", key="lab_clear", on_click=drafting.clear, icon=":material/restart_alt:")
            if tried and changes:
                drafting.keep_form(me, tried)
                editions_parts.propose(me, tried)
        if tried:
            with effect:
                found = lab_parts.effects(tried, chosen)
                opened = lab_parts.flipped(found, tried, chosen) or lab_parts.irregular(found)
                st.header("One number over a range", anchor=False)
                lab_parts.sensitivity(tried, chosen)
                st.header("Drafts compared", anchor=False)
                lab_parts.compared(me, tried, chosen)
if tries and tabs["Proposals"].open:
    with tabs["Proposals"]:
        lab_parts.proposed(drafting.chosen_claims())
if tabs["Editions"].open:
    with tabs["Editions"]:
        records = desk.read(editions_parts.records)
        editions_parts.waiting(me, records)
        st.header("All editions", anchor=False)
        editions_parts.list_of(records)
        st.header("Side by side", anchor=False)
        editions_parts.side_by_side(records)
        st.header("Documents", anchor=False)
        editions_parts.documents(me, records)
if opened:
    st.switch_page("pages/claim.py", query_params={"claim": opened})
