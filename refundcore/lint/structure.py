"""Conflicts and gaps that a document's structure shows: periods, starts, promises, words, exclusions and papers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import date

from refundcore.lint.finding import Finding, settled
from refundcore.policy import Clause, Policy
from refundcore.published import GOODS

HOURS = {"hours": 1, "days": 24}
"""Hours of what a number of a period counts, which its name ends with."""


def structural(policy: Policy, on: date) -> list[Finding]:
    """The findings about a document's structure with the numbers of a day; what is switched off says nothing."""
    applied = [clause for clause in policy.clauses.values() if not clause.off]
    checks: tuple[Callable[[Policy, list[Clause], date], Iterator[Finding]], ...] = (
        _counts,
        _starts,
        _fees,
        _terms,
        _scopes,
        _papers,
    )
    return [settled(policy, finding) for check in checks for finding in check(policy, applied, on)]


def _ordered(policy: Policy, names: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in policy.clauses if name in names)


def _length(clause: Clause, on: date) -> tuple[int, str]:
    """How many hours a clause's period lasts, and how that is told."""
    assert clause.said.window is not None  # noqa: S101 - asked of clauses with a period only
    name = clause.said.window.number
    dated, unit = clause.numbers[name], name.rsplit("_", 1)[-1]
    number = dated[max((day for day in dated if day <= on), default=min(dated))]
    return number * HOURS.get(unit, 1), f"{number} {unit}"


def _counts(policy: Policy, applied: list[Clause], on: date) -> Iterator[Finding]:
    """Periods within which the same has to happen, for the same reasons, and which are not equally long."""
    left = [clause for clause in applied if clause.said.window]
    while left:
        group, grown = [left.pop(0)], True
        while grown:  # all that contradict one of the group belong to it
            more = [clause for clause in left if any(_contradict(clause, other, on) for other in group)]
            left = [clause for clause in left if clause not in more]
            group, grown = group + more, bool(more)
        if len(group) > 1:
            by_length: dict[tuple[int, str], list[str]] = {}
            for clause in group:
                by_length.setdefault(_length(clause, on), []).append(clause.id)
            told = "; ".join(f"{text} by {', '.join(names)}" for (_, text), names in sorted(by_length.items()))
            names = _ordered(policy, [clause.id for clause in group])
            yield Finding("counts", names, names, f"Within which time the same has to happen differs: {told}.")


def _contradict(one: Clause, other: Clause, on: date) -> bool:
    assert one.said.window is not None and other.said.window is not None  # noqa: S101, PT018
    same = one.said.window.event == other.said.window.event and set(one.reasons) & set(other.reasons)
    return bool(same) and _length(one, on)[0] != _length(other, on)[0]


def _starts(_: Policy, applied: list[Clause], on: date) -> Iterator[Finding]:
    for clause in applied:
        if clause.said.window and not clause.said.window.start:
            told = f"{_length(clause, on)[1]} are given, and nobody says from when they run."
            yield Finding("start", (clause.id,), (clause.id,), told)


def _fees(policy: Policy, applied: list[Clause], _: date) -> Iterator[Finding]:
    """A fee that may be kept where another clause promises the whole price, without an exception of the text's own."""
    for fee in applied:
        for whole in applied:
            if "fee" in fee.roles and whole.said.in_full and whole.id not in fee.said.excepts:
                names = _ordered(policy, {fee.id, whole.id})
                told = f"{whole.id} promises the whole price, {fee.id} lets a fee be kept and doesn't except it."
                yield Finding("fee", names, names, told)


def _terms(policy: Policy, applied: list[Clause], _: date) -> Iterator[Finding]:
    for term in policy.terms.values():
        users = tuple(clause.id for clause in applied if term.id in clause.said.terms)
        if users and not term.meaning:
            yield Finding("term", users, users, f"Something hangs on “{term.word}”, and nobody says what it means.")


def _scopes(policy: Policy, applied: list[Clause], _: date) -> Iterator[Finding]:
    """Exclusions that leave out what a sibling excludes too, so that it could still be had."""
    excluding = [clause for clause in applied if clause.said.excludes]
    for narrow in excluding:
        wider = [clause for clause in excluding if set(narrow.said.excludes) < set(clause.said.excludes)]
        if wider:
            lacks = [
                good
                for good in GOODS
                if good not in narrow.said.excludes and any(good in clause.said.excludes for clause in wider)
            ]
            gives = [clause.id for clause in applied if "remedy" in clause.roles and "exchange" in lacks]
            names = _ordered(policy, {narrow.id, *(clause.id for clause in wider), *gives})
            told = (
                f"{narrow.id} excludes {_listed(narrow.said.excludes)} only;"
                f" {', '.join(clause.id for clause in wider)} names {_listed(lacks)} as well."
            )
            yield Finding("scope", names, (narrow.id,), told)


def _papers(policy: Policy, applied: list[Clause], _: date) -> Iterator[Finding]:
    for paper in policy.documents.values():
        users = tuple(clause.id for clause in applied if paper.id in clause.said.documents)
        if users and not paper.supplied:
            told = f"“{paper.title}” decides, and it is not part of what the desk knows."
            yield Finding("document", users, users, told)


def _listed(words: Collection[str]) -> str:
    return " and ".join(f"a {word}" if word[0] not in "aeiou" else f"an {word}" for word in words)
