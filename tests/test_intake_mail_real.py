"""Real mail of others: every file is read or refused in words, and the newest text of a reply is found."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from refundcore.intake import IntakeError, mail, source
from refundcore.intake.mail.web_text import text_of

LONGEST = 5.0
"""Seconds within which each file is wanted; the longest takes a fiftieth of it."""

REPLIES: dict[str, str] = {
    # The lines of each file that are its newest text; no line of the files is repeated here.
    "correct_sig": "1",
    "email_1_1": "1-5",
    "email_1_2": "1 9-34",
    "email_1_3": "1-3",
    "email_1_4": "1",
    "email_1_5": "1-15",
    "email_1_6": "1",
    "email_1_7": "1",
    "email_1_8": "13 19",
    "email_2_1": "1",
    "email_2_2": "1",
    "email_2_3": "1",
    "email_BlackBerry": "1",
    "email_bullets": "1-10",
    "email_iPhone": "1",
    "email_multi_word_sent_from_my_mobile_device": "1",
    "email_one_is_not_on": "1-5",
    "email_sent_from_my_not_signature": "1-3",
    "email_sig_delimiter_in_middle_of_line": "1-7",
    "greedy_on": "1-6",
    "pathological": "1-2",
}


@pytest.fixture
def folder(corpus: Path) -> Path:
    return corpus / "d_email"


def squeezed(text: str) -> str:
    """A text without its blanks, as replies are compared."""
    return "".join(text.split())


def files(folder: Path) -> Iterator[Path]:
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file())


def told(path: Path) -> str:
    """All that is read of a file, or why it is refused."""
    try:
        found = mail.read(source(path.read_bytes(), path.name))
    except IntakeError as refusal:
        return str(refusal)
    return repr([(one, one.parts, mail.propose(one).texts) for one in found.messages])


def test_every_file_is_read_or_refused_in_words_soon_and_always_alike(folder):
    for path in files(folder):
        start = time.perf_counter()
        first = told(path)
        assert time.perf_counter() - start < LONGEST, f"{path} took too long"
        assert first == told(path), path


def test_what_is_read_agrees_with_another_reader(folder):
    """The index was made by the standard library's own reading of headers (`email.policy.default`)."""
    with (folder / "index.csv").open(newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    counts = {"subject": 0, "date": 0, "read": 0}
    for row in rows:
        path = folder / row["file"]
        try:
            found = mail.read(source(path.read_bytes(), path.name)).messages[0]
        except IntakeError:
            continue
        counts["read"] += 1
        counts["subject"] += squeezed(found.subject) == squeezed(row["subject"])
        counts["date"] += (found.sent_at is not None or row["date_parses"] != "yes") or "ahead" in str(found.notices)
    assert counts["read"] >= 90
    assert counts["subject"] >= 90
    assert counts["date"] >= 89, "one says only that it is of year 3609"


def test_the_newest_text_of_replies_as_mail_programs_write_them_is_found(folder):
    right = []
    for path in sorted((folder / "talon" / "standard_replies").glob("*.eml")):
        beside = path.with_name(f"{path.stem}_reply_text")
        wanted = beside.read_text(encoding="utf-8") if beside.exists() else "Hello"
        found = mail.read(source(path)).messages[0]
        right.append(squeezed(found.text) == squeezed(mail.part(wanted).newest))
    assert (sum(right), len(right)) == (12, 12)


def test_the_newest_text_of_replies_in_html_is_found(folder):
    found = [
        " ".join(mail.part(text_of(path.read_text(encoding="utf-8"))).newest.split())
        for path in sorted((folder / "talon" / "html_replies").glob("*.html"))
    ]
    assert (found.count("Hi. I am fine. Thanks, Alex"), len(found)) == (9, 9)


def lines_of(text: str, wanted: str) -> str:
    lines = text.split("\n")
    ranges = [part.partition("-") for part in wanted.split()]
    return "\n".join("\n".join(lines[int(first) - 1 : int(last or first)]) for first, _, last in ranges)


def test_the_newest_text_of_replies_as_text_is_found(folder):
    right = {}
    for name, wanted in REPLIES.items():
        text = (folder / "email_reply_parser" / f"{name}.txt").read_text(encoding="utf-8")
        right[name] = squeezed(mail.part(text).newest) == squeezed(lines_of(text, wanted))
    assert [name for name, good in right.items() if not good] == []
    assert len(right) == len(list((folder / "email_reply_parser").glob("*.txt")))
