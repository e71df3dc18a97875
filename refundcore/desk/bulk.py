"""Acting on several claims at once: what is chosen, what would be done, and doing it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from refundcore.desk import acts, context
from refundcore.desk.show import count_text, money_text, plain
from refundcore.store import (
    Filter,
    ManyResult,
    Outcome,
    Person,
    assign_many,
    count_matching,
    decide_many,
    note_many,
    preview_decide_many,
)

Chosen = Filter | Sequence[tuple[int, int]]
"""Everything a filter finds, or claims by id with the version that was seen."""

DIALOG = "bulk"
_FORM = "bulk"
_CHOSEN = "bulk_chosen"
_ROUND = "bulk_round"
_VERBS: dict[Outcome, tuple[str, str]] = {
    "approve": ("Approve", "approved"),
    "exchange": ("Exchange", "exchanged"),
    "deny": ("Deny", "denied"),
}
_SHOWN = 8


def selection() -> int:
    """The number of the present round of selecting; after something was done a new one begins."""
    return int(st.session_state.get(_ROUND, 0))


def bar(picked: Sequence[tuple[int, int]], everything: Filter) -> None:
    """Buttons to act on the selected claims, or on all that the filter finds."""
    label = f"Act on {count_text(len(picked), 'selected claim')}" if picked else "Act on selected claims"
    if st.button(label, key="bulk_selected", disabled=not picked, icon=":material/checklist:"):
        _choose(picked)
    if st.button("Act on all of this filter", key="bulk_all"):
        _choose(everything)


def _choose(chosen: Chosen) -> None:
    st.session_state[_CHOSEN] = chosen
    acts.open_dialog(DIALOG)
    st.rerun()


def dialog_if_open(me: Person, people: Sequence[Person]) -> None:
    """Show the dialog for what was chosen, where there is such."""
    if acts.dialog_open(DIALOG) and _CHOSEN in st.session_state:
        _dialog(me, st.session_state[_CHOSEN], people)


@st.dialog("Several claims at once", width="medium", on_dismiss=acts.close_dialog)
def _dialog(me: Person, chosen: Chosen, people: Sequence[Person]) -> None:
    if isinstance(chosen, Filter):
        number = acts.read(count_matching, chosen, person=me.id, at=context.now())
        st.markdown(f"**All {count_text(number, 'claim')}** that this filter finds.")
    else:
        st.markdown(f"**{count_text(len(chosen), 'selected claim')}**.")
    what = st.segmented_control(
        "What to do", ["Assign", "Note", "Decide"], default="Assign", required=True, key="bulk_what"
    )
    done = {"Assign": _assign, "Note": _note, "Decide": _decide}[what](me, chosen, people)
    acts.refusals(_FORM)
    if done is not None:
        _told(done)
        acts.close_dialog()
        st.session_state[_ROUND] = selection() + 1
        st.rerun()


def _assign(me: Person, chosen: Chosen, people: Sequence[Person]) -> ManyResult | None:
    workers = [person for person in people if person.role != "auditor"]
    names: dict[int | None, str] = {None: "Nobody", **{p.id: "Me" if p.id == me.id else p.name for p in workers}}
    to = st.selectbox(
        "Assign to",
        list(names),
        index=list(names).index(me.id),
        format_func=lambda number: names[number],
        key="bulk_to",
    )
    if st.button("Assign", type="primary", key="bulk_assign", icon=":material/person_add:"):
        return acts.do(assign_many, me, _FORM, claims=chosen, to=to)
    return None


def _note(me: Person, chosen: Chosen, _people: Sequence[Person]) -> ManyResult | None:
    text = st.text_area("Note for each of the claims", key="bulk_note", max_chars=4000)
    if st.button("Add the note", type="primary", key="bulk_add_note", icon=":material/add_comment:"):
        if text.strip():
            return acts.do(note_many, me, _FORM, claims=chosen, text=text.strip())
        st.error("Write the note first.", icon=":material/error:")
    return None


def _decide(me: Person, chosen: Chosen, _people: Sequence[Person]) -> ManyResult | None:
    outcome: Outcome = st.segmented_control(
        "Decision",
        list(_VERBS),
        format_func=lambda code: _VERBS[code][0],
        default="approve",
        required=True,
        key="bulk_outcome",
    )
    verb, past = _VERBS[outcome]
    seen = acts.attempt(
        lambda: preview_decide_many(context.store(), actor=me.id, at=context.now(), claims=chosen, outcome=outcome),
        _FORM,
    )
    if seen is None:
        return None
    st.markdown(f"{count_text(seen.will, 'claim')} will be {past}: there the policy's verdict agrees.")
    if seen.refunds:
        st.markdown(
            "To be refunded: " + ", ".join(money_text(sum_, code) for code, sum_ in sorted(seen.refunds.items())) + "."
        )
    if seen.wont:
        st.markdown(f"{count_text(seen.wont, 'claim')} will be left as {'it is' if seen.wont == 1 else 'they are'}:")
        st.markdown(
            "\n".join(
                f"- {count:,}: {plain(why)}" for why, count in sorted(seen.reasons.items(), key=lambda row: -row[1])
            )
        )
    label = f"{verb} {count_text(seen.will, 'claim')}"
    if st.button(label, type="primary", key="bulk_decide", disabled=not seen.will, icon=":material/done_all:"):
        return acts.do(decide_many, me, _FORM, claims=chosen, outcome=outcome)
    return None


def _told(done: ManyResult) -> None:
    acts.tell(f"Done for {count_text(done.done, 'claim')}.")
    refused = done.refused
    if refused:
        shown = "; ".join(f"{result.ref}: {result.sentence}" for result in refused[:_SHOWN])
        more = f" And {len(refused) - _SHOWN:,} more." if len(refused) > _SHOWN else ""
        acts.tell(f"{count_text(len(refused), 'claim')} left as before. {shown}{more}", icon="info")
