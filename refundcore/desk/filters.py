"""The queue's filter as people see it: fields whose words stand in the page's address, so that a view can be shared.

The address says `?state=Waiting+for+us&verdict=Deny`; the store's `Filter` says `us` and `deny`. The tables below
are the one place where the two meet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlencode

import streamlit as st

from refundcore.desk.show import REASONS, VERDICTS, plain
from refundcore.store import Filter, Person, QueuePage

LABELS: Mapping[str, Mapping[str, str]] = {
    "state": {
        "open": "All open",
        "us": "Waiting for us",
        "customer": "Waiting for customer",
        "technician": "Waiting for technicians",
        "approval": "Awaiting approval",
        "decided": "Decided",
        "failed": "Payout failed",
        "closed": "Closed",
        "all": "All claims",
    },
    "due": {"": "Any time", "soon": "Within 4 hours", "day": "Within 24 hours", "overdue": "Overdue"},
    "verdict": {"": "Any verdict", **{code: word.label for code, word in VERDICTS.items()}},
    "reason": {"": "Any reason", **REASONS},
    "assignee": {"": "Anybody", "me": "Me", "nobody": "Nobody"},
}
"""Field -> value of the filter -> its word."""

VIEW = "view"
"""The parameter under which other pages carry the queue's filter along."""

_POSITION = "queue_position"
_HEADS = {"state": "State", "due": "Due", "verdict": "Verdict", "reason": "Reason", "assignee": "Assigned to"}


def assignee_labels(people: Sequence[Person]) -> dict[str, str]:
    """The choices of who has a claim; people of one name are told apart by their e-mail address."""
    names = [person.name for person in people]
    told = {str(p.id): p.name if names.count(p.name) == 1 else f"{p.name} ({p.email})" for p in people}
    return {**LABELS["assignee"], **told}


def draw(people: Sequence[Person]) -> Filter:
    """The fields of the filter, bound to the address; the filter they say."""
    labels = {**LABELS, "assignee": assignee_labels(people)}
    chosen: dict[str, str] = {}
    strange = _settle_address(labels)
    places = st.columns([1.6, 1.2, 1, 1, 1, 1], vertical_alignment="bottom")
    with places[0]:
        chosen["text"] = (
            st.text_input(
                "Search", key="text", bind="query-params", type="search", live="300ms", autocomplete="off",
                placeholder="Claim, order or e-mail",
            ) or ""
        )  # fmt: skip
    for place, (field, head) in zip(places[1:], _HEADS.items(), strict=True):
        words = labels[field]
        with place:
            word = st.selectbox(head, list(words.values()), key=field, bind="query-params")
        chosen[field] = _code(words, word)
    chosen["imported"] = str(st.query_params.get("imported", ""))
    if chosen["imported"].isdecimal():
        label = f"Only what import {chosen['imported']} brought in"
        st.button(label, key="clear_import", icon=":material/close:", help="Show all again.", on_click=_forget_import)
    for field, word in strange.items():
        head = _HEADS[field].lower()
        st.info(f"The address asks for the {head} “{plain(word)}”, which there is not.", icon=":material/info:")
    return Filter.of(chosen)


def _settle_address(labels: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Take words of the address in any letters, and codes too; those that say nothing, by field."""
    strange, corrected = {}, False
    for field in _HEADS:
        said = str(st.query_params.get(field, ""))
        if not said or said in labels[field].values() or field in st.session_state:
            continue
        meant = {form.lower(): word for code, word in labels[field].items() for form in (code, word)}
        if word := meant.get(said.strip().replace("+", " ").lower()):
            st.query_params[field] = word
            corrected = True
        else:
            strange[field] = said
    if corrected:
        st.rerun()
    return strange


def carried(chosen: Filter, people: Sequence[Person]) -> dict[str, str]:
    """A filter as the one parameter that other pages carry along, empty for the plain queue.

    It has a name of its own because a page must not set parameters that the queue's fields are bound to.
    """
    params = address(chosen, people)
    return {VIEW: urlencode(params)} if params else {}


def carried_by(params: Mapping[str, str], people: Sequence[Person]) -> Filter:
    """The filter that a page's address carries along."""
    labels = {**LABELS, "assignee": assignee_labels(people)}
    given = dict(parse_qsl(str(params.get(VIEW, ""))))
    return Filter.of({name: _code(labels.get(name, {}), value) for name, value in given.items()})


def address(chosen: Filter, people: Sequence[Person]) -> dict[str, str]:
    """A filter as the parameters of the queue's address, in words; what is not narrowed down is left out."""
    labels = {**LABELS, "assignee": assignee_labels(people)}
    return {name: labels.get(name, {}).get(value, value) for name, value in chosen.params().items()}


def switch(label: str, key: str, chosen: Filter, narrowed: Mapping[str, str]) -> None:
    """A button that narrows the filter to some values, or widens it again where it is narrowed so already."""
    on = all(getattr(chosen, field) == value for field, value in narrowed.items())
    wanted = {field: next(iter(LABELS[field])) for field in narrowed} if on else dict(narrowed)
    if st.button(label, key=key, type="primary" if on else "secondary", on_click=narrow, kwargs=wanted):
        st.rerun()  # the fields of the filter stand outside the part of the page that counts


def narrow(**changes: str) -> None:
    """Set fields of the filter to values of the store's filter; for the callback of a button."""
    for field, value in changes.items():
        st.session_state[field] = LABELS[field][value] if field in LABELS else value


def clear() -> None:
    """Take every field of the filter back to where it shows all open claims; for the callback of a button."""
    narrow(text="", **{field: next(iter(words)) for field, words in LABELS.items()})
    _forget_import()


def _forget_import() -> None:
    st.query_params.pop("imported", None)


def position(chosen: Filter) -> dict[str, str]:
    """Where in the pages of this filter the person is, as the reader's cursor; the first page of another filter."""
    of, cursor = st.session_state.get(_POSITION, (None, {}))
    return dict(cursor) if of == chosen else {}


def turning(chosen: Filter, page: QueuePage) -> None:
    """The buttons to the pages before and after this one."""
    with st.container(horizontal=True, horizontal_alignment="right"):
        for label, key, icon, cursor in (
            ("Previous 50", "previous_page", "chevron_left", {"before": page.previous}),
            ("Next 50", "next_page", "chevron_right", {"after": page.next}),
        ):
            if any(cursor.values()) and st.button(label, key=key, icon=f":material/{icon}:"):
                st.session_state[_POSITION] = (chosen, cursor)
                st.rerun(scope="app")


def _code(words: Mapping[str, str], word: object) -> str:
    return next((code for code, label in words.items() if label == word), str(word or ""))
