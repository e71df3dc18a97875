"""Replies leave once, by a real mail server, and what became of them is kept with the claim."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from mail_server import SECRET, USER, free_port, mail_server
from store_of_tests import ANA, AT, AUD, GONE, MAX, MIA, Desk, key, open_desk

from refundcore import replies, smtp, store
from refundcore.deadlines import micros
from refundcore.facts import COLUMNS, Claims

SENDER = "support@desk.example"


@pytest.fixture
def desk(tmp_path) -> Desk:
    opened = open_desk(tmp_path)
    store.set_setting(opened.store, actor=MIA, at=AT, name="sender_address", value=SENDER)
    return opened


@pytest.fixture
def inbox(monkeypatch):
    with mail_server() as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        yield running


def reply_to(desk: Desk, claim: store.ClaimRecord, outcome: str) -> replies.Reply:
    facts = Claims.of({name: [claim.facts[name]] for name in COLUMNS})
    return replies.compose(facts, desk.store.policy, micros(AT), outcome, ref=claim.ref)


def send(desk: Desk, claim: store.ClaimRecord, outcome: str = "ask", *, who: int = ANA, by=replies.send, **more):
    claim = desk.claim(claim.id)
    given = {
        "key": key(),
        "version": claim.version,
        "to": claim.facts["customer_email"],
        "reply": reply_to(desk, claim, outcome),
        **more,
    }
    return by(desk.store, actor=who, at=AT, claim=claim.id, ref=claim.ref, **given)


def kinds(desk: Desk, claim: store.ClaimRecord) -> list[str]:
    return [event.kind for event in store.events(desk.store, claim.id)]


def test_a_reply_reaches_the_customer_and_is_kept_with_what_each_sentence_rests_on(desk, inbox):
    claim = desk.add(sms_code_received=None, order_ref="Bestellung-é")
    receipt = send(desk, claim)

    (mail,) = inbox.mails()
    assert mail["To"] == claim.facts["customer_email"]
    assert mail["From"] == f"Customer support <{SENDER}>"
    assert claim.ref in mail["Subject"]
    assert "about order Bestellung-é." in mail.get_content()
    assert receipt.sentence == f"The reply on claim {claim.ref} was sent."
    begun, ended = store.events(desk.store, claim.id)[-2:]
    assert (begun.kind, ended.kind, ended.body["reply_event"]) == ("reply_begun", "reply_sent", begun.id)
    assert begun.body["reply"] == reply_to(desk, claim, "ask").text
    assert begun.body["customer_email"] == mail["To"]
    assert begun.body["message_id"] == mail["Message-ID"]
    assert begun.body["grounds"][1] == {"id": "thanks_order", "clause": "", "facts": ["order_ref"], "own": False}
    assert (begun.person, ended.person) == ("Ana", "Ana")
    desk.verified()


def test_the_same_press_twice_sends_once(desk, inbox):
    claim = desk.add(sms_code_received=None)
    first = send(desk, claim, key="one press", version=1)
    second = send(desk, claim, key="one press", version=1)

    assert (first.repeated, second.repeated) == (False, True)
    assert len(inbox.taken) == 1
    assert kinds(desk, claim) == ["created", "reply_begun", "reply_sent"]


def test_many_presses_at_once_send_once(desk, inbox):
    claim = desk.add(sms_code_received=None)
    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda _: send(desk, claim, key="one press", version=1), range(6)))

    assert sorted(receipt.repeated for receipt in done) == [False, *[True] * 5]
    assert len(inbox.taken) == 1
    desk.verified()


def test_a_mail_that_the_server_refuses_is_kept_as_failed_and_can_be_sent_again(desk, inbox):
    claim = desk.add(sms_code_received=None)
    inbox.refuses = "554 no thank you"
    with pytest.raises(smtp.MailError, match=r"not sent, and that is kept.* 554 no thank you"):
        send(desk, claim)
    assert kinds(desk, claim) == ["created", "reply_begun", "reply_failed"]
    assert "554 no thank you" in store.events(desk.store, claim.id)[-1].sentence

    inbox.refuses = ""
    send(desk, claim)
    assert kinds(desk, claim)[-1] == "reply_sent"
    assert len(inbox.taken) == 1
    desk.verified()


def test_a_server_that_is_not_there_is_a_sentence(desk, monkeypatch):
    monkeypatch.setenv("REFUND_DESK_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("REFUND_DESK_SMTP_PORT", str(free_port()))
    monkeypatch.setenv("REFUND_DESK_SMTP_SECURITY", "none")
    claim = desk.add(sms_code_received=None)
    with pytest.raises(smtp.MailError, match="cannot be reached"):
        send(desk, claim)
    assert kinds(desk, claim)[-1] == "reply_failed"


@pytest.mark.parametrize("outcome", ["approve", "deny", "exchange"])
@pytest.mark.parametrize("by", [replies.send, replies.keep])
def test_nobody_is_told_of_a_decision_that_was_not_made(desk, inbox, outcome, by):
    claim = desk.add()
    with pytest.raises(store.Impossible, match="decide the claim first"):
        send(desk, claim, outcome, by=by)
    assert not inbox.taken

    desk.decide(claim)
    if outcome == "approve":
        send(desk, claim, outcome, by=by)
        assert kinds(desk, claim)[-1] in {"reply_sent", "replied"}
    else:
        with pytest.raises(store.Impossible, match=r"is approved: decide"):
            send(desk, claim, outcome, by=by)


def test_a_reply_to_a_claim_that_changed_meanwhile_is_refused(desk, inbox):
    claim = desk.add(sms_code_received=None)
    desk.do(store.set_facts, claim, MAX, changes={"sms_code_received": True})
    with pytest.raises(store.Stale, match="Max changed Code delivered"):
        send(desk, claim, version=1)
    assert not inbox.taken


@pytest.mark.parametrize(("who", "says"), [(AUD, "As an auditor you cannot reply"), (GONE, "not active")])
def test_who_may_not_reply_sends_nothing(desk, inbox, who, says):
    claim = desk.add(sms_code_received=None)
    with pytest.raises(store.Forbidden, match=says):
        send(desk, claim, who=who)
    assert not inbox.taken
    assert kinds(desk, claim) == ["created"]


@pytest.mark.parametrize(
    "to",
    [
        "",
        "kim",
        "kim@localhost",
        "kim@example.org, all@example.org",
        "kim@example.org\nBcc: all@example.org",
        "<a@b.c>",
    ],
)
def test_only_one_plain_address_is_written_to(desk, inbox, to):
    claim = desk.add(sms_code_received=None)
    with pytest.raises(smtp.MailError, match="no e-mail address"):
        send(desk, claim, to=to)
    assert not inbox.taken
    assert kinds(desk, claim) == ["created"]


@pytest.mark.usefixtures("inbox")
def test_without_a_server_or_a_sender_nothing_is_begun(tmp_path, monkeypatch):
    desk = open_desk(tmp_path)
    claim = desk.add(sms_code_received=None)
    with pytest.raises(smtp.MailError, match="No sender is set"):
        send(desk, claim)
    monkeypatch.delenv("REFUND_DESK_SMTP_HOST")
    with pytest.raises(smtp.MailError, match="No mail server is set"):
        send(desk, claim)
    assert kinds(desk, claim) == ["created"]


def test_a_reply_that_was_sent_by_other_means_is_kept(desk):
    claim = desk.add(sms_code_received=None)
    edited = replies.attributed(reply_to(desk, claim, "ask"), "Dear Kim, one word to you.")
    receipt = send(desk, claim, by=replies.keep, reply=edited)
    event = store.events(desk.store, claim.id)[-1]

    assert (receipt.sentence, event.kind) == (f"The reply on claim {claim.ref} is kept as sent.", "replied")
    assert (event.body["how"], event.body["reply"]) == ("hand", "Dear Kim, one word to you.")
    assert event.body["grounds"] == [{"id": "", "clause": "", "facts": [], "own": True}]
    assert "Dear Kim" not in desk.number(f"SELECT body FROM events WHERE id = {event.id}")  # noqa: S608 - a number
    desk.verified()


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # it is TLS from the first byte
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mails_go_out_encrypted_and_signed_in_to_a_server_that_is_trusted(tmp_path, security):
    mail = smtp.message(sender=SENDER, name="Support", to="kim@example.org", subject="Hello", text="Grüße\n.\nend")
    with mail_server(tmp_path, security=security) as running:
        environment = running.environment(SECURITY=security, USER=USER, PASSWORD=SECRET, CA=running.ca)
        smtp.send(mail, smtp.server(environment))
        assert running.mails()[0].get_content().splitlines() == ["Grüße", ".", "end"]
        assert running.signed_in == [USER]

        wrong = smtp.server({**environment, "REFUND_DESK_SMTP_PASSWORD": "guess"})
        with pytest.raises(smtp.MailError, match="does not accept the user or password"):
            smtp.send(mail, wrong)
        untrusted = smtp.server({**environment, "REFUND_DESK_SMTP_CA": ""})
        with pytest.raises(smtp.MailError, match="could not be reached safely"):
            smtp.send(mail, untrusted)
        assert len(running.taken) == 1


def test_a_server_without_encryption_is_never_sent_a_password():
    with mail_server() as running:
        by = smtp.server(running.environment(SECURITY="starttls", USER=USER, PASSWORD=SECRET))
        mail = smtp.message(sender=SENDER, name="Support", to="kim@example.org", subject="Hello", text="Hello")
        with pytest.raises(smtp.MailError, match="cannot do what is needed"):
            smtp.send(mail, by)
        assert not running.taken


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"HOST": "mail.example", "SECURITY": "none"}, "only for a mail server on this machine"),
        ({"HOST": "mail.example", "SECURITY": "maybe"}, "is one of starttls, tls, none"),
        ({"HOST": "mail.example", "PORT": "0"}, "from 1 to 65535"),
        ({"HOST": "mail.example", "PORT": "x"}, "from 1 to 65535"),
    ],
)
def test_a_server_that_cannot_be_is_refused_with_the_variables_name(given, says):
    with pytest.raises(smtp.MailError, match=says):
        smtp.server({f"REFUND_DESK_SMTP_{name}": value for name, value in given.items()})


def test_the_password_of_the_server_is_shown_nowhere():
    by = smtp.server({"REFUND_DESK_SMTP_HOST": "mail.example", "REFUND_DESK_SMTP_USER": "desk",
                      "REFUND_DESK_SMTP_PASSWORD": "hunter22"})  # fmt: skip
    assert by is not None
    assert "hunter22" not in f"{by!r} {by} {by.shown}"
    assert by.shown == "mail.example:587 (STARTTLS, as desk)"
    assert smtp.server({}) is None


def test_a_reply_in_doubt_is_told_as_begun(desk, inbox, monkeypatch):
    """The process dies once the intention is kept: the claim says that a mail may have gone; a retry sends none."""

    class Dies(BaseException):
        pass

    def die(*_):
        raise Dies

    claim = desk.add(sms_code_received=None)
    monkeypatch.setattr(smtp, "send", die)
    with pytest.raises(Dies):
        send(desk, claim, key="one press", version=1)
    monkeypatch.undo()
    assert kinds(desk, claim)[-1] == "reply_begun"
    assert "Ana began to send a reply" in store.events(desk.store, claim.id)[-1].sentence
    for name, value in inbox.environment().items():
        monkeypatch.setenv(name, value)
    assert send(desk, claim, key="one press", version=1).repeated
    assert not inbox.taken
    desk.verified()


def test_settings_are_kept_with_who_changed_what_and_when(desk):
    later = AT + timedelta(hours=1)
    store.set_setting(desk.store, actor=MAX, at=later, name="answer_hours", value=8)
    store.set_setting(desk.store, actor=MAX, at=later, name="answer_hours", value=8)
    replies.reword(desk.store, actor=MIA, at=later, key="k", sentence="greeting", text="Good day,")

    changes = store.setting_changes(desk.store)
    assert [(c.person, c.name, c.old, c.value) for c in changes] == [
        ("Mia", "reply_greeting", "", "Good day,"),
        ("Max", "answer_hours", 24, 8),
        ("Mia", "sender_address", "", SENDER),
    ]
    assert changes[0].at == micros(later)
    assert store.wordings(desk.store) == {"greeting": "Good day,"}
    desk.verified()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("sender_address", "nobody", "no e-mail address"),
        ("sender_name", "", "one line"),
        ("sender_name", "a\nBcc: x", "one line"),
        ("answer_hours", "8", "number of hours"),
        ("nonsense", 1, "no setting"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused(desk, name, value, says):
    with pytest.raises(store.Impossible, match=says):
        store.set_setting(desk.store, actor=MIA, at=AT, name=name, value=value)


def test_only_managers_reword(desk):
    with pytest.raises(store.Forbidden):
        replies.reword(desk.store, actor=ANA, at=AT, key="k", sentence="greeting", text="Hi,")
    with pytest.raises(replies.ReplyError, match="no conditions"):
        replies.reword(desk.store, actor=MIA, at=AT, key="k", sentence="greeting", text="{% if 1 %}Hi{% endif %}")
    assert store.wordings(desk.store) == {}
