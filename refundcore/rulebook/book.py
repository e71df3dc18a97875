"""The table of rules, and judging by it: from each completion under each reading to one verdict a claim.

How verdicts combine is section 2 of the readings: first over the readings of each completion, then over the
completions of each pattern. Bits of an integer stand for clauses; the lowest bit leads, since bits follow precedence.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refundcore.policy import READINGS, Policy, PolicyError, Reading
from refundcore.rulebook import completions
from refundcore.rulebook.completions import AXES, Block, Completions
from refundcore.rulebook.known import OVER, UNDECIDED, YES, Codes, Known, Taken, Truth
from refundcore.rulebook.regions import Region

Rule = Callable[[Known, Taken], Truth]

APPROVE, EXCHANGE, DENY, NEED_INFO, PENDING, REVIEW = range(6)
DEFAULT = READINGS.index("default")
NO_LEANING = -1

WEIGHING = ("bar", "hold", "supply", "clock", "remedy", "ground")


@dataclass
class Effects:
    """What the rules say of a table of completions under each reading; shape (rows, readings)."""

    bits: dict[str, Codes]
    """For each role, the clauses that apply."""
    verdict: Codes


@dataclass
class Solved:
    """The combined verdict of each row of a region, and what led to it."""

    verdict: Codes
    leaning: Codes
    clauses: Codes
    """Bits of the clauses that decided; of `need_info`, of those that keep it open."""
    lead: Codes
    """The bit of the clause that leads; 0 for none."""
    axes: Codes
    """Bits of the axes along which the verdict changes."""
    split: Codes
    """1 where a review is a split in which some reading grants the right."""
    grants: Codes
    """1 where the right is granted by some reading of some completion."""


class Rulebook:
    """A registry of small rules, one for each role of each clause, in order of precedence."""

    def __init__(
        self,
        precedence: Sequence[str],
        asking: Sequence[str],
        asks: Mapping[str, Sequence[str]],
        closer: Mapping[str, str],
        first: Collection[str] = (),
    ) -> None:
        self.precedence = tuple(precedence)
        self.asking = tuple(asking)
        """Which clause leads where something is asked for."""
        self.asks = dict(asks)
        """The clauses that ask for an unknown fact, by axis: the first that concerns the reason, else the first."""
        self.closer = dict(closer)
        """Clauses that, where a claim parts on them, are named instead of the wider one behind which they stand."""
        self.first = frozenset(first)
        """Clauses that are weighed before all rules, by the dates of a claim alone."""
        self.rules: dict[tuple[str, str], Rule] = {}
        self._checked: set[str] = set()

    def rule(self, clause: str, role: str) -> Callable[[Rule], Rule]:
        """Registers a rule. Raises `PolicyError` for a second one, or a clause or role that nobody knows."""

        def register(rule: Rule) -> Rule:
            if (clause, role) in self.rules:
                raise PolicyError(
                    f"Clause {clause} has two rules as {role}: {self.rules[clause, role].__name__} and {rule.__name__}."
                )
            if clause not in self.precedence or role not in WEIGHING:
                raise PolicyError(
                    f"{rule.__name__}: no clause {clause} of role {role} has a place in the order of precedence."
                )
            self.rules[clause, role] = rule
            return rule

        return register

    def bit(self, clause: str) -> int:
        """The bit that stands for a clause."""
        return 1 << self.precedence.index(clause)

    def names(self, bits: int) -> list[str]:
        """The clauses that bits stand for, in order of precedence."""
        return [clause for place, clause in enumerate(self.precedence) if bits >> place & 1]

    def check(self, policy: Policy) -> None:
        """Raises `PolicyError` unless each role of each clause has its rule and each rule its clause."""
        if policy.fingerprint and policy.fingerprint in self._checked:
            return
        said = {(clause.id, role) for clause in policy.clauses.values() for role in clause.roles if role in WEIGHING}
        if wordless := sorted(set(self.rules) - said):
            raise PolicyError("Clause {} weighs as {} by a rule, and the document doesn't say so.".format(*wordless[0]))
        if ruleless := sorted(said - set(self.rules)):
            raise PolicyError("Clause {} weighs as {}, and there is no rule for it.".format(*ruleless[0]))
        self._checked.add(policy.fingerprint)

    def answers(self, known: Known, taken: Taken, policy: Policy, reason: str) -> dict[tuple[str, str], Truth]:
        """Each rule's answer, where its clause concerns the reason; shape (rows, readings)."""
        shape = (known.rows, len(taken.columns))
        return {
            (clause, role): np.broadcast_to(rule(known, taken), shape)
            for (clause, role), rule in self.rules.items()
            if policy.clauses[clause].concerns(reason)
        }

    def weigh(self, answers: Mapping[tuple[str, str], Truth], rows: int, readings: int) -> Effects:
        """Under one reading a bar decides before a hold, that before a question, a clock, and at last the right."""
        bits = {role: np.zeros((rows, readings), dtype=np.int64) for role in WEIGHING}
        for (clause, role), applies in answers.items():
            bits[role] |= np.where(applies, self.bit(clause), 0)
        verdict = np.where(bits["remedy"] != 0, EXCHANGE, APPROVE)
        for role, outcome in (("clock", PENDING), ("supply", NEED_INFO), ("hold", REVIEW), ("bar", DENY)):
            verdict = np.where(bits[role] != 0, outcome, verdict)
        return Effects(bits, verdict)

    def effects(self, known: Known, taken: Taken, policy: Policy, reason: str) -> Effects:
        """The rules of a reason, answered and weighed."""
        return self.weigh(self.answers(known, taken, policy, reason), known.rows, len(taken.columns))

    def places(self, policy: Policy, reason: str) -> list[tuple[Reading, str]]:
        """Where the policy can be read otherwise than by default, for a reason: the reading and its other value."""
        return [
            (reading, value)
            for reading in policy.readings.values()
            for value in sorted({reading.strict, reading.generous} - {reading.default})
            if any(reason in policy.clauses[clause].reasons for clause in reading.parts)
        ]

    def otherwise(self, known: Known, places: Sequence[tuple[Reading, str]], policy: Policy, reason: str) -> Codes:
        """The verdict under the default readings with one place read otherwise; shape (rows, places)."""
        usual = {name: reading.default for name, reading in policy.readings.items()}
        taken = Taken(policy.readings, [{**usual, reading.id: value} for reading, value in places])
        return self.effects(known, taken, policy, reason).verdict

    def solve(self, region: Region, policy: Policy) -> tuple[Solved, Completions]:
        """The combined verdict of each row of a region (shape: rows)."""
        table = completions.of(region)
        taken = Taken.three(policy)
        effects = self.effects(table.known, taken, policy, region.reason)
        combined = Combination(self, table.known, effects, policy, region.reason)
        solved = Solved(*(np.zeros(table.patterns, dtype=np.int64) for _ in range(7)))
        solved.leaning[:] = NO_LEANING
        for block in table.blocks:
            combined.settle_patterns(block, solved)
        return solved, table


class Combination:
    """Combines the readings of every completion, and then the completions of every pattern."""

    def __init__(self, book: Rulebook, known: Known, effects: Effects, policy: Policy, reason: str) -> None:
        self.book, self.known, self.effects, self.policy, self.reason = book, known, effects, policy, reason
        self.settled = self._settled()
        self.verdict, self.leaning, self.lead, self.clauses = self._readings()
        asked = np.where(effects.verdict == NEED_INFO, effects.bits["supply"], 0)
        self.supplies: Codes = np.bitwise_or.reduce(asked, axis=1)
        """What has to be supplied, where that is what the completion waits for."""
        grants = (effects.verdict <= EXCHANGE).any(axis=1)
        held = (effects.verdict == REVIEW).any(axis=1)
        self.grants = (grants & ~held & (self.verdict != PENDING)).astype(np.int64)
        self.split = (grants & ~held & (self.verdict == REVIEW)).astype(np.int64)

    def _one(self, verdicts: Codes) -> Truth:
        return (verdicts == verdicts[:, :1]).all(axis=1)

    def _settled(self) -> Codes:
        """What time alone leads to: the verdict once every clock has run out.

        The standstill is over then, and an undecided defect counts as approved. `REVIEW` where the readings don't
        agree on a decision.
        """
        settled = np.full(self.known.rows, REVIEW, dtype=np.int64)
        waiting = np.flatnonzero((self.effects.verdict == PENDING).any(axis=1))
        if len(waiting):
            now = self.known.take(waiting)
            over = np.full(now.rows, OVER, dtype=np.int64)
            approved = np.where(now["approved"][:, 0] == UNDECIDED, YES, now["approved"][:, 0])
            later = now.replaced(clock_standing=over, clock_plain=over, approved=approved)
            verdicts = self.book.effects(later, Taken.three(self.policy), self.policy, self.reason).verdict
            decided = self._one(verdicts) & (verdicts[:, 0] <= DENY)
            settled[waiting] = np.where(decided, verdicts[:, 0], REVIEW)
        return settled

    def _readings(self) -> tuple[Codes, Codes, Codes, Codes]:
        """Verdict, leaning, leading bit and bits of each completion (rules 1 to 3 of section 2)."""
        each, bits = self.effects.verdict, self.effects.bits
        default = each[:, DEFAULT]
        alike = self._one(each)
        asks = (each == NEED_INFO).any(axis=1)
        waits = (each == PENDING).any(axis=1)
        holds = (each == REVIEW).any(axis=1)
        verdict = np.where(waits & (self.settled != REVIEW), PENDING, REVIEW)
        verdict = np.where(asks & ~holds, NEED_INFO, verdict)
        verdict = np.where(alike, each[:, 0], verdict)

        by_default = {role: of_role[:, DEFAULT] for role, of_role in bits.items()}
        clauses = np.zeros(self.known.rows, dtype=np.int64)
        clauses = np.where(verdict == DENY, by_default["bar"], clauses)
        right = by_default["ground"] | by_default["remedy"]
        clauses = np.where(verdict <= EXCHANGE, right, clauses)
        clauses = np.where(verdict == PENDING, np.bitwise_or.reduce(bits["clock"], axis=1), clauses)
        clauses = np.where(verdict == NEED_INFO, np.bitwise_or.reduce(bits["supply"], axis=1), clauses)
        held = np.bitwise_or.reduce(np.where(each == REVIEW, bits["hold"], 0), axis=1)
        clauses = np.where(verdict == REVIEW, held, clauses)
        lead = clauses & -clauses
        lead = np.where(verdict == EXCHANGE, by_default["remedy"] & -by_default["remedy"], lead)

        leaning = np.full(self.known.rows, NO_LEANING, dtype=np.int64)
        split = np.flatnonzero((verdict == REVIEW) & ~holds)
        if len(split):
            leaning[split] = np.where(default[split] <= DENY, default[split], NO_LEANING)
            clauses[split], leads, bent = self._parted(split)
            lead[split] = leads & -leads
            leaning[split] = np.where(bent != NO_LEANING, bent, leaning[split])
        return verdict, leaning, lead, clauses

    def _parted(self, split: npt.NDArray[np.int64]) -> tuple[Codes, Codes, Codes]:
        """The clauses on which the readings part, those of them that may lead, and a leaning named by such a place.

        They part where reading one place alone otherwise than by default changes the verdict, and by whatever bars
        in every reading that denies (there, two places may lift a bar each).
        """
        default = self.effects.verdict[split, DEFAULT]
        places = self.book.places(self.policy, self.reason)
        verdicts = self.book.otherwise(self.known.take(split), places, self.policy, self.reason)
        parts = np.zeros(len(split), dtype=np.int64)
        leaning = np.full(len(split), NO_LEANING, dtype=np.int64)
        for column, (reading, value) in enumerate(places):
            # Where the default reading waits, an early right is a matter of time; a denial parts it all the same.
            differs = (verdicts[:, column] != default) & ((default != PENDING) | (verdicts[:, column] == DENY))
            clause = next(c for c in reading.parts if self.reason in self.policy.clauses[c].reasons)
            parts |= np.where(differs, self.book.bit(clause), 0)
            if reading.leans and value == reading.value(reading.leans):
                leaning = np.where(differs & (verdicts[:, column] <= EXCHANGE), verdicts[:, column], leaning)
        denies = self.effects.verdict[split] == DENY
        bars = self.effects.bits["bar"][split]
        common = np.where(denies.any(axis=1), np.bitwise_and.reduce(np.where(denies, bars, -1), axis=1), 0)
        leads = parts | common
        for closer, wider in self.book.closer.items():
            alone = (parts & self.book.bit(closer) != 0) & (parts & self.book.bit(wider) == 0)
            leads = np.where(alone, leads & ~self.book.bit(wider), leads)
        return parts | np.bitwise_or.reduce(np.where(denies, bars, 0), axis=1), leads, leaning

    def settle_patterns(self, block: Block, solved: Solved) -> None:
        """The verdict of each pattern of a block (rules 4 and 5): one verdict of all completions, else a question."""
        where = slice(block.start, block.stop)
        shape = (len(block.patterns), block.count)
        same, changes = completions.agree(self.verdict, block)
        first = np.arange(block.start, block.stop, block.count)
        verdict = np.where(same, self.verdict[first], NEED_INFO)
        each = self.clauses[where].reshape(shape)
        common: Codes = np.bitwise_and.reduce(each, axis=1)
        union: Codes = np.bitwise_or.reduce(each, axis=1)
        denied = verdict == DENY
        clauses: Codes = np.where(denied & (common != 0), common, union)
        lead: Codes = clauses & -clauses
        leads = self.lead[where].reshape(shape)
        lead = np.where((leads == leads[:, :1]).all(axis=1) & ~(denied & (common != 0)), leads[:, 0], lead)

        leanings = self.leaning[where].reshape(shape)
        leaning = np.where((leanings == leanings[:, :1]).all(axis=1) & (verdict == REVIEW), leanings[:, 0], NO_LEANING)

        axes = np.zeros(len(block.patterns), dtype=np.int64)
        for number, along in changes:
            axes |= np.where(along & ~same, 1 << number, 0)
        if block.axes and (pending := same & (verdict == PENDING)).any():
            for number, along in completions.agree(self.settled, block)[1]:
                axes |= np.where(along & pending, 1 << number, 0)

        asks = verdict == NEED_INFO
        if asks.any():
            supplies = np.bitwise_or.reduce(self.supplies[where].reshape(shape), axis=1)
            clauses = np.where(asks, supplies | self._asking(axes), clauses)
            lead = np.where(asks, self._first_asking(clauses), lead)
        solved.verdict[block.patterns] = verdict
        solved.leaning[block.patterns] = leaning
        solved.clauses[block.patterns] = clauses
        solved.lead[block.patterns] = lead
        solved.axes[block.patterns] = axes
        solved.split[block.patterns] = self.split[where].reshape(shape).max(axis=1)
        solved.grants[block.patterns] = self.grants[where].reshape(shape).max(axis=1)

    def _asking(self, axes: Codes) -> Codes:
        """The clauses that ask for the facts of open axes."""
        bits = np.zeros(len(axes), dtype=np.int64)
        for number, axis in enumerate(AXES):
            if clauses := self.book.asks.get(axis.name, ()):
                concerned = (c for c in clauses if self.reason in self.policy.clauses[c].reasons)
                bits |= np.where(axes >> number & 1, self.book.bit(next(concerned, clauses[0])), 0)
        return bits

    def _first_asking(self, clauses: Codes) -> Codes:
        lead = np.zeros(len(clauses), dtype=np.int64)
        for clause in reversed(self.book.asking):
            bit = self.book.bit(clause)
            lead = np.where(clauses & bit, bit, lead)
        return lead
