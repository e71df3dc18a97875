"""Evidence in the store: attaching, the finding, taking away, copies in other claims, checking, backups."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from evidence_of_tests import MAIL, PDF, png, saved, screen
from store_of_tests import ANA, AT, AUD, BEN, GONE, MIA, Desk, key, on_sqlite, open_desk

from refundcore import store
from refundcore.deadlines import DAY, micros
from refundcore.evidence import Files, Kept, read
from refundcore.store.backing_up import back_up
from refundcore.store.evidence_reading import files

INVALID = {
    "reason": "invalid_number",
    "description": "The number is shown as invalid by every service that I tried since yesterday",
    "sms_code_received": True,
    "sms_received_at": micros(AT - timedelta(days=2)),
    "contacted_at": micros(AT - timedelta(hours=3)),
    "third_party_cause": False,
}
SHOT, OTHER, LETTER = read("shot.png", png(1)), read("other.png", png(2)), read("letter.eml", MAIL)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("REFUND_DESK_DATA", str(tmp_path))  # where the files lie of a database on a server
    opened = open_desk(tmp_path)
    yield opened
    opened.store.engine.dispose()


def attach(desk: Desk, claim: Any, *kept: Kept, person: int = ANA, **others: Any) -> store.Receipt:
    return desk.do(store.attach_evidence, claim, person, evidence=kept or (SHOT,), **others)


def judge(desk: Desk, claim: Any, *, sufficient: bool, person: int = ANA, **others: Any) -> store.Receipt:
    return desk.do(store.judge_evidence, claim, person, sufficient=sufficient, reason="as seen", **others)


def kinds(desk: Desk, claim: Any) -> list[str]:
    return [event.kind for event in store.events(desk.store, claim.id)]


def test_from_an_invalid_number_without_evidence_to_an_approval(desk: Desk) -> None:
    claim = desk.add(**INVALID)
    assert claim.verdict == "need_info"
    receipt = attach(desk, claim, SHOT, LETTER)
    held = desk.claim(claim.id)

    assert receipt.version == held.version
    assert "shot.png, letter.eml attached as evidence" in receipt.sentence
    assert "The facts say so now" in receipt.sentence
    assert held.facts["evidence_attached"] is True
    assert held.facts["evidence_received_at"] == held.facts["evidence_received_at_latest"] == micros(AT)
    assert held.verdict == "need_info"
    said = judge(desk, claim, sufficient=True)
    judged = desk.claim(claim.id)
    assert (judged.facts["evidence_sufficient"], judged.verdict) == (True, "approve")
    assert "the verdict is approve" in said.sentence.lower()
    assert kinds(desk, claim) == ["created", "evidence_attached", "facts_set", "evidence_judged", "facts_set"]
    assert "2 files of evidence are unchanged" in desk.verified()


def test_what_happened_is_told_with_names_and_reasons(desk: Desk) -> None:
    claim = desk.add(**INVALID)
    attach(desk, claim, SHOT, remark="sent by chat")
    judge(desk, claim, sufficient=False)
    told = [event.sentence for event in store.events(desk.store, claim.id)]

    assert told[1] == "Ana attached evidence to this claim: shot.png; “sent by chat”."
    assert told[3] == "Ana found the evidence insufficient: “as seen”."


def test_files_are_on_the_disk_and_come_back_as_they_were(desk: Desk) -> None:
    claim = desk.add(**INVALID)
    attach(desk, claim, SHOT, LETTER)
    first, second = store.evidence_of(desk.store, claim.id)

    assert (first.name, first.kind, first.picture, first.person) == ("shot.png", "png", True, "Ana")
    assert store.evidence_file(desk.store, first) == SHOT.data
    assert store.evidence_thumbnail(desk.store, first) == SHOT.small
    assert (second.kind, second.picture) == ("mail", False)
    assert store.evidence_file(desk.store, second) == MAIL


ROLES = [(ANA, ""), (MIA, ""), (AUD, "As an auditor you cannot"), (GONE, "not active")]


@pytest.mark.parametrize(("person", "says"), ROLES, ids=["agent", "manager", "auditor", "disabled"])
@pytest.mark.parametrize("act", ["attach", "judge", "remove"])
def test_agents_and_managers_work_with_evidence_and_nobody_else(desk: Desk, person: int, says: str, act: str) -> None:
    claim = desk.add(**INVALID)
    attach(desk, claim, OTHER)
    number = store.evidence_of(desk.store, claim.id)[0].id
    acts: dict[str, Any] = {
        "attach": lambda: attach(desk, claim, SHOT, person=person),
        "judge": lambda: judge(desk, claim, sufficient=True, person=person),
        "remove": lambda: desk.do(store.remove_evidence, claim, person, evidence_id=number, reason="wrong claim"),
    }
    before = kinds(desk, claim)
    if not says:
        acts[act]()
        return
    with pytest.raises(store.Forbidden, match=says):
        acts[act]()
    assert kinds(desk, claim) == before
    assert files(desk.store).wrong(SHOT.sha256) == "missing"  # nobody fills the disk who may not attach


def test_a_stale_page_is_refused_and_a_double_click_is_one(desk: Desk) -> None:
    claim = desk.add(**INVALID)
    same = {"key": key(), "version": claim.version}
    first = attach(desk, claim, SHOT, **same)
    again = attach(desk, claim, SHOT, **same)

    assert (again.repeated, again.event_id) == (True, first.event_id)
    assert len(store.evidence_of(desk.store, claim.id)) == 1
    with pytest.raises(store.Stale, match=r"You changed Evidence there.*reload"):
        attach(desk, claim, OTHER, version=claim.version)
    with pytest.raises(store.Stale):
        judge(desk, claim, sufficient=True, version=claim.version)
    with pytest.raises(store.Impossible, match="used for something else"):
        attach(desk, claim, OTHER, **same)


IMPOSSIBLE = [
    ({"evidence": ()}, "Choose at least one file"),
    ({"evidence": [SHOT] * 21}, "At most 20 files"),
    ({"evidence": [SHOT], "received": (micros(AT) + DAY, micros(AT) + DAY)}, "in the future"),
    ({"evidence": [SHOT], "remark": "x" * 20_001}, "too long"),
]


@pytest.mark.parametrize(("given", "says"), IMPOSSIBLE, ids=[row[1] for row in IMPOSSIBLE])
def test_what_cannot_be_attached_is_refused_with_a_sentence(desk: Desk, given: dict[str, Any], says: str) -> None:
    claim = desk.add(**INVALID)
    with pytest.raises(store.Impossible, match=says):
        desk.do(store.attach_evidence, claim, **given)
    assert kinds(desk, claim) == ["created"]


def test_the_same_file_twice_is_one(desk: Desk) -> None:
    claim = desk.add(**INVALID)
    attach(desk, claim, SHOT, SHOT)
    with pytest.raises(store.Impossible, match="This file is here already"):
        attach(desk, claim, SHOT)
    receipt = attach(desk, claim, SHOT, OTHER)

    assert "shot.png was here already" in receipt.sentence
    assert [file.name for file in store.evidence_of(desk.store, claim.id)] == ["shot.png", "other.png"]


def test_attaching_answers_what_the_customer_was_asked_for(desk: Desk) -> None:
    claim = desk.add(**INVALID)
    desk.decide(claim, "ask", ask_for=["evidence_attached"])
    assert desk.claim(claim.id).state == "waiting_customer"
    attach(desk, claim)

    held = desk.claim(claim.id)
    assert (held.state, held.asked_for) == ("new", ())
    desk.verified()


def test_evidence_that_came_with_the_claim_has_no_date_of_its_own(desk: Desk) -> None:
    claim = desk.add(**INVALID)
    attach(desk, claim, with_claim=True)

    facts = desk.claim(claim.id).facts
    assert (facts["evidence_attached"], facts["evidence_received_at"]) == (True, None)


def test_an_earlier_receipt_counts_and_a_later_file_does_not_move_it(desk: Desk) -> None:
    claim = desk.add(**INVALID)
    attach(desk, claim, SHOT)
    earlier = micros(AT) - DAY
    attach(desk, claim, OTHER, received=(earlier, earlier))
    attach(desk, claim, LETTER)

    assert desk.claim(claim.id).facts["evidence_received_at"] == earlier


def test_what_comes_after_an_insufficient_finding_opens_it_and_counts_from_its_own_day(desk: Desk) -> None:
    claim = desk.add(**INVALID)
    attach(desk, claim, SHOT)
    judge(desk, claim, sufficient=False)
    later = AT + timedelta(hours=30)
    attach(desk, claim, OTHER, at=later)

    facts = desk.claim(claim.id).facts
    assert (facts["evidence_sufficient"], facts["evidence_received_at"]) == (None, micros(later))


def test_what_an_import_said_of_evidence_stays_as_it_was(desk: Desk) -> None:
    claim = desk.add(**INVALID, evidence_attached=True)
    receipt = attach(desk, claim)

    assert desk.claim(claim.id).facts["evidence_received_at"] is None
    assert "The facts say so now" not in receipt.sentence


def test_evidence_for_a_decided_claim_is_kept_and_changes_no_fact(desk: Desk) -> None:
    claim = desk.add(**INVALID)
    desk.decide(claim, "deny", MIA, reason="withdrawn")
    receipt = attach(desk, claim)

    assert "its facts stay as they are" in receipt.sentence
    assert desk.claim(claim.id).facts["evidence_attached"] is None
    with pytest.raises(store.Impossible, match="reopen it before judging"):
        judge(desk, claim, sufficient=True)
    desk.do(store.close, claim)
    with pytest.raises(store.Impossible, match="is closed: reopen"):
        attach(desk, claim, OTHER)
    desk.verified()


def test_a_finding_needs_files_and_a_reason(desk: Desk) -> None:
    claim = desk.add(**INVALID)
    with pytest.raises(store.Impossible, match="no evidence here to judge"):
        judge(desk, claim, sufficient=True)
    attach(desk, claim)
    with pytest.raises(store.Impossible, match="The reason is missing"):
        desk.do(store.judge_evidence, claim, sufficient=True, reason=" ")
    judge(desk, claim, sufficient=True)
    judge(desk, claim, sufficient=True)  # once more, for another reason: told, and no fact changes

    assert kinds(desk, claim)[-1] == "evidence_judged"


def test_a_file_that_is_taken_away_is_hidden_and_never_deleted(desk: Desk) -> None:
    claim = desk.add(**INVALID)
    attach(desk, claim, SHOT, OTHER)
    first, second = store.evidence_of(desk.store, claim.id)
    desk.do(store.remove_evidence, claim, BEN, evidence_id=first.id, reason="another customer's")

    assert [(file.name, file.removed) for file in store.evidence_of(desk.store, claim.id)] == [
        ("shot.png", True),
        ("other.png", False),
    ]
    assert files(desk.store).wrong(SHOT.sha256) == ""
    assert desk.claim(claim.id).facts["evidence_attached"] is True
    with pytest.raises(store.Impossible, match="taken away already"):
        desk.do(store.remove_evidence, claim, BEN, evidence_id=first.id, reason="again")
    receipt = desk.do(store.remove_evidence, claim, BEN, evidence_id=second.id, reason="the last one")
    assert "was taken away. The facts say so now" in receipt.sentence
    assert desk.claim(claim.id).facts["evidence_attached"] is None
    attach(desk, claim, SHOT)  # what was taken away may come back
    desk.verified()


def test_the_same_file_and_a_near_copy_in_another_claim_are_flagged_and_deny_nothing(desk: Desk) -> None:
    first, same, near, far = (desk.add(**INVALID) for _ in range(4))
    attach(desk, first, SHOT)
    copy = screen(1).resize((270, 480))
    said = attach(desk, same, SHOT)
    attach(desk, near, read("copy.jpg", saved(copy, "JPEG", quality=50)))
    attach(desk, far, OTHER)

    assert said.sentence.endswith(f"The same file is with claim {first.ref}, too.")
    found = store.alike_evidence(desk.store, first.id)
    assert [(pair.ref, pair.same) for pair in found] == [(same.ref, True), (near.ref, False)]
    assert store.alike_evidence(desk.store, far.id) == []
    assert desk.claim(same.id).verdict == desk.claim(far.id).verdict
    gone = store.evidence_of(desk.store, same.id)[0]
    desk.do(store.remove_evidence, same, evidence_id=gone.id, reason="mistake")
    assert [pair.ref for pair in store.alike_evidence(desk.store, first.id)] == [near.ref]


def test_a_letter_that_was_sent_again_is_known_by_its_bytes(desk: Desk) -> None:
    first, second = desk.add(**INVALID), desk.add(**INVALID)
    attach(desk, first, read("a.pdf", PDF))
    attach(desk, second, read("b.pdf", PDF))

    assert [pair.same for pair in store.alike_evidence(desk.store, second.id)] == [True]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE evidence SET sha256 = 'x'",
        "UPDATE evidence SET name = 'another.png'",
        "UPDATE evidence SET look = 0",
        "UPDATE evidence SET claim_id = 2",
        "DELETE FROM evidence",
        "REPLACE INTO evidence SELECT * FROM evidence",
    ],
)
@on_sqlite
def test_the_database_itself_refuses_to_rewrite_evidence(desk: Desk, statement: str) -> None:
    claim = desk.add(**INVALID)
    desk.add(**INVALID)
    attach(desk, claim)
    with pytest.raises(Exception, match="not rewritten"):
        desk.sql(statement, past_guards=False)


TAMPERED = [
    ("UPDATE evidence SET sha256 = sent_sha256 || 'x'", "the evidence shot.png is not what its event says"),
    ("UPDATE evidence SET size = 1", "the evidence shot.png is not what its event says"),
    ("UPDATE evidence SET claim_id = 2", "the evidence shot.png is not what its event says"),
    ("UPDATE evidence SET removed_event = 1", "was taken away, but no event says so"),
    ("DELETE FROM evidence", "tells of evidence that is not here"),
]


@pytest.mark.parametrize(("statement", "sentence"), TAMPERED, ids=[row[0][:40] for row in TAMPERED])
@on_sqlite
def test_verify_names_a_row_that_was_tampered_with(desk: Desk, statement: str, sentence: str) -> None:
    claim = desk.add(**INVALID)
    desk.add(**INVALID)
    attach(desk, claim)
    desk.verified()
    desk.sql(statement)
    found = store.verify(desk.store)

    assert not found.good
    assert sentence in found.sentence


def test_verify_names_every_file_that_is_missing_or_changed_by_one_byte(desk: Desk) -> None:
    claim = desk.add(**INVALID)
    attach(desk, claim, SHOT, LETTER)
    folder = files(desk.store)
    data = bytearray(SHOT.data)
    data[len(data) // 2] ^= 1
    folder.path(SHOT.sha256).write_bytes(data)
    folder.path(LETTER.sha256).unlink()
    found = store.verify(desk.store)

    assert not found.good
    assert f"shot.png of claim {claim.ref} is changed; letter.eml of claim {claim.ref} is missing" in found.sentence
    with pytest.raises(store.StoreError, match="it was changed"):
        store.evidence_file(desk.store, store.evidence_of(desk.store, claim.id)[0])


@on_sqlite
def test_a_backup_holds_the_evidence_once_for_all_copies_and_can_be_opened_by_itself(desk: Desk) -> None:
    claim = desk.add(**INVALID)
    attach(desk, claim, SHOT)
    back_up(desk.store, at=AT)
    attach(desk, claim, LETTER)
    made = back_up(desk.store, at=AT + timedelta(hours=1))
    kept = [path for path in (made.parent / "evidence").rglob("*") if path.is_file()]
    assert len(kept) == 2
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in kept)

    restored = store.connect(f"sqlite:///{made}", at=AT, policy=desk.store.policy)
    assert "2 files of evidence are unchanged" in store.verify(restored).sentence
    assert store.evidence_file(restored, store.evidence_of(restored, claim.id)[1]) == MAIL
    restored.engine.dispose()


@on_sqlite
def test_a_backup_without_a_file_that_is_missing_is_refused_and_names_it(desk: Desk) -> None:
    claim = desk.add(**INVALID)
    attach(desk, claim, SHOT)
    files(desk.store).path(SHOT.sha256).unlink()
    with pytest.raises(store.StoreError, match=r"does not verify.*shot\.png of claim .* is missing"):
        back_up(desk.store, at=AT)
    assert list((desk.folder / "backups").glob("*.db*")) == []


@on_sqlite
def test_a_file_that_an_earlier_backup_has_does_not_stop_the_next_one(desk: Desk) -> None:
    claim = desk.add(**INVALID)
    attach(desk, claim, SHOT)
    back_up(desk.store, at=AT)
    files(desk.store).path(SHOT.sha256).write_bytes(b"damaged")

    assert back_up(desk.store, at=AT + timedelta(hours=1)).exists()


@on_sqlite
def test_a_copy_cannot_be_changed_in_the_backup_without_being_mended(desk: Desk) -> None:
    claim = desk.add(**INVALID)
    attach(desk, claim, SHOT)
    made = back_up(desk.store, at=AT)
    (inside,) = (path for path in (made.parent / "evidence").rglob("*") if path.is_file())
    inside.write_bytes(b"damaged")
    back_up(desk.store, at=AT + timedelta(hours=1))

    assert inside.read_bytes() == SHOT.data


@on_sqlite
def test_a_crash_between_file_and_row_leaves_an_orphan_that_a_later_backup_removes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = desk.add(**INVALID)

    def crash(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("power cut")

    with monkeypatch.context() as broken:
        broken.setattr("refundcore.store.evidence._attach", crash)
        with pytest.raises(sqlite3.OperationalError):
            attach(desk, claim, SHOT)
    assert store.evidence_of(desk.store, claim.id) == []
    assert files(desk.store).wrong(SHOT.sha256) == ""
    desk.verified()
    attach(desk, claim, OTHER)
    now = files(desk.store).path(SHOT.sha256).stat().st_mtime
    made = back_up(desk.store, at=AT.fromtimestamp(now + 2 * 86_400, AT.tzinfo))

    assert made.exists()
    assert files(desk.store).wrong(SHOT.sha256) == "missing"
    assert files(desk.store).wrong(OTHER.sha256) == ""


@on_sqlite
def test_verify_finds_a_file_that_was_given_up_without_an_event(desk: Desk) -> None:
    claim = desk.add(**INVALID)
    attach(desk, claim, SHOT)
    desk.sql("UPDATE evidence SET erased_at = 1, name = ''", past_guards=False)

    assert "was erased, but no event says so" in store.verify(desk.store).sentence


@on_sqlite
def test_beside_the_backups_only_what_one_of_them_names_is_kept(desk: Desk) -> None:
    claim = desk.add(**INVALID)
    attach(desk, claim, SHOT)
    made = back_up(desk.store, at=AT)
    beside = Files(made.parent / "evidence")
    beside.put(OTHER)  # as after an erasure, once the last copy that named it is gone
    now = beside.path(OTHER.sha256).stat().st_mtime
    back_up(desk.store, at=AT.fromtimestamp(now + 3_600, AT.tzinfo))
    assert beside.wrong(OTHER.sha256) == ""
    back_up(desk.store, at=AT.fromtimestamp(now + 2 * 86_400, AT.tzinfo), keep=1)

    assert beside.wrong(OTHER.sha256) == "missing"
    assert beside.wrong(SHOT.sha256) == ""
