"""The digest: every open claim that is due stands in the part it belongs to, by the person who has it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from desk_of_tests import open_desk as open_with_accounts
from mail_server import free_port, mail_server
from store_of_tests import ANA, AT, BEN, MIA, Desk, open_desk

from refundcore import __main__ as commands
from refundcore import clock, store
from refundcore.deadlines import HOUR, micros
from refundcore.digest import APPROVAL, IN_4, IN_24, OVERDUE, SHOWN, digest


@pytest.fixture
def desk(tmp_path) -> Desk:
    return open_desk(tmp_path)


def refs(desk: Desk, hours: float) -> dict[str, list[str]]:
    """The references in each part, some hours after everything happened: new claims are to be answered within 24."""
    found = digest(desk.store, at=AT + timedelta(hours=hours))
    return {name: [claim.ref for claim in group] for name, group in found.groups.items()}


@pytest.mark.parametrize(
    ("hours", "part"),
    [(0, IN_24), (19.9, IN_24), (20, IN_4), (24, IN_4), (24.01, OVERDUE), (900, OVERDUE)],
)
def test_a_claim_stands_in_the_one_part_that_its_time_puts_it_in(desk, hours, part):
    ref = desk.add(sms_code_received=None).ref
    assert refs(desk, hours) == {OVERDUE: [], IN_4: [], IN_24: [], APPROVAL: [], part: [ref]}


def test_a_claim_that_is_due_later_or_done_is_not_named(desk):
    later, done = desk.add(sms_code_received=None), desk.add()
    desk.decide(later, "ask", ask_for=["sms_code_received"])
    desk.decide(done)
    assert not any(refs(desk, 0).values())
    assert refs(desk, 167)[IN_4] == [later.ref]


def test_what_waits_for_approval_is_named_in_a_part_of_its_own(desk):
    claim = desk.add(sms_code_received=True)
    desk.decide(claim, "approve", reason="goodwill")
    assert refs(desk, 0) == {OVERDUE: [], IN_4: [], IN_24: [claim.ref], APPROVAL: [claim.ref]}


def test_it_counts_what_the_queue_counts(desk):
    for _ in range(3):
        desk.add(sms_code_received=None)
    for hours in (1, 21, 25):
        at = AT + timedelta(hours=hours)
        figures = store.queue_figures(desk.store, person=ANA, at=at)
        found = digest(desk.store, at=at).groups
        assert (len(found[OVERDUE]), len(found[IN_4])) == (figures.overdue, figures.due_soon)


def test_claims_stand_under_the_name_of_the_person_who_has_them_and_nobody_comes_last(desk):
    bens, free, anas = (desk.add(sms_code_received=None) for _ in range(3))
    desk.do(store.assign, bens, MIA, to=BEN)
    desk.do(store.assign, anas, MIA, to=ANA)
    text = digest(desk.store, at=AT + timedelta(hours=26)).text

    order = [
        text.index(words) for words in ("OVERDUE", "Ana (1)", anas.ref, "Ben (1)", bens.ref, "Nobody (1)", free.ref)
    ]
    assert order == sorted(order)
    assert f"{anas.ref}  2026-05-13 09:00 (UTC)  (2 h 0 min ago)  need info" in text


def test_of_many_claims_the_first_are_named_and_the_others_counted(desk):
    desk.load([{"claim_ref": f"C-{n:03}", "order_ref": f"O-{n}", "reason": "other"} for n in range(SHOWN + 7)])
    text = digest(desk.store, at=AT + timedelta(days=3)).text
    assert f"Nobody ({SHOWN + 7})" in text
    assert text.count("C-0") == SHOWN
    assert "  and 7 more" in text


def test_on_a_quiet_day_it_says_so(desk):
    found = digest(desk.store, at=AT)
    assert found.text.endswith("Nothing is overdue, due within 24 hours or waiting for approval.\n")
    assert found.subject == "Refund Desk: 0 overdue, 0 due within 4 hours"


def test_it_holds_no_name_or_address_of_a_customer(desk):
    claim = desk.add(sms_code_received=None)
    text = digest(desk.store, at=AT + timedelta(days=2)).text
    assert claim.ref in text
    assert claim.facts["customer_email"] not in text
    assert claim.facts["description"] not in text


# ---- The command


@pytest.fixture
def own(tmp_path, monkeypatch):
    desk = open_with_accounts(tmp_path, monkeypatch)
    for name in ("HOST", "PORT", "SECURITY", "USER", "PASSWORD", "CA"):
        monkeypatch.delenv(f"REFUND_DESK_SMTP_{name}", raising=False)
    mia = desk.people["mia"].id
    store.set_setting(desk.store, actor=mia, at=clock.now(), name="sender_address", value="support@desk.example")
    desk.add(submitted_at=micros(clock.now()) - HOUR)
    return desk


@pytest.mark.usefixtures("own")
def test_it_is_printed_where_nobody_asks_for_a_mail(capsys):
    assert commands.main(["digest"]) == 0
    assert "Due within 24 hours: 1" in capsys.readouterr().out


@pytest.mark.usefixtures("own")
def test_it_is_mailed_to_all_managers_or_to_whom_it_is_said(capsys, monkeypatch):
    with mail_server() as inbox:
        for name, value in inbox.environment().items():
            monkeypatch.setenv(name, value)
        assert commands.main(["digest", "--send"]) == 0
        assert sorted(mail["To"] for mail in inbox.mails()) == ["max@example.com", "mia@example.com"]
        assert commands.main(["digest", "--send", "--to", "boss@example.org"]) == 0
        last = inbox.mails()[-1]
    assert (last["To"], last["Auto-Submitted"]) == ("boss@example.org", "auto-generated")
    assert last["Subject"] == "Refund Desk: 0 overdue, 0 due within 4 hours"
    assert "DUE WITHIN 24 HOURS" in last.get_content()
    assert "Sent to boss@example.org" in capsys.readouterr().out


@pytest.mark.usefixtures("own")
def test_a_mail_that_cannot_go_is_said_in_a_sentence(capsys, monkeypatch):
    assert commands.main(["digest", "--send"]) == 2
    assert "No mail server is set" in capsys.readouterr().err
    monkeypatch.setenv("REFUND_DESK_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("REFUND_DESK_SMTP_PORT", str(free_port()))
    monkeypatch.setenv("REFUND_DESK_SMTP_SECURITY", "none")
    assert commands.main(["digest", "--send", "--to", "not an address"]) == 2
    assert "no e-mail address" in capsys.readouterr().err
    assert commands.main(["digest", "--send", "--to", "kim@example.org"]) == 1
    assert "Not sent to kim@example.org" in capsys.readouterr().err
