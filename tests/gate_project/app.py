"""What the tests of the gate serve behind it: who one is, an image, an upload, and a page that nobody is given."""

import streamlit as st


def home() -> None:
    st.text(f"person={st.user.get('person')}")
    st.image(b"\x89PNG\r\n\x1a\n" + bytes.fromhex(
        "0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
    ))  # fmt: skip
    upload = st.file_uploader("A file", key="up")
    if upload:
        st.text(f"size={upload.size}")


st.text("THE FRAME")
st.navigation([st.Page(home, title="Home", default=True)]).run()
