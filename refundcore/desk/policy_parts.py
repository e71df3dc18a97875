"""The policy page's parts: the document clause by clause, its worked examples, and how time is counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from string import Formatter
from types import MappingProxyType
from typing import Any

import numpy as np
import streamlit as st

from refundcore.deadlines import CONVENTIONS, count, last_second, micros, moment, window_end
from refundcore.desk import acts, clause_notes, context
from refundcore.desk.examples import Example, worked
from refundcore.desk.listing import Line, listing
from refundcore.desk.parts import component
from refundcore.desk.show import REASONS, count_text, plain, verdict_word
from refundcore.facts import REASONS as ALL_REASONS
from refundcore.policy import Clause, Policy, Reading
from refundcore.store import day_begins
from refundcore.store.clause_figures import clause_figures

ROLES: Mapping[str, str] = MappingProxyType(
    {
        "ground": "Gives a right",
        "bar": "Bars a claim",
        "hold": "Leaves it to a person",
        "supply": "Asks for something",
        "clock": "Starts a clock",
        "remedy": "Says what is given",
        "fee": "Allows a fee",
        "note": "Explains, decides nothing",
    }
)
"""The roles of clauses in plain words."""

READ = {"strict": "Strict", "default": "Usual", "generous": "Generous"}
UNITS = ("days", "hours", "percent", "words")
ANY_REASON, ANY_ROLE = "Any reason", "Anything"
FIELDS = {"find": "", "concerns": ANY_REASON, "does": ANY_ROLE, "two_ways": False}

EVENT = datetime(2025, 3, 8, 16, 45)  # noqa: DTZ001 - a local time, on a Saturday
"""The event of the examples of counting, in the desk's zone."""


@dataclass(frozen=True)
class Wanted:
    """What the filter asks for."""

    text: str = ""
    reason: str = ""
    role: str = ""
    two_ways: bool = False

    @property
    def everything(self) -> bool:
        """Whether nothing is filtered."""
        return self == Wanted()

    def fits(self, clause: Clause, readings: Iterable[Reading], wording: str) -> bool:
        """Whether a clause with its readings is shown."""
        readings = list(readings)
        said = [clause.id, clause.title, wording, *(ROLES[role] for role in clause.roles)]
        for reading in readings:
            said += [reading.id, reading.title, reading.why, *reading.meanings.values()]
        within = "\n".join(said).casefold()
        return (
            all(word in within for word in self.text.casefold().split())
            and (not self.reason or self.reason in clause.reasons)
            and (not self.role or self.role in clause.roles)
            and (not self.two_ways or any(reading.splits for reading in readings))
        )


def filter_fields() -> Wanted:
    """The fields of the filter, bound to the address."""
    reasons = {ANY_REASON: "", **{REASONS[code]: code for code in ALL_REASONS}}
    roles = {ANY_ROLE: "", **{word: role for role, word in ROLES.items()}}
    places = st.columns([1.6, 1, 1, 1.3], vertical_alignment="bottom")
    text = places[0].text_input(
        "Search",
        key="find",
        bind="query-params",
        type="search",
        live="300ms",
        placeholder="A word, or a clause such as C4c",
    )
    reason = places[1].selectbox("Reason", list(reasons), key="concerns", bind="query-params")
    role = places[2].selectbox("What the clause does", list(roles), key="does", bind="query-params")
    two_ways = places[3].toggle("Read in more than one way", key="two_ways", bind="query-params")
    return Wanted((text or "").strip(), reasons.get(reason, ""), roles.get(role, ""), bool(two_ways))


def clear() -> None:
    """Take the filter back to where it shows everything; for the callback of a button."""
    for field, value in FIELDS.items():
        st.session_state[field] = value


def day_field() -> date:
    """The day on which the clauses are read; today, unless another is chosen."""
    day = st.date_input("As it reads for an order of", _today(), key="day", bind="query-params", width=220)
    return day if isinstance(day, date) else _today()


def _today() -> date:
    return moment(context.now_us(), context.zone()).date()


def document(wanted: Wanted, day: date) -> None:
    """The clauses of a day that the filter asks for, or what to do where there are none."""
    edition = context.store().laws.at(day_begins(day, context.policy().zone))
    policy = edition.policy
    examples = worked(policy)
    figures = acts.read(clause_figures)
    rows = [
        {
            **_clause(policy, clause, day, examples),
            "figures": clause_notes.figures(clause, figures.get(clause.id)),
            "rules": clause_notes.sources(clause.id),
        }
        for clause in policy.clauses.values()
        if wanted.fits(clause, _readings(policy, clause.id), clause.on(day))
    ]
    if not rows:
        with st.container(border=True, horizontal_alignment="center"):
            st.markdown("**No clause fits this search.**", width="content")
            st.button("Show the whole policy", key="clear_policy", on_click=clear)
        return
    if not wanted.everything:
        st.markdown(f":gray[{len(rows)} of {count_text(len(policy.clauses), 'clause')}]")
    if len(context.store().laws.all) > 1:
        st.markdown(f":gray[Edition {edition.number} judges an order of {_day(day)}.]")
    opened = str(st.query_params.get("clause", ""))
    component("policy_text")(
        key="document",
        data={"rows": rows, "open": opened if opened in policy.clauses else ""},
        height="content",
    )


def introduction() -> None:
    """What one reads here, in two sentences."""
    policy = context.policy()
    splitting = sum(reading.splits for reading in policy.readings.values())
    st.markdown(
        f"In force from {_day(policy.in_force_from)}, in our own words and with the numbers of today: "
        f"{count_text(len(policy.clauses), 'clause')}. Of {count_text(len(policy.readings), 'point')} that one could "
        f"argue about, {splitting} can be read in more than one way. Every claim is judged by the strict, the usual "
        "and the generous reading; a person is asked only where they part.",
        width=920,
    )


def _clause(policy: Policy, clause: Clause, today: date, examples: Sequence[Example]) -> dict[str, Any]:
    readings = _readings(policy, clause.id)
    return {
        "id": clause.id,
        "title": clause.title,
        "paragraph": clause.paragraph,
        "wording": _wording(clause, today),
        "facts": [
            ["Does", "nothing: it is switched off" if clause.off else _does(clause)],
            ["Concerns", _concerned(clause)],
            *([_number_name(name), _history(name, values, today)] for name, values in clause.numbers.items()),
        ],
        "readings": [_reading(reading, clause) for reading in readings if reading.splits],
        "settled": [_settled(reading) for reading in readings if not reading.splits],
        "examples": [_example(example) for example in examples if clause.id in example.clauses],
    }


def _does(clause: Clause) -> str:
    return ", ".join(ROLES[role].lower() for role in clause.roles)


def _readings(policy: Policy, clause: str) -> list[Reading]:
    return [reading for reading in policy.readings.values() if clause in {*reading.clauses, *reading.parts}]


def _wording(clause: Clause, today: date) -> list[list[Any]]:
    """The wording in pieces: text, and whether it is one of the clause's numbers."""
    pieces: list[list[Any]] = []
    for text, name, _, _ in Formatter().parse(clause.text):
        if text:
            pieces.append([text, False])
        if name:
            pieces.append([replace(clause, text=f"{{{name}}}").on(today), True])
    return pieces


def _concerned(clause: Clause) -> str:
    if set(clause.reasons) == set(ALL_REASONS):
        return "every claim"
    return ", ".join(REASONS[reason] for reason in clause.reasons)


def _number_name(name: str) -> str:
    words = name.split("_")
    kept = words[:-1] if words[-1] in UNITS and len(words) > 1 else words
    return " ".join(kept).capitalize()


def _history(name: str, values: Mapping[date, int], today: date) -> str:
    """`7 days for orders from 2 April 2024 on`, each value that was, is or will be."""
    unit = name.rsplit("_", 1)[-1]
    said = []
    for start in sorted(values):
        amount = f"{values[start]:,} {unit}" if unit in UNITS else f"{values[start]:,}"
        ahead = ", which lies ahead" if start > today else ""
        said.append(f"{amount} for orders from {_day(start)} on{ahead}")
    return "; ".join(said)


def _reading(reading: Reading, clause: Clause) -> dict[str, Any]:
    """What can be read in more than one way: in full at its own clause, at the others by name and where to find it."""
    home = (reading.parts or reading.clauses)[0]
    if clause.id != home:
        return {"title": reading.title, "code": f"{reading.id}, see {home}", "values": [], "why": ""}
    by_value: dict[str, list[str]] = {}
    for name, word in READ.items():
        by_value.setdefault(reading.value(name), []).append(word)
    values = [
        [" and ".join([words[0], *(word.lower() for word in words[1:])]), reading.meanings[value]]
        for value, words in by_value.items()
    ]
    return {"title": reading.title, "code": reading.id, "values": values, "why": reading.why}


def _settled(reading: Reading) -> dict[str, str]:
    """What has one reading."""
    said = reading.meanings[reading.default]
    return {"title": reading.title, "code": reading.id, "text": f"{_sentence(said)}.", "why": reading.why}


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _example(example: Example) -> dict[str, str]:
    word = verdict_word(example.verdict, example.leaning)
    return {
        "title": example.title, "word": word.label, "icon": word.icon, "tone": word.tone, "sentence": example.sentence
    }  # fmt: skip


def examples(wanted: Wanted) -> None:
    """The worked examples under a heading a reason."""
    policy = context.policy()
    found = [
        example
        for example in worked(policy)
        if (not wanted.reason or example.reason == wanted.reason)
        and (not wanted.role or any(wanted.role in policy.clauses[name].roles for name in example.clauses))
        and (not wanted.two_ways or (example.verdict == "review" and example.leaning))
        and all(
            word in f"{example.title} {example.sentence} {' '.join(example.clauses)}".casefold()
            for word in wanted.text.casefold().split()
        )
    ]
    st.markdown(
        "Small claims made up for this page, judged as you read by the same policy that judges the real ones.",
        width=920,
    )
    if not found:
        with st.container(border=True, horizontal_alignment="center"):
            st.markdown("**No example fits this search.**", width="content")
            st.button("Show all examples", key="clear_examples", on_click=clear)
        return
    for reason in ALL_REASONS:
        lines = [_line(example) for example in found if example.reason == reason]
        if lines:
            st.header(REASONS[reason], anchor=False)
            with st.container(width=980):
                listing(lines, f"examples_{reason}", f"Worked examples: {REASONS[reason]}")


def _line(example: Example) -> Line:
    word = verdict_word(example.verdict, example.leaning)
    return Line(
        head=example.title, text=example.sentence, icon=word.icon, tone=word.tone,
        word=f"{word.label} · {example.clause}" if example.clause else word.label,
    )  # fmt: skip


def counting() -> None:
    """How days and hours are counted, with examples that are counted as one reads."""
    policy = context.policy()
    zone = policy.zone
    event = micros(EVENT.replace(tzinfo=context.zone()))
    st.markdown(
        f"Days begin and end at midnight in the desk's zone, **{plain(zone)}**, wherever the customer is. "
        "A date without a time stands for the whole day: nothing is lost by it, and nothing is won.",
        width=920,
    )
    with st.container(width=980):
        st.header("Days", anchor=False)
        st.markdown(f"{CONVENTIONS['days'].capitalize()}. Every calendar day counts, Sundays and holidays included.")
        st.header("Hours", anchor=False)
        st.markdown(
            f"{CONVENTIONS['hours'].capitalize()}. They run from the moment itself, so the clock may show another time "
            "at their end where summer time began or ended meanwhile."
        )
        st.header(f"Counted from {_told(event)}", anchor=False)
        st.table(_counted(policy, event), border="horizontal")
        st.header("Counted another way", anchor=False)
        st.markdown("For comparison only: none of these is how the desk counts.")
        st.table(_otherwise(event, zone), border="horizontal")


def _counted(policy: Policy, event: int) -> list[dict[str, str]]:
    today = moment(context.now_us(), context.zone()).date()
    periods: dict[tuple[str, int], list[str]] = {}
    for clause in policy.clauses.values():
        for name, values in clause.numbers.items():
            unit = name.rsplit("_", 1)[-1]
            if unit in CONVENTIONS:
                now = values[max((start for start in values if start <= today), default=min(values))]
                periods.setdefault((unit, now), []).append(clause.id)
    return [
        {
            "Period": f"{number} {unit}",
            "Clauses": ", ".join(dict.fromkeys(clauses)),
            "In time up to and including": _told(_end(event, number, unit, policy.zone)),
        }
        for (unit, number), clauses in sorted(periods.items())
    ]


def _end(event: int, number: int, unit: str, zone: str) -> int:
    """The last moment in time, as people are told it."""
    if unit == "days":
        return last_second(int(window_end(np.array([event], dtype=np.int64), number, zone)[0]))
    return count(event, number, "hours", "HOUR-E", zone)


def _otherwise(event: int, zone: str) -> list[dict[str, str]]:
    ways = (
        ("7 days, the day of the event counted as the first", 7, "days", "DAY-INCL"),
        ("7 days, a last day on a weekend moved to Monday", 7, "days", "DAY-X+ROLL"),
        ("7 working days", 7, "days", "SHORT"),
        ("72 hours from the next full hour", 72, "hours", "HOUR-EU"),
    )
    found = []
    for name, number, unit, convention in ways:
        end = count(event, number, unit, convention, zone)
        found.append({"Way": name, "Would end": _told(last_second(end) if unit == "days" else end)})
    return found


def _told(at: int) -> str:
    local = moment(at, context.zone())
    seconds = f":{local:%S}" if local.second else ""
    return f"{local:%A} {local.day} {local:%B %Y, %H:%M}{seconds}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
