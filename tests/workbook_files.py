"""Small workbooks of every kind, sound and hostile, with what each must come to."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import workbook_writer as writer
from twelve_claims import CLAIMS, Claim, File, but, plain, rows_of, typed
from workbook_writer import MAIN, Book, Sheet, archive, error, formula, number, serial, shared

LONG = 5_383_270_000_000_000


def _book(rows: Sequence[Sequence[object]], **sheet: object) -> bytes:
    return Book([Sheet(rows, **sheet)]).bytes()


def _slashed(claim: Claim) -> dict[str, object]:
    """The moments of a claim as text with the day first."""
    return {
        "purchased_at": claim.purchased.strftime("%d/%m/%Y %H:%M:%S"),
        "submitted_at": claim.submitted.strftime("%d/%m/%Y %H:%M:%S"),
    }


def _bare(claim: Claim, epoch: int) -> dict[str, object]:
    """The moments of a claim as day numbers without a format."""
    return {
        "purchased_at": number(repr(serial(claim.purchased, epoch))),
        "submitted_at": number(repr(serial(claim.submitted, epoch))),
    }


def _german(claim: Claim) -> str:
    """The amount of a claim as text with a decimal comma."""
    return f"{claim.amount:,.2f}".translate(str.maketrans(",.", ".,"))


def workbooks() -> dict[str, File]:
    """Workbooks that hold claims."""
    rows = typed()
    mixed = rows_of(lambda at, c: c.typed() if at % 2 else but(c.typed(), **_slashed(c)))
    german = rows_of(lambda at, c: c.typed() if at % 2 else but(c.typed(), amount=_german(c)))
    general = rows_of(lambda _, c: but(c.typed(), **_bare(c, 1900)))
    mac = rows_of(lambda _, c: but(c.typed(), **_bare(c, 1904)))
    unsaved = rows_of(lambda _, c: but(c.typed(), amount=formula(f"ROUND({c.amount},2)")))
    saved = rows_of(lambda _, c: but(c.typed(), amount=formula("1+1", repr(c.amount))))
    command = rows_of(lambda _, c: but(c.typed(), product=formula('cmd|"/C calc"!A0', c.product, "str")))
    long = rows_of(lambda _, c: but(c.typed(), claim_ref=LONG + c.order))
    formulas = rows_of(lambda _, c: but(c.typed(), product="=1+1"))
    noise = rows_of(lambda _, c: but(c.typed(), amount=number(repr(c.amount + 4e-14), writer.AMOUNT)))
    zeros = rows_of(lambda _, c: but(c.typed(), order_ref=number(c.order - 70_000, writer.ZEROS)))
    pointed = rows_of(lambda at, c: but(c.typed(), claim_ref=shared(at)))
    bad = [list(row) for row in rows]
    bad[2][6], bad[5][4], bad[7][2] = error("#N/A"), error("#REF!"), error("#VALUE!")
    titled = [
        ["Refunds of the winter"],
        ["prepared by the desk"],
        [],
        *rows,
        [],
        [None, "Total", None, None, None, None, formula("SUM(G5:G16)")],
    ]
    aside = [list(row) for row in rows]
    aside[3] += [None, None, "call them"]
    rich = "".join(
        f'<si><r><t>{c.ref[:1]}</t></r><r><t>{c.ref[1:]}</t></r><rPh sb="0" eb="1"><t>x</t></rPh></si>' for c in CLAIMS
    )
    blank = "".join(
        f'<row r="{14 + n}" s="1"><c r="A{14 + n}" s="1"/><c r="B{14 + n}" s="2"/></row>' for n in range(540)
    )
    named = Sheet(rows).xml()
    foreign = named.replace("<", "<x:").replace("<x:/", "</x:").replace("<x:?", "<?").replace("xmlns=", "xmlns:x=")
    return {
        "typed.xlsx": File(_book(rows)),
        "named.xls": File(_book(rows)),
        "epoch_1904.xlsx": File(Book([Sheet(rows)], epoch=1904).bytes()),
        "all_text.xlsx": File(_book(plain())),
        "typed_and_text_dates.xlsx": File(_book(mixed), notice="Check that no spreadsheet swapped"),
        "numbers_and_decimal_commas.xlsx": File(_book(german)),
        "title_hidden_total.xlsx": File(
            _book(titled, hidden_rows=[8], hidden_columns=[3], merged=["A1:H1"]),
            left_out=[18],
            notice="Row 8 is hidden",
        ),
        "merged_below.xlsx": File(
            _book(rows, merged=["C4:C6"]), notice="Cells are merged below the header, such as C4:C6"
        ),
        "cover_and_hidden.xlsx": File(
            Book([Sheet([["See the next sheet"]], "Read me"), Sheet(rows), Sheet(rows[:3], "old", "hidden")]).bytes(),
            notice="Sheet “old” is hidden and not read.",
        ),
        "two_sheets.xlsx": File(
            Book([Sheet(rows[:7], "May"), Sheet([rows[0], *rows[7:]], "June")]).bytes(),
            rows=6,
            asks="sheet",
            answers={"sheet": "June"},
        ),
        "hidden_named.xlsx": File(
            Book([Sheet(rows[:3], "May"), Sheet(rows, "old", "veryHidden")]).bytes(),
            answers={"sheet": "old"},
        ),
        "error_cells.xlsx": File(_book(bad), rows=9, rejected=[3, 6, 8]),
        "formulas_unsaved.xlsx": File(_book(unsaved), rows=0, rejected=range(2, 14)),
        "formulas_saved.xlsx": File(_book(saved)),
        "formula_of_text.xlsx": File(_book(command)),
        "serials.xlsx": File(_book(general), notice="spreadsheet day numbers"),
        "serials_1904.xlsx": File(Book([Sheet(mac)], epoch=1904).bytes()),
        "blank_formatted_rows.xlsx": File(_book(rows, after=blank)),
        "long_numbers.xlsx": File(
            _book(long),
            notice="more digits than the 15",
            differ=["claim_ref"],
        ),
        "formula_like_texts.xlsx": File(_book(formulas), differ=["product"]),
        "shared_rich_texts.xlsx": File(Book([Sheet(pointed)], shared=rich).bytes()),
        "float_noise.xlsx": File(_book(noise)),
        "zeros_by_format.xlsx": File(_book(zeros), differ=["order_ref"]),
        "no_references.xlsx": File(_book(rows, referred=False)),
        "prefixed.xlsx": File(Book([Sheet(rows)], parts={"xl/worksheets/sheet1.xml": foreign.encode()}).bytes()),
        "aside.xlsx": File(_book(aside)),
        "dimension_lies.xlsx": File(_book(rows, dimension="A1:XFD1048576")),
        "dimension_too_small.xlsx": File(_book(rows, dimension="A1:H2")),
        "far_corner.xlsx": File(
            _book(rows, after='<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
            left_out=[1_048_576],
        ),
        "path_names.xlsx": File(Book([Sheet(rows)], parts={"../../../tmp/evil.txt": b"x", "xl/../../x": b"y"}).bytes()),
        "empty_book.xlsx": File(_book([]), refused="without a row in any of its visible sheets"),
        "all_hidden.xlsx": File(
            Book([Sheet([], "front"), Sheet(rows, "old", "hidden")]).bytes(),
            refused="Hidden: old; name one to read it",
        ),
    }


def hostile() -> dict[str, File]:
    """Workbooks and archives that are to be refused."""
    sound = typed()
    good = Book([Sheet(sound)]).bytes()
    one = "xl/worksheets/sheet1.xml"
    head, tail = f'<worksheet xmlns="{MAIN}"><sheetData>'.encode(), b"</sheetData></worksheet>"

    def part(content: bytes, name: str = one) -> bytes:
        return Book([Sheet(sound)], shared="<si><t>x</t></si>", parts={name: content}).bytes()

    laughs = b'<!DOCTYPE s [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><sst><si><t>&b;</t></si></sst>'
    outside = b'<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/hostname">]><sst><si><t>&x;</t></si></sst>'
    pointing = rows_of(lambda at, c: but(c.typed(), claim_ref=shared(at)))
    middle = good.index(b"sheet1.xml") + 200
    locked = bytearray(good)
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = -1
        while (place := locked.find(mark, place + 1)) >= 0:
            locked[place + at] |= 1
    nested = archive({f"{n}.zip": archive({f"{m}.zip": archive({"x": bytes(99)}) for m in range(4)}) for n in range(4)})
    far = b"".join(b'<row r="%d"><c r="XFD%d"><v>1</v></c></row>' % (n, n) for n in range(1, 400))
    rows = b"".join(b"<row><c><v>1</v></c></row>" for _ in range(251_000))
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
    damaged, trap = "is cut off or damaged", "times its size, as no real workbook does"
    return {
        "blanks_bomb.xlsx": File(part(head + b" " * (11 << 20) + tail), refused=trap),
        "text_bomb.xlsx": File(
            part(b"<sst><si><t>" + b"x" * (11 << 20) + b"</t></si></sst>", "xl/sharedStrings.xml"), refused=trap
        ),
        "rows_bomb.xlsx": File(part(head + rows + tail), refused="has more than 250,000 rows"),
        "cells_bomb.xlsx": File(part(head + far + tail), refused="has more than 5,000,000 cells"),
        "cell_bomb.xlsx": File(
            part(head + b'<row><c t="str"><v>' + b"x" * 5_000_000 + b"</v></c></row>" + tail),
            refused="holds a cell of more than 4,194,304 characters",
        ),
        "entities.xlsx": File(part(laughs, "xl/sharedStrings.xml"), refused="declares entities of its own"),
        "entity_outside.xlsx": File(part(outside, "xl/sharedStrings.xml"), refused="declares entities of its own"),
        "no_shared_texts.xlsx": File(
            Book([Sheet(pointing)]).bytes(), refused="texts that its cells point to are missing"
        ),
        "no_list_of_parts.xlsx": File(
            Book([Sheet(sound)], parts={"[Content_Types].xml": None}).bytes(), refused="parts that every workbook has"
        ),
        "no_sheet.xlsx": File(Book([Sheet(sound)], parts={one: None}).bytes(), refused="“sheet1.xml” is missing"),
        "no_xml.xlsx": File(part(b"<worksheet><row>"), refused="is no well-formed XML"),
        "beyond_rows.xlsx": File(part(head + b'<row r="1048577"/>' + tail), refused="beyond the last"),
        "beyond_columns.xlsx": File(part(head + b'<row><c r="XFE1"/></row>' + tail), refused="beyond the last column"),
        "senseless_places.xlsx": File(part(head + b'<row><c r="!!"/></row>' + tail), refused="make no sense"),
        "cut_off.xlsx": File(good[: len(good) * 2 // 3], refused=damaged),
        "bad_sum.xlsx": File(
            good[:middle] + bytes(b ^ 255 for b in good[middle : middle + 2]) + good[middle + 2 :], refused=damaged
        ),
        "locked_parts.xlsx": File(bytes(locked), refused="is protected by a password"),
        "nested.xlsx": File(nested, refused="is an archive (zip)"),
        "archive.zip": File(archive({"claims.csv": b"claim_ref\nA\n"}), refused="Unpack it and bring the CSV file"),
        "binary.xlsb": File(
            Book([Sheet(sound)], kind="application/vnd.ms-excel.sheet.binary.macroEnabled.main").bytes(),
            refused="(.xlsb)",
        ),
        "open.ods": File(
            archive({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<x/>"}),
            refused="(.ods)",
        ),
        "apple.numbers": File(archive({"Index/Document.iwa": b"x"}), refused="is an Apple Numbers document"),
        "letter.docx": File(
            Book([], kind="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml").bytes(),
            refused="is a Word document",
        ),
        "locked.xlsx": File(ole + "EncryptedPackage\0".encode("utf-16-le"), refused="is protected by a password"),
        "old.xls": File(ole + "Workbook\0".encode("utf-16-le"), refused="is an old Excel workbook (.xls)"),
        "oldest.xls": File(struct.pack("<HHHH", 9, 4, 2, 16), refused="is an old Excel workbook (.xls)"),
        "old.doc": File(ole + "WordDocument\0".encode("utf-16-le"), refused="is a Word document (.doc)"),
    }
