"""The frame of the metrics page: which days, in which steps, beside what, narrowed to what; all in the address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from urllib.parse import parse_qsl, urlencode

import streamlit as st

from refundcore import metrics
from refundcore.deadlines import moment
from refundcore.desk import acts, context
from refundcore.desk.show import CODES, REASONS
from refundcore.metrics import FILTERS, Frame, begin, grain
from refundcore.store import Person, Store, may, people

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
STEPS = {"Best fit": "", "Day": "day", "Week": "week", "Month": "month"}
BESIDE = ("The period before", "The year before", "Nothing")
LABELS = {
    "reason": "Reason",
    "product": "Product",
    "currency": "Currency",
    "method": "Paid by",
    "channel": "Channel",
    "agent": "Agent",
}
ANY = "Any"
UNKNOWN = "Not known"
NOBODY = "Nobody"
MOST_VALUES = 500
BEHIND, VIEW = "figure", "view"
"""The parameters of the list of claims: the figure that they are behind, and the frame it was seen in."""

FIELDS = ("period", "from", "to", "steps", "beside", "topic", *FILTERS)
"""The parameters of the metrics page."""

PAGE, LIST = "pages/metrics.py", "pages/behind.py"

_CHOSEN_IN_THE_DARK = "<style>.st-key-period [data-selected='true'] p { color: #86BEE3; }</style>"
"""The theme's accent on its own tint has a contrast of 3.7 there, and small text needs 4.5 (WCAG 2.2)."""


@dataclass(frozen=True)
class Chosen:
    """A frame, how its period is called, its steps, and what it is compared with."""

    frame: Frame
    name: str
    grain: str
    beside: str = BESIDE[0]

    @property
    def before(self) -> Frame | None:
        """What it is compared with; None for nothing, or where there is nothing earlier."""
        if self.name == "All time" or self.beside == BESIDE[2]:
            return None
        return self.frame.year_before() if self.beside == BESIDE[1] else self.frame.before()


def first_and_last(store: Store) -> tuple[date, date] | None:
    """The days of the first and the last claim; None for a desk without claims."""
    return _ends(depends(store), _store=store)


def draw(me: Person, ends: tuple[date, date]) -> Chosen:
    """The fields of the frame, bound to the address; the frame they say. `ends` are the first and last claim's days."""
    _come_back()
    if st.context.theme.type == "dark":
        st.html(_CHOSEN_IN_THE_DARK)
    now = today()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.segmented_control(
            "Period", list(PRESETS), default=USUAL, required=True, key="period", bind="query-params"
        )
        name = name if name in PRESETS else USUAL
        first, last = _days(name, now, ends)
        step = st.selectbox("Steps", list(STEPS), key="steps", bind="query-params", width=110)
        beside = st.selectbox("Compared with", list(BESIDE), key="beside", bind="query-params", width=160)
    filters = _filters(me)
    unit = STEPS.get(str(step), "") or grain((last - first).days + 1)
    if name == "All time":
        first = begin(first, unit)
    return Chosen(Frame(first, last, **filters), name, unit, str(beside))


def today() -> date:
    """The present day in the desk's zone."""
    return moment(context.now_us(), context.zone()).date()


def _days(name: str, now: date, ends: tuple[date, date]) -> tuple[date, date]:
    if name == "Between dates":
        usual = now - timedelta(days=29)
        first = st.date_input("From", usual, key="from", bind="query-params", width=130)
        last = st.date_input("To, included", now, key="to", bind="query-params", width=130)
        given = (first if isinstance(first, date) else usual, last if isinstance(last, date) else now)
        return min(given), max(given)
    if name == "All time":
        return min(ends[0], now), max(ends[1], now)
    return now - timedelta(days=(PRESETS[name] or 1) - 1), now


def _filters(me: Person) -> dict[str, str]:
    """The fields that narrow the frame; work by agent is for managers to see."""
    fields = [name for name in FILTERS if name != "agent" or may(me.role, "read_agents")]
    options = acts.read(_options)
    chosen = {}
    for place, name in zip(st.columns(len(fields), vertical_alignment="bottom"), fields, strict=True):
        words = options[name]
        with place:
            word = st.selectbox(
                LABELS[name],
                [ANY, *words],
                key=name,
                bind="query-params",
            )
        if word in words:
            chosen[name] = words[str(word)]
    return chosen


def word_of(name: str, value: str, names: Mapping[int, str]) -> str:
    """A value of a filter as people read it."""
    if name == "agent":
        return names.get(int(value or 0), NOBODY)
    if not value:
        return UNKNOWN
    if name in {"reason", "channel"}:
        return CODES.get(value, REASONS.get(value, value))
    return value.replace("_", " ") if name == "method" else value


def _options(store: Store) -> dict[str, dict[str, str]]:
    return _known_values(depends(store), _store=store)


@st.cache_data(ttl=60, max_entries=10, show_spinner=False)
def _known_values(depends_on: tuple[object, ...], *, _store: Store) -> dict[str, dict[str, str]]:
    """Filter -> word -> value, of every value that there is."""
    del depends_on
    names = {person.id: person.name for person in people(_store)}
    found = {"reason": ["", *REASONS]}
    with _store.read() as connection:
        for name in FILTERS:
            if name != "reason":
                found[name] = metrics.values(connection, "came", name)
        found["agent"] = sorted({*found["agent"], *metrics.values(connection, "decided", "agent")})
    told = {}
    for name, values in found.items():
        words = {word_of(name, value, names): value for value in values[:MOST_VALUES]}
        told[name] = dict(sorted(words.items(), key=lambda pair: (pair[1] in {"", "0"}, pair[0].casefold())))
    return told


def said(chosen: Chosen, names: Mapping[int, str]) -> str:
    """The frame in words, for the head of a list or a report."""
    frame = chosen.frame
    days = f"{frame.first.day} {frame.first:%b %Y} to {frame.last.day} {frame.last:%b %Y}"
    parts = [f"{LABELS[name]}: {word_of(name, value, names)}" for name, value in frame.filters.items()]
    return " · ".join([f"{chosen.name}, {days}" if chosen.name in PRESETS else days, *parts])


def carried(figure: str) -> dict[str, str]:
    """The parameters of the list of claims behind a figure: the figure, and the frame to come back to."""
    frame = {name: str(st.query_params[name]) for name in st.query_params if name in FIELDS}
    return {BEHIND: figure} | ({VIEW: urlencode(frame)} if frame else {})


def carried_by(params: Mapping[str, str]) -> dict[str, str]:
    """The parameters of the metrics page that a list's address carries along."""
    return {name: value for name, value in parse_qsl(str(params.get(VIEW, ""))) if name in FIELDS}


def _come_back() -> None:
    """Take the frame up again after the browser's own way back, which keeps the list's parameters in the address."""
    if BEHIND not in st.query_params:
        return
    frame = carried_by(st.query_params)
    for name in (BEHIND, VIEW):
        st.query_params.pop(name, None)
    for name, value in frame.items():
        st.query_params[name] = value
    st.rerun()


def address(figure: str) -> str:
    """Where the claims behind a figure are listed, relative to the desk's root."""
    return f"behind?{urlencode(carried(figure))}"


def depends(store: Store) -> tuple[object, ...]:
    """What figures follow from, but for the moment: where these are the same, so are the figures."""
    return store.url, metrics.journal_end(store), store.policy.fingerprint


@st.cache_data(ttl=60, max_entries=10, show_spinner=False)
def _ends(depends_on: tuple[object, ...], *, _store: Store) -> tuple[date, date] | None:
    del depends_on
    return metrics.first_and_last(_store)
