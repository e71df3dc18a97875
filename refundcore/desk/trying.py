"""Backtests for the page: claims read once and kept while nothing changes, results kept by what they follow from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import streamlit as st

from refundcore import backtest, metrics
from refundcore.amending import Amendment, amended
from refundcore.backtest import Flip, Population, Proposal, Sweep, Tally
from refundcore.desk import context
from refundcore.editions import Editions
from refundcore.policy import Policy
from refundcore.store import Store, day_begins
from refundcore.store.population import Chosen, population

MOST_KEPT = 200_000
"""Claims that are kept in memory between two looks; of a larger store they are read anew."""
LISTED = 200
"""Flipped claims that the page lists; the file has them all."""
_MINUTES = 10 * 60 * 1_000_000
"""Results are kept for so long: then open claims are judged anew, as of the moment."""


@dataclass(frozen=True)
class Effect:
    """What a draft would have done."""

    tally: Tally
    flips: tuple[Flip, ...]
    """The first flipped claims."""
    irregular: tuple[Flip, ...]
    """Claims that people decided against the policy, and not against the draft."""


@dataclass(frozen=True)
class Tried:
    """A draft: the policy it would make, from which day on."""

    policy: Policy
    start: date

    @property
    def begins(self) -> int:
        """The first instant of the orders that it judges."""
        return day_begins(self.start, self.policy.zone)

    @property
    def key(self) -> str:
        """What it follows from."""
        return f"{self.policy.fingerprint} {self.start}"


def claims_of(chosen: Chosen) -> Iterator[Population]:
    """The claims to try on: those kept, or read from the store part by part."""
    store = context.store()
    kept = _kept(_state(store), chosen, _store=store)
    return iter(kept) if kept is not None else population(store, context.now_us(), chosen)


def _state(store: Store) -> str:
    """What results follow from beside their own question: any change of a claim makes it another."""
    lately = context.now_us() // _MINUTES
    return f"{store.url} {metrics.journal_end(store)} {store.laws.fingerprint} {lately}"


@st.cache_resource(max_entries=2, show_spinner=False)
def _kept(state: str, chosen: Chosen, *, _store: Store) -> list[Population] | None:
    del state  # it is there to be compared
    parts, count = [], 0
    for part in population(_store, context.now_us(), chosen):
        count += len(part)
        if count > MOST_KEPT:
            return None
        parts.append(part)
    return parts


def effect(tried: Tried, chosen: Chosen) -> Effect:
    """What a draft would have done to the chosen claims."""
    store = context.store()
    found: Effect = _effect(_state(store), tried.key, chosen, _tried=tried)
    return found


@st.cache_resource(max_entries=64, show_spinner="Judging the claims by both policies …")
def _effect(state: str, key: str, chosen: Chosen, *, _tried: Tried) -> Effect:
    del state, key
    before, after = _both(_tried)
    tally = Tally()
    listed: list[Flip] = []
    irregular: list[Flip] = []
    for part in claims_of(chosen):
        compared = backtest.compare(part, before, after)
        tally += Tally.of(compared, before.all[-1].policy)
        if len(listed) < LISTED:
            flipped = compared.flipped.nonzero()[0][: LISTED - len(listed)]
            listed += backtest.flips(compared, flipped)
        if len(irregular) < LISTED:
            irregular += backtest.flips(compared, compared.regular.nonzero()[0][: LISTED - len(irregular)])
    return Effect(tally, tuple(listed), tuple(irregular))


def _both(tried: Tried) -> tuple[Editions, Editions]:
    before = context.store().laws
    return before, before.with_draft(tried.policy, tried.begins)


def every_flip(tried: Tried, chosen: Chosen) -> Iterator[Flip]:
    """All flipped claims, for a file."""
    before, after = _both(tried)
    for part in claims_of(chosen):
        yield from backtest.flips(backtest.compare(part, before, after))


def sweep(tried: Tried, chosen: Chosen, what: str, values: Sequence[int], change: Callable[[int], Amendment]) -> Sweep:
    """What each value of one number would have done, everything else as in a draft. Raises `PolicyError`."""
    drafts = {value: amended(tried.policy, change(value)) for value in values}
    key = f"{tried.key} {what} {list(values)}"
    found: Sweep = _sweep(_state(context.store()), key, chosen, _tried=tried, _drafts=drafts)
    return found


@st.cache_resource(max_entries=32, show_spinner="Trying each value …")
def _sweep(state: str, key: str, chosen: Chosen, *, _tried: Tried, _drafts: Mapping[int, Policy]) -> Sweep:
    del state, key
    before = context.store().laws
    drafts = {value: before.with_draft(policy, _tried.begins) for value, policy in _drafts.items()}
    return backtest.sweep(claims_of(chosen), before, drafts)


def proposals(start: date, chosen: Chosen) -> list[Proposal]:
    """Amendments that would have made decisions against the policy unnecessary."""
    found: list[Proposal] = _proposals(_state(context.store()), start, chosen)
    return found


@st.cache_resource(max_entries=8, show_spinner="Looking for amendments …")
def _proposals(state: str, start: date, chosen: Chosen) -> list[Proposal]:
    del state
    laws = context.store().laws
    begins = day_begins(start, laws.all[-1].policy.zone)
    return backtest.proposals(list(claims_of(chosen)), laws, start, begins)
