"""The guard that every page starts with: who is it, may they be here, and the page's head.

The gate of the server lets nobody without a session this far and passes the person's number on; the role is
looked up in the store at each run, so a role that was taken away is gone at the next click.
"""

from __future__ import annotations

import logging
from pathlib import Path

import streamlit as st

import refundcore.store as claims_store
from refundcore import gate_flag
from refundcore.desk import acts, context
from refundcore.desk.parts import component
from refundcore.desk.show import plain
from refundcore.store import Person, StoreError

PERSON_KEY = "person"
"""Under this name the gate's header reaches `st.user`."""

_ICON = Path(__file__).with_name("icon.png")
logger = logging.getLogger(__name__)


def person() -> Person | None:
    """The person behind this session as the store knows them now; None for nobody, or one who was disabled."""
    number = str(st.user.get(PERSON_KEY, ""))
    if not number.isdigit():
        return None
    found = claims_store.person(context.store(), int(number))
    return found if found and found.active else None


def page(title: str, *roles: str, icon: str = "", head: bool = True) -> Person:
    """Let the right people in and draw the page's head; everybody else is told why not, and the page stops.

    Without `roles` every role may enter. `head=False` leaves the title to the page.
    """
    st.set_page_config(page_title=f"{title} · Refund Desk", page_icon=str(_ICON), layout="wide")
    if not gate_flag.behind_gate():
        st.error(gate_flag.REFUSAL)
        st.stop()
    who = _looked_up()
    if who is None:
        st.warning("You are signed out. [Sign in](/signin) to go on.")
        st.stop()
    if roles and who.role not in roles:
        st.error(f"This page is for {_listed(roles)}; you are signed in as {who.role}.")
        st.stop()
    if head:
        heading(title, who, icon)
    acts.show_news()
    return who


def _looked_up() -> Person | None:
    try:
        return person()
    except StoreError as refusal:
        st.error(plain(str(refusal)))
    except Exception:
        logger.exception("The store could not be opened.")
        st.error(acts.UNEXPECTED)
    st.stop()


def heading(title: str, who: Person, icon: str = "") -> None:
    """The page's title at the left, the person and the way out at the right."""
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.title(f":material/{icon}: {title}" if icon else title, anchor=False)
    with right:
        component("account")(key="account", data={"name": who.name, "role": who.role}, height="content")


def _listed(roles: tuple[str, ...]) -> str:
    many = [f"{role}s" for role in roles]
    return many[0] if len(many) == 1 else f"{', '.join(many[:-1])} and {many[-1]}"
