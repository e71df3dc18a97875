"""Payouts: approvals that wait for another manager, what is due, and batches from draft to settled."""

from __future__ import annotations

import streamlit as st

from refundcore import desk
from refundcore.desk import paying

# Who may
me = desk.page("Payouts", "read_payouts")

# Sums, then the open tab
paying.totals()
due, batches, approvals = st.tabs(
    ["Due", "Batches", "Approvals"], key="payouts_tab", on_change="rerun", bind="query-params"
)
for tab, draw in ((due, paying.due), (batches, paying.batches), (approvals, paying.approvals)):
    if tab.open:
        with tab:
            draw(me)
paying.limits()
