"""The desk's settings: answer targets, the sender of mails, limits and the words of replies; who changed what."""

from __future__ import annotations

import streamlit as st

from refundcore import desk
from refundcore.desk import settings_parts

# Who may
me = desk.page("Settings", "read_settings", icon="settings")
changes = desk.may(me.role, "change_settings")

# Load
settings = desk.read(desk.settings_now)
history = desk.read(desk.setting_changes)

# Show
if not changes:
    st.text("You may read the settings; managers change them.")
left, right = st.columns([3, 2], gap="medium")
with left:
    st.header("Answer targets", anchor=False)
    settings_parts.targets(me, settings, changes=changes)
    st.header("Mails", anchor=False)
    settings_parts.sender(me, settings, changes=changes)
    st.header("Payouts that need a second manager", anchor=False)
    settings_parts.limits(me, changes=changes)
    st.header("Words of replies", anchor=False)
    settings_parts.wordings(me, changes=changes)
with right:
    st.header("Days and times", anchor=False)
    settings_parts.zone()
    st.header("What was changed", anchor=False)
    settings_parts.history(history)
