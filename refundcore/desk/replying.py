"""The reply to the customer on the page of a claim: each sentence with its ground, changed, copied, saved or sent."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from refundcore import replies, smtp, store
from refundcore.desk import acts, context
from refundcore.desk.listing import Line, listing
from refundcore.desk.show import Word, badge, count_text, fact_label, known, plain, when_text
from refundcore.desk.verdicts import one_claim
from refundcore.replies import Decided, Reply
from refundcore.smtp import MailError
from refundcore.store import ClaimRecord, Event, Person, may

TOLD = {
    "ask": "Ask for what is missing",
    "approve": "Tell that it is approved",
    "exchange": "Tell that it is exchanged",
    "deny": "Tell that it is denied",
    "wait": "Tell that a clock is running",
    "look": "Tell that a colleague looks at it",
    "closed": "Tell that it is closed, as they asked",
}
_OF_VERDICT = {verdict: outcome for outcome, verdict in replies.FOLLOWS.items()}
_DIALOG, _CHANGE = "send_reply", "change_reply"


def composed(
    claim: ClaimRecord, outcome: str, answer_by: int | None = None, ask_for: Sequence[str] | None = None
) -> Reply:
    """The reply of an outcome; of a decided claim as things stood when it was decided, with its amounts.

    `answer_by` is until when an answer is asked for, where somebody named a moment, and `ask_for` what is asked for,
    where somebody chose it.
    """
    decision = claim.decision
    made = decision if decision and decision.outcome == outcome else None
    return replies.compose(
        one_claim(claim.facts),
        context.edition(claim.edition),
        made.at if made else context.now_us(),
        outcome,
        ref=claim.ref,
        decided=Decided(made.refund, made.fee, made.currency) if made else None,
        texts=acts.read(store.wordings),
        answer_by=answer_by if outcome == "ask" else None,
        ask_for=ask_for,
    )


def proposal(claim: ClaimRecord, verdict: str) -> str:
    """The words that are proposed for following a verdict."""
    return composed(claim, _OF_VERDICT[verdict]).text


def panel(me: Person, claim: ClaimRecord) -> None:
    """What to write, sentence by sentence, and the ways in which it leaves."""
    _sent_before(claim)
    if claim.state == "awaiting_approval" and claim.decision and claim.decision.reply:
        st.caption("Written for when the decision is approved:")
        st.text(claim.decision.reply)
    outcome = _outcome(claim)
    waits = claim.state == "waiting_customer"
    ours = composed(claim, outcome, claim.asked_until, claim.asked_for if waits else None)
    if _ahead_of_decision(claim, outcome):
        badge(Word("Draft", "edit_note", "gray", "It can be sent once somebody decided so."))
    form = f"reply_{claim.id}_{claim.version}_{outcome}"
    kept = claim.decision.reply if claim.decision and claim.decision.outcome == outcome else ""
    works = may(me.role, "reply")
    typed = st.session_state.get(f"words_{form}", kept or ours.text) if works else kept or ours.text
    reply = replies.attributed(ours, typed)
    _grounds(reply)
    with st.expander("Copy the words", key=f"copy_{form}"):
        st.code(reply.text, language=None, wrap_lines=True)
    if works:
        _ways_out(me, claim, reply, form)
        if acts.dialog_open(f"{_CHANGE}_{form}"):
            _change(ours, typed, form)


@st.dialog("Change the words", on_dismiss=acts.close_dialog)
def _change(ours: Reply, present: str, form: str) -> None:
    """The words as a text to write in; a dialog, since Ctrl+Enter on the page itself decides the claim."""
    typed = st.text_area("Words", value=present, key=f"text_{form}", height=360)
    st.text("What you change or add stands as your own words, without a clause behind it.")
    with st.container(horizontal=True, gap="small"):
        keep = st.button("Use these words", type="primary", key="use_words", shortcut="Ctrl+Enter")
        back = st.button("Back to ours", key="drop_words", disabled=present == ours.text)
    if keep or back:
        st.session_state[f"words_{form}"] = typed if keep else ours.text
        acts.close_dialog()
        st.rerun()


def _outcome(claim: ClaimRecord) -> str:
    """What the reply is about: the decision where there is one, else what the person chooses."""
    if claim.decision and claim.decision.status == "standing":
        return claim.decision.outcome
    if claim.outcome == "withdrawn":
        return "closed"
    waits = claim.state == "awaiting_approval"
    options = ["look", "ask", "wait"] if waits else [outcome for outcome in TOLD if outcome != "closed"]
    usual = "ask" if claim.state == "waiting_customer" and claim.asked_for else _OF_VERDICT[claim.verdict]
    if usual == "ask" and claim.asked_for == ("access_granted_at",):
        usual = "wait" if claim.verdict == "pending" else usual
    at = 0 if waits else options.index(usual)
    chosen = st.selectbox(
        "What to tell", options, at, format_func=TOLD.__getitem__, key=f"outcome_{claim.id}_{claim.version}"
    )
    return chosen or options[at]


def _grounds(reply: Reply) -> None:
    """The sentences, each with its clause and facts in the margin."""
    lines = [
        Line(
            text=sentence.text,
            note="" if sentence.own else ", ".join(fact_label(name) for name in sentence.facts),
            icon="edit" if sentence.own else "",
            word="own words" if sentence.own else sentence.clause,
            tone="orange" if sentence.own else "gray",
            when="desk's wording" if sentence.desks else "",
        )
        for sentence in reply.sentences
    ]
    lines += [
        Line(text=sentence.text, icon="remove", word="left out", tone="orange", dim=True) for sentence in reply.removed
    ]
    listing(lines, "reply", "The reply, with the clause and the facts of each sentence")


def _ahead_of_decision(claim: ClaimRecord, outcome: str) -> bool:
    """Whether a reply tells of a decision that nobody has made yet."""
    return outcome in {"approve", "exchange", "deny"} and claim.state in {*store.OPEN_STATES} - {"payout_failed"}


def _ways_out(me: Person, claim: ClaimRecord, reply: Reply, form: str) -> None:
    waits = _ahead_of_decision(claim, reply.outcome)
    if waits:
        st.caption("It can be sent once the claim is decided so.")
    address = str(claim.facts.get("customer_email") or "")
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Change …",
            key="change_reply",
            icon=":material/edit:",
            on_click=acts.open_dialog,
            args=(f"{_CHANGE}_{form}",),
        )
        st.button(
            "Send …",
            key="send",
            icon=":material/send:",
            disabled=waits or not reply.text,
            on_click=acts.open_dialog,
            args=(f"{_DIALOG}_{form}",),
        )
        st.download_button(
            "Save as mail",
            data=lambda: _draft(reply, address, claim.ref),
            file_name=f"{claim.ref}.eml",
            mime="message/rfc822",
            key="save_mail",
            icon=":material/download:",
            on_click="ignore",
            disabled=not reply.text,
            help="A draft that your mail program opens. Record it as sent afterwards.",
        )
        kept = f"keep_{form}"
        if st.button("Record as sent", key="keep_reply", disabled=waits or not reply.text, icon=":material/outbox:"):
            acts.finish(
                acts.do(
                    replies.keep,
                    me,
                    kept,
                    claim=claim.id,
                    version=claim.version,
                    ref=claim.ref,
                    to=address,
                    reply=reply,
                )
            )
    acts.refusals(kept)
    if acts.dialog_open(f"{_DIALOG}_{form}"):
        _send(me, claim, reply, form, address)


def _draft(reply: Reply, to: str, ref: str) -> bytes:
    return bytes(replies.draft(context.store(), reply, to=to, ref=ref))


@st.dialog("Send the reply", on_dismiss=acts.close_dialog)
def _send(me: Person, claim: ClaimRecord, reply: Reply, form: str, address: str) -> None:
    settings = acts.read(store.settings_now)
    to = st.text_input("To", value=address, key=f"to_{form}")
    st.text(f"From: {settings.sender_name} <{settings.sender_address or 'no address is set yet'}>")
    st.text(f"Subject: {replies.subject(reply.outcome, claim.ref)}")
    own = f" In your own words: {count_text(reply.own, 'sentence')}." if reply.own else ""
    st.text(f"The mail leaves at once and cannot be called back; it is kept with the claim.{own}")
    if _server_missing():
        return
    name = f"mail_{form}"
    if st.button("Send", type="primary", key="confirm_send", icon=":material/send:", shortcut="Ctrl+Enter"):
        acts.finish(
            acts.do(replies.send, me, name, claim=claim.id, version=claim.version, ref=claim.ref, to=to, reply=reply)
        )
    acts.refusals(name)


def _server_missing() -> bool:
    """Say so where no mail can go out from here."""
    try:
        if smtp.server() is not None:
            return False
    except MailError as wrong:
        st.error(plain(str(wrong)), icon=":material/error:")
        return True
    st.info(
        "No mail server is set up for this desk. Copy the words or save them as a mail, and record them as sent.",
        icon=":material/mail_off:",
    )
    return True


def _sent_before(claim: ClaimRecord) -> None:
    """What was sent on this claim, and what may have been."""
    happened = acts.read(store.events, claim.id)
    ended = {event.body.get("reply_event"): event.kind for event in happened if event.kind.startswith("reply_")}
    for event in happened:
        if event.kind == "replied" or ended.get(event.id) == "reply_sent":
            st.caption(plain(_told(event)))
        elif event.kind == "reply_begun" and event.id not in ended:
            number = event.body.get("message_id")
            st.warning(
                plain(
                    f"{event.person} began to send a reply, {when_text(event.at)}, and it is not known whether it left."
                    f" Look for {number} at the mail server before you send another."
                ),
                icon=":material/warning:",
            )


def _told(event: Event) -> str:
    to = f" to {event.body['customer_email']}" if known(event.body.get("customer_email")) else ""
    return f"Sent{to}, {when_text(event.at)}, by {event.person}: “{event.body.get('subject')}”."
