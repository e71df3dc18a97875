"""Metrics: what comes in, what is decided, what it costs, and how long it takes."""

from __future__ import annotations

import streamlit as st

from refundcore import desk
from refundcore.desk import measures

# Who may: everybody who reads claims
me = desk.page("Metrics")
desk.read(desk.rejudge_due, desk.now())
ends = desk.read(measures.first_and_last)
if ends is None:
    desk.nothing_here(me, desk.Filter())
    st.stop()

# Load and show the figures of the period that the address names
chosen = measures.chosen_period(ends)
figures = measures.headline(chosen)
if not figures.claims and not figures.decided:
    measures.nothing_in(chosen, ends)
    st.stop()

# The charts of the open tab; the others are not computed
for topic, tab in zip(
    measures.TOPICS, st.tabs(measures.TOPICS, key="topic", on_change="rerun", bind="query-params"), strict=True
):
    if tab.open:
        with tab:
            questions = measures.questions(topic)
            places = st.columns(2) if len(questions) > 1 else [st.container(width=860)]
            for number, question in enumerate(questions):
                with places[number % len(places)]:
                    measures.draw(question, chosen)
