"""Files as they come: dialects, encodings, damaged rows, and every other kind of file. Nothing is lost unsaid."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refundcore import intake
from refundcore.intake import Wishes, tables

HEADER = ["claim_ref", "order_ref", "product", "amount", "currency"]
ROWS = [
    ["A-1", "O-1", "Virtual number", "8.95", "GBP"],
    ["A-2", "O-2", "Panel, yearly", "4.95", "GBP"],
    ["A-3", "O-3", 'The "best" number\nof two lines', "5.80", "GBP"],
]


def written(rows: list[list[str]], header: list[str] | None = None, **dialect: str) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, **({"lineterminator": "\n"} | dialect)).writerows([header or HEADER, *rows])
    return buffer.getvalue()


def brought(data: bytes, **answers: str) -> tuple[list[list[str | None]], list[tuple[int, str]], list[int]]:
    """Usable rows as text facts, rejected lines with why, and lines that are no rows."""
    file = intake.source(data)
    plan = intake.plan(file, zone="UTC", wishes=Wishes(answers=answers))
    good, bad, left = [], [], []
    for batch in intake.rows(file, plan):
        frame = batch.claims.frame
        good += [[row.claim_ref, row.order_ref, row.product, row.amount, row.currency] for row in frame.itertuples()]
        bad += [(reject.line, reject.why) for reject in batch.rejected]
        left += [line for line, _ in batch.left_out]
    return good, bad, left


FACTS = [[*row[:3], int(row[3].replace(".", "")), row[4]] for row in ROWS]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("lineterminator", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"])
def test_every_dialect_gives_the_same_rows(delimiter, lineterminator, quoting, encoding):
    data = written(ROWS, delimiter=delimiter, lineterminator=lineterminator, quoting=quoting).encode(encoding)

    good, bad, _ = brought(data)

    assert (good, bad) == (FACTS, [])


def lines(*texts: str) -> bytes:
    return "\n".join(texts).encode()


HEAD = ",".join(HEADER)
ONE, TWO, THREE = "A-1,O-1,Number,8.95,GBP", "A-2,O-2,Number,4.95,GBP", "A-3,O-3,Number,5.80,GBP"


@pytest.mark.parametrize(
    ("data", "refs", "rejected", "left_out"),
    [
        pytest.param(lines("sep=;", HEAD.replace(",", ";"), ONE.replace(",", ";")), ["A-1"], [], [], id="a sep= line"),
        pytest.param(lines("Refund report", "", HEAD, ONE), ["A-1"], [], [], id="lines before the header"),
        pytest.param(lines("", "  ", HEAD, "", ONE, "   ", ",,,,", TWO, "", ""), ["A-1", "A-2"], [], [], id="blanks"),
        pytest.param(lines(HEAD, ONE, "", "Total,,,8.95,GBP"), ["A-1"], [], [4], id="a total"),
        pytest.param(lines(HEAD, ONE, HEAD, TWO), ["A-1", "A-2"], [], [3], id="the header again"),
        pytest.param(lines(HEAD + ",,", ONE + ",,"), ["A-1"], [], [], id="columns without a name"),
        pytest.param(lines(HEAD, ONE + ",,", TWO), ["A-1", "A-2"], [], [], id="blank cells too many"),
        pytest.param(lines(HEAD, "A-1,O-1,Num, ber,8.95,GBP", TWO), ["A-2"], [2], [], id="a cell too many"),
        pytest.param(lines(HEAD, ONE, "A-2,O-2", THREE), ["A-1", "A-3"], [3], [], id="a short row"),
        pytest.param(
            lines(HEAD, 'A-1,O-1,"Number,8.95,GBP', TWO, 'A-3,O-3,"Number",5.80,GBP'),
            ["A-2", "A-3"], [2], [], id="a quotation mark not closed, closed by the next",
        ),
        pytest.param(lines(HEAD, ONE, 'A-2,O-2,"Number,4.95,GBP', THREE), ["A-1", "A-3"], [3], [], id="never closed"),
        pytest.param(lines(HEAD, 'A-1,O-1,"Num"ber,8.95,GBP', TWO), ["A-2"], [2], [], id="text after the mark"),
        pytest.param(lines(HEAD, "A-1,O-1,Num\0ber,8.95,GBP", TWO), ["A-2"], [2], [], id="a NUL"),
        pytest.param(lines(HEAD, 'A-1,O-1,"x\ny\nz",8.95,GBP', "A-2,O-2,n,-1,GBP"), ["A-1"], [5], [], id="lines"),
        pytest.param(
            lines(HEAD + ",note", ONE + "," + "x" * 1_100_000, TWO + ","), ["A-1", "A-2"], [], [], id="a cell of 1 MB"
        ),
        pytest.param(
            lines(HEAD + ",note", ONE + "," + "x" * 5_000_000, TWO + ","), ["A-2"], [2], [], id="a cell of 5 MB"
        ),
        pytest.param(lines(HEAD), [], [], [], id="a header alone"),
        pytest.param(
            lines(HEAD + "," + ",".join(f"q{n}" for n in range(600)), ONE + "," * 600), ["A-1"], [], [], id="600 cells"
        ),
    ],
)  # fmt: skip
def test_every_row_comes_in_or_is_named(data, refs, rejected, left_out):
    good, bad, left = brought(data)

    assert [row[0] for row in good] == refs
    assert [line for line, _ in bad] == rejected
    assert left == left_out
    assert all(why.endswith(".") for _, why in bad)


def test_a_cell_that_may_have_swallowed_rows_is_pointed_out():
    data = lines(HEAD, 'A-1,O-1,"x', TWO, 'y",8.95,GBP', THREE)
    file = intake.source(data)

    (batch,) = (batch for batch in intake.rows(file, intake.plan(file, zone="UTC")) if batch.rows)

    assert [(problem.line, problem.fatal) for problem in batch.problems] == [(2, False)]
    assert "a quotation mark may be missing" in str(batch.problems[0])


def test_a_backslash_before_quotation_marks_is_understood():
    data = lines(HEAD, r'A-1,O-1,"The \"best\" number",8.95,GBP', TWO)

    assert [row[2] for row in brought(data)[0]] == ['The "best" number', "Number"]


def zipped(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\xff\xfe", "is empty"),
        (b"\n\n  \n", "is empty"),
        (zipped("xl/workbook.xml"), "looks like an Excel workbook, but parts that every workbook has are missing."),
        (zipped("claims.csv"), "is an archive (zip), not a table. Unpack it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "is an Office file of an old kind"),
        (b"<html><body><table><tr><td>claim_ref</td></tr></table>", "is a web page or XML"),
        (b"\xef\xbb\xbf  <?xml version='1.0'?><claims/>", "is a web page or XML"),
        (b'{"claim_ref": "A"}\n{"claim_ref": "B"}\n', "is JSON"),
        (b'[{"claim_ref": "A"}]', "is JSON"),
        (b"%PDF-1.7 ...", "is a PDF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "is an image (PNG)"),
        (b"\xff\xd8\xff\xe0" + bytes(40), "is an image (JPEG)"),
        (b"\x1f\x8b\x08" + bytes(40), "is a compressed file (gzip)"),
        (b"SQLite format 3\0" + bytes(40), "is a database (SQLite)"),
        (b"From: a@example.org\nTo: b@example.org\nSubject: refund\n\nHello", "is an e-mail"),
        (bytes(range(32)) * 40, "is not text"),
    ],
)
def test_another_kind_of_file_is_refused_with_what_it_is_and_what_to_do(data, says):
    with pytest.raises(intake.IntakeError) as refusal:
        intake.plan(intake.source(data, "claims.csv"), zone="UTC")

    assert str(refusal.value).startswith("claims.csv ")
    assert says in str(refusal.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(intake.IntakeError, match="There is no file"):
        intake.plan(tmp_path / "nothing.csv", zone="UTC")
    with pytest.raises(intake.IntakeError, match="is a folder"):
        intake.plan(tmp_path, zone="UTC")


TEXTS = "claim_ref;product\nTX-1;Numéro virtuel «Été», déjà payé 19,90 €\nTX-2;Größe, ¿qué tal? L’argent\n"


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman", "iso8859_15"])
def test_a_text_that_is_not_utf8_is_asked_about_with_its_lines_as_they_would_read(encoding):
    data = TEXTS.replace("’", "'").encode(encoding)
    plan = intake.plan(data, zone="UTC")

    (question,) = plan.questions
    assert question.key == "encoding"
    shown = {option.value: "\n".join(option.sample) for option in question.options}
    assert any("déjà payé 19,90 €" in sample for sample in shown.values()) or encoding == "iso8859_15"


def test_the_likeliest_encoding_is_proposed_first():
    assert intake.plan(TEXTS.encode("cp1252"), zone="UTC").questions[0].proposed == "cp1252"
    assert intake.plan(TEXTS.encode("mac_roman"), zone="UTC").questions[0].proposed == "mac_roman"


def test_an_encoding_that_is_named_is_used_and_never_guessed_over():
    file = intake.source(TEXTS.encode("cp1252"))
    plan = intake.plan(file, zone="UTC", wishes=Wishes(answers={"encoding": "cp1252"}))

    assert plan.ready
    assert next(intake.rows(file, plan)).claims.frame["product"][1] == "Größe, ¿qué tal? L’argent"
    with pytest.raises(intake.IntakeError, match="is not written in utf-8"):
        intake.plan(file, zone="UTC", wishes=Wishes(answers={"encoding": "utf-8"}))


def test_text_that_was_damaged_before_is_pointed_out():
    data = TEXTS.encode().decode("cp1252", errors="replace").encode()

    assert any("damaged" in notice for notice in intake.plan(data, zone="UTC").notices)


def test_a_file_without_any_reference_is_stopped_with_a_sentence():
    plan = intake.plan(b"product,amount\nx,1.00\n", zone="UTC")

    assert plan.blockers == ("No column is the reference of the claim or of the order; map one to “Claim” or “Order”.",)


# Laws.

CELL = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\r"), max_size=12)


@given(
    st.integers(2, 5).flatmap(
        lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1, max_size=8)
    ),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_any_table_written_in_any_dialect_is_read_back(rows, delimiter, lineterminator, quoting):
    names = [f"name{n}" for n in range(len(rows[0]))]
    text = written(rows, names, delimiter=delimiter, lineterminator=lineterminator, quoting=quoting)

    dialect = tables.Dialect(delimiter)
    stream = io.StringIO(text, newline="")
    read = [record for batch in tables.batches(stream, dialect, len(names)) for record in batch]

    assert [record.cells for record in read] == [names, *rows]
    assert not any(record.fault for record in read)


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_no_bytes_end_in_anything_but_rows_or_a_sentence(data):
    file = intake.source(data)
    try:
        plan = intake.plan(file, zone="UTC")
    except intake.IntakeError:
        return
    for batch in intake.rows(file, plan):
        assert len(batch.claims) == len(batch.lines) == len(batch.cells)


@given(
    st.lists(st.sampled_from(['"', ",", "\n", "x", '""', "A-1,O-1", " ", "\r\n"]), max_size=60).map("".join),
)
def test_every_line_below_the_header_is_accounted_for(text):
    file = intake.source(f"claim_ref,order_ref,product\n{text}\n".encode())
    plan = intake.plan(file, zone="UTC")

    seen: list[str] = []
    for batch in intake.rows(file, plan):
        seen += ["\n".join(row) for row in batch.cells] + ["\n".join(reject.cells) for reject in batch.rejected]

    assert "".join(seen).count("x") == text.count("x")


@pytest.mark.parametrize("size", [1 << 20, 1 << 23])
def test_an_unclosed_quotation_mark_does_not_swallow_a_long_file(size):
    row = "A-{0},O-{0},Number,1.00,GBP\n"
    count = size // len(row)
    body = "".join(row.format(number) for number in range(count))
    data = (HEAD + "\n" + 'B-1,O-1,"Number,1.00,GBP\n' + body).encode()

    good, bad, _ = brought(data)

    assert len(good) == count
    assert [line for line, _ in bad] == [2]
