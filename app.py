"""The table of contents: which pages there are, in order, and for whom. Each page is complete in itself."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from refundcore import desk

PAGES = Path(__file__).parent / "pages"
CONTENTS = (
    # file, title, icon, what it is for, who may (everybody where nobody is named)
    ("queue", "Queue", "inbox", "What is due next, and the way into each claim.", ()),
    ("claim", "Claim", "description", "One claim.", ()),
    ("new_claim", "New claim", "edit_square", "Enter a claim by hand.", ("agent", "manager")),
    ("upload", "Upload", "upload_file", "Bring in a file of claims.", ("agent", "manager")),
    ("metrics", "Metrics", "bar_chart", "What is refunded, and why.", ()),
    ("policy", "Policy", "gavel", "Every clause as it reads today.", ()),
)

role = desk.role()
st.navigation(
    [
        st.Page(
            PAGES / f"{name}.py",
            title=title,
            icon=f":material/{icon}:",
            help=purpose,
            default=name == "queue",
            visibility="hidden" if name == "claim" else "visible",
        )
        for name, title, icon, purpose, roles in CONTENTS
        if (PAGES / f"{name}.py").exists() and (not roles or role in roles)
    ],
    position="top",
).run()
