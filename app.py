"""The table of contents: which pages there are, in order, and for whom. Each page is complete in itself."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from refundcore import desk

PAGES = Path(__file__).parent / "pages"
CONTENTS = (
    # file, title, what it is for, who may (everybody where nobody is named)
    ("queue", "Queue", "What is due next, and the way into each claim.", ()),
    ("claim", "Claim", "One claim.", ()),
    ("new_claim", "New claim", "Enter a claim by hand.", ("agent", "manager")),
    ("upload", "Upload", "Bring in a file of claims.", ("agent", "manager")),
    ("payouts", "Payouts", "What is to be paid, and what became of it.", ("manager", "auditor")),
    ("metrics", "Metrics", "What is refunded, and why.", ()),
    ("behind", "Behind a figure", "The claims that a figure counts.", ()),
    ("journal", "Journal", "What happened, and by whom.", ("manager", "auditor")),
    ("policy", "Policy", "Every clause as it reads today.", ()),
    ("settings", "Settings", "Answer targets, mails, limits and the words of replies.", ("manager", "auditor")),
)

HIDDEN = ("claim", "behind")
"""Pages that one comes to from others."""

role = desk.role()
st.navigation(
    [
        st.Page(
            PAGES / f"{name}.py",
            title=title,
            help=purpose,
            default=name == "queue",
            # A page that isn't for somebody says so itself; left out here, its address would lead to an error.
            visibility="hidden" if name in HIDDEN or (roles and role not in roles) else "visible",
        )
        for name, title, purpose, roles in CONTENTS
    ],
    position="top",
).run()
