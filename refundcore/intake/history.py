"""What a file says became of its claims: outcome, day of the decision, money that went back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from refundcore.intake.files import Source
from refundcore.intake.planning import plan as propose
from refundcore.intake.plans import Plan, Wishes
from refundcore.intake.problems import IntakeError, clip
from refundcore.intake.reading import rows

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "outcome": ("outcome", "decision", "disposition", "resolution", "result"),
    "decided_at": ("decided at", "decision date", "date decided", "resolved at", "closed at", "refunded at"),
    "refunded": ("refunded amount", "amount refunded", "refund amount", "close amount", "paid back", "settled amount"),
}
"""What is looked for, and the names of columns under which it stands."""

OUTCOMES: Mapping[str, str] = {
    "approve": "approve",
    "approved": "approve",
    "approve in full": "approve",
    "settle": "approve",
    "settled": "approve",
    "refunded": "approve",
    "paid": "approve",
    "closed with monetary relief": "approve",
    "exchange": "exchange",
    "exchanged": "exchange",
    "replaced": "exchange",
    "deny": "deny",
    "denied": "deny",
    "rejected": "deny",
    "refused": "deny",
    "closed with explanation": "deny",
    "": "",
    "-": "",
    "open": "",
    "pending": "",
    "in progress": "",
}
"""A file's word -> the desk's outcome; '' where nothing was decided."""


@dataclass(frozen=True)
class Told:
    """One claim's past as its row tells it."""

    ref: str
    outcome: str
    at: int | None
    refund: int | None


@dataclass
class Past:
    """The past of the claims of a file, read row by row."""

    file: Source
    plan: Plan
    words: Mapping[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Told]:
        """Each decided claim; one without a word but with money that went back was approved."""
        for batch in rows(self.file, self.plan):
            columns = {
                name: batch.claims.columns[name].to_pylist()
                for name in ("claim_ref", "description", "submitted_at", "amount")
            }
            for ref, word, at, paid in zip(*columns.values(), strict=True):
                outcome = self._outcome(word or "")
                if not outcome and not (word or "").strip() and paid:
                    outcome = "approve"
                if outcome and ref:
                    yield Told(ref, outcome, at, paid if outcome == "approve" else None)

    def _outcome(self, word: str) -> str:
        known = word.strip().casefold()
        for table in (self.words, OUTCOMES):
            if known in table:
                return table[known]
        raise IntakeError(
            f"Nobody said what the outcome “{clip(word)}” means: --outcome '{clip(word)}=approve', exchange, deny or"
            " open."
        )


def past_of(file: Source, plan: Plan, words: Mapping[str, str]) -> Past:
    """The past that a file tells of its claims, beside the facts that `plan` reads.

    `words` are further words of the file and what they mean. Raises `IntakeError` where the file has no reference of
    its claims or says nothing of what became of them.
    """
    found = {
        name: column
        for name, synonyms in COLUMNS.items()
        for column in plan.names
        if " ".join(column.replace("_", " ").split()).casefold() in synonyms
    }
    refs = [name for name, fact in plan.mapping.items() if fact == "claim_ref"]
    if not refs:
        raise IntakeError("History needs a reference of each claim: map a column to claim_ref.")
    if "outcome" not in found and "refunded" not in found:
        raise IntakeError("The file tells no outcome: name a column 'outcome' (approve, exchange, deny).")
    mapping = dict.fromkeys(plan.names, "")
    mapping |= {name: fact for name, fact in plan.mapping.items() if fact in {"claim_ref", "currency"}}
    for name, fact in (("outcome", "description"), ("decided_at", "submitted_at"), ("refunded", "amount")):
        if name in found:
            mapping[found[name]] = fact
    constants = {fact: text for fact, text in plan.constants.items() if fact == "currency"}
    answers = {
        name: value for name, value in plan.answers.items() if name.partition(":")[0] not in {"dates", "decimals"}
    }
    second = propose(file, zone=plan.zone, wishes=Wishes(mapping, constants, {}, answers))
    if second.questions:
        raise IntakeError(f"Of what became of the claims: {second.questions[0].text}")
    known = {word.strip().casefold(): "" if outcome == "open" else outcome for word, outcome in words.items()}
    if wrong := [outcome for outcome in known.values() if outcome not in {"", "approve", "exchange", "deny"}]:
        raise IntakeError(f"An outcome is approve, exchange, deny or open, not '{clip(wrong[0])}'.")
    past = Past(file, second, known)
    for _ in past:  # a word that nobody explained stops it before anything is stored
        pass
    return past
