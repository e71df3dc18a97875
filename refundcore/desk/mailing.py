"""The upload page for mail: each message beside what it says about a claim, and its way into the desk.

A message is shown as plain text, nothing of it is loaded. Proposals are fields that the person may change; nothing is
stored before “Import”, and a message that is here already changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from refundcore import intake
from refundcore.desk import acts, context, entering, fields, uploading
from refundcore.desk.show import code_text, count_text, fact_label, plain, when_text
from refundcore.facts import BY_NAME, REQUIRED
from refundcore.intake import Source, mail
from refundcore.intake.mail import Bound, Chosen, Found, Mailbox
from refundcore.store import Balance, Person

FORM = "mail"
FIELDS = (
    *("order_ref", "item_ref", "customer_email", "reason", "purchased_at", "ordered_at", "submitted_at", "sent_at"),
    *("amount", "currency", "sms_code_received", "description"),
)
"""The facts that are asked for here; the others are completed on the claim's own page."""

SHOWN = 20_000
"""Characters of a message that are shown."""

_BECOMES = {"claim": "A new claim", "note": "A note", "nothing": "Nothing: leave it out"}

is_mail = mail.is_mail


def page(me: Person, file: Source) -> None:
    """Everything from the messages of a file to their import."""
    mailbox = uploading.made("mail", (), lambda: mail.read(file))
    if mailbox is None:
        return
    done: dict[str, tuple[int, Balance]] = st.session_state.setdefault("mail_done", {})
    seen = uploading.made("mail_bound", (len(done),), lambda: _bound(mailbox))
    if seen is None:
        return
    top = st.container()
    shown = _chosen_message(seen)
    if shown is not None:
        _message(shown)
    with top:  # filled last: it counts what was chosen below
        _what_it_is(mailbox, seen)
    _import(me, mailbox, seen, done)


def _bound(mailbox: Mailbox) -> list[Bound]:
    return mail.sort(mailbox, mail.answered_claims(context.store(), mailbox))


def _edits() -> dict[str, dict[str, Any]]:
    """What the person chose and typed so far, by message of this upload."""
    every: dict[str, dict[str, dict[str, Any]]] = st.session_state.setdefault("mail_edits", {})
    return every.setdefault(st.session_state["upload_file"].file_id, {})


def _becomes(one: Bound) -> str:
    return str(_edits().get(one.message.key, {}).get("becomes") or one.becomes)


def _becomes_text(one: Bound) -> str:
    if one.known:
        return f"here already, on {one.known.ref}"
    match _becomes(one):
        case "note":
            return f"a note on {one.answers or 'the claim that this file brings'}"
        case "nothing":
            return "left out"
        case _:
            return "a new claim"


def _what_it_is(mailbox: Mailbox, seen: list[Bound]) -> None:
    kinds = ["here" if one.known else _becomes(one) for one in seen] + ["nothing"] * len(mailbox.unreadable)
    words = {
        "claim": ("would become a claim", "would become claims"),
        "note": ("would be a note on a claim", "would be notes on claims"),
        "nothing": ("would be left out", "would be left out"),
        "here": ("is here already", "are here already"),
    }
    told = ", ".join(
        f"{count:,} {one if count == 1 else many}"
        for kind, (one, many) in words.items()
        if (count := kinds.count(kind))
    )
    size = count_text(len(seen) + len(mailbox.unreadable), "message")
    st.text(f"{mailbox.name} ({uploading.size_text(mailbox.size)}), {size} of e-mail: {told}.")
    for line, why in mailbox.unreadable[:5]:
        st.text(f"· Line {line:,} cannot be read and is left out. {why}")
    if len(seen) > 1:
        st.dataframe(_table(seen), hide_index=True, height="content" if len(seen) <= 10 else 420, key="mail_messages")


def _table(seen: list[Bound]) -> pd.DataFrame:
    values = [_values(one) for one in seen]
    return pd.DataFrame(
        {
            "No.": list(range(1, len(seen) + 1)),
            "From": [one.message.sender or "unknown" for one in seen],
            "Sent": [when_text(one.message.sent_at, unknown="unknown") for one in seen],
            "Subject": [one.message.subject for one in seen],
            "Becomes": [_becomes_text(one) for one in seen],
            "Order": [typed.get("order_ref", "") for typed in values],
            "Reason": [code_text(typed.get("reason", ""), unknown="") for typed in values],
            "Still unknown": [
                ", ".join(fact_label(name) for name in REQUIRED if not typed.get(name))
                if _becomes(one) == "claim" and not one.known
                else ""
                for one, typed in zip(seen, values, strict=True)
            ],
        }
    )


def _chosen_message(seen: list[Bound]) -> Bound | None:
    if len(seen) < 2:
        return seen[0] if seen else None
    labels = [
        f"{number}. {one.message.subject or '(no subject)'} – {one.message.sender or 'unknown sender'}"
        for number, one in enumerate(seen, start=1)
    ]
    number = st.selectbox(
        "Message", range(len(seen)), format_func=lambda place: labels[place], key="mail_shown", width=640
    )
    return seen[int(number or 0)]


def _message(one: Bound) -> None:
    """One message as plain text, with what it would become and its proposals beside it."""
    message = one.message
    left, right = st.columns([1, 1], gap="medium")
    with left, st.container(border=True):
        who = f"{message.sender_name} <{message.sender}>" if message.sender_name else message.sender or "unknown"
        received = f"\nReceived: {when_text(message.received_at)}" if message.received_at is not None else ""
        st.text(
            f"From: {who}\nSent: {when_text(message.sent_at, unknown='unknown')}{received}\nSubject: {message.subject}"
        )
        with st.container(height=480 if len(message.text) > 1_200 or message.text.count("\n") > 16 else "content"):
            st.text(message.text[:SHOWN] or "(no text)")
        rest = "\n\n".join(part for part in (message.parts.signature, message.parts.quoted) if part.strip())
        if rest:
            with st.expander("Signature and quoted text: nothing is taken from them"):
                st.text(rest[:SHOWN])
        if message.attachments:
            st.markdown("**Attached** – kept as evidence to attach")
            st.dataframe(
                pd.DataFrame(
                    {
                        "Name": [each.name for each in message.attachments],
                        "What it is": [each.kind for each in message.attachments],
                        "Size": [uploading.size_text(each.size) for each in message.attachments],
                    }
                ),
                hide_index=True,
                height="content",
                key=f"mail_attached_{message.key[:12]}",
            )
    with right:
        for notice in [*filter(None, [message.automatic]), *message.notices]:
            st.text(f"· {notice}")
        _proposals(one)


def _proposals(one: Bound) -> None:
    """What the message becomes, and for a claim its facts as fields with the places they were found in."""
    key = one.message.key
    if one.known:
        what = "became this claim" if one.known.became == "claim" else "is a note on this claim"
        st.info(plain(f"This message is here already: it {what}, {one.known.ref}."), icon=":material/content_copy:")
        return
    options = ["claim", "note", "nothing"] if one.message.answers else ["claim", "nothing"]
    becomes = st.segmented_control(
        "What it becomes",
        options,
        default=one.becomes,
        format_func=lambda option: _BECOMES[option],
        key=f"{FORM}_{key[:16]}_becomes",
        persist_state="session",
        required=True,
    )
    edit = _edits().setdefault(key, {})
    edit["becomes"] = becomes or one.becomes
    edit["problems"] = {}
    if edit["becomes"] == "note":
        where = f"claim {one.answers}" if one.answers else "the claim that this file brings"
        st.text(f"It answers a message of {where}: what is new in it becomes a note there.")
        return
    if edit["becomes"] == "nothing":
        return
    form = fields.Form()
    values = _proposed_texts(one)
    narrow = [name for name in FIELDS if name not in fields.WIDE]
    for start in range(0, len(narrow), 2):
        for place, name in zip(st.columns(2), narrow[start : start + 2], strict=False):
            with place:
                _field(form, name, one, values)
    for name in FIELDS:
        if name in fields.WIDE:
            _field(form, name, one, values)
    facts, problems = fields.read({**_beyond(one), **form.typed})
    form.show(problems)
    edit["typed"] = form.typed
    edit["problems"] = {name: sentence for name, sentence in problems.items() if name}
    entering.verdict_so_far(facts, edit["problems"])


def _field(form: fields.Form, name: str, one: Bound, values: Mapping[str, str]) -> None:
    fields.draw(form, BY_NAME[name], f"{FORM}_{one.message.key[:16]}", values.get(name, ""), keep=True)
    found = one.proposed.found.get(name)
    if found and name not in fields.WIDE:
        form.places[name].text(_places(found))  # Markdown makes links of addresses, however they are escaped


def _places(found: Found) -> str:
    """Where a value was found, or all that were."""
    if not found.text:
        several = dict.fromkeys(f"{code_text(each.text)} ({each.place})" for each in found.candidates)
        return f"Several are named: {', '.join(list(several)[:6])}"
    first = found.candidates[0]
    return f"{first.place}: {first.quote}"


def _proposed_texts(one: Bound, *, certain: bool = False) -> dict[str, str]:
    """The proposals as a form shows them, a moment in the desk's zone; the certain ones, or all."""
    values = one.proposed.certain if certain else one.proposed.texts
    shown = {name: text for name, text in values.items() if name in FIELDS}
    for name, at in (("submitted_at", one.message.received_at), ("sent_at", one.message.sent_at)):
        if name in shown:
            shown[name] = fields.text_of(name, {name: at, f"{name}_latest": at})
    return shown


def _beyond(one: Bound) -> dict[str, str]:
    """What is taken of the message without being asked for: that it is one."""
    return {name: text for name, text in one.proposed.texts.items() if name not in FIELDS}


def _values(one: Bound) -> dict[str, str]:
    """All facts of a message as text: as changed, or what is certain while nobody has looked at it."""
    typed: Mapping[str, str] | None = _edits().get(one.message.key, {}).get("typed")
    return {**_beyond(one), **(_proposed_texts(one, certain=True) if typed is None else typed)}


# The import.


def _import(me: Person, mailbox: Mailbox, seen: list[Bound], done: dict[str, tuple[int, Balance]]) -> None:
    """The button, and what came of the messages."""
    upload = st.session_state["upload_file"].file_id
    wrong = [number for number, one in enumerate(seen, start=1) if _edits().get(one.message.key, {}).get("problems")]
    waiting = f"Something that was typed for message {wrong[0]} cannot be read." if wrong else ""
    if upload in done:
        _told(*done[upload])
        return
    pressed = st.button(
        "Import",
        type="primary",
        key="mail_import",
        icon=":material/download:",
        disabled=bool(waiting),
        help=waiting or None,
    )
    if pressed and not waiting:
        with st.spinner("Importing ..."):
            chosen = _choices(seen)
            brought = acts.attempt(
                lambda: mail.bring_in(mailbox, chosen, context.store(), actor=me.id, at=context.now()), FORM
            )
        if brought:
            done[upload] = brought
            st.rerun()
    acts.refusals(FORM)


def _choices(seen: list[Bound]) -> list[Chosen]:
    read = mail.taken([_values(one) for one in seen], context.policy().zone)
    return [_choice(one, facts, problems) for one, (facts, problems) in zip(seen, read, strict=True)]


def _choice(one: Bound, facts: Mapping[str, Any], problems: Mapping[str, str]) -> Chosen:
    becomes: Any = _becomes(one)
    if becomes == "nothing" and one.message.automatic:
        return Chosen(one.message, "nothing", why=one.message.automatic)
    if becomes != "claim":
        return Chosen(one.message, becomes)
    shown, proposed = _proposed_texts(one), one.proposed.texts
    asis = {
        name: proposed.get(name, text)
        for name, text in _values(one).items()
        if text == shown.get(name, text) and name not in problems
    }
    return Chosen(one.message, "claim", facts, mail.told(one.proposed.found.values(), asis))


def _told(number: int, balance: Balance) -> None:
    st.success(plain(intake.sentence(balance, "message")), icon=":material/task_alt:")
    if balance.created and st.button("Show these claims", key="mail_show", icon=":material/inbox:"):
        st.switch_page("pages/queue.py", query_params={"imported": str(number), "state": "all"})
