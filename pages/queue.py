"""The queue: what is due next, who has it, and the way into each claim."""

from __future__ import annotations

import streamlit as st

from refundcore import desk
from refundcore.desk import bulk, filters

# Who may, and what they look for
me = desk.page("Queue")
works, approves = desk.may(me.role, "decide"), desk.may(me.role, "approve_override")
people = desk.read(desk.people, active=True)
top = st.container()
chosen = filters.draw(people)
along = filters.carried(chosen, people)


@st.fragment(run_every="30s")
def figures() -> None:
    """Numbers of open claims, each a filter, and the next claim to take; counted anew every 30 seconds."""
    desk.read(desk.rejudge_due, desk.now())
    counted = desk.read(desk.queue_figures, person=me.id, at=desk.now())
    with st.container(horizontal=True, gap="small"):
        filters.switch(f"**{counted.overdue:,}** overdue", "figure_overdue", chosen, {"due": "overdue"})
        filters.switch(f"**{counted.due_soon:,}** due in 4 hours", "figure_soon", chosen, {"due": "soon"})
        filters.switch(f"**{counted.waiting_us:,}** waiting for us", "figure_us", chosen, {"state": "us"})
        waiting = f"**{counted.waiting_customer:,}** waiting for the customer"
        filters.switch(waiting, "figure_customer", chosen, {"state": "customer"})
        if approves:
            waiting = f"**{counted.awaiting_approval:,}** awaiting approval"
            filters.switch(waiting, "figure_approval", chosen, {"state": "approval"})
        if works:
            filters.switch(f"**{counted.mine:,}** mine", "figure_mine", chosen, {"assignee": "me"})
            with st.container(horizontal=True, horizontal_alignment="right"):
                take = st.button("Take the next claim", key="take", icon=":material/front_hand:", shortcut="T")
    if works and take:
        taken = desk.do(desk.take_next, me, "take", filter=chosen)
        if taken:
            desk.tell(taken.sentence)
            st.switch_page("pages/claim.py", query_params={"claim": taken.ref, **along})
        if not desk.refused("take"):
            st.info("Nothing to take: no open claim of this filter is without an assignee.", icon=":material/task_alt:")
    desk.refusals("take")


@st.fragment(run_every="30s")
def table() -> None:
    """A page of claims, read anew every 30 seconds; the deadlines tick in the browser meanwhile."""
    page = desk.read(desk.queue, chosen, person=me.id, at=desk.now(), **filters.position(chosen))
    if not page.rows:
        desk.nothing_here(me, chosen)
        return
    over = st.container(horizontal=True, vertical_alignment="center", gap="small")
    shown = desk.claims_table(
        page.rows,
        "claims",
        caption="Claims, the most urgent first",
        selection=bulk.selection() if works else None,
        along=along,
        me=me.id,
    )
    if shown.opened:
        st.switch_page("pages/claim.py", query_params={"claim": shown.opened, **along})
    if works:
        with over:
            bulk.bar([(row.id, row.version) for row in page.rows if row.id in shown.selected], chosen)
    filters.turning(chosen, page)


with top:
    figures()
table()
if works:
    bulk.dialog_if_open(me, people)
