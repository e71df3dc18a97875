"""What the checker finds in the policy document, told by kind, open findings first."""

from __future__ import annotations

import streamlit as st

from refundcore import rules
from refundcore.desk import context, drafting
from refundcore.desk.listing import Line, listing
from refundcore.desk.show import count_text
from refundcore.lint import KINDS, Finding, lint
from refundcore.policy import Policy
from refundcore.published import SETTLED

ICONS = {
    "counts": "difference", "start": "start", "fee": "payments", "term": "question_mark", "scope": "block",
    "document": "description", "masked": "visibility_off", "dead": "do_not_disturb_on",
}  # fmt: skip


def findings(policy: Policy) -> list[Finding]:
    """The findings about a policy, with the numbers of today."""
    found: list[Finding] = _found(policy.fingerprint, drafting.today().isoformat(), _policy=policy)
    return found


@st.cache_data(max_entries=16, show_spinner=False)
def _found(fingerprint: str, day: str, *, _policy: Policy) -> list[Finding]:
    del fingerprint, day  # they are there to be compared
    return lint(_policy, rules.BOOK, drafting.today())


def checked() -> None:
    """All findings."""
    policy = context.policy()
    found = findings(policy)
    waiting = [finding for finding in found if finding.open]
    st.markdown(
        f"What contradicts itself or stays open in the published text, found from the structure of the document: "
        f"{count_text(len(found), 'finding')}, of which {len(found) - len(waiting)} are settled by a reading.",
        width=920,
    )
    for title, some in (("Open", waiting), ("Settled by a reading", [one for one in found if not one.open])):
        if some:
            st.header(title, anchor=False)
            with st.container(width=980):
                listing([_line(policy, one) for one in some], f"findings_{title.split()[0].lower()}", title)
    if not found:
        st.markdown("Nothing was found.")


def _note(finding: Finding, readings: list[str]) -> str:
    if readings:
        return f"Settled by {' and '.join(readings)}."
    return "No reading of the document settles it." if finding.kind in SETTLED else ""


def _line(policy: Policy, finding: Finding) -> Line:
    readings = [f"{name} {policy.readings[name].title}" for name in finding.readings]
    return Line(
        head=f"{KINDS[finding.kind]}: {', '.join(finding.about)}",
        text=finding.detail,
        note=_note(finding, readings),
        icon=ICONS[finding.kind],
        tone="gray" if readings else "orange",
        word=", ".join(finding.clauses),
    )
