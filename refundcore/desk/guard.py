"""The guard that every page starts with: who is it, may they be here, and the page's head.

The gate of the server lets nobody without a session this far and passes the person's number on; the role is
looked up in the store at each run, so a role that was taken away is gone at the next click.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import refundcore.store as claims_store
from refundcore import gate_flag, telemetry
from refundcore.desk import acts, presence
from refundcore.desk.parts import component
from refundcore.store import Person, Store

PERSON_KEY = "person"
"""Under this name the gate's header reaches `st.user`."""

_HERE = "desk_page"
_STYLE = """<style>
/* Streamlit greys the hint of a shortcut, which on the accent is too faint to read. */
[data-testid^="stBaseButton-primary"] kbd { color: inherit; opacity: 1; }
/* News stands at the bottom: at the top it would cover the way out and the buttons to the next claim. */
[data-testid="stToastContainer"] { top: auto !important; bottom: 1rem; }
</style>"""
_ICON = Path(__file__).with_name("icon.png")


def person(store: Store) -> Person | None:
    """The person behind this session as the store knows them now; None for nobody, or one who was disabled."""
    number = str(st.user.get(PERSON_KEY, ""))
    if not number.isdecimal():
        return None
    found = claims_store.person(store, int(number))
    return found if found and found.active else None


def role() -> str:
    """The role of the person behind this session, '' for nobody: the contents follow it, the guard decides."""
    if not gate_flag.behind_gate():
        return ""
    who = acts.read(person)
    return who.role if who else ""


def page(title: str, action: str = "read", *, icon: str = "", head: bool = True) -> Person:
    """Let the right people in and draw the page's head; everybody else is told why not, and the page stops.

    Who may do `action`, as the table of roles has it, may enter. `head=False` leaves the title to the page.
    """
    st.set_page_config(page_title=f"{title} · Refund Desk", page_icon=str(_ICON), layout="wide")
    st.html(_STYLE)
    if not gate_flag.behind_gate():
        acts.stop(gate_flag.REFUSAL)
    who = acts.read(person)
    if who is None:
        acts.stop("You are signed out. Reload the page to sign in.")
    if not claims_store.may(who.role, action):
        acts.stop(f"This page is for {_listed(action)}. You are signed in as {who.role}.")
    if st.session_state.get(_HERE) != title:
        acts.close_dialog()  # one that was open on another page is not to come up when its page is next shown
        presence.leave(who)
        st.session_state[_HERE] = title
    if head:
        heading(title, who, icon)
    acts.show_news()
    return who


@contextmanager
def timed(name: str) -> Iterator[None]:
    """Draw a page of this name: its time is counted, and what is logged meanwhile says for which open page it was."""
    mark = telemetry.request_id.set(str(st.context.headers.get("X-Request-Id") or ""))
    try:
        with telemetry.page(name):
            yield
    finally:
        telemetry.request_id.reset(mark)


def heading(title: str, who: Person, icon: str = "") -> None:
    """The page's title at the left, the person and the way out at the right."""
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.title(f":material/{icon}: {title}" if icon else title, anchor=False)
    with right:
        component("account")(key="account", data={"name": who.name, "role": who.role}, height="content")


def staying(key: str) -> DeltaGenerator:
    """A container whose column stays in sight while the one beside it is scrolled."""
    column = f'[data-testid="stColumn"]:has(.st-key-{key})'
    rule = f"{column} {{ position: sticky; top: 4rem; align-self: flex-start; }}"
    st.html(f"<style>@media (min-width: 640px) {{ {rule} }}</style>")
    return st.container(key=key)


def _listed(action: str) -> str:
    many = [f"{role}s" for role in claims_store.ROLES if claims_store.may(role, action)]
    return many[0] if len(many) == 1 else f"{', '.join(many[:-1])} and {many[-1]}"
