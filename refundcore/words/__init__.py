"""A verdict in words: why, clause by clause, what to ask, and until when.

Every sentence is made from the facts, the clauses and the deadlines by which the claim was judged; nothing here
decides anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from refundcore import promises
from refundcore.facts import VERDICTS, Claims
from refundcore.policy import READINGS, Policy
from refundcore.promises import Broken, Told
from refundcore.rules import judge
from refundcore.words import deadlines, headline, questions, sentences, turning
from refundcore.words.case import Case
from refundcore.words.deadlines import DeadlineLine
from refundcore.words.questions import MissingLine
from refundcore.words.turning import SecondBest, Turn

__all__ = [
    "ClauseLine",
    "DeadlineLine",
    "Explanation",
    "MissingLine",
    "ReadingLine",
    "SecondBest",
    "Turn",
    "case_of",
    "explain",
    "turning_points",
]


@dataclass(frozen=True)
class ClauseLine:
    """One clause and how the claim stands by it."""

    id: str
    title: str
    text: str
    """Its wording on the day of the order, numbers filled in."""
    paragraph: int
    state: str
    """`met`: nothing in it stands against the claim; `not_met`; `unknown`; or `not_concerned`."""
    role: str
    sentence: str
    word: str
    """The state in a word or two: `kept`, `missed`, `applies`, `doesn't apply`, `readings differ`, ..."""


@dataclass(frozen=True)
class ReadingLine:
    """What one of the three readings makes of the claim."""

    name: str
    verdict: str
    clause: str
    sentence: str


@dataclass(frozen=True)
class Explanation:
    """Everything that there is to say about a claim."""

    headline: str
    verdict: str
    leaning: str
    clauses: list[ClauseLine]
    readings: list[ReadingLine]
    parting: list[tuple[str, str]]
    """Where the readings split the claim: the place and both meanings."""
    missing: list[MissingLine]
    deadlines: list[DeadlineLine]
    refund: str
    fee: str
    """Empty where no fee is kept."""
    second_best: list[SecondBest]
    """Other reasons that the same facts fit better, where this one fails."""
    broken: Broken | None = None
    """A deadline that the customer was told and that is worse now; then the verdict is a review."""


def explain(
    claim: Claims, policy: Policy, as_of: int, zone: str | None = None, *, told: Sequence[Told] = ()
) -> Explanation:
    """Explains the verdict on one claim (a table of one row) as of an instant in microseconds.

    `told` are the deadlines that the customer was told: one that is worse now makes the verdict a review, whatever
    the policy says otherwise. Raises `ValueError` for a table of another size.
    """
    case = case_of(claim, policy, as_of, zone)
    found = promises.broken(claim, policy, as_of, told, case.verdict, zone=zone)
    explanation = _explanation(case, policy)
    return _held_to(explanation, case, found) if found else explanation


def _held_to(said: Explanation, case: Case, found: Broken) -> Explanation:
    """The explanation of a claim whose customer was told a deadline that is worse now."""
    return replace(
        said,
        headline=headline.promise(case, found),
        verdict="review",
        leaning=said.verdict if said.verdict in promises.DECIDED else said.leaning,
        missing=[],
        refund="",
        fee="",
        broken=found,
    )


def _explanation(case: Case, policy: Policy) -> Explanation:
    lines = deadlines.lines(case)
    asked = questions.lines(case)
    parting = _parting(case)
    refund, fee = _money(case)
    return Explanation(
        headline=headline.of(case),
        verdict=case.verdict,
        leaning=case.leaning,
        clauses=[_clause(case, name) for name in policy.clauses],
        readings=[_reading(case, place, name) for place, name in enumerate(READINGS)],
        parting=parting,
        missing=asked,
        deadlines=lines,
        refund=refund,
        fee=fee,
        second_best=turning.second_best(case),
    )


def turning_points(claim: Claims, policy: Policy, as_of: int, zone: str | None = None) -> list[Turn]:
    """The smallest changes of facts that would lead to another verdict. Raises `ValueError` as `explain` does."""
    return turning.turns(case_of(claim, policy, as_of, zone))


def case_of(claim: Claims, policy: Policy, as_of: int, zone: str | None = None) -> Case:
    """One claim (a table of one row) with all that is said of it. Raises `ValueError` for a table of another size."""
    if len(claim) != 1:
        raise ValueError(f"One claim is explained at a time, not {len(claim)}.")
    zone = zone or policy.zone
    return Case(claim, policy, as_of, zone, judge(claim, policy, as_of, zone=zone).iloc[0])


def _money(case: Case) -> tuple[str, str]:
    if case.verdict != "approve":
        return "", ""
    return case.money(case.refund), case.money(case.fee) if case.fee else ""


def _clause(case: Case, name: str) -> ClauseLine:
    clause = case.policy.clauses[name]
    state = sentences.state(case, name)
    return ClauseLine(
        id=name,
        title=clause.title,
        text=clause.on(case.order_day),
        paragraph=clause.paragraph,
        state=state,
        role=clause.roles[0],
        sentence=sentences.of(case, name, state),
        word=sentences.word(case, name, state),
    )


def _reading(case: Case, place: int, name: str) -> ReadingLine:
    """The verdict under one reading alone, before the readings are put together."""
    verdicts = case.effects.verdict[:, place]
    if (verdicts != verdicts[0]).any():
        return ReadingLine(name, "need_info", "", "Depends on facts that are not known yet.")
    verdict = VERDICTS[int(verdicts[0])]
    role = {"deny": "bar", "need_info": "supply", "review": "hold", "pending": "clock", "exchange": "remedy"}.get(
        verdict, "ground"
    )
    bits = int(np.bitwise_and.reduce(case.effects.bits[role][:, place]))
    names = case.book.names(bits)
    clause = names[0] if names else ""
    said = sentences.of(case, clause, sentences.MET) if clause else headline.VERDICTS[verdict]
    return ReadingLine(name, verdict, clause, said)


def _parting(case: Case) -> list[tuple[str, str]]:
    """Both meanings of each place where the readings part the claim."""
    if case.verdict != "review":
        return []
    places = case.book.places(case.policy, case.reason)
    verdicts = case.book.otherwise(case.known, places, case.policy, case.reason)
    usual = case.effects.verdict[:, 1]
    alone = [place for column, place in enumerate(places) if (verdicts[:, column] != usual).any()]
    # Where no place decides alone, those that stand behind the clauses do together.
    together = [place for place in places if set(place[0].parts) & set(case.clauses)]
    return [
        (
            reading.id,
            (
                f"{reading.title}: usually read as “{reading.meanings[reading.default]}”; "
                f"it can also be read as “{reading.meanings[value]}”."
            ),
        )
        for reading, value in alone or together
    ]
