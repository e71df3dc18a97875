"""Parts of the page of settings: each a form of its own, which says what it changes before it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from refundcore import money, replies, smtp, store
from refundcore.desk import acts, context
from refundcore.desk.listing import Line, listing
from refundcore.desk.show import fact_label, money_text, plain, when_text
from refundcore.money import EXPONENTS
from refundcore.smtp import MailError
from refundcore.store import Person, SettingChange, Settings

LABELS = {
    "answer_hours": "Hours to answer a claim that waits for us",
    "follow_up_hours": "Hours until a claim that waits for others is looked at again",
    "margin_hours": "Hours to spare before the policy's own deadline",
    "sender_name": "Sender's name",
    "sender_address": "Sender's address",
}
_HELP = {
    "answer_hours": "From then on a claim counts as overdue, unless the policy's own deadline comes first.",
    "follow_up_hours": "Counted from the day on which the customer or the technicians were asked.",
    "margin_hours": "That long before its deadline a claim is to be acted on, so that none is met at the last minute.",
    "sender_name": "As customers see it in their mail program.",
    "sender_address": "Replies and digests come from it, and answers go to it. Empty: nothing is mailed.",
}


def _save(me: Person, form: str, act: Callable[..., Any], **given: Any) -> None:  # noqa: ANN401 - the act's own
    """Do one change; the page comes back with what was done."""
    done = acts.do(act, me, form, **given)
    if done is not None or not acts.refused(form):
        acts.tell(str(done or "The setting was changed."))
        st.rerun()


def targets(me: Person, settings: Settings, *, changes: bool) -> None:
    """Within how many hours claims are to be answered."""
    for name in ("answer_hours", "follow_up_hours", "margin_hours"):
        present = int(getattr(settings, name))
        with st.form(f"form_{name}", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
            wanted = st.number_input(
                LABELS[name], 1, store.LONGEST_HOURS, present, key=name, help=_HELP[name], disabled=not changes
            )
            sent = st.form_submit_button("Save", key=f"save_{name}", disabled=not changes)
        if sent:
            _save(me, name, store.set_setting, name=name, value=int(wanted))
        acts.refusals(name)


def sender(me: Person, settings: Settings, *, changes: bool) -> None:
    """From whom mails come, and by which server."""
    for name in ("sender_name", "sender_address"):
        with st.form(f"form_{name}", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
            wanted = st.text_input(
                LABELS[name], getattr(settings, name), key=name, help=_HELP[name], disabled=not changes
            )
            sent = st.form_submit_button("Save", key=f"save_{name}", disabled=not changes)
        if sent:
            _save(me, name, store.set_setting, name=name, value=wanted)
        acts.refusals(name)
    try:
        by = smtp.server()
    except MailError as wrong:
        st.error(plain(str(wrong)), icon=":material/error:")
        return
    if by is None:
        st.text(
            "No mail server is set up, so replies are copied or saved. Whoever runs the desk names one in its"
            " environment (REFUND_DESK_SMTP_HOST)."
        )
    else:
        st.text(f"Mails go out by {by.shown}. The server and its password are named in the desk's environment.")


def limits(me: Person, *, changes: bool) -> None:
    """Above which amount a payout needs another manager."""
    present = acts.read(store.payout_limits)
    for code in sorted(present):
        st.text(f"Above {money_text(present[code], code)}")
    if not present:
        st.text("No currency has a limit yet: no payout needs a second manager for its amount alone.")
    if not changes:
        return
    form = "payout_limit"
    with st.form("form_limit", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        currency = st.selectbox("Currency", sorted(EXPONENTS), index=None, key="limit_currency")
        typed = st.text_input("Largest payout by one manager", key="limit", placeholder="100.00, empty: no limit")
        sent = st.form_submit_button("Save", key="save_limit")
    if sent and not currency:
        st.error("Choose a currency.", icon=":material/error:")
    elif sent and currency:
        try:
            limit = money.parse(typed, currency) if typed.strip() else None
        except ValueError as wrong:
            st.error(plain(str(wrong)), icon=":material/error:")
        else:
            _save(me, form, _set_limit, currency=currency, limit=limit)
    acts.refusals(form)


def _set_limit(opened: store.Store, *, key: str, **given: Any) -> str:  # noqa: ANN401 - the act's own
    del key  # the same limit twice is the same limit
    store.set_payout_limit(opened, **given)
    limit = given["limit"]
    what = money_text(limit, given["currency"]) if limit is not None else "none"
    return f"The limit for {given['currency']} is now: {what}."


def wordings(me: Person, *, changes: bool) -> None:
    """The sentences of replies, each of which can be worded otherwise; tried on samples before it is kept."""
    own = acts.read(store.wordings)
    texts = {text.id: text for text in replies.document()}
    name = st.selectbox(
        "Sentence",
        list(texts),
        format_func=lambda one: f"{'✎ ' if one in own else ''}{' '.join(texts[one].text.split())}",
        key="wording",
    )
    if name is None:
        return
    text = texts[name]
    told = ", ".join(text.outcomes)
    st.caption(plain(f"It stands in replies that {told}. Ours: {' '.join(text.text.split())}"))
    form = f"wording_{name}"
    with st.form(f"form_{form}", border=False):
        wanted = st.text_area(
            "Words",
            own.get(name, text.text.strip()),
            key=f"text_{form}",
            max_chars=replies.LONGEST,
            disabled=not changes,
            help=f"A value is written as {{{{ name }}}}. There are: {', '.join(replies.MEANINGS)}.",
        )
        with st.container(horizontal=True):
            sent = st.form_submit_button("Save", key="save_wording", disabled=not changes)
            back = st.form_submit_button("Back to ours", key="drop_wording", disabled=not changes or name not in own)
    if sent or back:
        same = back or wanted.strip() == text.text.strip()
        _save(me, form, replies.reword, sentence=name, text="" if same else wanted)
    acts.refusals(form)
    _previewed(name, own)


def _previewed(name: str, own: dict[str, str]) -> None:
    """How the sentence reads in the first samples that hold it."""
    lines = [
        Line(
            head=title,
            text=found.text,
            note=", ".join(fact_label(fact) for fact in found.facts),
            word=found.clause,
            tone="gray",
        )
        for title, found in replies.previews(name, own, context.policy())
    ]
    if lines:
        listing(lines, "previewed", "How the sentence reads in sample claims")


def zone() -> None:
    """In which zone days are counted, and how that would be changed."""
    policy = context.policy()
    st.text(f"Days are counted, and times are told, in {policy.zone}.")
    st.text(
        "The zone is part of the policy, not a setting: another zone moves the ends of days, so it can change verdicts"
        " and deadlines. It changes with an edition of the policy, for the orders of that edition; claims that are open"
        " and decisions that were made keep theirs."
    )


def history(changes: Sequence[SettingChange]) -> None:
    """Who changed what, the latest first."""
    if not changes:
        st.text("Nothing was changed yet.")
        return
    lines = [
        Line(
            head=f"{change.person} changed: {_label(change.name)}",
            text=f"From {_shown(change, change.old)} to {_shown(change, change.value)}.",
            note=when_text(change.at),
            icon="tune",
            tone="gray",
        )
        for change in changes
    ]
    listing(lines, "history", "Changes of the settings, the latest first")


def _label(name: str) -> str:
    if name.startswith("payout_limit_"):
        return f"Largest payout by one manager in {name.removeprefix('payout_limit_')}"
    if name.startswith("reply_"):
        return f"Words of the sentence {name.removeprefix('reply_').replace('_', ' ')}"
    return LABELS.get(name, name.replace("_", " "))


def _shown(change: SettingChange, value: Any) -> str:  # noqa: ANN401 - a number, a text or nothing
    if change.name.startswith("reply_"):
        return f"“{value}”" if value else "the desk's own"
    if change.name.startswith("payout_limit_"):
        currency = change.name.removeprefix("payout_limit_")
        return money_text(int(value), currency) if value not in {None, ""} else "none"
    return str(value) if value not in {None, ""} else "nothing"
