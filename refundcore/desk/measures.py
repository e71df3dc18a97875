"""The metrics page's parts: the figures on top, and charts that are drawn when looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from html import escape
from typing import Any

import streamlit as st

from refundcore import metrics
from refundcore.charts import CHARTS, TOPICS, Answer, Asked, Cell
from refundcore.desk import acts, context, framing
from refundcore.desk.framing import Chosen, depends
from refundcore.desk.parts import component
from refundcore.desk.show import OUTCOMES, REASONS, VERDICTS, plain
from refundcore.desk.top_figures import Figure, Figures, beside, figures_of
from refundcore.intake import harmless
from refundcore.metrics import Headline
from refundcore.store import Person, Store, may, people, settings_now
from refundcore.store.exchange import exchange_rates

WORDS = {
    **REASONS,
    **{code: word.label for code, word in VERDICTS.items()},
    **{code: OUTCOMES[code].label for code in ("approved", "exchanged", "denied")},
}
Spec = dict[str, Any]
"""A figure as plain values."""

QUIET = {"displayModeBar": False}
KEPT_FOR = 60
"""Seconds that a chart is kept; a change of any claim draws it anew at once."""

IN_A_ROW = 5


def topics(me: Person) -> list[str]:
    """The tabs that somebody may see."""
    return [topic for topic in TOPICS if questions(topic, me)]


def questions(topic: str, me: Person) -> list[str]:
    """The questions of a tab that somebody may see."""
    allowed = (entry for entry in CHARTS.values() if entry.topic == topic)
    return [entry.question for entry in allowed if may(me.role, "read_agents") or not entry.managers]


def headline(chosen: Chosen) -> Headline:
    """Draw the figures on top; they are returned for whoever wants to know whether there are any."""
    found = acts.read(figures_now, chosen)
    shown = figures_of(found, chosen)
    with st.container(key="headline", gap="small"):
        for start in range(0, len(shown), IN_A_ROW):
            row = shown[start : start + IN_A_ROW]
            for place, figure in zip(st.columns(IN_A_ROW, gap="small"), row, strict=False):
                with place:
                    _draw_figure(figure)
    for sentence in beside(found):
        st.markdown(f":small[:gray[{plain(sentence)}]]")
    return found.now


def _draw_figure(figure: Figure) -> None:
    name = figure.label.split(" in ")[0].replace(" ", "_").lower()
    with st.container(key=f"figure_{name}", gap=None):
        st.metric(
            figure.label,
            figure.value,
            delta=figure.change or None,
            delta_color="off",
            delta_arrow="off",
            help=figure.about or None,
        )
        drawn = component("numbers")(
            key=f"of_{name}",
            data={"link": _cell(Cell(figure.of, figure.pick)), "rows": []},
            on_picked_change=_ignore,
            height="content",
        )
        follow(drawn.picked)


def draw(question: str, chosen: Chosen) -> None:
    """Draw a question with its answer; a click on a bar lists the claims behind it."""
    answer, figure = acts.read(_answer, question, chosen)
    place = list(CHARTS).index(question)
    with st.container(border=True, key=f"chart_{place}"):
        st.header(question, anchor=False)
        st.markdown(plain(answer.sentence))
        if figure is not None:
            if answer.key:
                st.html(key_html(answer.key))
            event: Any = st.plotly_chart(
                figure,
                key=f"figure_{place}_{st.session_state.get(_ROUND, 0)}",
                theme=None,
                config=QUIET,
                alt=answer.sentence,
                on_select="rerun",
                selection_mode="points",
            )
            for point in event.selection.get("points", ()):
                follow(answer.picks.get((int(point["curve_number"]), int(point["point_index"]))))
        if answer.note:
            st.markdown(f":small[:gray[{plain(answer.note)}]]")
        if answer.table:
            _table(question, place, answer, drawn=figure is not None)


_ROUND = "metrics_round"


def follow(wanted: str | None) -> None:
    """Go to the claims behind a figure, if one was chosen."""
    if not wanted:
        return
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1  # or the point is still chosen when one comes back
    st.switch_page(framing.LIST, query_params=framing.carried(wanted))


def _table(question: str, place: int, answer: Answer, *, drawn: bool) -> None:
    heads = list(answer.table[0])
    with st.expander("The same as a table, and downloads", key=f"table_{place}"):
        numbers = component("numbers")(
            key=f"numbers_{place}",
            data={
                "caption": question,
                "heads": heads,
                "rows": [[_cell(row[head]) for head in heads] for row in answer.table],
                "exports": {
                    "name": file_name(question),
                    "chart": f".st-key-chart_{place}" if drawn else "",
                    "title": question,
                    "csv": csv_rows(answer),
                    "background": "#101317" if _dark() else "#FFFFFF",
                    "text": "#E8EBEE" if _dark() else "#111111",
                },
            },
            on_picked_change=_ignore,
            height="content",
        )
        follow(numbers.picked)


def _cell(value: object) -> dict[str, Any]:
    if isinstance(value, Cell):
        link = {"pick": value.pick, "href": framing.address(value.pick)} if value.pick else {}
        return {"text": value.text, "number": True, **link}
    return {"text": f"{value:,}" if isinstance(value, int) else str(value), "number": isinstance(value, int)}


def csv_rows(answer: Answer) -> list[list[str]]:
    """The table of an answer as cells that no spreadsheet evaluates: its head, then its rows, as on the screen."""
    heads = list(answer.table[0])
    rows = [[value.text if isinstance(value, Cell) else str(value) for value in row.values()] for row in answer.table]
    return [[harmless(text) for text in row] for row in (heads, *rows)]


def file_name(question: str) -> str:
    """A question as the name of a file."""
    letters = "".join(letter if letter.isalnum() else "-" for letter in question.lower())
    return "-".join(filter(None, letters.split("-")))


def key_html(entries: tuple[tuple[str, str], ...]) -> str:
    """The key of a figure: words beside their colours, which wrap where a figure's own legend would not."""
    spans = (
        f'<span style="white-space:nowrap"><span aria-hidden="true" style="color:{escape(fill)}">\u25a0</span> '
        f"{escape(word)}</span>"
        for fill, word in entries
    )
    return f'<div style="display:flex;flex-wrap:wrap;gap:0.1rem 1rem;font-size:0.875rem">{"".join(spans)}</div>'


def nothing_in(chosen: Chosen, ends: tuple[date, date]) -> None:
    """Say that nothing happened in a period, and where something did."""
    with st.container(border=True, horizontal_alignment="center", gap="small"):
        st.markdown("**Nothing happened in this period.**", width="content")
        days = f"{ends[0].day} {ends[0]:%b %Y} to {ends[1].day} {ends[1]:%b %Y}"
        if chosen.frame.filters:
            st.markdown("The filters may leave out what there is.", width="content")
            st.button("Clear the filters", key="clear_filters", on_click=_clear_filters)
        st.markdown(f"Claims came in from {days}.", width="content")
        if chosen.name != "All time":
            st.button("Show all time", key="all_time", type="primary", on_click=_all_time)


def _all_time() -> None:
    st.session_state["period"] = "All time"


def _clear_filters() -> None:
    for name in framing.LABELS:
        st.session_state[name] = framing.ANY


def names_of(store: Store) -> Mapping[int, str]:
    """Everybody's name by id."""
    return {person.id: person.name for person in people(store)}


def _dark() -> bool:
    return bool(st.context.theme.type == "dark")


def figures_now(store: Store, chosen: Chosen) -> Figures:
    """The figures on top, as of now."""
    return _figures(chosen, framing.today(), depends(store), _store=store)


def _answer(store: Store, question: str, chosen: Chosen) -> tuple[Answer, Spec | None]:
    minute = context.now_us() // 60_000_000
    return _drawn(question, chosen, minute, depends(store), dark=_dark(), _store=store)


def answer_of(store: Store, question: str, chosen: Chosen, *, dark: bool) -> Answer:
    """The answer to a question within a frame, as of now."""
    asked = Asked(
        store,
        chosen.frame,
        chosen.grain,
        framing.today(),
        context.now_us(),
        store.policy.zone,
        WORDS,
        names_of(store),
        dark,
    )
    return CHARTS[question].draw(asked)


@st.cache_data(ttl=KEPT_FOR, max_entries=100, show_spinner=False)
def _figures(chosen: Chosen, today: date, depends_on: tuple[object, ...], *, _store: Store) -> Figures:
    del depends_on
    return Figures(
        now=metrics.headline(_store, chosen.frame, today),
        before=metrics.headline(_store, chosen.before, today) if chosen.before else None,
        hours=settings_now(_store).answer_hours,
        rates=exchange_rates(_store),
    )


@st.cache_data(ttl=KEPT_FOR, max_entries=200, show_spinner=False)
def _drawn(
    question: str, chosen: Chosen, minute: int, depends_on: tuple[object, ...], *, dark: bool, _store: Store
) -> tuple[Answer, Spec | None]:
    """An answer, and its figure as plain values.

    A `Figure` that was kept comes back with its parts in another order, and Streamlit, which knows a chart by its
    content, would take it for another one and lose the click on a bar.
    """
    del depends_on, minute
    answer = answer_of(_store, question, chosen, dark=dark)
    return replace(answer, figure=None), answer.figure.to_dict() if answer.figure is not None else None


def _ignore() -> None:
    """Reading the trigger after the run is enough."""
