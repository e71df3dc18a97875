"""What to do where there is nothing to show: no blank page without a way on."""

from __future__ import annotations

import streamlit as st

from refundcore.desk import acts, context, filters
from refundcore.desk.show import count_text
from refundcore.intake.importing import bring_in
from refundcore.intake.planning import plan
from refundcore.intake.samples import sample
from refundcore.store import Balance, Filter, Person, count_matching, may


def nothing_here(me: Person, chosen: Filter) -> None:
    """Say why the queue is empty and offer the next step."""
    if chosen.params():
        with st.container(border=True, horizontal_alignment="center"):
            st.markdown("**No claim fits this filter.**", width="content")
            st.button("Show all open claims", key="clear_filter", on_click=filters.clear)
        return
    total = acts.read(count_matching, Filter(state="all"), person=me.id, at=context.now())
    with st.container(border=True, horizontal_alignment="center", gap="small"):
        if total:
            st.markdown("**All done: no claim is open.**", width="content")
            st.button("Show decided claims", key="show_decided", on_click=filters.narrow, kwargs={"state": "decided"})
            return
        st.markdown("**No claims yet.** They come in by a file or one at a time.", width="content")
        if not may(me.role, "import"):
            st.markdown("An agent or a manager can bring them in.", width="content")
            return
        with st.container(horizontal=True, horizontal_alignment="center"):
            if st.button("Load the sample", key="load_sample", type="primary", icon=":material/science:"):
                load_sample(me)
            if st.button("Upload a file", key="to_upload", icon=":material/upload_file:"):
                st.switch_page("pages/upload.py")
            if st.button("Enter a claim", key="to_new_claim", icon=":material/edit_square:"):
                st.switch_page("pages/new_claim.py")
        acts.refusals("sample")


def load_sample(me: Person) -> None:
    """Bring in the sample: claims of every kind, their dates moved to today; an import like any other."""
    balance = acts.attempt(lambda: _imported(me), "sample")
    if balance:
        acts.tell(f"The sample is in: {count_text(balance.created, 'claim')}.")
        st.rerun()


def _imported(me: Person) -> Balance:
    at = context.now()
    file = sample(at)
    _, balance = bring_in(file, plan(file, zone=context.policy().zone), context.store(), actor=me.id, at=at)
    return balance
