"""The queue: pages of claims in the order in which they are to be acted on."""

from __future__ import annotations

from datetime import datetime

from refundcore.store.model import Figures, Filter, QueuePage, QueueRow
from refundcore.store.store import Store

PAGE = 50


def queue(
    store: Store,
    filter: Filter,  # noqa: A002
    *,
    person: int,
    at: datetime,
    after: str | None = None,
    before: str | None = None,
    limit: int = PAGE,
) -> QueuePage:
    """A page of the claims of a filter: open ones by (act_by, id), others newest first.

    `after` and `before` are cursors of `QueuePage`; an unreadable one is the first page. `person` is who "me" is.
    """
    raise NotImplementedError


def queue_figures(store: Store, *, person: int, at: datetime) -> Figures:
    """The figures on top of the queue, over all open claims."""
    raise NotImplementedError


def count_matching(store: Store, filter: Filter, *, person: int, at: datetime) -> int:  # noqa: A002
    """How many claims a filter finds."""
    raise NotImplementedError


def neighbours(
    store: Store,
    filter: Filter,
    *,
    person: int,
    at: datetime,
    claim: int,
) -> tuple[QueueRow | None, QueueRow | None]:
    """The claims before and after a claim within a filter's order, whether the filter finds the claim itself or not."""
    raise NotImplementedError


def related(store: Store, claim: int, limit: int = 20) -> list[QueueRow]:
    """Other claims of the same order or the same customer's e-mail, newest first."""
    raise NotImplementedError
