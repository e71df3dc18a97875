"""A reply as a list of sentences, each with its clause and the facts that it rests on; and what an agent made of it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from refundcore.facts import Claims
from refundcore.policy import Policy
from refundcore.promises import Told
from refundcore.replies.texts import BREAKS, Text, names_in, render, worded
from refundcore.replies.values import FOLLOWS, Decided, Value, answer_value, asked, chosen, follows, values
from refundcore.words import case_of
from refundcore.words.case import Case

OUTCOMES = tuple(FOLLOWS)
_END = re.compile(r"[.!?:][”\"’')\]]*(?=\s)")


@dataclass(frozen=True)
class Sentence:
    """One sentence of a reply."""

    id: str
    """Its name in the document; "" for one that an agent wrote."""
    text: str
    clause: str = ""
    facts: tuple[str, ...] = ()
    """The facts that it rests on; of a question, the one that it asks for."""
    before: str = ""
    """What stands between it and the sentence before."""
    own: bool = False
    """The agent's own: changed or added."""
    desks: bool = False
    """A manager worded it for the whole desk."""
    told: tuple[Told, ...] = ()
    """The deadlines that it tells the customer."""


@dataclass(frozen=True)
class Reply:
    """What is written to a customer."""

    outcome: str
    sentences: tuple[Sentence, ...]
    removed: tuple[Sentence, ...] = ()
    """What an agent left out, or put other words in the place of."""

    @property
    def text(self) -> str:
        """The whole reply as plain text."""
        return "".join(f"{sentence.before}{sentence.text}" for sentence in self.sentences)

    @property
    def told(self) -> tuple[Told, ...]:
        """The deadlines that the customer is told, each once."""
        return tuple(dict.fromkeys(one for sentence in self.sentences for one in sentence.told))

    @property
    def own(self) -> int:
        """How many sentences are the agent's own."""
        return sum(sentence.own for sentence in self.sentences)


def compose(
    claim: Claims,
    policy: Policy,
    as_of: int,
    outcome: str,
    *,
    zone: str | None = None,
    ref: str = "",
    decided: Decided | None = None,
    texts: Mapping[str, str] | None = None,
    answer_by: int | None = None,
    ask_for: Sequence[str] | None = None,
) -> Reply:
    """The reply of an outcome (one of `OUTCOMES`) to a claim (a table of one row), as of an instant.

    `decided` are the amounts of a decision that was made, `texts` a manager's own wording by a sentence's id,
    `answer_by` until when an answer is asked for where that is the desk's own choice, `ask_for` the facts that an
    `ask` asks for where somebody chose them. A sentence that rests on anything unknown is left out; where the outcome
    isn't the policy's verdict, so is what the policy would say of it. Raises `ValueError` for another outcome or a
    table of another size.
    """
    if outcome not in FOLLOWS:
        raise ValueError(f"'{outcome}' is no outcome of a reply: choose one of {', '.join(OUTCOMES)}.")
    case = case_of(claim, policy, as_of, zone)
    return compose_of(case, outcome, ref=ref, decided=decided, texts=texts, answer_by=answer_by, ask_for=ask_for)


def compose_of(
    case: Case,
    outcome: str,
    *,
    ref: str = "",
    decided: Decided | None = None,
    texts: Mapping[str, str] | None = None,
    answer_by: int | None = None,
    ask_for: Sequence[str] | None = None,
) -> Reply:
    """The reply of an outcome to a claim that was judged already."""
    known = values(case, outcome, ref, decided)
    wanted = None if ask_for is None or outcome != "ask" else tuple(ask_for)
    if wanted is not None:
        for name in ("anything_asked", "grounds_wanted", "evidence_wanted", "answer_by"):
            known.pop(name, None)
        known |= chosen(case, wanted)
    if answer_by is not None and "anything_asked" in known:
        known["answer_by"] = answer_value(case, answer_by)
    asks = asked(case, wanted) if wanted is not None or follows(outcome, case) else []
    made: list[Sentence] = []
    for text in worded(texts or {}):
        if outcome in text.outcomes:
            made += _sentences(case, text, known, asks, follows=follows(outcome, case))
    return Reply(outcome, tuple(replace(one, before="" if not place else one.before) for place, one in enumerate(made)))


def _sentences(
    case: Case, text: Text, known: Mapping[str, Value], asks: Sequence[Value], *, follows: bool
) -> list[Sentence]:
    """The sentence of a text, one for each question, or none."""
    if text.leads and not (follows and case.clause in text.leads):
        return []
    if any(name in known for name in text.unless):
        return []
    if "question" in text.needs:
        return [
            found
            for question in asks
            if (found := _sentence(case, text, {**known, "question": question}, follows=follows))
        ]
    found = _sentence(case, text, known, follows=follows)
    return [found] if found else []


def _sentence(case: Case, text: Text, known: Mapping[str, Value], *, follows: bool) -> Sentence | None:
    if any(name not in known for name in text.needs):
        return None
    clause = (case.clause if follows else "") if text.clause == "lead" else text.clause
    facts = dict.fromkeys(fact for name in text.needs for fact in known[name].facts)
    return Sentence(
        id=text.id,
        text=render(text.text, {name: value.text for name, value in known.items()}),
        clause=clause,
        facts=tuple(facts),
        before=BREAKS[text.begins],
        desks=text.desks,
        told=tuple(one for name in names_in(text.text) if (one := known[name].told)),
    )


def attributed(reply: Reply, text: str) -> Reply:
    """The reply as an agent left it: what stands as it was keeps its grounds, what is changed or added is their own."""
    before = [piece for sentence in reply.sentences for piece in _pieces_of(sentence)]
    after = _cut(text.replace("\r\n", "\n").strip())
    matcher = difflib.SequenceMatcher(
        None, [piece.text for piece in before], [" ".join(words.split()) for _, words in after], autojunk=False
    )
    kept: list[Sentence] = []
    removed: list[Sentence] = []
    for what, start, end, first, last in matcher.get_opcodes():
        if what == "equal":
            gaps = [gap for gap, _ in after[first:last]]
            shown = [words for _, words in after[first:last]]
            kept += [
                replace(piece, before=gap, text=words)
                for piece, gap, words in zip(before[start:end], gaps, shown, strict=True)
            ]
            continue
        removed += before[start:end]
        kept += [Sentence("", words, before=gap, own=True) for gap, words in after[first:last]]
    return replace(reply, sentences=tuple(kept), removed=tuple(removed))


def _pieces_of(sentence: Sentence) -> list[Sentence]:
    """A sentence cut as an edited text is cut: some texts of the document hold two."""
    return [replace(sentence, text=" ".join(words.split())) for _, words in _cut(sentence.text)]


def _cut(text: str) -> list[tuple[str, str]]:
    """A text cut at the ends of sentences and lines: what stood before each piece, and the piece."""
    pieces: list[tuple[str, str]] = []
    gap = ""
    for line in re.split(r"(\s*\n\s*)", text):
        if not line.strip():
            gap = _gap(line) if "\n" in line else gap
            continue
        for words in _in_line(line):
            pieces.append((gap if pieces else "", words))
            gap = " "
    return pieces


def _gap(between: str) -> str:
    return "\n\n" if between.count("\n") > 1 else "\n"


def _in_line(line: str) -> Sequence[str]:
    cuts = [0, *(found.end() for found in _END.finditer(line)), len(line)]
    return [words for start, end in pairwise(cuts) if (words := line[start:end].strip())]
