"""Metrics: what comes in, what is decided, what it costs, and how long it takes; every number opens its claims."""

from __future__ import annotations

import streamlit as st

from refundcore import desk
from refundcore.desk import framing, measure_settings, measures, report

# Who may: everybody who reads claims
me = desk.page("Metrics")
desk.read(desk.rejudge_due, desk.now())
ends = desk.read(framing.first_and_last)
if ends is None:
    desk.nothing_here(me, desk.Filter())
    st.stop()

# Load and show the figures of the frame that the address names
chosen = framing.draw(me, ends)
figures = measures.headline(chosen)
if not figures.claims and not figures.decisions:
    measures.nothing_in(chosen, ends)
    st.stop()

# The page as a report, made when it is asked for
st.download_button(
    "Download as a report to print",
    lambda: report.report(me, chosen),
    file_name=f"metrics-{chosen.frame.first}-{chosen.frame.last}.html",
    mime="text/html",
    icon=":material/print:",
    on_click="ignore",
    key="report",
)

# The charts of the open tab; the others are not computed
topics = measures.topics(me)
for topic, tab in zip(topics, st.tabs(topics, key="topic", on_change="rerun", bind="query-params"), strict=True):
    if tab.open:
        with tab:
            questions = measures.questions(topic, me)
            places = st.columns(2) if len(questions) > 1 else [st.container(width=860)]
            for number, question in enumerate(questions):
                with places[number % len(places)]:
                    measures.draw(question, chosen)

# What managers bring to the figures
if desk.may(me.role, "change_settings"):
    measure_settings.draw(me)
