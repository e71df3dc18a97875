"""The evidence of a claim: what its reason needs, the files, copies in other claims, the finding, attaching."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from refundcore import evidence, store
from refundcore.desk import acts, context, fields
from refundcore.desk.attaching import taken, uploader
from refundcore.desk.listing import Line, listing
from refundcore.desk.show import Tone, plain, size_text, when_text
from refundcore.store import Alike, ClaimRecord, EvidenceRecord, Person, may
from refundcore.words import Explanation
from refundcore.words.checklist import Need, needs

COLUMNS = 3
_OPEN = ("new", "waiting_customer", "waiting_technician")
_STATES: Mapping[str, tuple[str, Tone, str]] = {
    "there": ("check_circle", "green", "there"),
    "missing": ("radio_button_unchecked", "orange", "missing"),
    "to_judge": ("visibility", "orange", "to be judged"),
    "insufficient": ("cancel", "red", "insufficient"),
    "not_needed": ("remove", "gray", "not needed"),
}
_KINDS = {"png": "image", "jpeg": "image", "pdf": "picture_as_pdf", "mail": "mail"}


def panel(me: Person, claim: ClaimRecord, explanation: Explanation, alike: Sequence[Alike]) -> str:
    """The evidence tab; the reference of another claim that was just opened from it, or ''."""
    held = acts.read(store.evidence_of, claim.id)
    here = [record for record in held if not record.removed]
    found = needs(claim.facts, explanation.deadlines, len(here))
    listing([_need_line(need) for need in found], "needs", "What this reason needs")
    opened = _copies(here, alike)
    _finding(me, claim, here)
    _gallery(me, claim, here)
    if gone := [record.name for record in held if record.removed]:
        st.caption(f"Taken away: {plain(', '.join(gone))}.")
    if may(me.role, "attach_evidence") and claim.state != "closed":
        _attaching(me, claim)
    for name, draw in _DIALOGS.items():
        if acts.dialog_open(_named(name, claim)):
            draw(me, claim)
    for record in here:
        if acts.dialog_open(_of(record, "view")):
            _view(record)
        if acts.dialog_open(_of(record, "remove")):
            _remove(me, claim, record)
    return opened


def warning(alike: Sequence[Alike]) -> None:
    """A line on the claim's page where one of its files is with another claim, too."""
    if not alike:
        return
    refs = ", ".join(dict.fromkeys(plain(pair.ref) for pair in alike[:5]))
    what = "The same file is" if alike[0].same else "A picture that looks like a copy is"
    st.warning(f"{what} with claim {refs}. See Evidence.", icon=":material/content_copy:")


def _need_line(need: Need) -> Line:
    icon, tone, word = _STATES[need.state]
    open_still = need.until is not None and need.until > context.now_us()
    when = ""
    if need.until is not None and need.state != "there":
        when = f"{'Until' if open_still else 'The time for it ended'} {when_text(need.until)} · {need.convention}"
    return Line(
        head=f"{need.title} ({need.clause})" if need.clause else need.title,
        text=need.sentence,
        note=when,
        icon=icon,
        tone=tone,
        word=word,
        due=need.until if open_still and need.state != "there" else None,
    )


def _copies(here: Sequence[EvidenceRecord], alike: Sequence[Alike]) -> str:
    """Which other claims hold the same files, each with a link. It is for a person to say what that means."""
    if not alike:
        return ""
    names = {record.id: record.name for record in here}
    lines = [
        Line(
            head=pair.ref,
            text=f"{names.get(pair.evidence_id, 'A file')} here, {pair.other.name} there",
            note=f"Attached there {when_text(pair.other.at)} by {pair.other.person}",
            icon="content_copy",
            tone="orange",
            word="the same file" if pair.same else "may be a copy",
            opens=pair.ref,
        )
        for pair in alike
    ]
    st.markdown("**Also with other claims**")
    opened = listing(lines, "copies", "Other claims with the same files")
    st.caption("Different screens of one service can look alike. This never decides a claim: look at both.")
    return opened


def _finding(me: Person, claim: ClaimRecord, here: Sequence[EvidenceRecord]) -> None:
    """The finding, where the claim is open and something is there to be judged."""
    if (
        not here
        or not may(me.role, "judge_evidence")
        or claim.state not in {"new", "waiting_customer", "waiting_technician"}
    ):
        return
    finding = claim.facts.get("evidence_sufficient")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for sufficient, label, icon in ((True, "Sufficient …", "thumb_up"), (False, "Insufficient …", "thumb_down")):
            st.button(
                label,
                key=f"find_{sufficient}",
                icon=f":material/{icon}:",
                type="primary" if finding is None and sufficient else "secondary",
                disabled=finding is sufficient,
                on_click=acts.open_dialog,
                args=(_named("sufficient" if sufficient else "insufficient", claim),),
            )


def _gallery(me: Person, claim: ClaimRecord, here: Sequence[EvidenceRecord]) -> None:
    if not here:
        st.text("No file is here yet.")
        return
    for start in range(0, len(here), COLUMNS):
        for place, record in zip(st.columns(COLUMNS), here[start : start + COLUMNS], strict=False):
            with place, st.container(border=True, key=f"evidence_{record.id}"):
                _card(me, claim, record)


def _card(me: Person, claim: ClaimRecord, record: EvidenceRecord) -> None:
    told = f"{size_text(record.size)}" + (f" · {record.width} × {record.height}" if record.width else "")
    small = _thumbnail(record) if record.picture else None
    if small:
        st.image(small, width="stretch", alt=f"{record.name}, attached by {record.person}")
    else:
        st.markdown(f":material/{_KINDS[record.kind] if not record.picture else 'broken_image'}: {_what(record)}")
    st.text(record.name)
    st.caption(f"{plain(record.person)} · {when_text(record.at)} · {told}")
    with st.container(horizontal=True, gap="xsmall"):
        if small:
            st.button(
                "View", key=f"view_{record.id}", icon=":material/zoom_in:", type="tertiary",
                on_click=acts.open_dialog, args=(_of(record, "view"),),
            )  # fmt: skip
        if not record.erased:
            _download(record)
        if may(me.role, "remove_evidence") and claim.state != "closed":
            st.button(
                "Remove", key=f"remove_{record.id}", icon=":material/delete:", type="tertiary",
                on_click=acts.open_dialog, args=(_of(record, "remove"),),
            )  # fmt: skip


def _what(record: EvidenceRecord) -> str:
    if record.erased:
        return "The file was erased"
    return {"pdf": "PDF, to be downloaded", "mail": "Mail, to be downloaded"}.get(record.kind, "Missing or changed")


def _thumbnail(record: EvidenceRecord) -> bytes | None:
    try:
        return store.evidence_thumbnail(context.store(), record)
    except store.StoreError:
        return None


def _download(record: EvidenceRecord) -> None:
    """Hand the file out as a download, never as something that a browser shows."""
    st.download_button(
        "Download",
        data=lambda: store.evidence_file(context.store(), record),
        file_name=record.name,
        mime="application/octet-stream",
        key=f"download_{record.id}",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )


def _view(record: EvidenceRecord) -> None:
    @st.dialog(plain(record.name), width="large", on_dismiss=acts.close_dialog)
    def draw() -> None:
        st.image(acts.read(store.evidence_file, record), width="content", alt=f"{record.name} in full")
        st.caption(f"{record.width} × {record.height} · {size_text(record.size)}")

    draw()


def _remove(me: Person, claim: ClaimRecord, record: EvidenceRecord) -> None:
    form = f"{_of(record, 'remove')}_{claim.version}"

    @st.dialog("Take the file away", on_dismiss=acts.close_dialog)
    def draw() -> None:
        st.text(f"{record.name} will no longer be shown. It stays in what happened, and can be attached again.")
        reason = st.text_area("Reason", key=f"reason_{form}", max_chars=2000)
        if st.button("Take it away", type="primary", key="confirm_remove", shortcut="Ctrl+Enter"):
            given = {"claim": claim.id, "version": claim.version, "evidence_id": record.id, "reason": reason}
            acts.finish(acts.do(store.remove_evidence, me, form, **given))
        acts.refusals(form)

    draw()


def _judging(*, sufficient: bool) -> Callable[[Person, ClaimRecord], None]:
    """The dialog in which a person says why the evidence is enough, or is not."""
    word = "sufficient" if sufficient else "insufficient"

    @st.dialog(f"The evidence is {word}", on_dismiss=acts.close_dialog)
    def draw(me: Person, claim: ClaimRecord) -> None:
        form = _named(word, claim)
        says = "shows" if sufficient else "does not show"
        st.text(f"It {says} what it has to show. The verdict follows at once.")
        reason = st.text_area("Why", key=f"reason_{form}", max_chars=2000)
        if st.button(f"It is {word}", type="primary", key=f"confirm_{word}", shortcut="Ctrl+Enter"):
            given = {"claim": claim.id, "version": claim.version, "sufficient": sufficient, "reason": reason}
            acts.finish(acts.do(store.judge_evidence, me, form, **given))
        acts.refusals(form)

    return draw


_DIALOGS: dict[str, Callable[[Person, ClaimRecord], None]] = {
    "sufficient": _judging(sufficient=True),
    "insufficient": _judging(sufficient=False),
}


def _attaching(me: Person, claim: ClaimRecord) -> None:
    """Files chosen, dropped or pasted; those that are not taken are named, the others are attached."""
    st.markdown("**Attach evidence**")
    form = f"attach_{claim.id}_{claim.version}"
    field = f"{claim.id}_{st.session_state.get(_round(claim), 0)}"  # chosen files stay when somebody changes the claim
    with st.form(f"attaching_{field}", border=False):
        chosen = uploader(f"files_{field}")
        typed = st.text_input(
            "When it came", key=f"came_{field}", placeholder="2026-05-14 [13:05]", autocomplete="off",
            help="When it reached us. Left empty: now.",
        )  # fmt: skip
        sent = st.form_submit_button("Attach", type="primary", icon=":material/attach_file:")
    pasted = st.chat_input(
        "Paste a screenshot here, with a remark if you like",
        key=f"paste_{claim.id}",
        accept_file="multiple",
        file_type=list(evidence.ACCEPTED),
        max_chars=2000,
    )
    if sent:
        came, problem = _came(typed)
        if problem:
            st.error(plain(problem), icon=":material/error:")
        elif not chosen:
            st.error("Choose at least one file.", icon=":material/error:")
        else:
            _attach(me, claim, form, chosen, received=came)
    if pasted and pasted.files:
        _attach(me, claim, form, pasted.files, remark=pasted.text.strip())
    elif pasted:
        st.info("A remark alone is a note: write it under What happened.")
    for refusal in st.session_state.pop(_refused(claim), []):
        st.error(plain(refusal), icon=":material/error:")
    acts.refusals(form)


def _came(typed: str) -> tuple[tuple[int, int] | None, str]:
    if not typed.strip():
        return None, ""
    facts, problems = fields.read({"evidence_received_at": typed})
    if "evidence_received_at" in problems:
        return None, problems["evidence_received_at"]
    earliest, latest = facts["evidence_received_at"], facts["evidence_received_at_latest"]
    return (earliest, min(latest, max(earliest, context.now_us()))), ""


def _attach(me: Person, claim: ClaimRecord, form: str, chosen: Sequence[Any], **given: Any) -> None:  # noqa: ANN401 - the act's own parameters
    kept, refusals = taken(chosen)
    if not kept:
        for refusal in refusals:
            st.error(plain(refusal), icon=":material/error:")
        return
    receipt = acts.do(store.attach_evidence, me, form, claim=claim.id, version=claim.version, evidence=kept, **given)
    if receipt:
        st.session_state[_refused(claim)] = refusals
        st.session_state[_round(claim)] = st.session_state.get(_round(claim), 0) + 1
    acts.finish(receipt)


def _refused(claim: ClaimRecord) -> str:
    return f"evidence_refused_{claim.id}"


def _round(claim: ClaimRecord) -> str:
    return f"evidence_round_{claim.id}"


def _named(what: str, claim: ClaimRecord) -> str:
    """A form or dialog about the claim as it is now: once somebody changed it, the name is another."""
    return f"{what}_{claim.id}_{claim.version}"


def _of(record: EvidenceRecord, what: str) -> str:
    return f"{what}_evidence_{record.id}"
