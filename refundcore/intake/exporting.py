"""Rows that were left out, as a file to be mended and brought again."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

LINE, BECAUSE = "rejected_line", "rejected_because"
SPARE = re.compile(r"column \d+")
"""The name of a column for cells that a row has too many."""

_SIGNS = ("=", "+", "-", "@")
_FORMULA = (*_SIGNS, "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula."""


def harmless(text: str) -> str:
    """A text that no spreadsheet evaluates: what could begin a formula gets an apostrophe before it."""
    begins = text.startswith(_FORMULA) or text.lstrip().startswith(_SIGNS)
    return f"'{text}" if begins and not _is_number(text) else text


def _is_number(text: str) -> bool:
    body = text[1:]
    return text[0] in "+-" and bool(body) and body.replace(".", "", 1).replace(",", "").isdecimal()


def rejects_file(header: Sequence[str], rejects: Iterable[tuple[int, Sequence[str], str]]) -> Iterator[bytes]:
    """CSV in pieces: the original columns, the line each row had, and why it was left out.

    The desk recognises its own two columns when the mended file comes back.
    """
    own = {LINE, BECAUSE}
    keep = [place for place, name in enumerate(header) if name not in own]
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([*(harmless(header[place]) for place in keep), LINE, BECAUSE])
    yield b"\xef\xbb\xbf"
    for line, cells, why in rejects:
        row = [harmless(cells[place]) if place < len(cells) else "" for place in keep]
        row += [harmless(cell) for cell in cells[len(header) :]]  # a row with too many cells stays as it was
        writer.writerow([*row, line, harmless(why)])
        if buffer.tell() > 1 << 16:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()
