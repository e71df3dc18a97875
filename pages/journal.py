"""The journal: what happened, by whom, to which claim; filtered, linked, to be taken along."""

from __future__ import annotations

import streamlit as st

from refundcore import desk
from refundcore.desk import journaling

# Who may
me = desk.page("Journal", "read_journal")

# What they look for: the address says it
address = st.query_params.to_dict()
now = journaling.chosen(address)
wanted = journaling.draw(desk.read(desk.people), now)
journaling.keep(wanted, now)

# Show
found = journaling.page(now, address)
if found.rows:
    with st.container(horizontal=True, vertical_alignment="center"):
        journaling.head(found)
        journaling.export(now)
    opened = journaling.show(found)
    if opened:
        st.switch_page("pages/claim.py", query_params={"claim": opened})
    journaling.turn(now, found)
else:
    st.text("Nothing of this kind happened." if now.params() else "Nothing happened yet.")
