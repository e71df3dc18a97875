"""A page that the frame gives to nobody."""

import streamlit as st

st.text("THE SECRET")
