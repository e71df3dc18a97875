"""The form of a draft: what it changes of numbers, fees, readings and clauses, and from which day on."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import Final

import streamlit as st

from refundcore import store
from refundcore.amending import Amendment, amended, written
from refundcore.deadlines import moment
from refundcore.desk import acts, context
from refundcore.desk.show import REASONS, plain
from refundcore.desk.trying import Tried
from refundcore.facts import REASONS as ALL_REASONS
from refundcore.policy import Policy, PolicyError, Reading
from refundcore.store import Draft, Person, day_begins
from refundcore.store.population import Chosen

AS_IT_IS = "The policy as it is"
METHODS = ("card", "paypal", "crypto", "balance", "bank_transfer")
KEEP: Final = "session"
"""What was set stays set while another tab, or a flipped claim, is looked at."""


def today() -> date:
    """The present day in the desk's zone."""
    return moment(context.now_us(), context.zone()).date()


def number_label(policy: Policy, clause: str, name: str) -> str:
    """A number as people know it: `C4c In time from the purchase: window, days`."""
    words = name.rsplit("_", 1)
    told = f"{words[0].replace('_', ' ')}, {words[1]}" if len(words) > 1 else name
    return f"{clause} {policy.clauses[clause].title}: {told}"


def present(policy: Policy, clause: str, name: str) -> int:
    """A number of the present day."""
    dated = policy.clauses[clause].numbers[name]
    return dated[max((day for day in dated if day <= today()), default=min(dated))]


def draft_form() -> Tried | None:
    """The fields of a draft; the policy that they make, None where they make none."""
    kept = {draft.name: draft for draft in acts.read(store.drafts_kept)}
    chosen = kept.get(str(st.selectbox("Start from", [AS_IT_IS, *kept], key="lab_base", persist_state=KEEP)))
    base = chosen.policy if chosen else context.store().laws.all[-1].policy
    start = _start(chosen, base)
    try:
        policy = amended(base, _amendment(base, start))
    except PolicyError as wrong:
        st.error(plain(str(wrong)), icon=":material/error:")
        return None
    return Tried(policy, start)


def _start(kept: Draft | None, base: Policy) -> date:
    day = st.date_input(
        "For orders from",
        kept.start if kept else base.in_force_from,
        key=f"lab_start_{kept.id if kept else 0}",
        persist_state=KEEP,
        help="Earlier orders are judged as they were. To see what the change would have done to all past claims, leave"
        " the first day of the policy.",
    )
    return day if isinstance(day, date) else base.in_force_from


def _amendment(base: Policy, start: date) -> Amendment:
    return Amendment(start, _numbers(base), _readings(base), *_off(base), _fees(base))


def _numbers(base: Policy) -> dict[tuple[str, str], int]:
    every = {f"{c.id}.{name}": (c.id, name) for c in base.clauses.values() for name in c.numbers}
    chosen = st.multiselect(
        "Numbers",
        list(every),
        format_func=lambda key: f"{number_label(base, *every[key])} ({present(base, *every[key]):,} now)",
        default=[f"{clause}.{name}" for clause, name in _taken(base.in_force_from).numbers],
        key="lab_numbers",
        placeholder="Choose a number to change",
        persist_state=KEEP,
    )
    found = {}
    for key in chosen:
        value = st.number_input(
            number_label(base, *every[key]), 0, 10_000, _value(base, *every[key]), key=f"lab_{key}", persist_state=KEEP
        )
        found[every[key]] = int(value)
    return found


def _readings(base: Policy) -> dict[str, tuple[str, str, str]]:
    open_to = {name: reading for name, reading in base.readings.items() if len(reading.meanings) > 1}
    chosen = st.multiselect(
        "Readings",
        list(open_to),
        format_func=lambda name: f"{name} {open_to[name].title}",
        default=list(_taken(base.in_force_from).readings),
        key="lab_readings",
        placeholder="Choose a point to settle",
        persist_state=KEEP,
    )
    taken = _taken(base.in_force_from).readings
    found = {}
    for name in chosen:
        reading = open_to[name]
        value = st.selectbox(
            f"{name} {reading.title}",
            list(reading.meanings),
            index=list(reading.meanings).index(taken[name][0]) if name in taken else 0,
            format_func=partial(_meaning, reading),
            key=f"lab_reading_{name}",
            persist_state=KEEP,
            help="All three readings take it, so no claim splits on this point any more.",
        )
        found[name] = (str(value), str(value), str(value))
    return found


def _meaning(reading: Reading, value: str) -> str:
    text = reading.meanings[value]
    return f"{text[:1].upper()}{text[1:]}"


def _off(base: Policy) -> tuple[frozenset[str], frozenset[str]]:
    can = [clause for clause in base.clauses.values() if set(clause.roles) - {"note", "ground"} and not clause.off]
    names = [clause.id for clause in can if "ground" not in clause.roles]
    off = st.multiselect(
        "Clauses switched off",
        names,
        format_func=lambda name: f"{name} {base.clauses[name].title}",
        default=sorted(_taken(base.in_force_from).off),
        key="lab_off",
        placeholder="Choose a clause that shall not weigh",
        persist_state=KEEP,
    )
    back = [clause.id for clause in base.clauses.values() if clause.off]
    if not back:
        return frozenset(off), frozenset()
    on = st.multiselect("Clauses switched on again", back, key="lab_on", persist_state=KEEP)
    return frozenset(off), frozenset(on)


def _fees(base: Policy) -> dict[str, int]:
    methods = list(dict.fromkeys([*(fee.method for fee in base.fees), *METHODS]))
    chosen = st.multiselect(
        "Fees",
        methods,
        format_func=lambda method: method.replace("_", " "),
        key="lab_fees",
        placeholder="Choose a payment method",
        persist_state=KEEP,
        accept_new_options=True,
    )
    found = {}
    for method in map(str, chosen):
        now = max((fee for fee in base.fees if fee.method == method), key=lambda fee: fee.start, default=None)
        value = st.number_input(
            f"Kept of a refund by {method.replace('_', ' ')}, percent",
            0.0,
            100.0,
            (now.basis_points if now else 0) / 100,
            0.5,
            key=f"lab_fee_{method}",
            persist_state=KEEP,
            help="Only where the customer was told of it, and never on a defect.",
        )
        found[method] = round(float(value) * 100)
    return found


def chosen_claims() -> Chosen:
    """The fields that say on which claims a draft is tried."""
    with st.expander("Which claims", key="lab_claims"):
        words = {"": "All reasons", **{code: REASONS[code] for code in ALL_REASONS}}
        reason = st.selectbox(
            "Reason", list(words), format_func=words.__getitem__, key="lab_reason", persist_state=KEEP
        )
        first = st.date_input("Received from", None, key="lab_first", persist_state=KEEP)
        last = st.date_input("Received to, included", None, key="lab_last", persist_state=KEEP)
    zone = context.policy().zone
    return Chosen(
        str(reason or ""),
        day_begins(first, zone) if isinstance(first, date) else None,
        day_begins(last + timedelta(days=1), zone) if isinstance(last, date) else None,
    )


def keep_form(me: Person, tried: Tried) -> None:
    """Keep the draft under a name, to compare it with others and to come back to it."""
    with (
        st.form("form_keep", border=False, clear_on_submit=True),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        name = st.text_input("Keep as", key="lab_name", placeholder="Ten days instead of seven")
        sent = st.form_submit_button("Keep", key="lab_keep", icon=":material/bookmark_add:")
    if sent:
        document, fees = written(tried.policy)
        given = {"name": name, "document": document, "fees": fees, "start": tried.start}
        if done := acts.do(store.save_draft, me, "keep_draft", **given):
            acts.tell(done.sentence)
            st.rerun()
    acts.refusals("keep_draft")


def take(amendment: Amendment) -> None:
    """Let the form say an amendment; for the callback of a button."""
    clear()
    st.session_state["lab_taken"] = amendment


def _taken(day: date) -> Amendment:
    """What the form was told to say: what its fields show until somebody changes them."""
    found: Amendment = st.session_state.get("lab_taken") or Amendment(day)
    return found


def _value(base: Policy, clause: str, name: str) -> int:
    """What a number's field shows first."""
    return _taken(base.in_force_from).numbers.get((clause, name), present(base, clause, name))


def clear() -> None:
    """Take the form back to where it changes nothing; for the callback of a button."""
    for name in [str(key) for key in st.session_state if str(key).startswith("lab_")]:
        del st.session_state[name]


def next_monday() -> date:
    """The Monday that comes."""
    return today() + timedelta(days=7 - today().weekday())
