"""Time: how long a decision takes, and whether deadlines are kept."""

from __future__ import annotations

from itertools import accumulate

import plotly.graph_objects as go

from refundcore import metrics
from refundcore.charts import looks
from refundcore.charts.claims import REASONS_AND_NONE
from refundcore.charts.decisions import NOTHING
from refundcore.charts.looks import Row, colour, many, percent, sentence
from refundcore.charts.model import Answer, Asked, chart
from refundcore.deadlines import DAY, HOUR
from refundcore.metrics import Kept

MINUTE = HOUR // 60
THREE_DAYS = metrics.SPANS[2][0]
STATES = {"kept": "Kept", "missed": "Missed", "running": "Still running"}


@chart("How long does a decision take?", "Time")
def to_decision(asked: Asked) -> Answer:
    """How many decisions took how long, from the claim on."""
    spans = metrics.times(asked.store, asked.period)
    medians = metrics.medians(asked.store, asked.period)
    middle = metrics.median(asked.store, asked.period)
    whole = sum(span.decisions for span in spans)
    if not whole or middle is None:
        return Answer(NOTHING)
    fill = colour("plain", dark=asked.dark)
    names = [span.name for span in spans]
    numbers = [span.decisions for span in spans]
    figure = go.Figure()
    figure.add_bar(
        x=names,
        y=numbers,
        text=[f"{number:,}" if number else "" for number in numbers],
        textposition="outside",
        cliponaxis=False,
        marker={"color": fill, "line": {"width": 0}},
        customdata=[percent(number / whole) for number in numbers],
        hovertemplate="%{x}: %{y:,} decisions (%{customdata})<extra></extra>",
    )
    figure.update_xaxes(showgrid=False, tickangle=0)
    figure.update_yaxes(visible=False, range=[0, max(numbers) * 1.15])
    looks.framed(figure, 260, dark=asked.dark)
    within = dict(zip(names, accumulate(numbers), strict=True))
    if whole == 1:
        said = f"The one decision came {span_text(middle)} after the claim"
    else:
        said = f"Half of {many(whole, 'decision')} came within {span_text(middle)} of the claim"
        said += f", {percent(within[THREE_DAYS] / whole)} within 3 days"
    return Answer(
        sentence=f"{said}.",
        figure=figure,
        table=tuple({"Time": name, "Decisions": number} for name, number in zip(names, numbers, strict=True)),
        note="From when the claim reached the company. Medians: "
        + ", ".join(
            f"{asked.word(reason)} {span_text(medians[reason])}" for reason in REASONS_AND_NONE if reason in medians
        )
        + ".",
    )


@chart("Are deadlines kept?", "Time")
def deadlines(asked: Asked) -> Answer:
    """The desk's own answer target and the hours to put a confirmed defect right."""
    answered, answer_hours = metrics.answers(asked.store, asked.period, asked.at)
    cured, cure_hours = metrics.cures(asked.store, asked.period, asked.at)
    rows = [
        Row(f"First answer<br>within {answer_hours} h", _parts(answered)),
        Row(f"Defect put right<br>within {cure_hours} h", _parts(cured)),
    ]
    rows = [row for row in rows if row.whole]
    if not rows:
        return Answer("No deadline began during this period.")
    said = [
        _kept_said("A first answer came", "claim", answered, answer_hours),
        _kept_said("It was put right", "confirmed defect", cured, cure_hours),
    ]
    return Answer(
        sentence=" ".join(filter(None, said)),
        figure=looks.share_bars(rows, STATES, dark=asked.dark).update_layout(height=looks.FRAME + 46 * len(rows)),
        key=looks.key(STATES, dark=asked.dark),
        table=tuple(
            {"Deadline": row.label.replace("<br>", " ")}
            | {word: row.parts[state] for state, word in STATES.items()}
            | {"All": row.whole}
            for row in rows
        ),
        note="The first answer is a decision or a question, counted from when the claim came onto the desk. The hours "
        "for a defect run from its notice and stand still while access that was asked for isn't given (C6b, A11).",
    )


def _parts(kept: Kept) -> dict[str, int]:
    return {"kept": kept.kept, "missed": kept.missed, "running": kept.running}


def _kept_said(done: str, what: str, kept: Kept, hours: int) -> str:
    time = f"{kept.running:,} still {'has' if kept.running == 1 else 'have'} time" if kept.running else ""
    if not kept.over:
        return (
            f"{sentence(many(kept.running, what))} still {'has' if kept.running == 1 else 'have'} time." if time else ""
        )
    share = percent(kept.kept / kept.over)
    said = f"{done} within {hours} hours for {kept.kept:,} of {many(kept.over, what)} ({share})"
    return f"{said}; {time}." if time else f"{said}."


def span_text(microseconds: int) -> str:
    """`3 d 4 h`, `5 h 12 min`, `8 min`."""
    minutes = microseconds // MINUTE
    days, hours, rest = minutes // (DAY // MINUTE), minutes % (DAY // MINUTE) // 60, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {rest} min" if hours else f"{rest} min"
