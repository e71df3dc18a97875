"""Certificates of decisions: complete, always the same, and whatever byte is changed is found and named."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_of_tests import AT, BEN, MAX, MIA, VERDICTS, Desk, key, open_desk

from refundcore import __main__, store
from refundcore.certificates import as_json, as_page, certificate, check
from refundcore.certificates.sealing import sealed
from refundcore.store.erasing import erase

GROUNDS = "No <b>code</b> came; </pre><script>alert(1)</script> ünd “quotes” & {{ braces }}, five times"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(tmp_path)
    yield opened
    opened.store.engine.dispose()


def overridden(desk: Desk) -> store.ClaimRecord:
    """A claim approved against the policy by one person and let stand by another."""
    claim = desk.add(**VERDICTS["deny"], description=GROUNDS)
    desk.decide(claim, "approve", BEN, reason="Promised on the phone", reply="Dear customer, <i>yes</i>")
    desk.do(store.approve_override, claim, MIA, reason="I heard the call")
    return desk.claim(claim.id)


def of(desk: Desk, claim: store.ClaimRecord) -> dict[str, Any]:
    return json.loads(as_json(certificate(desk.store, claim.id)))


@cache
def issued() -> tuple[Desk, bytes, bytes]:
    """A desk with a certificate, as data and as a page."""
    desk = open_desk(Path(mkdtemp(prefix="refund-desk-certificates-")))
    content = certificate(desk.store, overridden(desk).id)
    return desk, as_json(content).encode(), as_page(content).encode()


def test_it_says_what_was_decided_by_whom_and_why(desk: Desk) -> None:
    claim = overridden(desk)
    found = of(desk, claim)

    assert found["claim"]["reference"] == claim.ref
    assert found["decision"]["refund"]["says"] == "12.50 USD"
    assert found["decision"]["by"]["name"] == "Ben"
    assert found["decision"]["reason"] == "Promised on the phone"
    assert found["decision"]["against_the_policy"]
    assert (found["approval"]["by"]["name"], found["approval"]["reason"]) == ("Mia", "I heard the call")
    assert found["verdict"]["verdict"] == "deny"
    assert found["policy"]["fingerprint"] == desk.store.policy.fingerprint
    assert found["policy"]["same"]
    assert found["clauses"][0]["decides"]
    assert found["clauses"][0]["wording"] == desk.store.policy.clauses[found["clauses"][0]["id"]].on(AT.date())
    assert {each["reading"] for each in found["verdict"]["readings"]} == {"strict", "default", "generous"}
    assert found["facts"]["description"]["value"] == GROUNDS


def test_the_facts_are_those_of_the_decision_whatever_came_later(desk: Desk) -> None:
    claim = desk.add()
    desk.decide(claim, "deny", MIA, reason="as agreed")
    before = of(desk, claim)
    desk.do(store.set_chargeback, claim, MIA, is_open=True)
    assert of(desk, claim) == before


def test_the_same_decision_gives_the_same_bytes_at_any_time(desk: Desk) -> None:
    claim = overridden(desk)
    one = as_json(certificate(desk.store, claim.ref))
    desk.at = AT + timedelta(days=30)
    desk.do(store.note, claim, BEN, text="later")
    assert as_json(certificate(desk.store, claim.id)) == one


def test_where_no_decision_stands_there_is_nothing_to_certify(desk: Desk) -> None:
    claim = desk.add()
    with pytest.raises(store.Impossible, match="No decision stands"):
        certificate(desk.store, claim.id)
    with pytest.raises(store.Impossible, match="There is no claim X-9"):
        certificate(desk.store, "X-9")


def test_the_page_is_escaped_and_runs_no_script(desk: Desk) -> None:
    page = as_page(certificate(desk.store, overridden(desk).id))
    assert "<script" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "@media print" in page
    assert not re.search(r"(?:src|href)=", page)


@pytest.mark.parametrize("form", ["data", "page"])
def test_an_unchanged_certificate_is_good_alone_and_beside_the_store(form: str) -> None:
    desk, data, page = issued()
    given_ = data if form == "data" else page
    assert check(given_).good
    assert "and the store says the same" in check(given_, desk.store).sentence


@given(st.data())
def test_any_changed_byte_of_the_data_is_found_and_the_field_named(drawn: st.DataObject) -> None:
    _, data, _ = issued()
    place = drawn.draw(st.integers(0, len(data) - 1))
    byte = drawn.draw(st.integers(0, 255).filter(lambda byte: byte != data[place]))
    found = check(data[:place] + bytes([byte]) + data[place + 1 :])

    assert not found.good
    start, end = data.rfind(b"\n", 0, place) + 1, data.find(b"\n", place)
    line = data[start:end].decode()
    named = re.match(r'\s*"((?:[^"\\]|\\.)+)": ', line)
    number = data.count(b"\n", 0, place) + 1
    nearby = any(f"Line {near}" in found.sentence for near in (number - 1, number, number + 1))
    assert (
        nearby
        or (named and named[1].split("/")[-1] in f"{found.field} {found.sentence}")
        or "beginning" in (found.sentence)
    ), (place, byte, line, found)


@given(st.data())
def test_any_changed_byte_of_the_page_is_found(drawn: st.DataObject) -> None:
    _, _, page = issued()
    place = drawn.draw(st.integers(0, len(page) - 1))
    byte = drawn.draw(st.integers(0, 255).filter(lambda byte: byte != page[place]))
    found = check(page[:place] + bytes([byte]) + page[place + 1 :])
    assert not found.good
    assert found.sentence


VALUES = {
    "decision/refund/minor_units": lambda c: c["decision"]["refund"].update(minor_units=99),
    "decision/by/name": lambda c: c["decision"]["by"].update(name="Somebody"),
    "decision/reason": lambda c: c["decision"].update(reason="another"),
    "facts/amount/value": lambda c: c["facts"]["amount"].update(value=1),
    "facts/description/value": lambda c: c["facts"]["description"].update(value="another"),
    "clauses/0/wording": lambda c: c["clauses"][0].update(wording="another"),
    "verdict/verdict": lambda c: c["verdict"].update(verdict="approve"),
    "policy/fingerprint": lambda c: c["policy"].update(fingerprint="0" * 64),
    "journal/event/hash": lambda c: c["journal"]["event"].update(hash="0" * 64),
    "seals/decision~1reason": lambda c: c["seals"].update({"decision/reason": "0" * 16}),
    "hash": lambda c: c.update(hash="0" * 64),
}


@pytest.mark.parametrize("field", VALUES)
def test_a_field_that_was_changed_is_named(field: str) -> None:
    content = json.loads(issued()[1])
    VALUES[field](content)
    found = check(as_json(content).encode())
    assert (found.good, found.field) == (False, field), found.sentence
    assert "Line " in found.sentence


@pytest.mark.parametrize("field", [name for name in VALUES if not name.startswith(("seals", "hash"))])
def test_one_that_was_sealed_anew_is_still_told_from_what_the_store_holds(field: str) -> None:
    desk, data, _ = issued()
    content = json.loads(data)
    VALUES[field](content)
    forged = sealed({name: value for name, value in content.items() if name not in {"seals", "hash"}})
    found = check(as_json(forged).encode(), desk.store)
    assert not found.good
    assert found.field.split("/")[0] == field.split("/", maxsplit=1)[0], found


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"hello", b"\xff", b"<html></html>", b'{"seals":{},"hash":""}', b"[" * 100_000, b"1" * 5000],
)
def test_what_is_no_certificate_is_said_in_a_sentence(data: bytes) -> None:
    found = check(data)
    assert not found.good
    assert found.sentence


def test_a_decision_that_was_withdrawn_since_is_told(desk: Desk) -> None:
    claim = overridden(desk)
    data = as_json(certificate(desk.store, claim.id)).encode()
    desk.do(store.reopen, claim, MAX, reason="new evidence")
    found = check(data, desk.store)
    assert found.good
    assert "the decision was withdrawn since" in found.sentence


def test_certificates_from_before_and_after_an_erasure_stay_good(desk: Desk) -> None:
    claim = desk.add(description=GROUNDS)
    desk.decide(claim, "deny", MIA, reason="r", reply="Dear customer")
    before = as_json(certificate(desk.store, claim.id)).encode()
    erase(desk.store, actor=MIA, at=AT, key=key(), reason="asked", claim=claim.id)

    found = check(before, desk.store)
    assert found.good, found
    assert "erased there since" in found.sentence
    after = as_json(certificate(desk.store, claim.id))
    assert "braces" not in after
    assert str(claim.facts["customer_email"]) not in after
    assert "(erased)" in after
    assert check(after.encode(), desk.store).good
    desk.verified()


def test_the_commands_write_and_check_certificates(desk: Desk, tmp_path: Path, capsys) -> None:
    claim, url = overridden(desk), desk.store.url
    if desk.store.path is None:
        pytest.skip("The commands are tried on SQLite's file.")
    for name in ("certificate.json", "certificate.html"):
        target = tmp_path / name
        assert __main__.main(["certificate", claim.ref, "-o", str(target), "--store", url]) == 0
        assert __main__.main(["verify", "--certificate", str(target), "--store", url]) == 0
        assert "and the store says the same" in capsys.readouterr().out
        target.write_bytes(target.read_bytes().replace(b"Promised", b"promised", 1))
        assert __main__.main(["verify", "--certificate", str(target), "--store", url]) == 1
        assert "reason" in capsys.readouterr().err
    assert __main__.main(["certificate", "X-9", "--store", url]) == 1
    assert "There is no claim X-9" in capsys.readouterr().err
    assert __main__.main(["certificate", claim.ref, "--store", url]) == 0
    assert check(capsys.readouterr().out.encode()).good


@pytest.mark.parametrize(
    ("name", "field"),
    [
        (b'"decision": {', "decision/"),
        (b'"by": {', "by/"),
        (b'"outcome": ', "decision/outcome"),
        (b'"seals": {', "seals"),
    ],
)
def test_a_field_whose_name_was_changed_is_named_as_it_was(name: bytes, field: str) -> None:
    data = issued()[1]
    found = check(data.replace(name, name.replace(name[1:2], b" ", 1), 1))
    assert not found.good
    assert field in found.field
