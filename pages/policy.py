"""Policy: every clause as it reads today, how it is read, worked examples, and how time is counted."""

from __future__ import annotations

import streamlit as st

from refundcore import desk
from refundcore.desk import policy_parts

# Who may: everybody
me = desk.page("Policy")

# Show the part whose tab is open, narrowed down by the filter in the address
policy_parts.introduction()
text, examples, counting = st.tabs(
    ["Clause by clause", "Worked examples", "How time is counted"], key="part", on_change="rerun", bind="query-params"
)
if text.open:
    with text:
        policy_parts.document(policy_parts.filter_fields())
if examples.open:
    with examples:
        policy_parts.examples(policy_parts.filter_fields())
if counting.open:
    with counting:
        policy_parts.counting()
