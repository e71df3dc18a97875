"""Small texts of separated values of every kind, and files that are no tables, with what each must come to."""

from __future__ import annotations

import csv

from twelve_claims import AMOUNT, CLAIMS, HEADER, PRODUCT, File, but, plain, rows_of, text
from workbook_writer import serial

ORDER = 1


def _changed(at: int, place: int, value: str) -> list[list[object]]:
    """All claims as texts, with another value in one cell."""
    rows = plain()
    rows[at][place] = value
    return rows


def texts() -> dict[str, File]:
    """Text of separated values."""
    western = [row for row in plain() if row[0] not in {"F-04", "F-05", "F-10", "F-11"}]
    body = text(plain())
    lines = body.splitlines(keepends=True)
    mixed = "".join(line.replace("\n", "\r\n") if at % 2 else line for at, line in enumerate(lines))
    short = [row[:4] if at == 4 else row for at, row in enumerate(plain())]
    words = " Claim Ref,ORDER REF,Product,Reason,Purchased\u00a0at,Submitted-At,Amount (EUR),Currency"
    days = [c.texts("%d/%m/%Y") for c in CLAIMS if c.purchased.day < 13 and c.submitted.day < 13]
    numbered = rows_of(
        lambda _, c: but(
            c.texts(), purchased_at=f"{serial(c.purchased):.6f}", submitted_at=f"{serial(c.submitted):.6f}"
        )
    )
    guarded = rows_of(lambda _, c: but(c.texts(), claim_ref=f'="{c.ref}"', order_ref=f'="{c.order}"'))
    floated = rows_of(lambda _, c: but(c.texts(), order_ref=f"{c.order}.0"))
    wide = [[*row, *("" if at else f"q{n}" for n in range(600))] for at, row in enumerate(plain())]
    cell = '"Virtual number, 30 days"'
    return {
        "comma.csv": File(body.encode()),
        "semicolon_decimal_comma.csv": File(text(plain("%d.%m.%Y %H:%M:%S", ","), delimiter=";").encode("utf-8-sig")),
        "tab_utf16.txt": File(text(plain(), delimiter="\t", end="\r\n").encode("utf-16")),
        "bar_utf32.csv": File(text(plain(), delimiter="|").encode("utf-32")),
        "utf16_no_mark.csv": File(text(plain()).encode("utf-16-le"), notice="without a byte order mark"),
        "sep_line.csv": File(b"sep=;\n" + text(plain(), delimiter=";").encode()),
        "cp1252.csv": File(
            text(western, delimiter=";").encode("cp1252"), rows=8, asks="encoding", answers={"encoding": "cp1252"}
        ),
        "mac_roman.csv": File(
            text(western, delimiter=";").encode("mac_roman"), rows=8, asks="encoding", answers={"encoding": "mac_roman"}
        ),
        "mac_line_ends.csv": File(text(plain(), end="\r").encode()),
        "mixed_line_ends.csv": File(mixed.encode()),
        "all_quoted.csv": File(text(plain(), quoting=csv.QUOTE_ALL).rstrip("\n").encode()),
        "preamble_and_total.csv": File(
            ("Refunds\nprinted by the desk\n\n" + body + "\nTotal,,,,,,4567.00,EUR\n").encode(),
            left_out=[18],
            notice="stand before the header",
        ),
        "header_again.csv": File("".join([*lines[:6], lines[0], *lines[6:]]).encode(), left_out=[7]),
        "blank_lines.csv": File("".join([*lines[:3], "\n", "   \n", ",,,,,,,\n", *lines[3:]]).encode()),
        "header_names.csv": File(body.replace(",".join(HEADER), words, 1).encode()),
        "short_row.csv": File(text(short).encode(), rows=11, rejected=[5]),
        "comma_unquoted.csv": File(body.replace(cell, cell[1:-1], 1).encode(), rows=11, rejected=[2]),
        "unclosed_quote.csv": File(body.replace(cell, '"Virtual number', 1).encode(), rows=11, rejected=[2]),
        "nul.csv": File(text(_changed(2, PRODUCT, "Pan\0el")).encode(), rows=11, rejected=[3]),
        "serial_dates.csv": File(text(numbered).encode()),
        "ambiguous_dates.csv": File(
            text([HEADER, *days]).encode(),
            rows=4,
            asks="dates:purchased_at",
            answers={"dates": "dmy"},
            days_only=True,
        ),
        "two_amounts.csv": File(
            text([[*HEADER, "amount"], *([*row, "0.00"] for row in plain()[1:])]).encode(),
            asks="column:amount",
            answers={"column:amount": "amount"},
        ),
        "negative.csv": File(text(_changed(3, AMOUNT, "(18.95)")).encode(), rows=11, rejected=[4]),
        "too_many_decimals.csv": File(text(_changed(3, AMOUNT, "18.955")).encode(), rows=11, rejected=[4]),
        "endless_number.csv": File(text(_changed(3, AMOUNT, "1e999999")).encode(), rows=11, rejected=[4]),
        "guarded.csv": File(text(guarded).encode()),
        "floated.csv": File(text(floated).encode(), notice="was added by a spreadsheet"),
        "shortened.csv": File(text(_changed(5, ORDER, "7.00E+04")).encode(), rows=11, rejected=[6]),
        "wide.csv": File(text(wide).encode()),
        "header_only.csv": File((",".join(HEADER) + "\n").encode(), rows=0, notice="no row below the header"),
        "csv_named.xlsx": File(body.encode()),
        "empty.csv": File(b"", refused="is empty"),
        "mark_only.csv": File(b"\xef\xbb\xbf", refused="is empty"),
        "page_named.xls": File(
            b"<html><body><table><tr><td>claim_ref</td></tr></table></body></html>", refused="is a web page"
        ),
        "page_in_one_file.xls": File(
            b"MIME-Version: 1.0\nX-Document-Type: Workbook\nContent-Type: multipart/related; boundary=x\n\n--x\n",
            refused="is a web page",
        ),
        "archive.tar": File(b"claims.csv".ljust(257, b"\0") + b"ustar" + bytes(250), refused="is an archive (tar)"),
        "json_lines.csv": File(b'{"claim_ref": "A"}\n{"claim_ref": "B"}\n', refused="is JSON"),
        "paper.pdf": File(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", refused="is a PDF"),
        "image_named.xlsx": File(b"\x89PNG\r\n\x1a\n" + bytes(40), refused="is an image (PNG)"),
        "photo.jpg": File(b"\xff\xd8\xff\xe0" + bytes(40), refused="is an image (JPEG)"),
        "packed.csv.gz": File(b"\x1f\x8b\x08" + bytes(40), refused="is a compressed file (gzip)"),
        "letter.eml": File(b"From: a@example.org\nTo: b@example.org\nSubject: refund\n\nHello", refused="is an e-mail"),
    }
