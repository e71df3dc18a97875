"""A claim entered by hand: the questions follow the reason, and the verdict stands beside them as one types."""

from __future__ import annotations

import streamlit as st

from refundcore import desk
from refundcore.desk import entering

me = desk.page("New claim", "add_claim")


@st.fragment
def entry() -> None:
    """The form and what the policy makes of it so far; typing runs this part alone."""
    questions, answer = st.columns([3, 2], gap="medium")
    with questions:
        form = entering.questions()
    facts, problems = entering.understood(form)
    with answer, desk.staying("answer"):
        with st.container(horizontal=True, vertical_alignment="center"):
            save = st.button(
                "Save the claim", type="primary", key="save", icon=":material/save:", shortcut="Ctrl+Enter"
            )
            mine = st.checkbox("Assign it to me", value=True, key="mine")
        if save:
            entering.save(me, facts, problems, assign_to=me.id if mine else None)
        desk.refusals(entering.FORM)
        entering.verdict_so_far(facts, problems)


entry()
