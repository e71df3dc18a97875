"""From patterns back to rows: verdicts, clauses and missing facts by look-up, deadlines and money by the row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from refundcore.deadlines import FAR_FUTURE, Instants, zone_of
from refundcore.facts import FACTS, REASONS, REQUIRED, VERDICTS, Claims
from refundcore.policy import Policy
from refundcore.rulebook import known as k
from refundcore.rulebook.book import APPROVE, DENY, EXCHANGE, NEED_INFO, NO_LEANING, PENDING, REVIEW, Rulebook
from refundcore.rulebook.completions import AXES, TIMING
from refundcore.rulebook.known import Codes
from refundcore.rulebook.reading import Reader
from refundcore.rulebook.regions import UNKNOWN_REASON, Region

_PLACE = {fact.name: place for place, fact in enumerate(FACTS)}
_REQUIRED_PLACES = [_PLACE[name] for name in REQUIRED]
_REASON = 1 << _PLACE["reason"]
_EVIDENCE = sum(1 << _PLACE[name] for name in ("evidence_attached", "evidence_sufficient"))


@dataclass
class Rows:
    """Verdicts of a table of claims; one entry a row."""

    verdict: Codes
    leaning: Codes
    clauses: Codes
    lead: Codes
    missing: Codes
    """Bits of the facts, in the order of `FACTS`."""
    next_deadline: Instants
    refund: Instants
    fee: Instants
    holds_until: Instants
    pattern: Codes
    """What of the facts the verdict follows from, as one number: claims of one reason with the same number are judged
    alike, by one policy or by two that differ in numbers alone."""

    def take(self, rows: npt.NDArray[np.int64]) -> Rows:
        """Some of the rows, by their places."""
        return Rows(**{name: values[rows] for name, values in vars(self).items()})

    @classmethod
    def empty(cls, size: int) -> Rows:
        """Room for `size` rows."""
        return cls(*(np.zeros(size, dtype=np.int64) for _ in range(10)))

    def put(self, rows: npt.NDArray[np.int64], other: Rows) -> None:
        """Takes over the entries of `other` at `rows`."""
        for name, values in vars(other).items():
            getattr(self, name)[rows] = values


def judge(book: Rulebook, claims: Claims, policy: Policy, as_of: int | Instants, zone: str) -> pd.DataFrame:
    """See `refundcore.rules.judge`. Raises `ValueError` for an unknown zone."""
    size = len(claims)
    read = Reader(claims, np.broadcast_to(np.asarray(as_of, dtype=np.int64), (size,)))
    return frame(book, coded(book, read, policy, zone, np.arange(size), Rows.empty(size)))


def coded(  # noqa: PLR0917 - what judging takes
    book: Rulebook, read: Reader, policy: Policy, zone: str, places: npt.NDArray[np.int64], rows: Rows
) -> Rows:
    """Judges the claims at some places of a table and puts what came out, in codes, into `rows`, which it returns.

    Several policies can judge parts of the same table, each read once. Raises `ValueError` for an unknown zone.
    """
    zone_of(zone)
    reason = read.codes("reason", UNKNOWN_REASON)[places]
    for number, name in enumerate(REASONS):
        of_reason = places[reason == number]
        if len(of_reason):
            rows.put(of_reason, _of_reason(book, Region(read, policy, zone, name, of_reason), policy))
    without = places[reason == UNKNOWN_REASON]
    if len(without):
        rows.put(without, _of_unknown_reason(book, read, policy, zone, without))
    return rows


def _of_reason(book: Rulebook, region: Region, policy: Policy) -> Rows:
    """The verdicts of the claims of one reason."""
    solved, table = book.solve(region, policy)
    verdict, leaning = solved.verdict[table.of_row], solved.leaning[table.of_row]
    clauses, lead, axes = solved.clauses[table.of_row], solved.lead[table.of_row], solved.axes[table.of_row]
    right = verdict <= EXCHANGE
    lacking = region.required != 0
    required = _required_facts(region.required)
    missing = _asked_facts(region, axes)

    # Nothing is approved without the required facts: what would be becomes a question (data dictionary).
    asks = (right | ((verdict == REVIEW) & (solved.split[table.of_row] == 1))) & lacking
    verdict = np.where(asks, NEED_INFO, verdict)
    clauses, lead = np.where(asks, 0, clauses), np.where(asks, 0, lead)
    leaning = np.where(asks, NO_LEANING, leaning)
    named = (verdict == PENDING) | ((verdict == NEED_INFO) & (solved.grants[table.of_row] == 1))
    missing |= np.where(named, required, 0)
    if region.reason == "major_defect":
        waits = (verdict == PENDING) & (region.columns["approved"] == k.UNDECIDED)
        missing |= np.where(waits, 1 << _PLACE["defect_approved"], 0)

    rows = Rows(
        verdict,
        leaning,
        clauses,
        lead,
        missing,
        _deadlines(book, region, verdict, clauses, missing),
        region.refund,
        region.fee,
        region.holds_until(),
        table.packed,
    )
    return _overruled(book, region, rows)


def _required_facts(required: Codes) -> Codes:
    """Bits of the blank required facts among all facts."""
    facts = np.zeros(len(required), dtype=np.int64)
    for bit, place in enumerate(_REQUIRED_PLACES):
        facts |= np.where(required >> bit & 1, 1 << place, 0)
    return facts


def _asked_facts(region: Region, axes: Codes) -> Codes:
    """Bits of the unknown facts behind the axes along which the verdict changes."""
    missing = np.zeros(len(axes), dtype=np.int64)
    for number, axis in enumerate(AXES):
        open_axis = (axes >> number & 1) == 1
        if axis.name == TIMING:
            notice = region.reason == "major_defect"
            undated = open_axis & ~region.dated
            unclaimed = open_axis & (~region.has_notice if notice else ~region.has_claim)
            missing |= np.where(undated, 1 << _PLACE["purchased_at"], 0)
            missing |= np.where(unclaimed, 1 << _PLACE["submitted_at"], 0)
        elif axis.name == "replacement_price":
            # It is compared with the amount, which matters as much where it is blank too.
            missing |= np.where(open_axis, 1 << _PLACE[axis.name], 0)
            missing |= np.where(open_axis & (region.due < 0), 1 << _PLACE["amount"], 0)
        else:
            missing |= np.where(open_axis, 1 << _PLACE[axis.name], 0)
    return missing


def _deadlines(book: Rulebook, region: Region, verdict: Codes, clauses: Codes, missing: Codes) -> Instants:
    """The next deadline that is told: the 72 hours, or until when evidence can be sent (section 2)."""
    told = np.full(len(region.rows), FAR_FUTURE, dtype=np.int64)
    if region.reason == "major_defect":
        end = region.next_clock()
        runs = (verdict == PENDING) | ((verdict == REVIEW) & region.running)
        told = np.where(runs & (end >= region.as_of), end, told)
    if region.reason == "invalid_number":
        about_evidence = ((clauses & book.bit("C5b")) != 0) | ((missing & _EVIDENCE) != 0)
        told = np.where((verdict == NEED_INFO) & about_evidence, region.next_cure(), told)
    return told


def _overruled(book: Rulebook, region: Region, rows: Rows) -> Rows:
    """A claim before its purchase is a mistake in the data (rule 6); an order before the text is for a person (V)."""
    old = region.before_policy
    rows.verdict = np.where(old, REVIEW, rows.verdict)
    rows.clauses = np.where(old, book.bit("V"), rows.clauses)
    rows.lead = np.where(old, book.bit("V"), rows.lead)
    if region.reason == "major_defect":
        end = region.next_clock()
        rows.next_deadline = np.where(
            old, np.where(region.running & (end >= region.as_of), end, FAR_FUTURE), rows.next_deadline
        )
    mistake = region.claim_precedes | region.notice_precedes
    named = np.where(region.claim_precedes, 1 << _PLACE["submitted_at"], 0)
    named |= np.where(region.notice_precedes, 1 << _PLACE["defect_notified_at"], 0)
    rows.missing = np.where(mistake, named | 1 << _PLACE["purchased_at"], np.where(old, 0, rows.missing))
    rows.verdict = np.where(mistake, NEED_INFO, rows.verdict)
    rows.clauses, rows.lead = np.where(mistake, 0, rows.clauses), np.where(mistake, 0, rows.lead)
    rows.leaning = np.where(old | mistake, NO_LEANING, rows.leaning)
    rows.next_deadline = np.where(mistake | ((rows.verdict == NEED_INFO) & old), FAR_FUTURE, rows.next_deadline)
    return rows


def _of_unknown_reason(book: Rulebook, read: Reader, policy: Policy, zone: str, places: npt.NDArray[np.int64]) -> Rows:
    """A blank reason is asked for, unless the claim is denied under every reason."""
    regions = [Region(read, policy, zone, name, places) for name in REASONS]
    each = [_of_reason(book, region, policy) for region in regions]
    denied = np.logical_and.reduce([rows.verdict == DENY for rows in each])
    common = np.bitwise_and.reduce([rows.clauses for rows in each])
    union = np.bitwise_or.reduce([rows.clauses for rows in each])
    clauses: Codes = np.where(denied, np.where(common != 0, common, union), 0)
    first = regions[0]
    rows = Rows(
        verdict=np.where(denied, DENY, NEED_INFO),
        leaning=np.full(len(places), NO_LEANING, dtype=np.int64),
        clauses=clauses,
        lead=clauses & -clauses,
        missing=np.where(denied, 0, _required_facts(first.required) | _REASON),
        next_deadline=np.full(len(places), FAR_FUTURE, dtype=np.int64),
        refund=first.refund,
        fee=first.fee,
        holds_until=np.minimum.reduce([rows.holds_until for rows in each]),
        pattern=_mixed([rows.pattern for rows in each]),
    )
    return _overruled(book, first, rows)


def _mixed(patterns: list[Codes]) -> Codes:
    """Several patterns as one number, by multiplying and folding 64 bits (as FNV does, but by whole words)."""
    mixed = np.full(len(patterns[0]), 0xCBF29CE484222325, dtype=np.uint64)
    for pattern in patterns:
        mixed = (mixed ^ pattern.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed.astype(np.int64)


def _column(values: Codes, names: list[str]) -> pd.Series:
    """A text column by look-up."""
    return pd.Series(pa.array(names).take(pa.array(values)), dtype=pd.ArrowDtype(pa.string()))


def _listed(bits: Codes, name_of: list[str]) -> pd.Series:
    """A text column of names parted by spaces, from bits; each distinct set is written once."""
    of_row, distinct = pd.factorize(bits)
    texts = [" ".join(name for place, name in enumerate(name_of) if int(mask) >> place & 1) for mask in distinct]
    return _column(of_row, texts) if texts else pd.Series([], dtype=pd.ArrowDtype(pa.string()))


def _whole(values: Instants, known: npt.NDArray[np.bool_]) -> pd.Series:
    return pd.Series(pa.array(values, mask=~known), dtype=pd.ArrowDtype(pa.int64()))


def frame(book: Rulebook, rows: Rows) -> pd.DataFrame:
    """Verdicts in codes as the table that `refundcore.rules.judge` gives."""
    approved = rows.verdict == APPROVE
    lead_first = _listed(rows.lead, list(book.precedence))
    rest = _listed(rows.clauses & ~rows.lead, list(book.precedence))
    gap = np.where((rows.lead != 0) & ((rows.clauses & ~rows.lead) != 0), " ", "")
    return pd.DataFrame(
        {
            "verdict": _column(rows.verdict, list(VERDICTS)),
            "leaning": _column(rows.leaning + 1, ["", *VERDICTS]),
            "clause": lead_first,
            "clauses": lead_first + pd.Series(pa.array(gap.tolist()), dtype=pd.ArrowDtype(pa.string())) + rest,
            "missing": _listed(rows.missing, [fact.name for fact in FACTS]),
            "next_deadline": _whole(rows.next_deadline, rows.next_deadline < FAR_FUTURE),
            "refund": _whole(rows.refund, approved),
            "fee": _whole(rows.fee, approved),
            "holds_until": _whole(rows.holds_until, rows.holds_until < FAR_FUTURE),
        }
    )
