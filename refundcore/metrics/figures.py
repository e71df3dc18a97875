"""The figures: how many, how much, how long, and whether deadlines were kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date

import sqlalchemy as sa

from refundcore.deadlines import HOUR
from refundcore.metrics.model import Frame, Headline, Kept, Money, day_of, number_of
from refundcore.metrics.reading import Row, sums
from refundcore.store import Store, tables
from refundcore.store.figure_tables import SUMS, daily_figures
from refundcore.store.settings import load
from refundcore.store.time_bins import median_bin, middle, within

UNANSWERED = "-1"
UNKNOWN_TIME = "-1"


def first_and_last(store: Store) -> tuple[date, date] | None:
    """The days on which the first and the last claim came in; None where there is none."""
    daily = daily_figures.c
    here = sa.and_(daily.kind == "came", daily.facet == "", daily.value == "", daily.n > 0)
    with store.read() as connection:
        first, last = connection.execute(sa.select(sa.func.min(daily.day), sa.func.max(daily.day)).where(here)).one()
    return None if first is None else (day_of(first), day_of(last))


def journal_end(store: Store) -> int:
    """A number that grows with every change of any claim, for whoever keeps figures until then."""
    with store.read() as connection:
        return int(connection.execute(sa.select(sa.func.max(tables.heads.c.id))).scalar() or 0)


def read(store: Store, kind: str, frame: Frame, by: Iterable[str] = (), *, facet: str = "") -> list[Row]:
    """See `reading.sums`."""
    with store.read() as connection:
        return sums(connection, kind, frame, tuple(by), facet=facet)


def headline(store: Store, frame: Frame, today: date) -> Headline:
    """The figures on top of the page."""
    with store.read() as connection:
        hours = load(connection).answer_hours
        came = _whole(sums(connection, "came", frame))
        decided = sums(connection, "decided", frame, ("currency", "what"))
        goodwill = sums(connection, "goodwill", frame, ("currency",))
        cures = sums(connection, "cure", frame, ("what",))
        answers = answers_of(connection, frame)
        took = sums(connection, "took", frame, ("what",))
    counts = Counter[str]()
    for row in decided:
        counts[row["what"]] += row["n"]
    number, timed = _median(took)
    return Headline(
        claims=came["n"],
        undecided=came["n"] - came["decided"],
        decisions=counts.total(),
        refunds=counts["approve"],
        overridden=sum(row["overridden"] for row in decided),
        money=money(decided, goodwill),
        cured=cured(cures, today),
        answered=answered(answers, hours, today),
        median=number,
        timed=timed,
    )


def _whole(rows: list[Row]) -> Row:
    return rows[0] if rows else dict.fromkeys(SUMS, 0)


def money(decided: Iterable[Row], goodwill: Iterable[Row] = ()) -> tuple[Money, ...]:
    """What decisions did with the money, by currency, from rows of the kinds `decided` and `goodwill`."""
    found: dict[str, Counter[str]] = {}
    for row in decided:
        parts = found.setdefault(row["currency"], Counter())
        parts["decisions"] += row["n"]
        parts["gross"] += row["gross"]
        parts[{"deny": "refused", "exchange": "exchanged", "approve": "approved"}[row["what"]]] += row["gross"]
        if row["what"] == "approve":
            parts["refunds"] += row["n"]
            parts["fees"] += row["fee"]
            parts["net"] += row["refund"]
            parts["lost"] += row["lost"]
            parts["withheld"] += row["gross"] - row["refund"] - row["fee"]
    for row in goodwill:
        parts = found.setdefault(row["currency"], Counter())
        parts["goodwill"] += row["refund"]
        parts["gifts"] += row["n"]
    made = [Money(currency, **parts) for currency, parts in found.items()]
    return tuple(sorted(made, key=lambda one: (-one.refunds, -one.decisions, one.currency)))


def cured(rows: Iterable[Row], today: date) -> Kept:
    """Whether confirmed defects were put right in time, from rows of the kind `cure` by `what`.

    One that is not yet counts as missed from the day after its clock ran out.
    """
    parts = Counter[str]()
    for row in rows:
        what = row["what"]
        if what == "stands":
            what = "running"
        elif what not in {"kept", "missed"}:
            what = "running" if int(what) >= number_of(today) else "missed"
        parts[what] += row["n"]
    return Kept(**parts)


def answers_of(connection: sa.Connection, frame: Frame) -> list[Row]:
    """Rows of the kind `answered` by `what`; those without an answer by `day` too."""
    rows = sums(connection, "answered", frame, ("what",))
    waiting = sums(connection, "answered", frame, ("day",), what=UNANSWERED)
    return [row for row in rows if row["what"] != UNANSWERED] + [{**row, "what": UNANSWERED} for row in waiting]


def answered(rows: Iterable[Row], hours: int, today: date) -> Kept:
    """Whether claims were answered within so many hours, from what `answers_of` found.

    One without an answer counts as missed once the day is over on which the hours can at latest have run out.
    """
    limit, latest = within(hours * HOUR), number_of(today) + (-hours // 24)
    parts = Counter[str]()
    for row in rows:
        if row["what"] == UNANSWERED:
            parts["running" if row["day"] >= latest else "missed"] += row["n"]
        else:
            parts["kept" if int(row["what"]) < limit else "missed"] += row["n"]
    return Kept(**parts)


def times(rows: Iterable[Row]) -> dict[int, int]:
    """How many decisions lie in each bin of time, from rows of the kind `took` by `what`."""
    counts = Counter[int]()
    for row in rows:
        if row["what"] != UNKNOWN_TIME:
            counts[int(row["what"])] += row["n"]
    return dict(counts)


def _median(rows: Iterable[Row]) -> tuple[int | None, int]:
    counts = times(rows)
    number = median_bin(counts)
    return (None if number is None else middle(number)), sum(counts.values())


def medians(rows: Iterable[Row], by: str) -> dict[str, tuple[int, int]]:
    """The median time of each value of a column and how many decisions it rests on."""
    counts: dict[str, list[Row]] = {}
    for row in rows:
        counts.setdefault(row[by], []).append(row)
    found = {}
    for value, some in counts.items():
        number, size = _median(some)
        if number is not None:
            found[value] = (number, size)
    return found
