"""The clocks of a claim: all deadlines with their convention, and the ledger of what moved them."""

from __future__ import annotations

import streamlit as st

from refundcore import ledger, store
from refundcore.desk import acts, context
from refundcore.desk.listing import Line, listing
from refundcore.desk.show import ago_text, when_text
from refundcore.desk.verdicts import deadline_lines
from refundcore.ledger import Entry
from refundcore.promises import KINDS
from refundcore.store import ClaimRecord
from refundcore.words import Explanation

_MOVES = {
    "started": ("play_circle", "", "started"),
    "resumed": ("play_circle", "", "runs on"),
    "earlier": ("fast_rewind", "orange", "earlier"),
    "later": ("fast_forward", "blue", "later"),
    "stopped": ("pause_circle", "blue", "stands still"),
    "ended": ("stop_circle", "gray", "ended"),
    "told": ("mark_email_read", "green", "told"),
}


def panel(claim: ClaimRecord, explanation: Explanation) -> None:
    """All clocks at once: the policy's, the desk's own, what the customer was told, and what moved them."""
    if claim.outcome == "withdrawn":
        return
    lines = [*_ours(claim), *deadline_lines(explanation.deadlines), *_told(claim, explanation)]
    if not lines:
        return
    st.header("Deadlines", anchor=False)
    listing(lines, "deadlines", "Deadlines")
    with st.expander("What moved the clocks", key="ledger", on_change="rerun") as box:
        if box.open:
            _ledger(claim)


def _ours(claim: ClaimRecord) -> list[Line]:
    """When the desk itself means to act, which lies before the policy's own deadline."""
    if claim.act_by is None or claim.state not in store.OPEN_STATES:
        return []
    over = claim.act_by < context.now_us()
    return [
        Line(
            head="Act by (the desk's own target)", note=when_text(claim.act_by), icon="flag",
            due=claim.act_by, tone="red" if over else "",
        )
    ]  # fmt: skip


def _told(claim: ClaimRecord, explanation: Explanation) -> list[Line]:
    broken = explanation.broken.told if explanation.broken else None
    return [
        Line(
            head=f"Told to the customer: {KINDS[told.what].title.lower()} ({KINDS[told.what].clause})",
            note=when_text(told.at), icon="mark_email_read",
            tone="orange" if told == broken else "gray", word="worse now" if told == broken else "",
        )
        for told in claim.told
    ]  # fmt: skip


def _ledger(claim: ClaimRecord) -> None:
    entries = ledger.ledger(acts.read(store.events, claim.id), context.edition(claim.edition))
    if not entries:
        st.text("No clock has run on this claim yet.")
        return
    listing([_entry(entry) for entry in reversed(entries)], "ledger_lines", "What moved the clocks, the newest first")


def _entry(entry: Entry) -> Line:
    icon, tone, word = _MOVES[entry.move]
    ends = [when_text(at) for at in (entry.before, entry.after) if at is not None]
    return Line(
        head=f"{entry.title} ({entry.clause})",
        text=" → ".join(ends),
        note=entry.because,
        icon=icon,
        tone=tone,
        word=word,
        when=ago_text(entry.at),
    )
