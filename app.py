"""The desk's table of contents."""

import streamlit as st

st.title("Refund Desk")
