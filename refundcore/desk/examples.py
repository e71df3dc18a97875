"""The worked examples of the policy page: small claims of our own, judged live under the policy as it is now."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import streamlit as st

from refundcore.deadlines import micros
from refundcore.facts import Claims
from refundcore.intake.cells import convert
from refundcore.policy import Policy
from refundcore.rules import judge
from refundcore.words import explain

EXAMPLES = Path(__file__).resolve().parents[2] / "data" / "examples.csv"


@dataclass(frozen=True)
class Example:
    """One example and what the policy says of it."""

    title: str
    reason: str
    verdict: str
    leaning: str
    clause: str
    clauses: tuple[str, ...]
    """All that decided it."""
    sentence: str


def worked(policy: Policy) -> Sequence[Example]:
    """The examples in the order of their file, judged under a policy; kept for as long as it stays the same.

    Raises `ValueError` for a file of examples that cannot be read as claims.
    """
    found: tuple[Example, ...] = _worked(policy.fingerprint, _policy=policy)
    return found


@st.cache_data(max_entries=4, show_spinner=False)
def _worked(fingerprint: str, *, _policy: Policy) -> tuple[Example, ...]:
    del fingerprint  # it is there to be compared
    policy = _policy
    with EXAMPLES.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    columns = {name: [row[name] for row in rows] for name in rows[0] if name not in {"title", "as_of"}}
    converted = convert(columns, zone=policy.zone, lines=range(2, len(rows) + 2))
    if converted.problems:
        raise ValueError(f"{EXAMPLES}: {converted.problems[0]}")
    claims = converted.claims
    as_of = np.array([micros(datetime.fromisoformat(row["as_of"])) for row in rows], dtype=np.int64)
    judged = judge(claims, policy, as_of)
    return tuple(
        Example(
            title=row["title"],
            reason=row["reason"],
            verdict=judged["verdict"].iloc[place],
            leaning=judged["leaning"].iloc[place],
            clause=judged["clause"].iloc[place],
            clauses=tuple(judged["clauses"].iloc[place].split()),
            sentence=explain(
                Claims.of(claims.frame.iloc[[place]].reset_index(drop=True)), policy, int(as_of[place])
            ).headline,
        )
        for place, row in enumerate(rows)
    )
