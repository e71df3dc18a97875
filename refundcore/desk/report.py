"""The metrics page as a report: one HTML file to print or send, with the figures, charts and tables of the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from html import escape

import plotly.graph_objects as go
import plotly.io as pio
from plotly.offline import get_plotlyjs

from refundcore.charts import Answer, Cell
from refundcore.charts.model import Value
from refundcore.desk import acts, context, framing, measures
from refundcore.desk.framing import Chosen
from refundcore.desk.show import JOINER, when_text
from refundcore.desk.top_figures import Figure, Figures, beside, figures_of
from refundcore.store import Person, Store

_STYLE = """
body { font: 14px/1.45 system-ui, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif; color: #111; margin: 2rem auto;
  max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 24px; margin: 0; } h2 { font-size: 17px; margin: 0 0 .3rem; }
section { border-top: 1px solid #d5dae0; padding: 1rem 0; break-inside: avoid; }
p { margin: .3rem 0; } .note, .of { color: #4a525c; font-size: 12.5px; }
.figures { display: grid; grid-template-columns: repeat(5, 1fr); gap: 1rem; margin: 1.2rem 0; }
.value { font-size: 20px; }
table { border-collapse: collapse; width: 100%; font-size: 12.5px; margin-top: .6rem; }
th, td { text-align: left; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid #d5dae0; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.key span { margin-right: 1rem; white-space: nowrap; font-size: 12.5px; }
@page { size: A4; margin: 14mm; } @media print { body { margin: 0; max-width: none; } }
"""


def report(me: Person, chosen: Chosen) -> str:
    """The report of a frame as HTML, complete in itself; its numbers are those of the screen."""
    figures, answers = acts.read(_gather, me, chosen)
    names = acts.read(measures.names_of)
    head = f"<h1>Refund Desk: metrics</h1><p>{escape(framing.said(chosen, names))}</p>"
    made = f'<p class="note">Made {escape(when_text(context.now_us()))} by {escape(me.name)}.</p>'
    top = "".join(_figure(figure) for figure in figures_of(figures, chosen))
    below = "".join(f'<p class="note">{escape(sentence)}</p>' for sentence in beside(figures))
    body = "".join(_section(question, answer) for question, answer in answers)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Refund Desk: metrics</title>'
        f"<style>{_STYLE}</style><script>{_script()}</script></head><body>{head}{made}"
        f'<div class="figures">{top}</div>{below}{body}</body></html>'
    )


@cache
def _script() -> str:
    return str(get_plotlyjs())


def _gather(store: Store, me: Person, chosen: Chosen) -> tuple[Figures, list[tuple[str, Answer]]]:
    questions = [question for topic in measures.topics(me) for question in measures.questions(topic, me)]
    return (
        measures.figures_now(store, chosen),
        [(question, measures.answer_of(store, question, chosen, dark=False)) for question in questions],
    )


def _figure(figure: Figure) -> str:
    change = f'<div class="of">{escape(figure.change)}</div>' if figure.change else ""
    return (
        f'<div><div>{escape(figure.label)}</div><div class="value">{escape(figure.value)}</div>{change}'
        f'<div class="of">{escape(figure.of)}</div></div>'
    )


def _section(question: str, answer: Answer) -> str:
    parts = [f"<section><h2>{escape(question)}</h2><p>{escape(_clean(answer.sentence))}</p>"]
    if answer.key:
        spans = "".join(
            f'<span><span style="color:{escape(fill)}">\u25a0</span> {escape(word)}</span>' for fill, word in answer.key
        )
        parts.append(f'<div class="key">{spans}</div>')
    if answer.figure is not None:
        parts.append(_drawn(answer.figure))
    if answer.note:
        parts.append(f'<p class="note">{escape(_clean(answer.note))}</p>')
    if answer.table:
        parts.append(_table(answer.table))
    return "".join([*parts, "</section>"])


def _drawn(figure: go.Figure) -> str:
    return str(
        pio.to_html(
            figure, include_plotlyjs=False, full_html=False, config={"displayModeBar": False, "responsive": True}
        )
    )


def _clean(text: str) -> str:
    return text.replace(JOINER, "")


def _table(rows: Sequence[Mapping[str, Value]]) -> str:
    heads = list(rows[0])
    cells = [f"<tr>{''.join(_cell(row[head]) for head in heads)}</tr>" for row in rows]
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(cells)}</tbody></table>"


def _cell(value: object) -> str:
    if isinstance(value, Cell):
        return f'<td class="number">{escape(value.text)}</td>'
    if isinstance(value, int):
        return f'<td class="number">{value:,}</td>'
    return f"<td>{escape(str(value))}</td>"
