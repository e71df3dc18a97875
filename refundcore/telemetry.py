"""What the desk counts of itself, and who hears of an act: figures in Prometheus' form and one line of log an event.

Only what happens in this process is counted here; what the store knows (verdicts, imports, due claims) is asked of it
when somebody scrapes. Nothing personal: people are numbers, claims are not named.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from prometheus_client import CollectorRegistry, Counter, Histogram

REGISTRY = CollectorRegistry()
ACTS = Counter("refund_desk_acts", "Acts done", ["action"], registry=REGISTRY)
REFUSALS = Counter("refund_desk_refusals", "Acts refused, by why", ["action", "why"], registry=REGISTRY)
SIGNINS = Counter("refund_desk_signins", "Tries to sign in", ["result"], registry=REGISTRY)
PAGES = Histogram(
    "refund_desk_page_seconds", "Time in which the server drew a page", ["page"], registry=REGISTRY,
    buckets=(0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4),
)  # fmt: skip

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Which request, or which open page, this is done for."""

log = logging.getLogger("refundcore.events")


@contextmanager
def act(action: str, person: int) -> Iterator[None]:
    """Count and log one act; a refusal is counted by its kind, anything unexpected as failed."""
    began = time.perf_counter()
    result = "done"
    try:
        yield
    except Exception as problem:
        ours = type(problem).__module__.startswith("refundcore.")
        result = type(problem).__name__.lower() if ours else "failed"
        REFUSALS.labels(action, result).inc()
        raise
    else:
        ACTS.labels(action).inc()
    finally:
        told = {"action": action, "result": result, "person": person, "ms": _ms(began)}
        log.info("act", extra={"event": told})


@contextmanager
def page(name: str) -> Iterator[None]:
    """Count the time in which a page is drawn."""
    began = time.perf_counter()
    try:
        yield
    finally:
        PAGES.labels(name).observe(time.perf_counter() - began)


def signed_in(result: str) -> None:
    """Count and log a try to sign in."""
    SIGNINS.labels(result).inc()
    log.info("signin", extra={"event": {"result": result}})


def _ms(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)
