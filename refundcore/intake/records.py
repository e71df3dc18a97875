"""The records of a file, whichever kind it is."""

from __future__ import annotations

from collections.abc import Generator

from refundcore.intake import files, sheets, tables
from refundcore.intake.files import Look, Source
from refundcore.intake.tables import Dialect, Records


def batches(
    file: Source, look: Look, dialect: Dialect, width: int = 0, at_once: int = tables.BATCH
) -> Generator[tuple[Records, float]]:
    """All records, some thousands at a time, each time with how much of the file was read so far (0 to 1).

    `width` is how many cells a record should have (0: not known), `at_once` how many characters of a text are held.
    """
    if look.sheet:
        yield from sheets.batches(look.sheet, width)
        return
    handle = file.open()
    with files.decoded(handle, look.encoding) as stream:
        for found in tables.batches(stream, dialect, width, at_once):
            yield found, min(1.0, handle.tell() / max(1, look.size))
