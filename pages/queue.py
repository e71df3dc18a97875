"""The queue: what is due next, who has it, and the way into each claim."""

from __future__ import annotations

import streamlit as st

from refundcore import desk
from refundcore.desk import bulk, filters

# Who may, and what they look for
me = desk.page("Queue")
works = desk.may(me.role, "decide")
people = desk.read(desk.people, active=True)
top = st.container()
chosen = filters.draw(people)
along = filters.carried(chosen, people)

# Figures, each a filter
desk.read(desk.rejudge_due, desk.now())
figures = desk.read(desk.queue_figures, person=me.id, at=desk.now())
with top, st.container(horizontal=True, gap="small", key="figures"):
    for name, number, words, narrowed in (
        ("overdue", figures.overdue, "overdue", {"due": "overdue"}),
        ("soon", figures.due_soon, "due in 4 hours", {"due": "soon"}),
        ("us", figures.waiting_us, "waiting for us", {"state": "us"}),
        ("customer", figures.waiting_customer, "waiting for the customer", {"state": "customer"}),
        ("mine", figures.mine, "mine", {"assignee": "me"}),
    ):
        if works or name != "mine":
            filters.switch(f"**{number:,}** {words}", f"figure_{name}", chosen, narrowed)
    if works:
        with st.container(horizontal=True, horizontal_alignment="right"):
            take = st.button("Take the next claim", key="take", icon=":material/front_hand:", shortcut="T")

# Take the next claim: nobody else gets the same
if works and take:
    taken = desk.do(desk.take_next, me, "take", filter=chosen)
    if taken:
        desk.tell(taken.sentence)
        st.switch_page("pages/claim.py", query_params={"claim": taken.ref, **along})
    if not desk.refused("take"):
        st.info("Nothing to take: nobody's open claims are all gone in this filter.", icon=":material/task_alt:")
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


table()
if works:
    bulk.dialog_if_open(me, people)
