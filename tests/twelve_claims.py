"""The twelve claims that the small files of tests tell of, and what is to be said of such a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

HEADER = ["claim_ref", "order_ref", "product", "reason", "purchased_at", "submitted_at", "amount", "currency"]
PRODUCT, PURCHASED, SUBMITTED, AMOUNT = 2, 4, 5, 6
"""Places in the header."""
COUNT = 12
SECONDS = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True)
class Claim:
    """One of the claims, as a program would know it."""

    ref: str
    order: int
    product: str
    purchased: datetime
    submitted: datetime
    cents: int

    @property
    def amount(self) -> float:
        return self.cents / 100

    def typed(self) -> list[object]:
        """As a row of a workbook."""
        return [
            self.ref, self.order, self.product, "invalid_number", self.purchased, self.submitted, self.amount, "EUR",
        ]  # fmt: skip

    def texts(self, moment: str = SECONDS, mark: str = ".") -> list[object]:
        """As a row of a text."""
        return [
            self.ref, str(self.order), self.product, "invalid_number", self.purchased.strftime(moment),
            self.submitted.strftime(moment), f"{self.amount:.2f}".replace(".", mark), "EUR",
        ]  # fmt: skip


CLAIMS = [
    Claim(
        f"F-{at + 1:02}",
        70_001 + at,
        ["Virtual number, 30 days", 'Panel "Plus"', "Nummer für München", "Число +7", "電話番号", "E-mail panel"][
            at % 6
        ],
        datetime(2026, 1, 3, 9, 5, 7) + timedelta(days=2 * at, minutes=37 * at),  # noqa: DTZ001 - as files are: without a zone
        datetime(2026, 1, 5, 14, 0, 0) + timedelta(days=2 * at + at % 3),  # noqa: DTZ001
        1_895 + 1_234_01 * (at % 4 == 3) + 105 * at,
    )
    for at in range(COUNT)
]


@dataclass(frozen=True)
class File:
    """A file and what it must come to."""

    data: bytes
    rows: int = COUNT
    """Usable rows, each with the facts of the claim of its reference."""
    rejected: Sequence[int] = ()
    left_out: Sequence[int] = ()
    asks: str = ""
    """The key of a question that it leaves open; `answers` settle it."""
    answers: dict[str, str] = field(default_factory=dict)
    refused: str = ""
    """What the refusal says."""
    notice: str = ""
    days_only: bool = False
    """The file tells no time of day."""
    differ: Sequence[str] = ()
    """Facts that the file tells otherwise."""


def text(rows: Sequence[Sequence[object]], *, delimiter: str = ",", end: str = "\n", quoting: int = 0) -> str:
    """Rows as separated values."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    return buffer.getvalue()


def rows_of(make: Callable[[int, Claim], Sequence[object]]) -> list[list[object]]:
    """The header, and a row that is made of each claim and its number."""
    return [list(HEADER), *(list(make(at, claim)) for at, claim in enumerate(CLAIMS))]


def but(row: Sequence[object], **values: object) -> list[object]:
    """A row with other values in the columns named."""
    return [values.get(name, value) for name, value in zip(HEADER, row, strict=True)]


def plain(moment: str = SECONDS, mark: str = ".") -> list[list[object]]:
    """The header and all claims as texts."""
    return rows_of(lambda _, claim: claim.texts(moment, mark))


def typed() -> list[list[object]]:
    """The header and all claims as values of a workbook."""
    return rows_of(lambda _, claim: claim.typed())
