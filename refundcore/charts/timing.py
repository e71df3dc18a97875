"""Time: how long a decision takes, and whether deadlines are kept."""

from __future__ import annotations

from itertools import accumulate

from refundcore import metrics
from refundcore.charts import looks
from refundcore.charts.claims import columns
from refundcore.charts.decisions import NOTHING
from refundcore.charts.looks import Row, many, percent, sentence
from refundcore.charts.model import Answer, Asked, Cell, Picks, chart
from refundcore.deadlines import DAY, HOUR
from refundcore.metrics import Kept, number_of, pick, to_text
from refundcore.store import setting
from refundcore.store.time_bins import EDGES, within

MINUTE = HOUR // 60
SPANS = (
    ("≤ 1 h", HOUR),
    ("≤ 4 h", 4 * HOUR),
    ("≤ 1 d", DAY),
    ("≤ 3 d", 3 * DAY),
    ("≤ 7 d", 7 * DAY),
    ("≤ 14 d", 14 * DAY),
    ("longer", 0),
)
"""The steps of the distribution; each ends at the edge of a bin, or within 5 % of it."""
THREE_DAYS = "≤ 3 d"
STATES = {"kept": "Kept", "missed": "Missed", "running": "Still running"}


@chart("Are deadlines kept?", "Time")
def deadlines(asked: Asked) -> Answer:
    """The policy's hours to put a confirmed defect right, and the desk's own answer target."""
    answer_hours = setting(asked.store, "answer_hours")
    with asked.store.read() as connection:
        answered = metrics.answered(metrics.answers_of(connection, asked.frame), answer_hours, asked.today)
    cured = metrics.cured(metrics.read(asked.store, "cure", asked.frame, ("what",)), asked.today)
    dated = asked.store.policy.clauses["C6b"].numbers["cure_hours"]
    cure_hours = dated[max((start for start in dated if start <= asked.today), default=min(dated))]
    today = number_of(asked.today)
    given = [
        ("cure", f"Defect put right<br>within {cure_hours} h", cured, f"{today}"),
        ("answered", f"First answer<br>within {answer_hours} h", answered, f"{today}.{answer_hours}"),
    ]
    given = [one for one in given if one[2].whole]
    if not given:
        return Answer("No deadline began during this period.")
    rows = [Row(name, {state: getattr(kept, state) for state in STATES}) for _, name, kept, _ in given]
    said = [
        _kept_said("Defects were put right", "confirmed defect", cured, cure_hours),
        _kept_said("A first answer came", "claim", answered, answer_hours),
    ]
    picks = Picks()
    figure = looks.share_bars(rows, STATES, dark=asked.dark).update_layout(height=looks.FRAME + 46 * len(rows))
    drawn = [state for state in STATES if any(row.parts[state] for row in rows)]

    def behind(place: int, state: str = "") -> str:
        kind, _, _, basis = given[place]
        where = {"kept": f"{state}.{basis}"} if state else {}
        return to_text(pick(kind, asked.frame, **where))

    for trace, state in enumerate(drawn):
        picks.found |= {(trace, place): behind(place, state) for place, row in enumerate(rows) if row.parts[state]}
    return Answer(
        sentence=" ".join(filter(None, said)),
        figure=figure,
        key=looks.key(STATES, dark=asked.dark),
        table=tuple(
            {"Deadline": row.label.replace("<br>", " ")}
            | {
                word: Cell(f"{row.parts[state]:,}", behind(place, state) if row.parts[state] else "")
                for state, word in STATES.items()
            }
            | {"All": Cell(f"{row.whole:,}", behind(place))}
            for place, row in enumerate(rows)
        ),
        note="The policy's hours run from the notice of a confirmed defect and stand still while access that was asked "
        "for isn't given (C6b, A11). The first answer is a decision or a question, counted from when the claim came "
        "onto the desk. What isn't done counts as missed from the day after its time ran out.",
        picks=picks.found,
    )


def _kept_said(done: str, what: str, kept: Kept, hours: int) -> str:
    time = f"{kept.running:,} still {'has' if kept.running == 1 else 'have'} time" if kept.running else ""
    if not kept.over:
        return (
            f"{sentence(many(kept.running, what))} still {'has' if kept.running == 1 else 'have'} time." if time else ""
        )
    share = percent(kept.kept / kept.over)
    said = f"{done} within {hours} hours for {kept.kept:,} of {many(kept.over, what)} ({share})"
    return f"{said}; {time}." if time else f"{said}."


@chart("How long does a decision take?", "Time")
def to_decision(asked: Asked) -> Answer:
    """How many decisions took how long, from the claim on."""
    rows = metrics.read(asked.store, "took", asked.frame, ("what",))
    counts = metrics.times(rows)
    whole = sum(counts.values())
    if not whole:
        return Answer(NOTHING)
    middle, _ = metrics.medians([{**row, "all": ""} for row in rows], "all")[""]
    numbers, behind, lower = [], [], -1
    for name, upper in SPANS:
        last = within(upper) - 1 if upper else len(EDGES)
        numbers.append(sum(count for number, count in counts.items() if lower < number <= last))
        where = {"over": f"{lower}", "upto": f"{last}"} if lower >= 0 else {"upto": f"{last}"}
        behind.append(to_text(pick("took", asked.frame, **where)) if numbers[-1] else "")
        lower = last
        del name
    names = [name for name, _ in SPANS]
    by_reason = metrics.read(asked.store, "took", asked.frame, ("value", "what"), facet="reason")
    medians = metrics.medians(by_reason, "value")
    picks = Picks()
    figure = columns(asked, names, numbers, behind, picks)
    reached = dict(zip(names, accumulate(numbers), strict=True))
    if whole == 1:
        said = f"The one decision came about {span_text(middle)} after the claim"
    else:
        said = f"Half of {many(whole, 'decision')} came within about {span_text(middle)} of the claim"
        said += f", {percent(reached[THREE_DAYS] / whole)} within 3 days"
    return Answer(
        sentence=f"{said}.",
        figure=figure,
        table=tuple(
            {"Time": name, "Decisions": Cell(f"{number:,}", text)}
            for name, number, text in zip(names, numbers, behind, strict=True)
        ),
        note=f"Of {many(whole, 'decision')} that took effect, from when the claim reached the company. Times are"
        " counted in bins at most 5% wide, a median is the middle of its bin. Medians: "
        + ", ".join(
            f"{asked.word(reason)} {span_text(time)} (n {size:,})"
            for reason, (time, size) in sorted(medians.items(), key=lambda pair: -pair[1][1])
        )
        + ".",
        picks=picks.found,
    )


def span_text(microseconds: int) -> str:
    """`3 d 4 h`, `5 h 12 min`, `8 min`."""
    minutes = microseconds // MINUTE
    days, hours, rest = minutes // (DAY // MINUTE), minutes % (DAY // MINUTE) // 60, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {rest} min" if hours else f"{rest} min"
