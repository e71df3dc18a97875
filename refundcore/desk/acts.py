"""Doing things: one place where the store's refusals become sentences, and keys make a double click harmless.

A form has a name. Its key stays the same over every click on it, so the store does the thing once; a used form that
is shown again has a fresh key. What was refused is kept with the form until it is tried again or reloaded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from secrets import token_urlsafe
from typing import Any, NoReturn, TypeVar

import streamlit as st

from refundcore.desk import context
from refundcore.desk.show import plain, when_text
from refundcore.intake.problems import IntakeError
from refundcore.replies import ReplyError
from refundcore.smtp import MailError
from refundcore.store import ClaimRecord, Person, Receipt, Stale, StoreError, events
from refundcore.store import claim as claim_now

Result = TypeVar("Result")

UNEXPECTED = (
    "Something went wrong on our side, and nothing was changed. Reload the page and try again; "
    "if it happens again, tell whoever runs the desk."
)
TOLD = (StoreError, MailError, ReplyError, IntakeError)
"""What was refused with a sentence for people; anything else is logged and told in general words."""

_NEWS = "desk_news"
logger = logging.getLogger(__name__)


def do(act: Callable[..., Result], me: Person, form: str, **given: Any) -> Result | None:  # noqa: ANN401 - the act's own parameters
    """Do one act of the store for a person, with the form's key; None where it was refused.

    The refusal is kept for `refusals`, which the form calls at the place where it is to be read.
    """
    done = attempt(lambda: act(context.store(), actor=me.id, at=context.now(), key=_key(form), **given), form)
    if not refused(form):
        st.session_state[f"used_{form}"] = True
    return done


def attempt(what: Callable[[], Result], form: str) -> Result | None:
    """Call `what`; None where it failed, with the sentence kept for `refusals(form)`."""
    st.session_state.pop(_refused(form), None)
    try:
        done = what()
    except TOLD as refusal:
        seen = (refusal.claim, refusal.version) if isinstance(refusal, Stale) else None
        st.session_state[_refused(form)] = (str(refusal), seen)
        return None
    except Exception:
        logger.exception("The form %s failed.", form)
        st.session_state[_refused(form)] = (UNEXPECTED, None)
        return None
    return done


def refused(form: str) -> bool:
    """Whether the form was refused when it was last tried."""
    return _refused(form) in st.session_state


def refusal_of(form: str) -> str:
    """Why the form was refused, to be told elsewhere; '' where it was not."""
    found = st.session_state.pop(_refused(form), None)
    return found[0] if found else ""


def refusals(form: str, keep: Callable[[ClaimRecord], None] | None = None) -> None:
    """Show why the form was refused, if it was; a stale page shows what changed, and a button that reloads it.

    Reloading keeps what was typed: a dialog opens again with it; a form on the page itself says with `keep` how it
    hands it over to the form about the claim as it is then.

    Every form calls this at each run, after its button: a form that was used and is now shown again gets its new
    key here, not sooner, so that clicks that overlap all carry the old one.
    """
    if st.session_state.pop(f"used_{form}", False):
        st.session_state.pop(f"key_{form}", None)
    found = st.session_state.get(_refused(form))
    if not found:
        return
    sentence, seen = found
    if not seen:
        st.error(plain(sentence), icon=":material/error:")
        return
    st.warning(plain(sentence), icon=":material/sync_problem:")
    claim, version = seen
    for event in read(events, claim):
        if event.seq > version:
            st.text(f"{when_text(event.at)}: {event.sentence}")
    if st.button("Reload, keeping what I typed", key=f"reload_{form}", icon=":material/refresh:"):
        now = read(claim_now, claim)
        del st.session_state[_refused(form)]
        if now and keep:
            keep(now)
        elif now and dialog_open(form):
            again = f"{form.rsplit('_', 1)[0]}_{now.version}"
            _carry(form, again)
            open_dialog(again)
        st.rerun(scope="app")


def _carry(form: str, again: str) -> None:
    """Hand what was typed into a form over to the form about the claim as it is now."""
    own = (f"key_{form}", f"used_{form}", f"reload_{form}", _refused(form))
    for name in [str(name) for name in st.session_state]:
        if (name.endswith(form) or name.startswith(f"{form}_")) and name not in own:
            st.session_state[name.replace(form, again)] = st.session_state[name]


def read(what: Callable[..., Result], *given: Any, **named: Any) -> Result:  # noqa: ANN401 - the reader's own parameters
    """Read something of the store for a page; where that fails, the page says so in a sentence and stops."""
    try:
        return what(context.store(), *given, **named)
    except TOLD as refusal:
        stop(str(refusal))
    except Exception:
        logger.exception("A page could not be read.")
        stop(UNEXPECTED)


def stop(sentence: str) -> NoReturn:
    """Say why the page goes no further."""
    st.error(plain(sentence), icon=":material/error:")
    st.stop()


def stop_signed_out(sentence: str) -> NoReturn:
    """Say what was done and where to go on, once it has ended one's own session."""
    st.success(plain(sentence), icon=":material/check:")
    st.text("You are signed out. Load this page again to sign in.")
    st.stop()


def tell(sentence: str, icon: str = "check") -> None:
    """Keep a sentence for the next run, which shows it once."""
    st.session_state.setdefault(_NEWS, []).append((sentence, icon))


def show_news() -> None:
    """Show what was kept by `tell`."""
    for sentence, icon in st.session_state.pop(_NEWS, []):
        st.toast(plain(sentence), icon=f":material/{icon}:")


def finish(receipt: Receipt | None) -> None:
    """After an act on a claim was done: say so, and show the claim as it is now. Nothing for one that was refused."""
    if receipt:
        tell(receipt.sentence)
        close_dialog()
        st.rerun()


def open_dialog(name: str) -> None:
    """Open a dialog by its name at this run and the next ones, until it is closed."""
    st.session_state["desk_dialog"] = name


def close_dialog() -> None:
    """Close whatever dialog is open; also what a dialog does when it is dismissed."""
    st.session_state.pop("desk_dialog", None)


def dialog_open(name: str) -> bool:
    """Whether the dialog of this name is to be shown."""
    return bool(st.session_state.get("desk_dialog") == name)


def _key(form: str) -> str:
    kept: str = st.session_state.setdefault(f"key_{form}", token_urlsafe(16))
    return kept


def _refused(form: str) -> str:
    return f"refused_{form}"
