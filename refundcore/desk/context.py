"""What every page works with: the store, the policy and the clock, each once a process.

Pages never open a store or read a document themselves.
"""

from __future__ import annotations

import threading
from datetime import datetime, tzinfo

import numpy as np

import refundcore.store as claims_store
from refundcore import clock
from refundcore.deadlines import micros, zone_of
from refundcore.facts import Claims
from refundcore.policy import Policy
from refundcore.rulebook.reading import Reader
from refundcore.store import Store

_opening = threading.Lock()
_opened: list[Store] = []


def store() -> Store:
    """The store of this process, opened at the first call."""
    if not _opened:
        with _opening:
            if not _opened:
                opened = claims_store.connect(at=now())
                opened.keeps_time = True  # a clock set back is noticed before it moves a deadline
                _opened.append(opened)
    return _opened[0]


def forget() -> None:
    """Let go of the store: the next page opens one anew. For tests, which give each its own folder."""
    with _opening:
        while _opened:
            _opened.pop().engine.dispose()


def policy() -> Policy:
    """The policy that claims are judged under."""
    found: Policy = store().policy
    return found


def edition(number: int) -> Policy:
    """The policy of an edition: of the one that judged a claim."""
    found: Policy = store().laws.of_number(number).policy
    return found


def law_of(claim: Claims) -> Policy:
    """The policy that judges a claim (a table of one row) that is not stored yet."""
    laws = store().laws
    read = Reader(claim, np.array([now_us()], dtype=np.int64))
    found: Policy = laws.all[int(laws.places(read)[0])].policy
    return found


def now() -> datetime:
    """The present moment; pages and parts of pages ask nobody else."""
    return clock.now()


def now_us() -> int:
    """The present moment in microseconds since 1970 in UTC."""
    return micros(now())


def zone() -> tzinfo:
    """The zone in which days are counted and times are shown: the policy's."""
    return zone_of(policy().zone)
