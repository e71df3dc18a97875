"""The table of contents: which pages there are, in order, and for whom. Each page is complete in itself."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from refundcore import desk

PAGES = Path(__file__).parent / "pages"
CONTENTS = (
    # file, title, what it is for, what one has to be allowed to do there (the page's own guard asks the same)
    ("queue", "Queue", "What is due next, and the way into each claim.", "read"),
    ("claim", "Claim", "One claim.", "read"),
    ("new_claim", "New claim", "Enter a claim by hand.", "add_claim"),
    ("upload", "Upload", "Bring in a file of claims.", "import"),
    ("payouts", "Payouts", "What is to be paid, and what became of it.", "read_payouts"),
    ("metrics", "Metrics", "What is refunded, and why.", "read"),
    ("behind", "Behind a figure", "The claims that a figure counts.", "read"),
    ("journal", "Journal", "What happened, and by whom.", "read_journal"),
    ("policy", "Policy", "Every clause as it reads today.", "read"),
    ("settings", "Settings", "Answer targets, mails, limits and the words of replies.", "read_settings"),
    ("team", "Team", "Your own account, who is here, and what each role may do.", "own_account"),
)

HIDDEN = ("claim", "behind")
"""Pages that one comes to from others."""

role = desk.role()
chosen = st.navigation(
    [
        st.Page(
            PAGES / f"{name}.py",
            title=title,
            help=purpose,
            default=name == "queue",
            # A page that isn't for somebody says so itself; left out here, its address would lead to an error.
            visibility="visible" if name not in HIDDEN and role and desk.may(role, action) else "hidden",
        )
        for name, title, purpose, action in CONTENTS
    ],
    position="top",
)
with desk.timed(chosen.url_path or "queue"):
    chosen.run()
