"""The team: one's own account, who is here with which role, and what each role may do."""

from __future__ import annotations

import streamlit as st

from refundcore import desk
from refundcore.desk import team

# Who may: everybody has an account of their own; who is here is for managers and auditors
me = desk.page("Team", "own_account", icon="group")
sees, manages = desk.may(me.role, "read_people"), desk.may(me.role, "manage_people")

# Load
members = team.members()

# Show
team.link()
left, right = st.columns([3, 2], gap="medium")
with left:
    if sees:
        st.header("People", anchor=False)
        team.people(members, me)
    if manages:
        st.header("Change an account", anchor=False)
        team.managing(me, members)
    st.header("What each role may do", anchor=False)
    team.roles(me)
with right:
    if manages:
        st.header("Add somebody", anchor=False)
        team.adding(me)
    st.header("Your own account", anchor=False)
    team.own(me, team.mine(me, members))
    if sees:
        st.header("What was changed", anchor=False)
        team.history(team.changes())
