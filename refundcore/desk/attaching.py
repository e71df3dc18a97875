"""Files that somebody chose, dropped or pasted, read into evidence; and those that wait for a claim to be saved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from refundcore import evidence, store
from refundcore.desk import acts
from refundcore.desk.show import plain, size_text
from refundcore.evidence import LARGEST, EvidenceError, Kept
from refundcore.store import Person, Receipt

MOST = 20
"""Files that are attached at once."""

MOST_BYTES = 40 * 2**20
"""Bytes that one session keeps for a claim that is not saved yet."""

HELP = "Screenshots (PNG, JPEG, WebP, GIF), PDFs and mails (.eml), each up to 10 MB. Several at once."


def uploader(key: str, **more: Any) -> list[Any]:  # noqa: ANN401 - Streamlit's own parameters
    """The field for files, by choosing or dropping."""
    found: list[Any] = st.file_uploader(
        "Files",
        type=list(evidence.ACCEPTED),
        accept_multiple_files=True,
        key=key,
        help=HELP,
        max_upload_size=LARGEST // 2**20,
        **more,
    )
    return found


def taken(chosen: Sequence[Any]) -> tuple[list[Kept], list[str]]:
    """The files as they are kept, and for each that is not taken a sentence. One is read at a time."""
    kept: list[Kept] = []
    refusals: list[str] = []
    if len(chosen) > MOST:
        return [], [f"{len(chosen)} files are too many at once: choose at most {MOST}."]
    for file in chosen:
        try:
            kept.append(evidence.read(file.name, _content(file)))
        except EvidenceError as refusal:
            refusals.append(str(refusal))
    return kept, refusals


def _content(file: Any) -> bytes:  # noqa: ANN401 - Streamlit's own
    """The bytes of an uploaded file. Raises `EvidenceError` for one that is too large, before they are copied."""
    if file.size > LARGEST:
        raise EvidenceError(f"“{file.name}” has {size_text(file.size)}; at most {size_text(LARGEST)} are taken.")
    data: bytes = file.getvalue()
    return data


def kept_so_far(form: str) -> list[Kept]:
    """The files that wait for a claim to be saved; they stay while one looks at another page."""
    found: list[Kept] = st.session_state.get(f"{form}_kept", [])
    return found


def waiting_files(form: str) -> None:
    """Choose files for a claim that is being entered, see which there are, let one go."""
    st.markdown("**Evidence**")
    key = f"{form}_files_{st.session_state.get(f'{form}_round', 0)}"
    uploader(key, on_change=_keep, args=(form, key))
    for refusal in st.session_state.get(f"{form}_not_taken", []):
        st.error(plain(refusal), icon=":material/error:")
    for number, file in enumerate(kept_so_far(form)):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if file.small:
                st.image(file.small, width=72, alt=f"{file.name}, to be attached")
            st.text(f"{file.name} · {size_text(len(file.data))}")
            st.button(
                "Leave out", key=f"{form}_leave_{number}", icon=":material/close:", on_click=_let_go, args=(form, file)
            )


def _keep(form: str, key: str) -> None:
    """Take what was just chosen, and empty the field for more."""
    kept = kept_so_far(form)
    new, refusals = taken(st.session_state.get(key) or [])
    known = {file.sha256 for file in kept}
    for file in new:
        if file.sha256 in known:
            continue
        if len(kept) >= MOST or sum(len(each.data) for each in kept) + len(file.data) > MOST_BYTES:
            refusals.append(f"“{file.name}” is too much before the claim is saved: attach it on the claim's page.")
            continue
        kept = [*kept, file]
        known.add(file.sha256)
    st.session_state[f"{form}_kept"] = kept
    st.session_state[f"{form}_not_taken"] = refusals
    st.session_state[f"{form}_round"] = st.session_state.get(f"{form}_round", 0) + 1


def _let_go(form: str, file: Kept) -> None:
    st.session_state[f"{form}_kept"] = [each for each in kept_so_far(form) if each is not file]


def attach_waiting(me: Person, form: str, receipt: Receipt) -> None:
    """Attach to a claim that was just added what waited for it; where that fails, say so on the claim's page."""
    kept = kept_so_far(form)
    if not kept:
        return
    name = f"{form}_evidence_{receipt.claim}"
    done = acts.do(
        store.attach_evidence, me, name, claim=receipt.claim, version=receipt.version, evidence=kept, with_claim=True
    )
    if done is None:
        acts.tell(f"The claim was added without its files: {acts.refusal_of(name)}", icon="error")
