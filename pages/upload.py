"""A file of claims brought in: what it is, what its columns mean, what would come in, and what came of every row."""

from __future__ import annotations

import streamlit as st

from refundcore import desk
from refundcore.desk import bringing_in, imports_so_far, mailing, uploading

me = desk.page("Upload", "import")

file = uploading.chooser()
if file is None:
    uploading.forget_answers()
    st.text(f"{uploading.LIMITS} Nothing is stored before you have seen what would come in.")
elif mailing.is_mail(file):
    mailing.page(me, file)
elif plan := uploading.understood(file):
    found = bringing_in.previewed(file, plan)
    if found:
        bringing_in.show(found)
    bringing_in.offered(me, file, plan, found)

imports_so_far.history(me)
