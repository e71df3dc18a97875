"""Acting on several claims at once: what is chosen, what would be done, and doing it.

An act is held to what the person was shown: it gets the very preview that stood on the screen when they pressed the
button, never one made afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

import streamlit as st

from refundcore.deadlines import SECOND
from refundcore.desk import acts, context
from refundcore.desk.show import count_text, money_text, plain
from refundcore.store import (
    Filter,
    ManyResult,
    Outcome,
    Owners,
    Person,
    Preview,
    assign_many,
    decide_many,
    journal_end,
    may,
    note_many,
    preview_decide_many,
    preview_many,
)

Chosen = Filter | Sequence[tuple[int, int]]
"""Everything a filter finds, or claims by id with the version that was seen."""

Seen = TypeVar("Seen", Preview, Owners)

DIALOG = "bulk"
_FORM = "bulk"
_LOOK = "bulk_look"
_MINUTE = 60 * SECOND
_CHOSEN = "bulk_chosen"
_ROUND = "bulk_round"
_SEEN = "bulk_seen"
_PRESSED = "bulk_pressed"
_UNDER_WAY = "bulk_under_way"
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
        _choose(tuple(picked))
    if st.button("Act on all of this filter", key="bulk_all"):
        _choose(everything)


def _choose(chosen: Chosen) -> None:
    st.session_state[_CHOSEN] = chosen
    for left in (_SEEN, _PRESSED):
        st.session_state.pop(left, None)
    acts.open_dialog(DIALOG)
    st.rerun()


def dialog_if_open(me: Person, people: Sequence[Person]) -> None:
    """Show the dialog for what was chosen, where there is such; tell of an act that was cut off."""
    if acts.dialog_open(DIALOG) and _CHOSEN in st.session_state:
        _dialog(me, st.session_state[_CHOSEN], people)
    elif cut := st.session_state.pop(_UNDER_WAY, None):
        st.warning(_cut_off(*cut), icon=":material/warning:")
        st.session_state.pop(_SEEN, None)


def _cut_off(done: int, total: int) -> str:
    return (
        f"The act on several claims was cut off after {done:,} of {count_text(total, 'claim')}: what was done stays"
        " done, the others are as before."
    )


@st.dialog("Several claims at once", width="medium", on_dismiss=acts.close_dialog)
def _dialog(me: Person, chosen: Chosen, people: Sequence[Person]) -> None:
    pressed = st.session_state.pop(_PRESSED, None)
    if pressed:
        done = _do(me, *pressed)
        if done is not None:
            _told(done)
            acts.close_dialog()
            st.session_state[_ROUND] = selection() + 1
            st.rerun()
    elif cut := st.session_state.pop(_UNDER_WAY, None):
        st.warning(_cut_off(*cut), icon=":material/warning:")
        st.session_state.pop(f"key_{_FORM}", None)  # what comes now is another act
    whose = _looked(
        ("whose", chosen),
        lambda: preview_many(context.store(), actor=me.id, at=context.now(), claims=chosen),
    )
    if whose is None:
        acts.refusals(_LOOK)
        return
    number = len(whose.pairs)
    all_of_it = f"**All {count_text(number, 'claim')}** that this filter finds."
    st.markdown(all_of_it if isinstance(chosen, Filter) else f"**{count_text(number, 'selected claim')}**.")
    what = st.segmented_control(
        "What to do", ["Assign", "Note", "Decide"], default="Assign", required=True, key="bulk_what"
    )
    match what:
        case "Assign":
            _assign(me, whose, people)
        case "Note":
            _note(whose)
        case _:
            _decide(me, chosen)
    acts.refusals(_LOOK)
    acts.refusals(_FORM)


def _looked(what: Hashable, look: Callable[[], Seen]) -> Seen | None:
    """What a preview says, kept for a minute while nobody changes a claim; None where it was refused."""
    stamp = (acts.read(journal_end), context.now_us() // _MINUTE)
    kept: dict[Hashable, tuple[tuple[int, int], Any]] = st.session_state.setdefault(_SEEN, {})
    if what in kept and kept[what][0] == stamp:
        same: Seen = kept[what][1]
        return same
    found = acts.attempt(look, _LOOK)
    if found is not None:
        kept[what] = (stamp, found)
    return found


def _press(act: Callable[..., ManyResult], given: dict[str, Any], texts: dict[str, str]) -> None:
    """Keep what is to be done, with what was seen, for the run that does it; the callback of the buttons."""
    typed = {name: str(st.session_state.get(key, "")).strip() for name, key in texts.items()}
    st.session_state[_PRESSED] = (act, {**given, **typed})


def _do(me: Person, act: Callable[..., ManyResult], given: dict[str, Any]) -> ManyResult | None:
    """Do it, saying how far it is; None where it was refused as a whole."""
    if not given.get("text", "-"):
        st.error("Write the note first.", icon=":material/error:")
        return None
    shown = st.progress(0.0, "Beginning …")

    def progress(done: int, of: int) -> None:
        st.session_state[_UNDER_WAY] = (done, of)
        shown.progress(done / max(of, 1), f"{done:,} of {count_text(of, 'claim')}")

    done = acts.do(act, me, _FORM, progress=progress, **given)
    cut = st.session_state.pop(_UNDER_WAY, None)
    st.session_state.pop(_SEEN, None)
    shown.empty()
    if done is None and cut:
        st.warning(_cut_off(*cut), icon=":material/warning:")
        st.session_state.pop(f"key_{_FORM}", None)
    return done


def _of(whose: Owners) -> str:
    """Whose claims these are, in a sentence."""
    parts = [f"{whose.nobodys:,} nobody's"] * bool(whose.nobodys) + [f"{whose.yours:,} yours"] * bool(whose.yours)
    parts += [f"{count:,} {plain(name)}'s" for name, count in whose.others.items()]
    return f"Whose they are now: {', '.join(parts)}." if parts else ""


def _assign(me: Person, whose: Owners, people: Sequence[Person]) -> None:
    workers = [person for person in people if may(person.role, "decide")]
    names: dict[int | None, str] = {None: "Nobody", **{p.id: "Me" if p.id == me.id else p.name for p in workers}}
    to = st.selectbox(
        "Assign to",
        list(names),
        index=list(names).index(me.id),
        format_func=lambda number: names[number],
        key="bulk_to",
    )
    st.markdown(_of(whose))
    if colleagues := sum(whose.others.values()):
        word = "claim is" if colleagues == 1 else "claims are"
        st.warning(f"{colleagues:,} {word} taken from colleagues who may be at work on them.", icon=":material/group:")
    if whose.closed:
        st.markdown(f"{count_text(whose.closed, 'closed claim')} will be left.")
    st.button(
        f"Assign {count_text(len(whose.pairs), 'claim')}",
        type="primary",
        key="bulk_assign",
        icon=":material/person_add:",
        disabled=not whose.pairs,
        on_click=_press,
        args=(assign_many, {"claims": whose.pairs, "to": to}, {}),
    )


def _note(whose: Owners) -> None:
    st.text_area("Note for each of the claims", key="bulk_note", max_chars=4000)
    st.markdown(_of(whose))
    st.button(
        f"Add the note to {count_text(len(whose.pairs), 'claim')}",
        type="primary",
        key="bulk_add_note",
        icon=":material/add_comment:",
        disabled=not whose.pairs,
        on_click=_press,
        args=(note_many, {"claims": whose.pairs}, {"text": "bulk_note"}),
    )


def _decide(me: Person, chosen: Chosen) -> None:
    outcome: Outcome = st.segmented_control(
        "Decision",
        list(_VERBS),
        format_func=lambda code: _VERBS[code][0],
        default="approve",
        required=True,
        key="bulk_outcome",
    )
    verb, past = _VERBS[outcome]
    seen = _looked(
        (outcome, chosen),
        lambda: preview_decide_many(context.store(), actor=me.id, at=context.now(), claims=chosen, outcome=outcome),
    )
    if seen is None:
        return
    st.markdown(f"{count_text(seen.will, 'claim')} will be {past}: there the policy's verdict agrees.")
    if seen.refunds:
        st.markdown(
            "To be refunded: " + ", ".join(money_text(sum_, code) for code, sum_ in sorted(seen.refunds.items())) + "."
        )
    if seen.waits:
        st.markdown(f"{seen.waits:,} of them will wait for a manager's approval, since they rest on unlawful use.")
    if seen.wont:
        st.markdown(f"{count_text(seen.wont, 'claim')} will be left as {'it is' if seen.wont == 1 else 'they are'}:")
        st.markdown(
            "\n".join(
                f"- {count:,}: {plain(why)}" for why, count in sorted(seen.reasons.items(), key=lambda row: -row[1])
            )
        )
    st.button(
        f"{verb} {count_text(seen.will, 'claim')}",
        type="primary",
        key="bulk_decide",
        disabled=not seen.will,
        icon=":material/done_all:",
        on_click=_press,
        args=(decide_many, {"claims": chosen, "outcome": outcome, "seen": seen}, {}),
    )


def _told(done: ManyResult) -> None:
    acts.tell(f"Done for {count_text(done.done, 'claim')}.")
    if done.stopped:
        through = f"It ended after {len(done.results):,} of {count_text(done.total, 'claim')}"
        acts.tell(f"{through}: {done.stopped} What was done stays done.", icon="warning")
    refused = done.refused
    if refused:
        shown = "; ".join(f"{result.ref}: {result.sentence}" for result in refused[:_SHOWN])
        more = f" And {len(refused) - _SHOWN:,} more." if len(refused) > _SHOWN else ""
        acts.tell(f"{count_text(len(refused), 'claim')} left as before. {shown}{more}", icon="info")
