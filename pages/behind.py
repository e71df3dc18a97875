"""Behind: the claims that one figure of the metrics page counts."""

from __future__ import annotations

import streamlit as st

from refundcore import desk
from refundcore.desk import behind_parts

# Who may: everybody who reads claims
me = desk.page("Behind a figure")

# Load and show what the address names
pick = behind_parts.wanted()
if pick is None:
    st.info("The address names no figure. Choose one on the metrics page.", icon=":material/info:")
    if st.button("To the metrics", key="to_metrics"):
        st.switch_page("pages/metrics.py")
    st.stop()
behind_parts.draw(me, pick)
