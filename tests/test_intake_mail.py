"""Mail as a file: what is read of a message, what it is taken for, and that nothing in it can do any harm."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from refundcore.deadlines import iso
from refundcore.intake import IntakeError, mail, source
from refundcore.intake.mail import Mailbox, Message
from refundcore.intake.mail.attachments import keep, safe_name
from refundcore.intake.mail.web_text import text_of

FOLDER = Path(__file__).parent / "data" / "mail"
HEAD = b"From: a@example.org\nSubject: Order 48213\n"


def mailbox(data: bytes | str, name: str = "a.eml") -> Mailbox:
    return mail.read(source(data.encode() if isinstance(data, str) else data, name))


def message(name: str) -> Message:
    return mail.read(source(FOLDER / name)).messages[0]


# What is read of a message.


def test_a_plain_message_gives_sender_moments_subject_and_text():
    found = message("plain.eml")

    assert (found.sender, found.sender_name) == ("ann@example.org", "Ann Example")
    assert found.subject == "Refund for order 48213"
    assert iso(found.sent_at or 0) == "2026-03-03T09:15:00Z"
    assert iso(found.received_at or 0) == "2026-03-03T09:15:04Z", "as the topmost server says"
    assert found.text.startswith("Hello,\n\nI bought a number")
    assert found.text.endswith("Please give me my money back.")
    assert found.parts.signature.startswith("Kind regards")


def test_html_becomes_text_and_nothing_of_it_is_kept_that_could_run_or_load():
    found = message("html_only.eml")

    assert found.subject == "Rückerstattung"
    assert "meine Bestellung Nr. 77-812 vom Shop:\ndie Nummer ist gesperrt." in found.text
    assert not re.search(r"alert|tracker|color|<", found.text)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a<br>b", "a\nb"),
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("<ul><li>a<li>b</ul>", "- a\n- b"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>c", "> a\n> > b\nc"),
        ("1 < 2 &amp;&lt;b&gt;", "1 < 2 &<b>"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("a<!-- b -->c<script>d</script>e<style>f", "ace"),
        ("a<b", "a"),
    ],
)
def test_html_is_written_as_people_would(html, text):
    assert text_of(html) == text


@pytest.mark.parametrize(
    "piece", ["<", "<a", "<!--", "</", "&", "<script>", "<blockquote>", "<pre>\n", "<b>x", "\n\n<p>", "<br>"]
)
def test_html_of_any_length_is_read_in_bounded_steps(piece):
    assert len(text_of(piece * 400_000)) < 20_000_000


def test_the_same_text_twice_is_read_once_and_attachments_are_named_safely_and_typed_by_content():
    found = message("attachment_hostile_name.eml")

    assert found.text == "The number is not accepted by the site, see the picture."
    assert [(one.name, one.kind, one.size) for one in found.attachments] == [
        ("gnp.exe", "image/png", 48),
        ("attachment-2", "text/plain", 19),
    ]
    assert found.attachments[0].sha256 == hashlib.sha256(found.attachments[0].data).hexdigest()


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("photo.png", "photo.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\x.pdf", "x.pdf"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("a\0b\nc.png", "abc.png"),
        ("..", "attachment-1"),
        ("CON", "attachment-1"),
        ("", "attachment-1"),
        ("Grüße 1 (2).pdf", "Grüße 1 (2).pdf"),
        ("<b>.png", "_b_.png"),
    ],
)
def test_a_name_is_made_safe(given, name):
    assert safe_name(given, 1) == name


def test_a_long_name_keeps_its_ending():
    assert safe_name("x" * 300 + ".png", 1) == "x" * 96 + ".png"


def test_attachments_are_kept_under_their_fingerprint_for_their_owner_alone(tmp_path):
    found = message("attachment_hostile_name.eml")
    for _ in range(2):
        keep(tmp_path / "kept", found.attachments)

    files = sorted((tmp_path / "kept").iterdir())
    assert [path.name for path in files] == sorted(one.sha256 for one in found.attachments)
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    assert {path.read_bytes() for path in files} == {one.data for one in found.attachments}


def test_a_full_folder_keeps_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr("refundcore.intake.mail.attachments.LARGEST_FOLDER", 50)
    found = message("attachment_hostile_name.eml")

    assert keep(tmp_path, found.attachments) == {found.attachments[0].sha256}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("quoted_english.eml", "The order is 48213, as I said."),
        ("quoted_german.eml", "Die Bestellnummer lautet 48213."),
        ("quoted_french_below.eml", "Ma commande : 48213"),
        ("quoted_outlook.eml", "It is order 48213."),
        ("signature.eml", "No code came for order 48213."),
    ],
)
def test_what_is_quoted_and_signed_is_told_from_what_was_written(name, text):
    found = message(name)

    assert found.text == text
    assert mail.propose(found).texts["order_ref"] == "48213", "the order in the quotation is not this claim's"


def test_a_message_that_only_quotes_is_taken_from_its_quotation():
    found = mailbox(HEAD + b"\n-----Original Message-----\nFrom: b\nTo: c\nSubject: d\n\nNo code came.\n").messages[0]

    assert found.text == "No code came."
    assert "Nothing is written beside what is quoted, so the quotation is taken." in found.notices


def test_paragraphs_that_were_broken_by_the_sender_are_whole_again():
    found = mailbox(
        HEAD + b"Content-Type: text/plain; format=flowed\n\nI never got the \ncode.\n  indented\n"
    ).messages[0]

    assert found.text == "I never got the code.\n indented"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("broken_charset.eml", "Some characters could not be read"),
        ("no_message_id.eml", "no Message-ID"),
        ("two_from.eml", "several senders: ann@example.org, bob@example.org"),
        ("winmail.eml", "packed by Outlook in winmail.dat"),
    ],
)
def test_what_is_wrong_with_a_message_is_said(name, says):
    assert any(says in notice for notice in message(name).notices)


def test_a_charset_that_is_wrong_still_gives_the_letters():
    assert message("broken_charset.eml").text == "Der Code kam nie. Grüße"


@pytest.mark.parametrize(
    ("name", "why"), [("auto_reply.eml", "automatic answer"), ("bounce.eml", "report of a mail server")]
)
def test_what_a_program_wrote_is_no_claim(name, why):
    assert why in message(name).automatic


def test_a_message_without_an_id_is_the_same_however_its_lines_end():
    data = (FOLDER / "no_message_id.eml").read_bytes()
    keys = {mailbox(one).messages[0].key for one in (data, data.replace(b"\n", b"\r\n"), b"\n" + data + b"\n")}

    assert len(keys) == 1
    assert mailbox(data.replace(b"No SMS", b"Never an SMS")).messages[0].key not in keys


def test_a_clock_that_was_ahead_gives_no_moment_of_sending():
    late = b"Received: from x by y; Tue, 3 Mar 2026 09:00:00 +0000\nDate: Tue, 3 Mar 2026 09:30:00 +0000\n"

    assert mailbox(late + HEAD + b"\nx").messages[0].sent_at is None


@pytest.mark.parametrize("date", ["yesterday", "Tue, 3 Mar 2026 09:15:00", "Tue, 3 Mar 3609 09:15:00 +0000", "=?"])
def test_a_date_that_cannot_be_read_or_names_no_zone_is_unknown_and_said(date):
    found = mailbox(HEAD + f"Date: {date}\n\nx".encode()).messages[0]

    assert found.sent_at is None
    assert any("cannot be read, or says no zone" in notice for notice in found.notices)


# Files of mail.


def test_an_mbox_gives_each_message_with_its_line():
    found = mail.read(source(FOLDER / "inbox.mbox"))

    lines = (FOLDER / "inbox.mbox").read_text(encoding="utf-8").splitlines()
    assert [one.line for one in found.messages] == [
        number for number, line in enumerate(lines, start=1) if line.startswith("From ann@")
    ]
    assert "From the start it did not work.\n\nFrom 5 tries, none worked." in found.messages[0].text


def test_messages_read_from_an_mbox_are_those_of_their_own_files():
    found = mail.read(source(FOLDER / "inbox.mbox"))

    assert [one.key for one in found.messages] == [
        message(name).key for name in ("plain.eml", "quoted_english.eml", "auto_reply.eml", "no_message_id.eml")
    ]


@pytest.mark.parametrize("name", ["a.eml", "a.txt", "inbox"])
def test_mail_is_recognised_by_its_content(name):
    assert mail.is_mail(source((FOLDER / "plain.eml").read_bytes(), name))


@pytest.mark.parametrize(
    "text", ["claim_ref,order_ref\nA,1\n", "From;To\na;b\n", "Subject\nOrder\n", "a: b\nc: d\n", ""]
)
def test_a_table_is_no_mail(text):
    assert not mail.is_mail(source(text.encode(), "claims.csv"))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"claim_ref,order_ref\nA,1\n", "there is no e-mail: none of From, Date, Message-ID, Subject"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "as Outlook keeps it \\(.msg\\).*save it as .eml"),
        (b"%PDF-1.4\n", "there is no e-mail"),
        (HEAD + b"\n" + b"x" * 26_300_000, "larger than 25 MB"),
        (b"x" * 50_000_001, "larger than 50 MB"),
        (HEAD + b"Content-Type: multipart/mixed; boundary=a\n" * 9_000, "too many parts within parts"),
    ],
    ids=["empty", "table", "msg", "pdf", "large", "larger", "deep"],
)
def test_what_is_no_mail_or_too_much_is_refused_in_words(data, says):
    with pytest.raises(IntakeError, match=says):
        mailbox(data)


def test_too_many_messages_are_refused(monkeypatch):
    monkeypatch.setattr("refundcore.intake.mail.mailboxes.MOST", 3)
    with pytest.raises(IntakeError, match="more than 3 messages"):
        mail.read(source(FOLDER / "inbox.mbox"))


def test_a_mailbox_that_would_take_minutes_is_refused(monkeypatch):
    monkeypatch.setattr("refundcore.intake.mail.mailboxes.MOST_STEPS", 100)
    one = (
        b"From x@example.org Tue Mar  3 10:15:04 2026\n" + HEAD + b"Content-Type: multipart/mixed; boundary=b\n\nx\n\n"
    )
    assert len(mailbox(one * 14, "a.mbox").messages) == 14
    with pytest.raises(IntakeError, match="too many parts within parts"):
        mailbox(one * 20, "a.mbox")


def test_one_message_that_cannot_be_read_does_not_end_the_others():
    head = b"From x@example.org Tue Mar  3 10:15:04 2026\n"
    good, bad = head + HEAD + b"\nx\n\n", head + b"X-Nothing: y\n\nx\n\n"
    found = mailbox(good + bad + good, "a.mbox")

    assert (len(found.messages), [line for line, _ in found.unreadable]) == (2, [7])


def nested(depth: int) -> bytes:
    parts = [b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (row, row) for row in range(depth)]
    return HEAD + b"".join(parts) + b"Content-Type: text/plain\n\nNo code came.\n"


@pytest.mark.parametrize("depth", [10, 60, 100])
def test_parts_within_parts_are_read_to_a_bounded_depth(depth):
    found = mailbox(nested(depth)).messages[0]

    assert found.text == ("No code came." if depth < 50 else "")


@pytest.mark.parametrize(
    "data",
    [
        HEAD
        + b"X: "
        + b"x" * 1_000_000
        + b"\n\nNo code came. "
        + b"very long " * 200_000
        + b"\nOn "
        + b"a" * 99_999
        + b" wrote:\n",
        HEAD.replace(b"a@", b"(" * 100_000 + b"a@") + b"\nx",
        HEAD + b"To: " + b"a@b.example, " * 100_000 + b"\n\nx",
        HEAD + b"References: " + b"<a@b> " * 100_000 + b"\n\nx",
        HEAD + b"Subject: " + b"=?utf-8?q?a?= " * 50_000 + b"\n\nx",
        HEAD + b"\n" + b"> " * 500_000,
        HEAD + b"\n" + b"On\n" * 200_000,
        HEAD + b"\n" + b"From: a\n" * 100_000,
        HEAD + b"\n" + b"-- \n" * 100_000,
        HEAD + b"\n" + b"order " * 100_000,
        HEAD + b"\n" + b"order # # # # # # # # # " * 20_000,
        HEAD + b"\n" + b"never received " * 30_000,
        HEAD + b"\n" + b"paid 1 1 1 1 1 1 1 1 1 " * 20_000,
        HEAD + b"\n" + b"1.111.111.111.111.111" * 20_000,
        HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 20_000,
    ],
    ids=lambda data: f"{hashlib.sha256(data).hexdigest()[:6]}",
)
def test_hostile_mail_is_read_and_searched_all_the_same(data):
    found = mailbox(data).messages[0]

    assert mail.propose(found).texts["order_ref"] == "48213"


@given(st.binary(max_size=400), st.sampled_from(["a.eml", "a.mbox", "a.msg"]))
@example(b"From: =?x?b?\xff?=\nContent-Type: text/plain; charset*=''x\n\n", "a.eml")
@example(b"From: a@b.example\nContent-Type: text/plain; charset=idna\n\n\xff", "a.eml")
@example(b"From: a@b.example\nContent-Transfer-Encoding: x-uuencode\n\nbegin 666 x\n\xff", "a.eml")
@example(b"From: a@b.example\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n\xff", "a.eml")
@example(b"From: a@b.example\nContent-Disposition: attachment; filename*=x'y'%ff\n\n", "a.eml")
def test_bytes_of_any_kind_are_messages_or_refused_in_words(data, name):
    for one in (data, HEAD + data, HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" + data):
        try:
            found = mailbox(one, name)
        except IntakeError:
            continue
        for each in found.messages:
            mail.propose(each)
            assert each.key


HEADERS = st.sampled_from(
    [
        "From",
        "Date",
        "Message-ID",
        "Received",
        "References",
        "Content-Type",
        "Content-Transfer-Encoding",
        "Content-Disposition",
    ]
)
VALUES = st.text(alphabet="abc/;=\"'<>@%*?()[],:. \t\u00e9=?utf-8?q?multipart/mixed;boundary=x", max_size=60)


@given(st.lists(st.tuples(HEADERS, VALUES), max_size=6), st.text(max_size=100))
def test_headers_of_any_kind_are_survived(headers, body):
    head = "".join(f"{name}: {value}\n" for name, value in headers)
    try:
        found = mailbox(f"Subject: x\n{head}\n{body}".encode("utf-8", "replace"))
    except IntakeError:
        return
    for each in found.messages:
        assert each.key
        each.text.encode()
        mail.propose(each)
