"""The files of a batch: what the payment system is given, and what comes back from it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from refundcore import money
from refundcore.intake.exporting import harmless
from refundcore.store import Payout, Returned

COLUMNS = ("payout_key", "amount", "currency", "route", "order", "item", "claim")
NEEDED = ("payout_key", "amount", "currency", "result")
"""What a returned file has to have; the payment system adds the result (paid or failed) and, if it likes, why."""

MOST_LINES = 5_000
MOST_BYTES = 2_000_000


def batch_file(payouts: Sequence[Payout]) -> bytes:
    """CSV, one line a payout: its key, the amount with its currency's decimals, the route, order, item and claim.

    The same payouts give the same bytes. Nothing in it is taken for a formula by a spreadsheet.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for payout in payouts:
        amount = money.plain(payout.amount, payout.currency)
        texts = (payout.route, payout.order_ref, payout.item_ref, payout.ref)
        writer.writerow([payout.key, amount, payout.currency, *(harmless(text) for text in texts)])
    return buffer.getvalue().encode()


def returned_file(data: bytes) -> tuple[list[Returned], list[str]]:
    """The lines of a returned file, and what of it cannot be read, by line.

    It has the columns of `batch_file`, in any order, and `result` (paid or failed); `why` is optional.
    """
    try:
        names, rows = _rows(data)
    except ValueError as wrong:
        return [], [str(wrong)]
    lines: list[Returned] = []
    problems: list[str] = []
    for number, cells in enumerate(rows, 2):
        if not any(cell.strip() for cell in cells):
            continue
        row = dict(zip(names, (cell.strip().removeprefix("'") for cell in cells), strict=False))
        currency = row.get("currency", "").upper()
        try:
            amount = money.parse(_point(row.get("amount", "")), currency)
        except ValueError as wrong:
            problems.append(f"Line {number}: {wrong}")
            continue
        result = row.get("result", "").casefold()
        lines.append(Returned(number, row.get("payout_key", ""), amount, currency, result, row.get("why", "")[:500]))
    return lines, problems


def _rows(data: bytes) -> tuple[list[str], list[list[str]]]:
    """The names of the columns and the rows below them. Raises `ValueError` with a sentence."""
    if len(data) > MOST_BYTES:
        raise ValueError(f"The file is larger than {MOST_BYTES // 1_000_000} MB: no batch is.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("The file is not text in UTF-8: export it as CSV UTF-8.") from None
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as wrong:
        raise ValueError(f"The file is no CSV: {wrong}.") from wrong
    names = [cell.strip().casefold() for cell in rows[0]] if rows else []
    if missing := [name for name in NEEDED if name not in names]:
        raise ValueError(f"Line 1: the column {missing[0]} is missing; wanted are {', '.join(NEEDED)}.")
    if twice := next((name for name in NEEDED if names.count(name) > 1), ""):
        raise ValueError(f"Line 1: the column {twice} stands there twice.")
    if len(rows) > MOST_LINES:
        raise ValueError(f"The file has more than {MOST_LINES:,} lines: no batch has.")
    return names, rows[1:]


def _point(amount: str) -> str:
    """An amount with a decimal point where a spreadsheet has put a comma."""
    return amount.replace(",", ".") if amount.count(",") == 1 and "." not in amount else amount
