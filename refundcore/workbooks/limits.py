"""How large a workbook may be, and the errors that end its reading."""

from __future__ import annotations

import contextlib
import os

MEMBERS = 10_000
"""Parts in the archive."""
UNPACKED = 1 << 30
"""Bytes of all the parts that are read, unpacked."""
RATIO, RATIO_FROM = 500, 10 << 20
"""A part larger than this unpacked that packs so many times smaller is a trap: real sheets pack 5 to 50 times."""
ROWS = 250_000
"""Rows that hold anything, of all the sheets that are read."""
CELLS = 5_000_000
ROWS_OF_EXCEL, COLUMNS_OF_EXCEL = 1_048_576, 16_384
LONGEST_CELL = 1 << 22
"""Characters."""

MEMORY = 768 << 20
"""Bytes of address space."""
CPU = 40
"""Seconds of computing."""

AS_CSV = "Save the sheet as “CSV UTF-8” and bring that file, which may be of any size (by the command line)."
AGAIN = "Download it again, or open it in a spreadsheet program, save it anew and bring that file."


class Refusal(Exception):  # noqa: N818 - it is no fault of the program
    """A workbook that is not read; its text goes on after the file's name: "is damaged ..."."""


class Damaged(Refusal):
    """A workbook of which a part is missing or makes no sense."""

    def __init__(self, what: str) -> None:
        super().__init__(f"is cut off or damaged: {what}. {AGAIN}")


def confine(memory: int) -> None:
    """Limit what this process may use: bytes of memory, time, no file to write, no core dump; others go first."""
    with contextlib.suppress(ImportError):  # Windows has no such limits; the desk ends the process by the clock alone
        import resource  # noqa: PLC0415

        for kind, most in (
            (resource.RLIMIT_AS, memory),
            (resource.RLIMIT_CPU, CPU),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_NOFILE, 16),
        ):
            hard = resource.getrlimit(kind)[1]
            limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (limit, limit))
        os.nice(5)
