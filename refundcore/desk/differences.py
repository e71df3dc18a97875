"""Claims that are here with other facts than the file: what differs, and which of them the file may change.

Nothing is changed unless the person chose it, and only claims that nobody decided.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from refundcore.desk.show import STATES, count_text, fact_label, value_text
from refundcore.desk.uploading import height
from refundcore.intake import Meeting, Plan
from refundcore.store import Difference

WHICH = {"none": "Change none of them", "all": "Change all of them", "some": "Choose"}


def confirm(found: Meeting, plan: Plan) -> Mapping[int, int]:
    """Show how claims differ from their rows; the claims that are to be changed, each at the version that was seen."""
    if not found.differing:
        return {}
    st.markdown("**Claims that are here with other facts**")
    fixed = sum(found.refusals.values())
    states = ", ".join(
        f"{count:,} {STATES[state].label.lower()}"
        for state, count in sorted(found.refusals.items(), key=lambda e: -e[1])
    )
    st.text(
        f"{count_text(found.differing, 'claim')} differ{'s' if found.differing == 1 else ''} from the file. "
        + (f"{count_text(fixed, 'claim')} cannot be changed by a file ({states}). " if fixed else "")
        + "A blank cell of the file says nothing. Every change is written into the claim's history."
    )
    counts = found.facts.most_common()
    st.dataframe(
        pd.DataFrame({"Fact": [fact_label(name) for name, _ in counts], "Claims": [count for _, count in counts]}),
        hide_index=True,
        height="content",
        width="content",
        key="upload_differing_facts",
    )
    which = "none"
    if found.versions:
        which = st.segmented_control(
            "What the file may change",
            list(WHICH),
            format_func=lambda code: WHICH[code],
            default="none",
            required=True,
            key="upload_change",
        )
    chosen = _table(found, plan, choose=which == "some")
    if which == "all":
        return dict(found.versions)
    return chosen if which == "some" else {}


def _table(found: Meeting, plan: Plan, *, choose: bool) -> dict[int, int]:
    """The differences fact by fact; with `choose` each claim can be ticked. The ticked claims."""
    claims = found.first
    lines = [(one, name) for one in claims for name in one.facts]
    table = pd.DataFrame(
        {
            "Change": [False for _ in lines],
            "Claim": [one.ref for one, _ in lines],
            "Fact": [fact_label(name) for _, name in lines],
            "Here now": [value_text(name, one.stored) for one, name in lines],
            "In the file": [value_text(name, {**one.stored, **one.wanted}) for one, name in lines],
            "State": [STATES[one.state].label for one, _ in lines],
            "Line": [one.line for one, _ in lines],
        }
    )
    if not choose:
        table = table.drop(columns="Change")
    shown = st.data_editor(
        table,
        key=f"upload_differences_{plan.look.sha256[:12]}_{'choose' if choose else 'see'}",
        hide_index=True,
        num_rows="fixed",
        disabled=[str(name) for name in table if name != "Change"],
        height=height(len(lines), most=390),
        column_config={
            "Change": st.column_config.CheckboxColumn(
                width="small", help="One tick changes all that differs in this claim."
            ),
            "Line": st.column_config.NumberColumn(width="small", format="localized"),
        },
    )
    if found.differing > len(claims):
        st.text(f"The first {len(claims):,} of {found.differing:,} claims are listed; the others only all together.")
    if not choose:
        return {}
    ticked = {one.claim for (one, _), tick in zip(lines, shown["Change"], strict=True) if tick}
    return _versions(claims, ticked, found)


def _versions(claims: list[Difference], ticked: set[int], found: Meeting) -> dict[int, int]:
    return {one.claim: one.version for one in claims if one.claim in ticked and one.claim in found.versions}
