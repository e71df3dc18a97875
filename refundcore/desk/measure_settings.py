"""What managers bring to the figures: exchange rates for a combined figure, and a file of orders."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

import streamlit as st

from refundcore import intake, metrics
from refundcore.deadlines import moment
from refundcore.desk import acts, context
from refundcore.desk.framing import depends
from refundcore.facts import Claims
from refundcore.intake import IntakeError
from refundcore.money import EXPONENTS
from refundcore.store import Person, Store
from refundcore.store.exchange import Rates, exchange_rates, set_exchange_rates
from refundcore.store.ordering import add_orders


def draw(me: Person) -> None:
    """The forms, below the charts; for managers."""
    left, right = st.columns(2)
    with left, st.expander("Exchange rates for one figure over all currencies", key="rates_form"):
        _rates(me, acts.read(exchange_rates))
    with right, st.expander("Orders, so that rates are of sales", key="orders_form"):
        _orders(me)


def _rates(me: Person, rates: Rates) -> None:
    st.markdown(
        "Amounts of different currencies are never added, unless you say what each is worth. The figure is then told"
        " with these rates and their day beside it."
    )
    codes = acts.read(_currencies)
    into = st.selectbox(
        "Tell it in", sorted(EXPONENTS), index=_place(sorted(EXPONENTS), rates.into or "USD"), key="rates_into"
    )
    others = [code for code in codes if code and code != into]
    with st.form("form_rates", border=False):
        day = st.date_input("Rates of", rates.day or moment(context.now_us(), context.zone()).date(), key="rates_day")
        given: dict[str, str] = {}
        for code in others:
            known = rates.each.get(code) if rates.into == into else None
            text = st.text_input(f"1 {code} in {into}", "" if known is None else str(known), key=f"rate_{into}_{code}")
            if text.strip():
                given[code] = text
        if not others:
            st.markdown("There are claims in no other currency.")
        sent = st.form_submit_button("Keep these rates", key="save_rates")
    if sent and isinstance(day, date):
        done = acts.do(set_exchange_rates, me, "rates", into=into, day=day, each=given)
        if done:
            acts.tell(done)
            st.rerun()
    acts.refusals("rates")


def _place(codes: list[str], code: str) -> int:
    return codes.index(code) if code in codes else 0


def _currencies(store: Store) -> list[str]:
    del store
    return _known(depends(context.store()), _store=context.store())


@st.cache_data(ttl=60, max_entries=10, show_spinner=False)
def _known(depends_on: tuple[object, ...], *, _store: Store) -> list[str]:
    del depends_on
    with _store.read() as connection:
        return metrics.values(connection, "came", "currency")


def _orders(me: Person) -> None:
    st.markdown(
        "A CSV file or workbook with the columns order_ref, ordered_at, product, amount and currency. With it, the"
        " chart “By activity or by purchase” tells rates of sales. The same file twice changes nothing."
    )
    given = st.file_uploader("Orders file", type=["csv", "txt", "tsv", "xlsx"], key="orders_file")
    if given is not None and st.button("Keep these orders", key="save_orders"):
        kept = acts.do(_keep, me, "orders", name=given.name, data=given.getvalue())
        if kept:
            acts.tell(kept)
            st.rerun()
    acts.refusals("orders")


def _keep(store: Store, *, actor: int, at: datetime, key: str, name: str, data: bytes) -> str:
    """Read an orders file and keep its orders; a sentence. Raises `IntakeError` for what cannot be read."""
    file = intake.source(data, name)
    plan = intake.plan(file, zone=store.policy.zone)
    mapped = set(plan.mapping.values())
    if "order_ref" not in mapped or not mapped & {"ordered_at", "purchased_at"}:
        raise IntakeError("An orders file needs a column order_ref and a column ordered_at.")
    if plan.questions:
        raise IntakeError(plan.questions[0].text)
    rejected: list[int] = []

    def rows() -> Iterator[Claims]:
        for batch in intake.rows(file, plan):
            rejected.append(len(batch.rejected))
            yield batch.claims

    kept = add_orders(store, rows(), actor=actor, at=at, key=key)
    left = sum(rejected)
    return kept.sentence + (f" {left:,} more rows could not be read." if left else "")
