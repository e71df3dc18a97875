"""The web application: Streamlit's pages with the desk's own gate in front of all of it.

`create` puts the layers together; a request passes them from the top:

0. the request's number, which the log and the answer carry (`operation`),
1. the host's name (`TrustedHostMiddleware`): a page of another site that got its name to point here is turned away,
2. the headers that every answer carries (`headers`),
3. the gate (`gate`): without a session of the desk nothing but signing in answers,
4. the desk's own pages (`forms`) and Streamlit's routes.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from streamlit import config
from streamlit.runtime.pages_manager import PagesManager

from refundcore import clock, gate_flag, logs
from refundcore.accounts import LIMITS, Limits
from refundcore.server import forms, operation
from refundcore.server.gate import HEADER, Gate
from refundcore.server.headers import Headers
from refundcore.server.holdings import Bounds, Holdings
from refundcore.server.sessions import Sessions
from refundcore.store import Store, StoreError

PERSON_KEY = "person"
"""Under this name the pages find the signed-in person's number in `st.user`."""

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")

_SETTINGS = {
    "server.trustedUserHeaders": {HEADER: PERSON_KEY},  # safe only because the gate strips what clients send
    "server.enableAgentApi": False,
    "server.enableStaticServing": False,
    "server.enableCORS": True,
    "server.enableXsrfProtection": True,
    "server.scriptHealthCheckEnabled": False,
    "global.developmentMode": False,
    # What was typed is handed over to the form about the claim as it is now, beside the form's own defaults.
    "global.disableWidgetStateDuplicationWarning": True,
    "client.showErrorDetails": "none",
    "browser.gatherUsageStats": False,
    "runner.postScriptGC": False,  # 50 ms of every click, in all sessions at once
}
"""What has to hold whatever a configuration file says; looks and sizes stand in .streamlit/config.toml."""


def create(
    store: Store,
    page: Path,
    *,
    hosts: Sequence[str] = LOCAL_NAMES,
    tls: bool = False,
    proxied: bool = False,
    bounds: Bounds | None = None,
    limits: Limits = LIMITS,
    metrics_token: str = "",
    now: Callable[[], datetime] = clock.now,
) -> st.App:
    """The ASGI application around the Streamlit script `page`.

    `hosts` are the names it answers to (`*`: any); `tls` says that browsers come by HTTPS, so that the cookie can be
    bound to it; `proxied` that a proxy in front may name requests. `bounds` are what people may hold in memory,
    `limits` how long their sessions live. With a `metrics_token`, who shows it is given `/metrics`.
    """
    for name, value in _SETTINGS.items():
        config.set_option(name, value, "refundcore.server")
    # A folder named pages/ makes Streamlit serve its files without app.py's frame until some session has called
    # st.navigation; there is no public switch, so tests/test_gate.py watches this one.
    PagesManager.uses_pages_directory = False
    sessions = Sessions(store, now, limits)
    holdings = Holdings(bounds)
    application = st.App(
        page.resolve(),
        lifespan=_life,
        routes=[
            *operation.routes(store, holdings, token=metrics_token, now=now),
            *forms.routes(store, sessions, tls=tls, now=now, limits=limits),
        ],
        middleware=[
            Middleware(operation.Requests, trusted=proxied),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False),
            Middleware(Headers, tls=tls),
            Middleware(Gate, sessions=sessions, tls=tls, holdings=holdings),
        ],
        exception_handlers={StoreError: _store_refuses, Exception: _unexpected},
    )
    gate_flag.raise_flag()
    return application


def _store_refuses(_: Request, problem: StoreError) -> Response:
    return PlainTextResponse(f"{problem}\nTry again in a moment.", 503)


def _unexpected(_: Request, __: Exception) -> Response:
    return PlainTextResponse("Something went wrong here. It was written to the desk's log; try again.", 500)


@asynccontextmanager
async def _life(_: st.App) -> AsyncIterator[None]:
    """Load what the first page would wait for, then leave all of it out of every later collection."""
    import pandas  # noqa: F401, ICN001, PLC0415
    import plotly.graph_objects  # noqa: F401, PLC0415
    import pyarrow.compute  # noqa: F401, PLC0415

    # Upload addresses carry session ids; uvicorn's own switch is undone by Streamlit, which adds a handler later.
    logging.getLogger("uvicorn.access").disabled = True
    logs.take_over()  # all of Streamlit is loaded by now
    gc.collect()
    gc.freeze()
    yield
