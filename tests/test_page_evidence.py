"""The evidence of a claim on its page: the checklist, attaching, the gallery, the finding, copies; on new claims."""

from __future__ import annotations

from datetime import timedelta

import pytest
from desk_of_tests import Desk, drawn, labels, open_desk, texts
from evidence_of_tests import MAIL, PDF, png, saved, screen
from test_page_new_claim import fill

from refundcore import clock, store
from refundcore.deadlines import micros
from refundcore.evidence import read


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    return open_desk(tmp_path, monkeypatch)


def invalid(desk: Desk, **facts: object) -> store.ClaimRecord:
    at = clock.now()
    return desk.add(
        reason="invalid_number",
        description="The number is shown as invalid by every service that I tried since yesterday",
        sms_code_received=True,
        sms_received_at=micros(at - timedelta(days=2)),
        contacted_at=micros(at - timedelta(hours=3)),
        third_party_cause=False,
        **facts,
    )


def attach(desk: Desk, claim: store.ClaimRecord, *files: tuple[str, bytes], person: str = "ana") -> None:
    now = desk.claim(claim.ref)
    store.attach_evidence(
        desk.store, actor=desk.people[person].id, at=clock.now(), key=f"{claim.ref} {now.version}", claim=now.id,
        version=now.version, evidence=[read(name, data) for name, data in files],
    )  # fmt: skip


def opened(desk: Desk, claim: store.ClaimRecord, person: str = "ana"):
    page = desk.page("claim", person, claim=claim.ref)
    page.session_state["claim_tab"] = "Evidence"
    return page.run()


def choose(page, claim, *files: tuple[str, bytes]):
    field = f"{claim.id}_0"
    sent = [(name, data, "application/octet-stream") for name, data in files]
    page.file_uploader(key=f"files_{field}").set_value(sent)
    return field


def send(page):
    return next(button for button in page.button if button.label == "Attach").click().run()


def needs(page) -> dict[str, str]:
    return {row["head"]: row["word"] for row in drawn(page, "needs")["rows"]}


def test_the_checklist_says_what_is_wanted_and_until_when(desk):
    page = opened(desk, invalid(desk))

    assert not page.exception
    assert needs(page) == {
        "The order's record (C3)": "there",
        "The provider's log (C5a)": "there",
        "Evidence that the number is invalid (C5b)": "missing",
    }
    line = drawn(page, "needs")["rows"][2]
    assert line["note"].startswith("Until ")
    assert "UTC" in line["note"]
    assert line["due"] > clock.now().timestamp()
    assert "No file is here yet." in texts(page)


CHECKLISTS = [
    ({"reason": "sms_not_received"}, {"The provider's log (C4a)": "there"}),
    ({"reason": "sms_not_received", "sms_code_received": None}, {"The provider's log (C4a)": "missing"}),
    ({"reason": "major_defect"}, {"The technicians' finding (C6c)": "missing", "Is access needed? (C6e)": "missing"}),
    ({"reason": "major_defect", "access_needed": True}, {"Access to the customer's server (C6e)": "missing"}),
    (
        {"reason": "major_defect", "access_needed": True, "access_refused": True},
        {"Access to the customer's server (C6g)": "insufficient"},
    ),
    ({"reason": "incompatibility", "listed_compatible": False}, {"The sales page (C7b)": "there"}),
    ({"reason": "other"}, {"The order's record (C3)": "there"}),
    ({"reason": None, "amount": None}, {"The order's record (C3)": "missing"}),
]


@pytest.mark.parametrize(("facts", "wanted"), CHECKLISTS, ids=[str(row[0]) for row in CHECKLISTS])
def test_each_reason_has_its_own_checklist(desk, facts, wanted):
    page = opened(desk, desk.add(**facts))

    assert not page.exception
    assert wanted.items() <= needs(page).items()


def test_several_files_are_attached_at_once_and_shown(desk):
    claim = invalid(desk)
    page = opened(desk, claim)
    choose(page, claim, ("shot.png", png(1)), ("letter.eml", MAIL), ("bill.pdf", PDF))
    page = send(page)

    assert not page.exception
    held = store.evidence_of(desk.store, claim.id)
    assert [file.name for file in held] == ["shot.png", "letter.eml", "bill.pdf"]
    assert all(file.name in texts(page) for file in held)
    assert "Mail, to be downloaded" in texts(page)
    assert "PDF, to be downloaded" in texts(page)
    (image,) = page.image
    assert [each.alt for each in image.proto.imgs] == ["shot.png, attached by Ana"]
    assert needs(page)["Evidence that the number is invalid (C5b)"] == "to be judged"
    assert "3 files are here" in drawn(page, "needs")["rows"][2]["text"]


def test_a_file_that_is_not_taken_is_named_and_the_others_are_attached(desk):
    claim = invalid(desk)
    page = opened(desk, claim)
    choose(page, claim, ("shot.png", png(1)), ("page.png", b"<html><script>alert(1)</script></html>"))
    page = send(page)

    assert "“page” looks like a .html file, which is not taken as evidence" in texts(page).replace("\\", "")
    assert [file.name for file in store.evidence_of(desk.store, claim.id)] == ["shot.png"]


def test_with_nothing_that_can_be_taken_nothing_changes(desk):
    claim = invalid(desk)
    page = opened(desk, claim)
    choose(page, claim, ("page.png", b"MZ" + bytes(100)))
    page = send(page)

    assert "not taken as evidence" in texts(page)
    assert desk.claim(claim.ref).version == claim.version
    assert "Choose at least one file" in texts(send(opened(desk, claim))).replace("\\", "")


def test_more_than_twenty_files_at_once_are_too_many(desk):
    claim = invalid(desk)
    page = opened(desk, claim)
    choose(page, claim, *[(f"{number}.pdf", PDF + bytes([number])) for number in range(21)])

    assert "21 files are too many at once" in texts(send(page))
    assert store.evidence_of(desk.store, claim.id) == []


def test_when_it_came_can_be_said(desk):
    claim = invalid(desk)
    page = opened(desk, claim)
    form = choose(page, claim, ("shot.png", png(1)))
    page.text_input(key=f"came_{form}").set_value("tomorrow")
    assert "is not a date" in texts(send(page)).replace("\\", "")
    page = opened(desk, claim)
    form = choose(page, claim, ("shot.png", png(1)))
    came = clock.now() - timedelta(days=1)
    page.text_input(key=f"came_{form}").set_value(f"{came:%Y-%m-%d %H:%M}")
    send(page)

    assert desk.claim(claim.ref).facts["evidence_received_at"] // 60_000_000 == micros(came) // 60_000_000


def test_a_screenshot_is_pasted_with_a_remark(desk):
    claim = invalid(desk)
    page = opened(desk, claim)
    box = page.chat_input(key=f"paste_{claim.id}")
    box.upload("image.png", png(1))
    box.set_value("from the chat").run()

    assert [file.name for file in store.evidence_of(desk.store, claim.id)] == ["image.png"]
    told = [event.sentence for event in store.events(desk.store, claim.id)]
    assert any("“from the chat”" in sentence for sentence in told)


def test_the_finding_needs_a_reason_and_the_verdict_follows(desk):
    claim = invalid(desk)
    attach(desk, claim, ("shot.png", png(1)))
    page = opened(desk, claim)
    page.button(key="find_True").click().run()
    page.button(key="confirm_sufficient").click().run()
    assert "The reason is missing" in texts(page)
    now = desk.claim(claim.ref)
    page.text_area(key=f"reason_sufficient_{now.id}_{now.version}").set_value("The service refuses the number")
    page.button(key="confirm_sufficient").click().run()

    assert not page.exception
    assert desk.claim(claim.ref).verdict == "approve"
    assert needs(page)["Evidence that the number is invalid (C5b)"] == "there"
    assert page.button(key="find_True").disabled


def test_an_insufficient_finding_says_that_better_can_be_sent(desk):
    claim = invalid(desk)
    attach(desk, claim, ("shot.png", png(1)))
    page = opened(desk, claim)
    page.button(key="find_False").click().run()
    now = desk.claim(claim.ref)
    page.text_area(key=f"reason_insufficient_{now.id}_{now.version}").set_value("Nothing can be read on it")
    page.button(key="confirm_insufficient").click().run()

    assert desk.claim(claim.ref).facts["evidence_sufficient"] is False
    assert needs(page)["Evidence that the number is invalid (C5b)"] == "insufficient"


def test_a_file_is_removed_with_a_reason_and_still_told(desk):
    claim = invalid(desk)
    attach(desk, claim, ("shot.png", png(1)), ("wrong.pdf", PDF))
    wrong = store.evidence_of(desk.store, claim.id)[1]
    page = opened(desk, claim)
    page.button(key=f"remove_{wrong.id}").click().run()
    now = desk.claim(claim.ref)
    page.text_area(key=f"reason_remove_evidence_{wrong.id}_{now.version}").set_value("another customer's")
    page.button(key="confirm_remove").click().run()

    assert not page.exception
    assert "Taken away: wrong.pdf" in texts(page).replace("\\", "")
    assert f"download_{wrong.id}" not in {button.key for button in page.get("download_button")}


def test_a_picture_is_viewed_in_full(desk):
    claim = invalid(desk)
    attach(desk, claim, ("shot.png", png(1)))
    page = opened(desk, claim)
    page.button(key=f"view_{store.evidence_of(desk.store, claim.id)[0].id}").click().run()

    assert not page.exception
    assert "540 × 960" in texts(page)


def test_a_copy_with_another_claim_is_flagged_on_the_page_with_a_link(desk):
    first, second = invalid(desk), invalid(desk)
    attach(desk, first, ("shot.png", png(1)))
    attach(desk, second, ("copy.jpg", saved(screen(1).resize((270, 480)), "JPEG")))
    page = opened(desk, second)

    assert f"A picture that looks like a copy is with claim {first.ref}" in texts(page).replace("\\", "")
    (row,) = drawn(page, "copies")["rows"]
    assert (row["head"], row["word"], row["href"]) == (first.ref, "may be a copy", f"claim?claim={first.ref}")
    assert desk.claim(second.ref).verdict == "need_info"
    assert "copy" not in texts(opened(desk, invalid(desk)))


def test_an_auditor_sees_evidence_and_changes_nothing(desk):
    claim = invalid(desk)
    attach(desk, claim, ("shot.png", png(1)))
    page = opened(desk, claim, "aud")

    assert not page.exception
    assert "shot.png" in texts(page)
    assert not page.file_uploader
    assert not {"Sufficient …", "Remove", "Attach"} & set(labels(page))


def test_a_file_that_is_gone_from_the_disk_is_said_so(desk, tmp_path):
    claim = invalid(desk)
    attach(desk, claim, ("shot.png", png(1)))
    for path in (tmp_path / "evidence").rglob("*"):
        if path.is_file():
            path.unlink()
    page = opened(desk, claim)

    assert not page.exception
    assert "Missing or changed" in texts(page)


def test_chosen_files_stay_when_somebody_else_changes_the_claim(desk):
    claim = invalid(desk)
    page = opened(desk, claim)
    choose(page, claim, ("shot.png", png(1)))
    attach(desk, claim, ("other.png", png(2)), person="ben")
    page = send(page)

    assert [file.name for file in store.evidence_of(desk.store, claim.id)] == ["other.png", "shot.png"]
    assert page.file_uploader(key=f"files_{claim.id}_1").value == []


def test_files_wait_while_a_claim_is_entered_and_come_with_it(desk):
    page = desk.app("ana").run()
    page.switch_page("pages/new_claim.py").run()
    files = [("shot.png", png(1)), ("bad.png", b"nothing"), ("letter.eml", MAIL)]
    page.file_uploader(key="entry_files_0").set_value([(name, data, "text/plain") for name, data in files]).run()
    assert "shot.png" in texts(page)
    assert "“bad” is nothing that can be shown" in texts(page).replace("\\", "")
    page.switch_page("pages/queue.py").run()
    page.switch_page("pages/new_claim.py").run()
    assert "letter.eml" in texts(page)
    page.button(key="entry_leave_1").click().run()
    assert "letter.eml" not in texts(page)
    fill(page, "invalid_number")
    page.button(key="save").click().run()

    assert not page.exception
    claim = desk.claim(page.query_params["claim"])
    assert [file.name for file in store.evidence_of(desk.store, claim.id)] == ["shot.png"]
    assert (claim.facts["evidence_attached"], claim.facts["evidence_received_at"]) == (True, None)
    page.switch_page("pages/new_claim.py").run()
    assert "shot.png" not in texts(page)
