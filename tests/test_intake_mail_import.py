"""Messages as claims to complete: what is proposed from where, what is taken unseen, and that each comes once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from refundcore import __main__ as front
from refundcore import accounts, clock, store
from refundcore.deadlines import iso
from refundcore.intake import IntakeError, mail, source
from refundcore.intake.mail import phrases
from refundcore.store import messages

FOLDER = Path(__file__).parent / "data" / "mail"
HEAD = "From: a@example.org\nSubject: {subject}\nMessage-ID: <1@example.org>\n\n"


def proposed(text: str, subject: str = "Help") -> mail.Proposed:
    data = HEAD.format(subject=subject) + text
    return mail.propose(mail.read(source(data.encode(), "a.eml")).messages[0])


@pytest.fixture
def desk(tmp_path, monkeypatch) -> store.Store:
    monkeypatch.setenv("REFUND_DESK_DATA", str(tmp_path / "desk"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    opened = store.connect(at=clock.now())
    for name in ("Ana", "Ben"):
        person = {"name": name, "email": f"{name.lower()}@example.org", "role": "agent", "password": "nine blue herons"}
        accounts.create_person(opened, actor=None, at=clock.now(), **person)
    return opened


def run(capsys, *names: str, person: str = "ana", options: tuple[str, ...] = ()) -> tuple[int, str, str]:
    """The status, standard output and standard error of importing files one after the other."""
    status = 0
    for name in names:
        status = front.main(["import", str(FOLDER / name), "--actor", f"{person}@example.org", *options])
    told = capsys.readouterr()
    return status, told.out, told.err


# What is proposed.


def test_each_proposal_says_where_it_stands():
    found = mail.propose(mail.read(source(FOLDER / "plain.eml")).messages[0])

    assert found.certain == {
        "channel": "email",
        "customer_email": "ann@example.org",
        "sent_at": "2026-03-03T09:15:00Z",
        "submitted_at": "2026-03-03T09:15:04Z",
        "order_ref": "48213",
        "reason": "sms_not_received",
        "purchased_at": "2026-03-01",
        "amount": "12.50",
        "currency": "EUR",
        "description": found.texts["description"],
    }
    where = {name: [(one.place, one.quote) for one in each.candidates] for name, each in found.found.items()}
    assert where["order_ref"] == [
        ("the subject", "Refund for order 48213"),
        ("line 5", "I paid €12.50 by card. The order is 48213."),
    ]
    assert where["customer_email"] == [("From", "Ann Example <ann@example.org>")]
    assert where["amount"][0][0] == "line 5"


@pytest.mark.parametrize(
    ("received", "taken"),
    [("Tue, 3 Mar 2026 09:15:04 +0000", True), ("Wed, 4 Mar 2026 10:00:00 +0000", False), ("", False)],
)
def test_when_it_was_sent_is_taken_unseen_only_where_it_was_received_within_a_day(received, taken):
    head = f"Received: from a by b; {received}\n" if received else ""
    data = f"{head}From: a@example.org\nDate: Tue, 3 Mar 2026 09:15:00 +0000\n\nx"
    found = mail.propose(mail.read(source(data.encode(), "a.eml")).messages[0])

    assert found.texts["sent_at"] == "2026-03-03T09:15:00Z"
    assert ("sent_at" in found.certain) is taken


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("my order 12345", "12345"),
        ("Order no.: AB-123/7", "AB-123/7"),
        ("order number is 12345.", "12345"),
        ("order\nnumber 12345", "12345"),
        ("Bestellung Nr. 77812", "77812"),
        ("pedido nº 77812", "77812"),
        ("заказ № 77812", "77812"),
        ("it is ORD-5512!", "ORD-5512"),
        ("about #12345", "12345"),
        ("order 12345 and again ORDER 12345", "12345"),
        ("ticket #12345", None),
        ("order 2026-03-01", None),
        ("order of 3 numbers", None),
        ("my order was late in 2026", None),
        ("order 12345 or order 12346", None),
        ("in order to pay", None),
        ("I ordered 12345 things", None),
    ],
)
def test_an_order_is_what_follows_a_word_for_one_and_of_several_none(text, ref):
    assert proposed(text).texts.get("order_ref") == ref


def test_a_number_with_a_hash_alone_is_shown_but_not_taken_unseen():
    assert "order_ref" in proposed("about #12345").texts
    assert "order_ref" not in proposed("about #12345").certain


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I never received any code", "sms_not_received"),
        ("I didn’t get the\nSMS", "sms_not_received"),
        ("Die SMS kam nie", "sms_not_received"),
        ("the number is already registered", "invalid_number"),
        ("Nummer ist leider ungültig", "invalid_number"),
        ("the app is not compatible with it", "incompatibility"),
        ("it does not work at all", "major_defect"),
        ("I changed my mind", None),
        ("I never received a code, the number is invalid", None),
        ("I received the code", None),
        ("I never received it. The code", None),
    ],
)
def test_a_reason_is_proposed_where_the_words_are_those_of_one(text, reason):
    assert proposed(text).texts.get("reason") == reason


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("bought on 2026-03-01", "2026-03-01"),
        ("I bought it on 1 March 2026", "2026-03-01"),
        ("purchased March 1st, 2026", "2026-03-01"),
        ("am 1. März 2026 gekauft", "2026-03-01"),
        ("gekauft am 01.03.2026", "2026-03-01"),
        ("acheté le 1er mars 2026", "2026-03-01"),
        ("bought 31/03/2026", "2026-03-31"),
        ("bought 03/31/2026", "2026-03-31"),
        ("bought 03/03/2026", "2026-03-03"),
        ("bought 03/04/2026", None),
        ("bought 31/02/2026", None),
        ("bought in March", None),
        ("bought it. My birthday is 2026-03-01", None),
        ("see you on 2026-03-01", None),
        ("bought on 2026-03-01, or bought on 2026-03-02", None),
    ],
)
def test_a_day_of_purchase_is_proposed_only_where_it_can_be_read_in_one_way(text, day):
    assert proposed(text).texts.get("purchased_at") == day


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("I paid 12.50 EUR", "12.50", "EUR"),
        ("I paid EUR 12,50", "12.50", "EUR"),
        ("price: £5", "5", "GBP"),
        ("bezahlt 1.234,50 €", "1234.50", "EUR"),
        ("paid US$1,234.50", "1234.50", "USD"),
        ("paid $12.50", "12.50", None),
        ("paid 1,234 EUR", None, None),
        ("paid 12.505 EUR", None, None),
        ("paid JPY 1500", "1500", "JPY"),
        ("paid 10 EUR and 12 EUR", None, "EUR"),
        ("I paid 10 EUR. My account holds 500 EUR", "10", "EUR"),
        ("ALL 3 numbers, 50% off", None, None),
        ("version 1.2.3 USD", None, None),
    ],
)
def test_an_amount_is_proposed_with_its_currency_where_both_are_clear(text, amount, currency):
    values = proposed(text).texts
    assert (values.get("amount"), values.get("currency")) == (amount, currency)


def test_an_amount_that_nobody_says_was_paid_is_not_taken_unseen():
    found = proposed("my account holds 500 EUR")

    assert found.texts["amount"] == "500"
    assert "amount" not in found.certain


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[order", "cannot be read"),
        ("[order]\nwords = []", r"\[amounts\] is missing"),
        ("[order]\nwords = []\n[amounts]\n[reasons]\nlate = ['late']\n[dates]", "no reason called late"),
        ("[order]\nwords = []\n[amounts]\n[amounts.signs]\n'€' = 'EURO'\n[reasons]\n[dates]", "EURO is no currency"),
        ("[order]\nwords = []\n[amounts]\n[amounts.signs]\n[reasons]\n[dates]", "not a list of words"),
    ],
)
def test_a_list_of_words_that_is_wrong_says_where(tmp_path, text, says):
    (tmp_path / "mail.toml").write_text(text, encoding="utf-8")
    with pytest.raises(IntakeError, match=says):
        phrases.load(tmp_path / "mail.toml")


# What comes into the desk.


def test_a_mailbox_becomes_claims_notes_and_what_is_left_out(desk, capsys):
    status, out, err = run(capsys, "inbox.mbox")

    assert (status, out) == (1, "Import 1: 4 messages in the file: 2 created, 1 updated, 1 rejected.\n")
    assert "order_ref <- 48213 (the subject: Refund for order 48213)" in err
    assert "a note on the claim that this file brings" in err
    assert "left out. It is an automatic answer, not a claim." in err
    claim = store.claim(desk, "RC-000001")
    assert claim.facts["amount"] == 1250
    assert iso(claim.facts["submitted_at"]) == "2026-03-03T09:15:04Z"
    assert claim.facts["channel"] == "email"
    noted = [event.body["text"] for event in store.events(desk, claim.id) if event.kind == "noted"]
    assert noted == ["E-mail from ann@example.org: Re: Your claim\n\nThe order is 48213, as I said."]
    assert store.verify(desk).good


def test_what_is_not_certain_stays_unknown_and_is_asked_for(desk, capsys):
    status, out, err = run(capsys, "two_from.eml")

    assert (status, out) == (0, "Import 1: 1 message in the file: 1 created.\n")
    assert "not taken: several" in err
    claim = store.claim(desk, "RC-000001")
    known = {name for name, value in claim.facts.items() if value is not None}
    assert known == {"channel", "description"}
    assert claim.verdict == "need_info"


def test_the_same_messages_again_create_nothing_whoever_brings_them_in_whatever_file(desk, capsys):
    run(capsys, "inbox.mbox")
    again = run(capsys, "inbox.mbox", "plain.eml", "quoted_english.eml", "no_message_id.eml", person="ben")

    assert "Import 2: 4 messages in the file: 3 unchanged, 1 rejected." in again[1]
    assert again[1].count("1 message in the file: 1 unchanged.") == 3
    assert "here already, on claim RC-000001" in again[2]
    found = store.queue(desk, store.Filter(state="all"), person=1, at=clock.now())
    assert sorted(row.ref for row in found.rows) == ["RC-000001", "RC-000002"]


def test_a_claim_that_was_completed_is_not_touched_by_its_message(desk, capsys):
    run(capsys, "no_message_id.eml")
    claim = store.claim(desk, 1)
    store.set_facts(
        desk, actor=1, at=clock.now(), key="k", claim=1, version=claim.version, changes={"order_ref": "O-7"}
    )

    assert "1 unchanged" in run(capsys, "no_message_id.eml")[1]
    assert store.claim(desk, 1).facts["order_ref"] == "O-7"


def test_an_answer_to_a_claim_of_an_earlier_mailbox_is_a_note_on_it(desk, capsys):
    run(capsys, "plain.eml")
    status, out, err = run(capsys, "quoted_english.eml")

    assert (status, out) == (0, "Import 2: 1 message in the file: 1 updated.\n")
    assert "a note on claim RC-000001" in err
    assert [event.kind for event in store.events(desk, 1)] == ["created", "noted"]


@pytest.mark.usefixtures("desk")
def test_an_answer_to_what_is_not_here_is_a_claim(capsys):
    assert "1 created" in run(capsys, "quoted_english.eml")[1]


def test_attachments_are_kept_as_evidence_to_attach(desk, capsys):
    run(capsys, "attachment_hostile_name.eml")

    (kept,) = store.messages_of(desk, 1)
    assert [(one["name"], one["kind"], one["kept"]) for one in kept.attachments] == [
        ("gnp.exe", "image/png", True),
        ("attachment-2", "text/plain", True),
    ]
    folder = desk.path.parent / "evidence-to-attach"
    assert {path.name for path in folder.iterdir()} == {one["sha256"] for one in kept.attachments}
    assert "order_ref = ORD-5512 (the subject: Order ORD-5512: number is invalid)" in kept.text


def test_files_that_no_message_names_any_more_go(desk, capsys):
    run(capsys, "attachment_hostile_name.eml")
    folder = messages.attachments_folder(desk)
    (folder / ("0" * 64)).write_bytes(b"of an import that was taken back")
    assert messages.forget_attachments(desk, before=clock.now() - timedelta(days=1)) == 0, "it may be coming in now"

    assert messages.forget_attachments(desk) == 1
    assert len(list(folder.iterdir())) == 2


def test_a_file_that_was_changed_where_it_is_kept_is_not_handed_out(desk, capsys):
    run(capsys, "attachment_hostile_name.eml")
    sha256 = store.messages_of(desk, 1)[0].attachments[0]["sha256"]
    assert mail.attachment(desk, sha256).startswith(b"\x89PNG")

    (messages.attachments_folder(desk) / sha256).write_bytes(b"other")
    with pytest.raises(IntakeError, match="was changed"):
        mail.attachment(desk, sha256)
    with pytest.raises(IntakeError, match="no longer kept"):
        mail.attachment(desk, "0" * 64)


def test_a_dry_run_tells_and_stores_nothing(desk, capsys):
    status, out, _ = run(capsys, "inbox.mbox", options=("--dry-run",))

    assert (status, out) == (1, "4 messages: 2 would become claims, 1 notes, 0 here already, 1 left out.\n")
    assert store.imports(desk) == []


@pytest.mark.usefixtures("desk")
def test_options_of_tables_are_refused_for_mail(capsys):
    status, _, err = run(capsys, "plain.eml", options=("--map", "a=b"))

    assert status == 2
    assert "--map is for tables; plain.eml is mail." in err


@pytest.mark.usefixtures("desk")
def test_a_message_of_outlook_is_refused_with_what_to_do(tmp_path, capsys):
    path = tmp_path / "claim.msg"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)

    assert front.main(["import", str(path), "--actor", "ana@example.org"]) == 2
    assert "save it as .eml" in capsys.readouterr().err


def test_an_import_that_fails_is_taken_back(desk, monkeypatch):
    mailbox = mail.read(source(FOLDER / "plain.eml"))
    chosen = mail.certain(mail.sort(mailbox, {}), "UTC")
    monkeypatch.setattr(store, "finish_import", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        mail.bring_in(mailbox, chosen, desk, actor=1, at=clock.now())
    monkeypatch.undo()

    monkeypatch.setenv("REFUND_DESK_DATA", str(desk.path.parent))
    _, balance = mail.bring_in(mailbox, chosen, desk, actor=1, at=clock.now())
    assert balance.created == 1
    assert store.verify(desk).good


def test_messages_that_answer_each_other_in_a_circle_are_settled():
    pair = "".join(
        "From a@b.example Tue Mar  3 10:15:04 2026\nFrom: a@b.example\n"
        f"Message-ID: <{one}>\nIn-Reply-To: <{other}>\n\nx\n\n"
        for one, other in (("1@x", "2@x"), ("2@x", "1@x"))
    )
    bound = mail.sort(mail.read(source(pair.encode(), "a.mbox")), {})

    assert [one.becomes for one in bound] == ["claim", "note"]
