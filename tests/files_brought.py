"""Files through the intake without a desk: their plan, and what comes of their rows."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd

from refundcore import intake
from refundcore.intake import Plan, Wishes


def planned(given_: Path | bytes, **answers: str) -> tuple[intake.Source, Plan]:
    file = intake.source(given_, "claims.xlsx" if isinstance(given_, bytes) else "")
    return file, intake.plan(file, zone="UTC", wishes=Wishes(answers=answers))


def brought(file: intake.Source, plan: Plan) -> tuple[pd.DataFrame, dict[int, str], list[int]]:
    """The claims, the rejected lines with why, and the lines that are no rows."""
    batches = list(intake.rows(file, plan))
    frames = [batch.claims.frame for batch in batches if len(batch.claims)]
    claims = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    rejected = {reject.line: reject.why for batch in batches for reject in batch.rejected}
    return claims, rejected, [line for batch in batches for line, _ in batch.left_out]


def moment(us: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(us / 1e6, dt.UTC).replace(tzinfo=None)
