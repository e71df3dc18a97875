"""The imports so far, also those that run elsewhere: how far they are, what came of their rows, and taking one back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from refundcore import intake
from refundcore.desk import acts, context
from refundcore.desk.show import count_text, plain, when_text
from refundcore.store import Balance, ImportRecord, Person, imports, may, preview_undo, undo_import

PARTS = ("Rows", "Created", "Updated", "Unchanged", "Duplicates", "Conflicting", "Rejected")
SHOWN = 30
UNFINISHED = frozenset({"running", "finishing", "removing"})
EVERY = 2
"""Seconds between two looks at imports that are running."""

_DIALOG = "undo_import"
_WORDS = {
    "finished": "done",
    "running": "running",
    "finishing": "running",
    "removing": "being taken back",
    "removed": "taken back",
}


def parts(balances: Sequence[Balance]) -> pd.DataFrame:
    """Balances as a table: where the rows went."""
    return pd.DataFrame({name: [getattr(balance, name.lower()) for balance in balances] for name in PARTS})


def counted(*names: str) -> dict[str, Any]:
    """Columns of numbers with thousands set apart."""
    return {name: st.column_config.NumberColumn(format="localized") for name in names}


def download(number: int, key: str) -> None:
    """The button that hands out what an import left out."""
    store = context.store()
    st.download_button(
        "Download the rows that were left out",
        data=lambda: b"".join(intake.rejects_file(store, number)),
        file_name=f"left-out-of-import-{number}.csv",
        mime="text/csv",
        key=key,
        icon=":material/download:",
        on_click="ignore",
        help="With the reason beside each row. Mend them and bring the file again.",
    )


def history(me: Person) -> None:
    """The imports so far, each with its balance; those that are running are followed."""
    found = acts.read(imports, SHOWN)
    if not found:
        return
    st.subheader("Imports so far", anchor=False)
    running = any(one.status in UNFINISHED for one in found)
    st.fragment(_followed, run_every=EVERY if running else None)(running)
    left = {
        one.id: one.filename
        for one in found
        if one.balance.rejected + one.balance.conflicting and one.status == "finished"
    }
    if left:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            number = st.selectbox("Rows left out of", list(left), format_func=_named(left), key="upload_of", width=360)
            download(number, "upload_history_rejects")
    if may(me.role, "undo_import"):
        _offer_undoing(me, found)


def _followed(following: bool) -> None:  # noqa: FBT001 - the fragment's own
    found = acts.read(imports, SHOWN)
    _table(found)
    if following and not any(one.status in UNFINISHED for one in found):
        st.rerun()


def _table(found: Sequence[ImportRecord]) -> None:
    table = pd.DataFrame(
        {
            "Import": [one.id for one in found],
            "When": [when_text(one.started_at) for one in found],
            "Who": [one.person for one in found],
            "File": [one.filename for one in found],
            "State": [_state(one) for one in found],
        }
    )
    running = [one.share if one.status in UNFINISHED else None for one in found]
    config: dict[str, Any] = {"File": st.column_config.TextColumn(width="medium"), **counted(*PARTS)}
    if any(share is not None for share in running):
        table["Read"] = running
        config["Read"] = st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1, width="small")
    st.dataframe(
        pd.concat([table, parts([one.balance for one in found])], axis=1),
        hide_index=True,
        height="content",
        key="upload_history",
        column_config=config,
    )


def _state(one: ImportRecord) -> str:
    """What an import is at, in words."""
    if one.status == "running" and one.share:
        return f"running: {one.balance.rows:,} of about {_about(one.balance.rows / one.share):,} rows"
    if one.undone_by and one.status == "removed":
        return f"taken back by {one.undone_by}, {when_text(one.undone_at)}"
    return _WORDS.get(one.status, one.status)


def _about(number: float) -> int:
    """A number in two digits that count: more would be false."""
    places = max(0, len(str(int(number))) - 2)
    return round(number / 10**places) * 10**places


def _named(names: dict[int, str]) -> Any:  # noqa: ANN401 - a function for a select box
    return lambda one: f"import {one}, {names[one]}"


# Taking an import back.


def _offer_undoing(me: Person, found: Sequence[ImportRecord]) -> None:
    finished = {one.id: one.filename for one in found if one.status == "finished" and one.balance.created}
    if finished:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            number = st.selectbox(
                "Take back", list(finished), format_func=_named(finished), key="upload_undo_of", width=360
            )
            if st.button("Take this import back …", key="upload_undo", icon=":material/undo:"):
                acts.open_dialog(_DIALOG)
        if acts.dialog_open(_DIALOG):
            _undoing(me, number, finished[number])


@st.dialog("Take an import back", on_dismiss=acts.close_dialog)
def _undoing(me: Person, number: int, filename: str) -> None:
    seen = acts.read(preview_undo, number)
    st.text(f"Import {number}, {filename}")
    if not seen.possible:
        st.info(plain(seen.sentence), icon=":material/info:")
        return
    st.text(seen.sentence)
    label = f"Remove {count_text(seen.claims, 'claim')}"
    if st.button(label, type="primary", key="upload_undo_now", icon=":material/delete:"):
        done = acts.attempt(
            lambda: undo_import(context.store(), number, actor=me.id, at=context.now()), "upload_undoing"
        )
        if done is not None:
            acts.tell(f"Import {number} was taken back; {count_text(done, 'claim')} removed.", icon="undo")
            acts.close_dialog()
            st.rerun()
    acts.refusals("upload_undoing")
