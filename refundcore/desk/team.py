"""Parts of the page of the team: one's own account, the people, and what each role may do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import streamlit as st

from refundcore import accounts
from refundcore.accounts import AccountChange, Member
from refundcore.desk import acts, context
from refundcore.desk.listing import Line, listing
from refundcore.desk.show import ago_text, count_text, when_text
from refundcore.store import ACTIONS, ROLES, Person, may
from refundcore.store.roles import WORDS

Result = TypeVar("Result")

_LINK = "team_link"
_CLOSING = "team_close"
_TURN = "team_own_turn"
_TONES = {"manager": "violet", "agent": "blue", "auditor": "gray"}
_NOBODY = "Nobody: they go back to everybody"


def _do(me: Person, form: str, act: Callable[..., Result], **given: Any) -> Result | None:  # noqa: ANN401 - the act's own
    """Do one act on accounts; None where it was refused, which `acts.refusals` tells."""
    return acts.attempt(lambda: act(context.store(), actor=me.id, at=context.now(), **given), form)


def _did(me: Person, form: str, act: Callable[..., object], **given: Any) -> bool:  # noqa: ANN401 - the act's own
    """Do one act on accounts; whether it was done."""
    return _do(me, form, act, **given) is not None


def _done(sentence: str) -> None:
    acts.close_dialog()
    acts.tell(sentence)
    st.rerun()


# --- one's own account ----------------------------------------------------------------------------------------------


def own(me: Person, mine: Member) -> None:
    """Change one's password; sign out everywhere."""
    turn = st.session_state.get(_TURN, 0)  # each try has fields of its own, so that what was typed is not kept
    with st.form("own_password", border=False):
        present = st.text_input(
            "Present password", type="password", key=f"present_{turn}", autocomplete="current-password"
        )
        new = st.text_input(
            "New password", type="password", key=f"new_{turn}", autocomplete="new-password",
            help="12 to 128 characters. A few random words do well.",
        )  # fmt: skip
        again = st.text_input("New password again", type="password", key=f"again_{turn}", autocomplete="new-password")
        sent = st.form_submit_button("Change password", key="change_password", icon=":material/key:")
    st.caption("You are signed out everywhere then, here too, and sign in with the new one.")
    if sent:
        st.session_state[_TURN] = turn + 1
        if acts.attempt(lambda: _change(me, present, new, again), "own_password"):
            acts.stop_signed_out("Your password was changed.")
        st.rerun()
    acts.refusals("own_password")
    browsers = count_text(mine.sessions, "browser")
    if st.button("Sign out everywhere", key="everywhere", icon=":material/logout:",
                 help=f"You are signed in with {browsers}, this one among them."):  # fmt: skip
        ended = _do(me, "everywhere", accounts.sign_out_everywhere, number=me.id)
        if ended is not None:
            acts.stop_signed_out("You were signed out everywhere.")
    acts.refusals("everywhere")


def _change(me: Person, present: str, new: str, again: str) -> Person:
    if new != again:
        raise accounts.AccountError("The two new passwords differ.")
    return accounts.set_password(
        context.store(), actor=me.id, number=me.id, password=new, present=present, at=context.now()
    )


def roles(me: Person) -> None:
    """What each role may do, from the one table."""
    mark = {True: "yes", False: "–"}
    rows = [
        {"What": f"{words[0].upper()}{words[1:]}", **{role.title(): mark[may(role, action)] for role in ROLES}}
        for action, words in WORDS.items()
    ]
    mine = sum(may(me.role, action) for action in ACTIONS)
    st.text(
        f"As {me.role} you may do {mine} of these {count_text(len(rows), 'thing')}. Pages and store ask this one table."
    )
    st.table(rows, border="horizontal", hide_index=True, height=420)


# --- people ---------------------------------------------------------------------------------------------------------


def people(members: list[Member], me: Person) -> None:
    """Everybody with an account."""
    lines = [
        Line(
            head=f"{one.person.name}{' (you)' if one.person.id == me.id else ''}",
            text=one.person.email,
            note=_seen(one),
            word=one.person.role if one.person.active else f"{one.person.role}, closed",
            tone=_TONES[one.person.role] if one.person.active else "gray",
            icon="person" if one.person.active else "person_off",
            dim=not one.person.active,
        )
        for one in members
    ]
    listing(lines, "people", "People with an account")


def _seen(one: Member) -> str:
    at = one.person.last_seen_at
    parts = [f"last seen {ago_text(at)}" if at else "never signed in"]
    if one.sessions:
        parts.append(f"signed in with {count_text(one.sessions, 'browser')}")
    if one.claims:
        parts.append(count_text(one.claims, "claim"))
    if one.link:
        parts.append("a link is out")
    return " · ".join(parts)


def link() -> None:
    """The one-time link that was just made, shown until it is put away."""
    found = st.session_state.get(_LINK)
    if not found:
        return
    name, address = found
    with st.container(border=True):
        st.text(
            f"Hand this link to {name}, by a way that only they read. It chooses their password, once, within 24 hours."
        )
        st.code(address, language=None, wrap_lines=True)
        if st.button("Done, put it away", key="link_done"):
            del st.session_state[_LINK]
            st.rerun()


def _show_link(name: str, token: str) -> None:
    parts = urlsplit(str(st.context.url or ""))
    base = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
    st.session_state[_LINK] = (name, f"{base}/password?token={token}")


def adding(me: Person) -> None:
    """Make an account for somebody; they choose their password by a link."""
    with st.form("add_person", border=False):
        name = st.text_input("Name, as colleagues see it", key="add_name", max_chars=accounts.LONGEST_NAME)
        email = st.text_input("E-mail address to sign in with", key="add_email", max_chars=accounts.LONGEST_EMAIL)
        role = st.selectbox("Role", ROLES, key="add_role", help="What each may do stands on this page.")
        sent = st.form_submit_button("Add", key="add_person_button", icon=":material/person_add:")
    if sent:
        made = _do(me, "add_person", accounts.invite, name=name, email=email, role=role)
        if made:
            _show_link(made[0].name, made[1])
            for field in ("add_name", "add_email"):
                st.session_state.pop(field, None)
            _done(f"{made[0].name} has an account; hand them the link.")
    acts.refusals("add_person")


def managing(me: Person, members: list[Member]) -> None:
    """Change somebody's account: role, password, sessions, closed or open."""
    by_number = {one.person.id: one for one in members}
    number = st.selectbox(
        "Whose account", list(by_number), index=None, key="whose", placeholder="Choose a person",
        format_func=lambda one: f"{by_number[one].person.name} ({by_number[one].person.email})",
    )  # fmt: skip
    if number is None:
        st.caption("Choose a person to change their role, reset their password, sign them out or close their account.")
        return
    one = by_number[number]
    if one.person.active:
        _role(me, one)
        _ways_in(me, one)
    elif st.button("Open the account again", key="open_account", icon=":material/lock_open:") and _did(
        me, "managing", accounts.enable, number=number
    ):
        _done(f"The account of {one.person.name} is open again.")
    acts.refusals("managing")
    if acts.dialog_open(_CLOSING):
        _closing(me, one, members)


def _role(me: Person, one: Member) -> None:
    """Give somebody another role."""
    number, name = one.person.id, one.person.name
    with st.container(horizontal=True, vertical_alignment="bottom"):
        role = st.selectbox("Role", ROLES, index=ROLES.index(one.person.role), key=f"role_{number}")
        pressed = st.button("Save role", key="save_role", disabled=role == one.person.role)
        if pressed and _did(me, "managing", accounts.set_role, number=number, role=role):
            _done(f"{name} is {role} now, and signs in anew.")


def _ways_in(me: Person, one: Member) -> None:
    """A new password, an end of all sessions, an end of the account."""
    number, name = one.person.id, one.person.name
    with st.container(horizontal=True):
        if st.button(
            "Reset password…",
            key="reset_password",
            icon=":material/key:",
            help="Makes a one-time link. The present password stays good until it is used.",
        ):
            token = _do(me, "managing", accounts.password_link, number=number)
            if token:
                _show_link(name, token)
                _done(f"Hand the link to {name}.")
        if st.button("Sign out everywhere", key="sign_out_them", icon=":material/logout:"):
            ended = _do(me, "managing", accounts.sign_out_everywhere, number=number)
            if ended is not None:
                _done(f"{name} was signed out of {count_text(ended, 'browser')}.")
        if st.button("Close account…", key="close_account", icon=":material/person_off:"):
            acts.open_dialog(_CLOSING)


@st.dialog("Close the account", on_dismiss=acts.close_dialog)
def _closing(me: Person, one: Member, members: list[Member]) -> None:
    name = one.person.name
    st.text(f"{name} is signed out at once and cannot sign in any more. What they did stays. It can be opened again.")
    to = None
    if one.claims:
        others = {
            other.person.id: other.person.name
            for other in members
            if other.person.active and other.person.id != one.person.id and may(other.person.role, "decide")
        }
        to = st.selectbox(
            f"Who gets {count_text(one.claims, 'claim')} of theirs", [None, *others], key="heir",
            format_func=lambda heir: _NOBODY if heir is None else others[heir],
        )  # fmt: skip
    pressed = st.button("Close it", key="confirm_close", type="primary", icon=":material/person_off:")
    if pressed and _did(me, "closing", accounts.disable, number=one.person.id, to=to):
        _done(f"The account of {name} is closed.")
    acts.refusals("closing")


def history(changes: list[AccountChange]) -> None:
    """What was changed on accounts, the latest first."""
    if not changes:
        st.text("Nothing was changed yet.")
        return
    lines = [
        Line(head=change_text(one), note=when_text(one.at), icon="manage_accounts", tone="gray") for one in changes
    ]
    listing(lines, "account_changes", "Changes of accounts, the latest first")


def change_text(change: AccountChange) -> str:
    """A change of an account as a sentence."""
    who, whom, more = change.by or "A command on the desk's machine", change.person, change.more
    own_account = change.by == whom
    theirs = "their own" if own_account else f"{whom}'s"
    sentences = {
        "added": f"{who} made an account for {whom}, as {more.get('role')}",
        "role": f"{who} made {whom} {more.get('role')}, before {more.get('old')}",
        "closed": f"{who} closed {theirs} account",
        "opened": f"{who} opened {theirs} account again",
        "password": f"{who} changed {theirs} password{' by a link' if more.get('by') == 'link' else ''}",
        "link": f"{who} made a link that chooses {theirs} password",
        "signed_out": f"{who} signed {'out' if own_account else f'{whom} out'} everywhere",
    }
    handed = int(more.get("claims") or 0)
    tail = f"; {count_text(handed, 'claim')} handed over" if handed else ""
    return f"{sentences.get(change.what, f'{who} changed {theirs} account')}{tail}."


def members() -> list[Member]:
    """Everybody, with sessions and claims."""
    return acts.read(accounts.members, at=context.now())


def changes() -> list[AccountChange]:
    """What was changed on accounts lately."""
    return acts.read(accounts.account_changes)


def mine(me: Person, all_of_them: list[Member]) -> Member:
    """One's own account among everybody's."""
    return next(one for one in all_of_them if one.person.id == me.id)
