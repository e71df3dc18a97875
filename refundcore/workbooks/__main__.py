"""A workbook from standard input to frames on standard output.

A frame is the length of what follows its head (4 bytes, the highest first), one letter, and that many bytes:

    W  the workbook: {"epoch": 1900, "sheets": [{"name", "hidden", "table"}, ...]}
    S  a sheet begins: {"name"}
    R  rows of it, packed by zlib: [[number, cells, flaws, numbers], ...]
    E  the sheet ends: what `sheets.Found` holds
    X  the end: {"refused": the sentence after the file's name, or ""}

Its arguments are how many bytes of memory it may take, and the name of the sheet to read, which may be a hidden one;
with an empty name all that are visible are read.
"""

from __future__ import annotations

import json
import struct
import sys
import zlib
from dataclasses import asdict
from typing import BinaryIO

from refundcore.workbooks import limits
from refundcore.workbooks.limits import Refusal
from refundcore.workbooks.package import Package
from refundcore.workbooks.sheets import Row, Workbook

ROWS = 2_000
CELLS = 40_000
"""A frame of rows is sent when it has so many."""

HEAD = struct.Struct(">IB")


def send(out: BinaryIO, letter: bytes, content: bytes) -> None:
    """Write one frame."""
    out.write(HEAD.pack(len(content), letter[0]) + content)


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def read(stream: BinaryIO, out: BinaryIO, wanted: str) -> None:
    """Send what the workbook holds, or raise `Refusal`."""
    book = Workbook(Package(stream))
    listed = [{"name": sheet.name, "hidden": sheet.hidden, "table": sheet.table} for sheet in book.sheets]
    send(out, b"W", _json({"epoch": book.epoch, "sheets": listed}))
    for sheet in book.sheets:
        if not sheet.table or (sheet.name != wanted if wanted else sheet.hidden):
            continue
        send(out, b"S", _json({"name": sheet.name}))
        rows: list[Row] = []
        size = 0

        def take(row: Row, rows: list[Row] = rows) -> None:
            nonlocal size
            rows.append(row)
            size += len(row[1])
            if len(rows) >= ROWS or size >= CELLS:
                send(out, b"R", zlib.compress(_json(rows), 1))
                rows.clear()
                size = 0

        found = book.read(sheet, take)
        if rows:
            send(out, b"R", zlib.compress(_json(rows), 1))
        send(out, b"E", _json(asdict(found)))


def main() -> None:
    """Read within limits. What goes wrong is said in the last frame, unless the limits end the process itself."""
    memory, wanted = sys.argv[1:]
    limits.confine(int(memory))
    out = sys.stdout.buffer
    said = ""
    try:
        read(sys.stdin.buffer, out, wanted)
    except Refusal as refusal:
        said = str(refusal)
    except MemoryError:
        said = f"needs more memory than one workbook may take. {limits.AS_CSV}"
    except Exception:  # noqa: BLE001 - whatever a damaged file leads to, it is told in a sentence
        said = str(limits.Damaged("it makes no sense as a workbook"))
    send(out, b"X", _json({"refused": said}))
    out.flush()


if __name__ == "__main__":
    main()
