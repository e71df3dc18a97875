"""The metrics page's parts: the period in the address, the figures on top, and charts that are drawn when looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from types import MappingProxyType

import numpy as np
import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from refundcore import charts, metrics
from refundcore.charts import CHARTS, TOPICS, Answer, Asked
from refundcore.charts.claims import begin, grain
from refundcore.charts.looks import percent
from refundcore.charts.money import amount
from refundcore.charts.timing import span_text
from refundcore.deadlines import moment, start_of_day
from refundcore.desk import acts, context
from refundcore.desk.show import OUTCOMES, REASONS, VERDICTS, count_text, day_text, plain
from refundcore.metrics import Period
from refundcore.store import Store

__all__ = ["TOPICS", "chosen_period", "draw", "first_and_last", "headline", "nothing_in", "questions"]

PRESETS: Mapping[str, int | None] = MappingProxyType(
    {
        "Last 7 days": 7,
        "Last 30 days": 30,
        "Last 90 days": 90,
        "Last 12 months": 365,
        "All time": None,
        "Between dates": None,
    }
)
"""Choice -> how many days back, today included."""

USUAL = "Last 30 days"
WORDS = {
    **REASONS,
    **{code: word.label for code, word in VERDICTS.items()},
    **{code: OUTCOMES[code].label for code in ("approved", "exchanged", "denied")},
}
_CHOSEN_IN_THE_DARK = "<style>.st-key-period [data-selected='true'] p { color: #86BEE3; }</style>"
"""The theme's accent on its own tint has a contrast of 3.7 there, and small text needs 4.5 (WCAG 2.2)."""
QUIET = {"displayModeBar": False}
KEPT_FOR = 60
"""Seconds that a chart is kept; a change of any claim draws it anew at once."""


@dataclass(frozen=True)
class Chosen:
    """A period and how it is called."""

    period: Period
    name: str

    @property
    def before(self) -> Period | None:
        """The period of the same length just before; None where there is none."""
        length = self.period.end - self.period.start
        return None if self.name == "All time" else Period(self.period.start - length, self.period.start)


@dataclass(frozen=True)
class Figures:
    """What stands on top."""

    now: metrics.Headline
    before: metrics.Headline | None
    """Of the period before."""
    sums: list[metrics.Sum]
    answered: metrics.Kept
    hours: int
    """Within which claims are to be answered."""


def first_and_last(store: Store) -> tuple[int, int] | None:
    """When the first and the last claim came in; None for a desk without claims."""
    return _ends(_depends(store), _store=store)


def chosen_period(ends: tuple[int, int]) -> Chosen:
    """The fields of the period, bound to the address; the period they say.

    `ends` are the instants of the first and the last claim there is.
    """
    if st.context.theme.type == "dark":
        st.html(_CHOSEN_IN_THE_DARK)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.segmented_control(
            "Period", list(PRESETS), default=USUAL, required=True, key="period", bind="query-params"
        )
        name = name if name in PRESETS else USUAL
        today = moment(context.now_us(), context.zone()).date()
        if name == "Between dates":
            first = st.date_input("From", today - timedelta(days=29), key="from", bind="query-params", width=150)
            last = st.date_input("To, included", today, key="to", bind="query-params", width=150)
            first, last = _day(first, today - timedelta(days=29)), _day(last, today)
            return Chosen(_days(min(first, last), max(first, last)), name)
    if name == "All time":
        until = max(ends[1] + 1, _starts(today + timedelta(days=1)))
        first = moment(min(ends[0], until), context.zone()).date()
        unit = grain((moment(until, context.zone()).date() - first).days)
        return Chosen(Period(_starts(begin(first, unit)), until), name)
    back = PRESETS[name] or 1
    return Chosen(_days(today - timedelta(days=back - 1), today), name)


def _day(given: object, otherwise: date) -> date:
    return given if isinstance(given, date) else otherwise


def _days(first: date, last: date) -> Period:
    """From the first moment of a day to the last of another, in the desk's zone."""
    return Period(_starts(first), _starts(last + timedelta(days=1)))


def _starts(day: date) -> int:
    number = (day - date(1970, 1, 1)).days
    return int(start_of_day(np.array([number], dtype=np.int64), context.policy().zone)[0])


def headline(chosen: Chosen) -> metrics.Headline:
    """Draw the figures on top; they are returned for whoever wants to know whether there are any."""
    figures = acts.read(_headline, chosen)
    now, before, answered = figures.now, figures.before, figures.answered
    with st.container(horizontal=True, gap="small", key="headline"):
        _metric("Claims", f"{now.claims:,}", f"{now.undecided:,} undecided", _change(before.claims if before else None))
        _metric(
            "Decisions",
            f"{now.decided:,}",
            f"{now.overridden:,} against the verdict",
            _change(before.decided if before else None),
        )
        low, high = now.refund_rate.interval
        few = ", few" if 0 < now.decided < charts.FEW else ""
        _metric(
            "Refund rate",
            percent(now.refund_rate.share) if now.decided else "–",
            f"{now.refunded:,} of {now.decided:,}{few}",
            f"The 95% interval is {percent(low)} to {percent(high)} (Wilson)."
            if now.decided
            else "Nothing was decided.",
        )
        _money(figures.sums)
        _metric(
            "Median to decision",
            "–" if now.median is None else span_text(now.median),
            "from the claim on",
            "Half of the decisions came sooner, half later.",
        )
        _metric(
            f"Answered within {figures.hours} h",
            percent(answered.kept / answered.over) if answered.over else "–",
            f"{answered.kept:,} of {answered.over:,}, {answered.running:,} running",
            "First answers to the claims that came onto the desk: a decision or a question.",
        )
    return now


def _metric(label: str, value: str, under: str, about: str) -> None:
    with st.container(key=f"figure_{label.split(maxsplit=1)[0].lower()}", width=185, gap=None):
        st.metric(label, value, help=about or None)
        st.markdown(f":small[:gray[{plain(under)}]]")


def _change(before: int | None) -> str:
    return "" if before is None else f"{before:,} in the period of the same length before."


def _money(sums: list[metrics.Sum]) -> None:
    nets: dict[str, list[int]] = {}
    for row in sums:
        total = nets.setdefault(row.currency, [0, 0, 0])
        for place, value in enumerate((row.refunds, row.net, row.fees)):
            total[place] += value
    ranked = sorted(nets.items(), key=lambda pair: -pair[1][0])
    if not ranked:
        _metric("Net refunded", "–", "no refunds", "")
        return
    code, (refunds, net, fees) = ranked[0]
    others = len(ranked) - 1
    _metric(
        "Net refunded",
        amount(net, code),
        f"{count_text(refunds, 'refund')}"
        + (f", {amount(fees, code)} fees" if fees else ", no fees")
        + (f"; {count_text(others, 'more currency', 'more currencies')}" if others else ""),
        " · ".join(f"{amount(each[1], other)} on {count_text(each[0], 'refund')}" for other, each in ranked)
        + ". Currencies are never added up.",
    )


def nothing_in(chosen: Chosen, ends: tuple[int, int]) -> None:
    """Say that nothing happened in a period, and where something did."""
    with st.container(border=True, horizontal_alignment="center", gap="small"):
        st.markdown("**Nothing happened in this period.**", width="content")
        st.markdown(f"Claims came in from {day_text(ends[0])} to {day_text(ends[1])}.", width="content")
        if chosen.name != "All time":
            st.button("Show all time", key="all_time", type="primary", on_click=_all_time)


def _all_time() -> None:
    st.session_state["period"] = "All time"


def questions(topic: str) -> list[str]:
    """The questions of a tab."""
    return [question for question, chart in CHARTS.items() if chart.topic == topic]


def draw(question: str, chosen: Chosen) -> None:
    """Draw a question with its answer."""
    answer = acts.read(_answer, question, chosen.period)
    with st.container(border=True, key=f"chart_{list(CHARTS).index(question)}"):
        st.header(question, anchor=False)
        st.markdown(plain(answer.sentence))
        if answer.figure is None:
            return
        if answer.key:
            st.html(_key(answer.key))
        st.plotly_chart(answer.figure, key=question, theme=None, config=QUIET, alt=answer.sentence)
        if answer.note:
            st.markdown(f":small[:gray[{plain(answer.note)}]]")
        with st.expander("The same as a table", key=f"table {question}"):
            st.table(_table(answer), border="horizontal", hide_index=True)


def _key(entries: tuple[tuple[str, str], ...]) -> str:
    """The key of a figure: words of ours beside their colours, which wrap where a figure's own legend would not."""
    spans = (
        f'<span style="white-space:nowrap"><span aria-hidden="true" style="color:{escape(fill)}">\u25a0</span> '
        f"{escape(word)}</span>"
        for fill, word in entries
    )
    return f'<div style="display:flex;flex-wrap:wrap;gap:0.1rem 1rem;font-size:0.875rem">{"".join(spans)}</div>'


def _table(answer: Answer) -> Styler:
    """The numbers of a figure; whole numbers stay numbers, so that they stand one below the other."""
    frame = pd.DataFrame([{head: _cell(value) for head, value in row.items()} for row in answer.table])
    return frame.style.format("{:,}", subset=list(frame.select_dtypes("number").columns))


def _cell(value: object) -> object:
    return value if isinstance(value, int) else plain(str(value))


def _depends(store: Store) -> tuple[object, ...]:
    """What figures follow from, but for the moment: where these are the same, so are the figures."""
    return store.url, metrics.journal_end(store), store.policy.fingerprint


def _headline(store: Store, chosen: Chosen) -> Figures:
    return _figures(chosen.period, chosen.before, _depends(store), _store=store)


def _answer(store: Store, question: str, period: Period) -> Answer:
    return _drawn(question, period, _depends(store), dark=st.context.theme.type == "dark", _store=store)


@st.cache_data(ttl=KEPT_FOR, max_entries=10, show_spinner=False)
def _ends(depends: tuple[object, ...], *, _store: Store) -> tuple[int, int] | None:
    del depends
    return metrics.first_and_last(_store)


@st.cache_data(ttl=KEPT_FOR, max_entries=100, show_spinner=False)
def _figures(period: Period, before: Period | None, depends: tuple[object, ...], *, _store: Store) -> Figures:
    del depends
    answered, hours = metrics.answers(_store, period, context.now_us())
    return Figures(
        now=metrics.headline(_store, period),
        before=metrics.headline(_store, before) if before else None,
        sums=metrics.sums(_store, period),
        answered=answered,
        hours=hours,
    )


@st.cache_data(ttl=KEPT_FOR, max_entries=200, show_spinner=False)
def _drawn(question: str, period: Period, depends: tuple[object, ...], *, dark: bool, _store: Store) -> Answer:
    del depends
    asked = Asked(_store, period, _store.policy.zone, context.now_us(), WORDS, dark)
    return CHARTS[question].draw(asked)
