"""Who else has the claim open, and whether somebody changed it meanwhile: looked at every few seconds.

Nobody is locked out and nothing that was typed is touched: the page only says so, and reloads when asked to.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import streamlit as st

from refundcore import store
from refundcore.desk import acts, context
from refundcore.desk.show import plain, when_text
from refundcore.store import ClaimRecord, Person, StoreError, Viewer

EVERY = "15s"
_CLAIM = "desk_viewing"
_logger = logging.getLogger(__name__)


def panel(me: Person, claim: ClaimRecord) -> None:
    """Draw who else is here and what changed since the page was drawn, and keep looking."""
    if st.session_state.get(_CLAIM) != claim.id:
        leave(me)
        st.session_state[_CLAIM] = claim.id
    with st.container(key="presence"):
        _watched(me, claim.id, claim.version)


def leave(me: Person) -> None:
    """Say that the person no longer has the claim open that this session showed last."""
    claim = st.session_state.pop(_CLAIM, None)
    if claim is not None:
        try:
            store.look_away(context.store(), person=me.id, claim=claim)
        except StoreError:
            _logger.warning("That claim number %s is left could not be told.", claim, exc_info=True)


@st.fragment(run_every=EVERY)
def _watched(me: Person, claim: int, version: int) -> None:
    others = _others(me, claim)
    if others:
        st.caption(f":material/group: {plain(_who(others))}")
    news = [event for event in acts.read(store.events, claim) if event.seq > version]
    if not news:
        return
    last = news[-1]
    st.info(plain(f"{when_text(last.at)}: {last.sentence} What you typed stays."), icon=":material/sync:")
    if st.button("Show the claim as it is now", key="show_news", icon=":material/refresh:"):
        st.rerun(scope="app")


def _others(me: Person, claim: int) -> Sequence[Viewer]:
    """Who else has the claim open; nobody where that cannot be told, since it is a courtesy."""
    try:
        return store.look_in(context.store(), person=me.id, at=context.now(), claim=claim)
    except StoreError:
        _logger.warning("Who has claim number %s open could not be told.", claim, exc_info=True)
        return ()


def _who(others: Sequence[Viewer]) -> str:
    """Everybody else by name, with when the first of them opened the claim."""
    names = [viewer.person for viewer in others]
    if len(names) == 1:
        return f"{names[0]} has this claim open too, since {when_text(others[0].since)}."
    return f"{', '.join(names[:-1])} and {names[-1]} have this claim open too."
