"""For whoever runs the desk: is it well, what does it count, what was asked of it.

`/healthz` needs no session and tells nothing but well or not, by part. `/metrics` answers a scraper that shows the
token of the settings; to a browser, which shows none, it is the managers' page of that name, behind the gate.
"""

from __future__ import annotations

import hmac
import logging
import re
import secrets
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import anyio
import sqlalchemy as sa
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from refundcore.deadlines import HOUR, micros
from refundcore.server.holdings import Holdings
from refundcore.store import Store, StoreError
from refundcore.store import tables as t
from refundcore.store.opening import HEAD, revision_now
from refundcore.telemetry import REGISTRY, request_id

SCARCE = 200 * 2**20
"""Bytes free below which the disk is called scarce."""

METRICS = "/metrics"
"""Where the figures are; without a token it is the managers' page of this name."""

REQUEST_HEADER = "X-Request-Id"
_REQUEST = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CONTENT = "text/plain; version=0.0.4; charset=utf-8"
_QUIET = ("/static/", "/_stcore/health", "/healthz", "/signin/")

log = logging.getLogger("refundcore.requests")


def routes(store: Store, holdings: Holdings, *, token: str, now: Callable[[], datetime]) -> list[Route]:
    """The routes of the pages above."""
    registry = CollectorRegistry()
    registry.register(_Asked(store, holdings, now))

    async def health(_: Request) -> Response:
        found = await anyio.to_thread.run_sync(health_of, store)
        return JSONResponse(found, 200 if found["ok"] else 503)

    async def metrics(request: Request) -> Response:
        shown = request.headers.get("authorization", "")
        if not token or not hmac.compare_digest(shown.encode(), f"Bearer {token}".encode()):
            return PlainTextResponse("Not found.", 404)
        text = await anyio.to_thread.run_sync(lambda: generate_latest(REGISTRY) + generate_latest(registry))
        return Response(text, media_type=_CONTENT)

    return [Route("/healthz", health), _Scraped(METRICS, metrics)]


def is_scrape(scope: Scope) -> bool:
    """Whether somebody asks for the figures rather than for the page of that address: by the token they show."""
    return bool(scope["path"] == METRICS and "authorization" in Headers(scope=scope))


class _Scraped(Route):
    """A route that leaves the address to the managers' page for whoever shows no token."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or not is_scrape(scope):
            return Match.NONE, {}
        return super().matches(scope)


def health_of(store: Store) -> dict[str, object]:
    """Whether the store answers, its migrations are this program's, and the disk has room."""
    try:
        with store.read() as connection:
            connection.execute(sa.text("SELECT 1"))
            revision = revision_now(connection)
    except (StoreError, SQLAlchemyError):
        logging.getLogger(__name__).exception("The store does not answer.")
        return {"ok": False, "store": "does not answer"}
    current = revision == HEAD
    room = store.path is None or shutil.disk_usage(store.path.parent).free >= SCARCE
    return {
        "ok": current and room,
        "store": "answers",
        "migrations": "current" if current else "not this program's",
        "disk": "has room" if room else "scarce",
    }


class _Asked:
    """Figures that the store is asked for at each scrape."""

    def __init__(self, store: Store, holdings: Holdings, now: Callable[[], datetime]) -> None:
        self.store, self.holdings, self.now = store, holdings, now
        self._events: Counter[str] = Counter()
        self._last = 0

    def collect(self) -> Iterable[Metric]:
        """The figures as of now."""
        at, claims = micros(self.now()), t.claims
        with self.store.read() as connection:
            verdicts = connection.execute(
                sa.select(claims.c.verdict, sa.func.count())
                .where(claims.c.queue_at.isnot(None))
                .group_by(claims.c.verdict)
            ).all()
            due = {
                word: connection.execute(
                    sa.select(sa.func.count()).where(claims.c.queue_at.isnot(None), *when)
                ).scalar()
                for word, when in {
                    "overdue": (claims.c.queue_at < at,),
                    "in_4_hours": (claims.c.queue_at >= at, claims.c.queue_at < at + 4 * HOUR),
                    "in_24_hours": (claims.c.queue_at >= at, claims.c.queue_at < at + 24 * HOUR),
                }.items()
            }
            self._count(connection)
            live = connection.execute(
                sa.select(sa.func.count()).select_from(t.sessions).where(t.sessions.c.expires_at > at)
            )
            signed_in = live.scalar() or 0
        yield _gauge(
            "refund_desk_open_claims", "Open claims by their verdict", "verdict", {row[0]: row[1] for row in verdicts}
        )
        yield _gauge("refund_desk_due_claims", "Open claims by when they are to be acted on", "due", due)
        events = CounterMetricFamily("refund_desk_events", "Events of claims by kind", labels=["kind"])
        for kind, count in sorted(self._events.items()):
            events.add_metric([kind], count)
        yield events
        yield self._imports()
        yield GaugeMetricFamily("refund_desk_sessions", "Sessions that have not ended", value=signed_in)
        yield GaugeMetricFamily("refund_desk_open_pages", "Pages that are open", value=self.holdings.open_sockets)
        if self.store.path is not None:
            size = self.store.path.stat().st_size
            yield GaugeMetricFamily("refund_desk_store_bytes", "Size of the store's file", value=size)
            free = shutil.disk_usage(self.store.path.parent).free
            yield GaugeMetricFamily("refund_desk_disk_free_bytes", "Room on the store's disk", value=free)

    def _count(self, connection: sa.Connection) -> None:
        """Add the events since the last scrape: of a journal that only grows each is counted once."""
        events = t.events
        query = sa.select(events.c.kind, sa.func.count(), sa.func.max(events.c.id)).where(events.c.id > self._last)
        for kind, count, last in connection.execute(query.group_by(events.c.kind)):
            self._events[kind] += count
            self._last = max(self._last, last)

    def _imports(self) -> Metric:
        fates = ("created", "updated", "unchanged", "duplicates", "conflicting", "rejected")
        sums = [sa.func.coalesce(sa.func.sum(t.imports.c[fate]), 0) for fate in fates]
        with self.store.read() as connection:
            found = connection.execute(sa.select(*sums).where(t.imports.c.status == "finished")).one()
        rows = CounterMetricFamily("refund_desk_import_rows", "Rows of finished imports by their fate", labels=["fate"])
        for fate, count in zip(fates, found, strict=True):
            rows.add_metric([fate], count)
        return rows


def _gauge(name: str, what: str, label: str, values: Mapping[str, int | None]) -> Metric:
    found = GaugeMetricFamily(name, what, labels=[label])
    for key, value in sorted(values.items()):
        found.add_metric([key or "none"], value or 0)
    return found


class Requests:
    """ASGI middleware that gives each request an id and writes one line for it: method, kind of path, status, time."""

    def __init__(self, app: ASGIApp, *, trusted: bool) -> None:
        self.app = app
        self.trusted = trusted
        """Whether a proxy in front may name the request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_HEADER, "")
        number = given if self.trusted and _REQUEST.fullmatch(given) else secrets.token_hex(8)
        mark = request_id.set(number)
        name = REQUEST_HEADER.lower().encode()
        headers = [(key, value) for key, value in scope["headers"] if key.lower() != name]
        scope = {**scope, "headers": [*headers, (name, number.encode())]}
        began, status = time.perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_HEADER] = number
            elif message["type"] == "websocket.accept":
                status = 101
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            if not (scope["path"].startswith(_QUIET) and status < 400):
                told = {
                    "method": scope.get("method", "SOCKET"), "path": first_part(scope["path"]), "status": status,
                    "ms": round((time.perf_counter() - began) * 1000, 1),
                }  # fmt: skip
                log.info("request", extra={"event": told})
            request_id.reset(mark)


def first_part(path: str) -> str:
    """As much of an address as names no file, session or person."""
    parts = path.split("/")[1:]
    kept = parts[:2] if parts[0] == "_stcore" else parts[:1]
    known = [part if re.fullmatch(r"[a-z_]{0,40}", part) else "…" for part in kept]
    return "/" + "/".join(known) + ("/…" if len(parts) > len(kept) else "")
