"""The desk's own sample of claims, with its dates moved so that its anchor is now."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from refundcore.facts import BY_NAME
from refundcore.intake.files import Source

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample_claims.csv"
ANCHOR = datetime(2026, 3, 16, 12, 0, tzinfo=UTC)
"""The moment at which the file's dates were written down."""

STAYS = timedelta(days=365)
"""An instant so long before the anchor stays where it is: an order from before the policy's first day."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def sample(at: datetime) -> Source:
    """The sample with every instant as far from `at` as it is from the anchor in the file.

    A date alone moves by whole days, and the hour of the day is kept to the anchor's distance.
    """
    shift = at.astimezone(UTC).replace(second=0, microsecond=0) - ANCHOR
    with SAMPLE.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        names = list(reader.fieldnames or [])
        rows = [
            {
                name: _moved(text, shift) if name in BY_NAME and BY_NAME[name].kind == "instant" else text
                for name, text in row.items()
            }
            for row in reader
        ]
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return Source(SAMPLE.name, data=buffer.getvalue().encode())


def _moved(text: str, shift: timedelta) -> str:
    if not text:
        return ""
    alone = _DATE.fullmatch(text)
    moment = datetime.fromisoformat(f"{text}T00:00:00+00:00" if alone else text)
    if moment < ANCHOR - STAYS:
        return text
    if alone:
        return (moment + timedelta(days=round(shift / timedelta(days=1)))).date().isoformat()
    return (moment + shift).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
