"""The gate: whoever has no session of the desk gets no answer from Streamlit.

It stands before page, socket, upload, media, components, metrics and static files. A page that is asked for without
a session leads to the sign-in and back; everything else is refused with 401, a socket by not being opened. A socket
that is open is watched: each message needs the session to be there still, and a silent one is closed within seconds
after it has ended. Requests that change something have to come from a page of the desk itself.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote, urlsplit

from google.protobuf.message import DecodeError
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

from refundcore.server import forms, operation
from refundcore.server.holdings import MEDIA, UPLOADS, Holdings, Page
from refundcore.server.sessions import FRESH, Sessions
from refundcore.store import Person, StoreError

HEADER = "X-Refund-Desk-Person"
"""In this header the signed-in person's number goes on to Streamlit; a client's own is dropped."""

SIGNED_OUT = 4401
"""The code with which a socket is closed whose session has ended (WebSocket codes from 4000 are for applications)."""

SIGNED_OUT_WORDS = "You are signed out. Load this page again to sign in."

_INNER = frozenset({"_stcore", "static", "media", "component", "app", "vendor"})
BY_A_PERSON = "by a person"
"""The kind of a message that comes from somebody's act rather than from a page that refreshes itself."""

DOWNLOAD = "backend_operation_request"
"""The kind of a message that asks for a file to be made. It is let through for files that this very page offers."""

_LET_THROUGH = frozenset(
    {BY_A_PERSON, "rerun_script", "stop_script", "load_git_info", "file_urls_request", "app_heartbeat"}
)  # fmt: skip
"""What pages send. Clearing the caches of everybody and Streamlit's debugging messages are not among it."""

_LOOKS, _LOOKS_APART = 10, 0.2
"""How often, and how many seconds apart, it is looked whether a page shows a file."""

_READING = frozenset({"GET", "HEAD", "OPTIONS"})

log = logging.getLogger(__name__)


class Gate:
    """ASGI middleware that lets through who has a session, and the pages on which one signs in."""

    def __init__(self, app: ASGIApp, *, sessions: Sessions, tls: bool, holdings: Holdings | None = None) -> None:
        self.app = app
        self.sessions = sessions
        self.holdings = holdings or Holdings()
        self.cookie = forms.cookie_name(tls=tls)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if scope["method"] not in _READING and not same_origin(headers):
            refusal: Response = PlainTextResponse("This request did not come from a page of the desk.", 403)
            return await refusal(scope, receive, send)
        if scope["path"] in forms.OPEN or operation.is_scrape(scope):
            return await self.app(_speaking_for(scope, None), receive, send)
        try:
            used = not scope["path"].startswith("/_stcore/")  # a page asks there by itself, too
            person = await self.sessions.person(token_of(headers, self.cookie), used=used)
        except (StoreError, SQLAlchemyError):
            log.exception("The store could not be asked about a session.")
            busy = PlainTextResponse("The desk cannot read its store right now. Try again in a moment.", 503)
            return await busy(scope, receive, send)
        if person is None:
            return await _turn_away(scope, headers)(scope, receive, send)
        return await self._let_in(scope, receive, send, person)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send, person: Person) -> None:
        """Answer somebody who is signed in: of files only what is theirs."""
        if scope["path"].startswith(UPLOADS):
            return await self._upload(scope, receive, send, person)
        if scope["path"].startswith(MEDIA) and not await self._shows(scope["path"].removeprefix(MEDIA), person):
            return await PlainTextResponse("No page of yours shows this file.", 404)(scope, receive, send)
        return await self.app(_speaking_for(scope, person), receive, send)

    async def _shows(self, file: str, person: Person) -> bool:
        """Whether a page of the person shows a file; while a page is drawn anew, it says so only at the end."""
        for _ in range(_LOOKS):
            if self.holdings.shows(file, person):
                return True
            await asyncio.sleep(_LOOKS_APART)
        return False

    async def _upload(self, scope: Scope, receive: Receive, send: Send, person: Person) -> None:
        """Files go into, and out of, sessions of one's own only, and no more of them than one may hold."""
        if not self.holdings.own(scope["path"].removeprefix(UPLOADS).partition("/")[0], person):
            return await PlainTextResponse("This is no page of yours.", 404)(scope, receive, send)
        if scope["method"] != "PUT":
            return await self.app(_speaking_for(scope, person), receive, send)
        said = Headers(scope=scope).get("content-length", "")
        size = int(said) if said.isascii() and said.isdecimal() else None
        if why := self.holdings.why_not_upload(person, size):
            return await PlainTextResponse(why[1], why[0])(scope, receive, send)
        with self.holdings.upload(person, size or 0):
            return await self.app(_speaking_for(scope, person), receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        token = token_of(headers, self.cookie)
        person = await self._person(token, used=False) if same_origin(headers) else None
        if person is None or self.holdings.full(person):
            await receive()
            await send({"type": "websocket.close", "code": SIGNED_OUT})  # before an accept: the answer is a plain 403
            return
        with self.holdings.page(person) as page:
            watch = _Watch(self, token, page, receive, send)
            try:
                await self.app(_speaking_for(scope, person), watch.receive, watch.send)
            finally:
                watch.stop()

    async def _person(self, token: str | None, *, used: bool, fresh: bool = False) -> Person | None:
        """Who is behind a socket; nobody where the store cannot be asked, and the browser tries again."""
        try:
            return await self.sessions.person(token, used=used, fresh=fresh)
        except (StoreError, SQLAlchemyError):
            log.exception("The store could not be asked about a session.")
            return None


class _Watch:
    """An open socket, closed as soon as a message comes, or some seconds pass, without its session."""

    def __init__(self, gate: Gate, token: str | None, page: Page, receive: Receive, send: Send) -> None:
        self._gate, self._token, self._page, self._receive, self._send = gate, token, page, receive, send
        self._coming: asyncio.Future[Message] | None = None
        self._closed = False

    async def receive(self) -> Message:
        while True:
            if self._coming is None:
                self._coming = asyncio.ensure_future(self._receive())
            done, _ = await asyncio.wait({self._coming}, timeout=FRESH)
            message = None
            if done:
                message, self._coming = self._coming.result(), None
                if message["type"] != "websocket.receive":
                    return message
            kind = "" if message is None else kind_of(message)
            act = kind in {BY_A_PERSON, DOWNLOAD}
            who = await self._gate._person(self._token, used=act, fresh=act)  # noqa: SLF001 - its own watch
            if who is None or who.role != self._page.person.role:
                return await self._close()
            if message is not None and (
                kind in _LET_THROUGH or (kind == DOWNLOAD and self._page.asks_for(download_of(message)))
            ):
                return message

    async def send(self, message: Message) -> None:
        if self._closed:
            raise OSError("The socket was closed because its session has ended.")  # as ASGI servers say it
        if message["type"] == "websocket.send":
            self._page.sends(message.get("bytes") or b"")
        await self._send(message)

    async def _close(self) -> Message:
        self._closed = True
        with suppress(Exception):  # the browser may be gone already
            await self._send({"type": "websocket.close", "code": SIGNED_OUT, "reason": "signed out"})
        return {"type": "websocket.disconnect", "code": SIGNED_OUT}

    def stop(self) -> None:
        if self._coming is not None:
            self._coming.cancel()


def kind_of(message: Message) -> str:
    """What a message to Streamlit is: the name of its part, `BY_A_PERSON` for an act of somebody; "" for none."""
    told = BackMsg()
    try:
        told.ParseFromString(message.get("bytes") or b"")
    except DecodeError:
        return ""
    kind = told.WhichOneof("type") or ""
    return BY_A_PERSON if kind == "rerun_script" and not told.rerun_script.is_auto_rerun else kind


def download_of(message: Message) -> str:
    """Which file a message asks to be made; "" where it asks for anything else."""
    told = BackMsg()
    told.ParseFromString(message.get("bytes") or b"")
    return str(told.backend_operation_request.deferred_file.file_id)


def same_origin(headers: Headers) -> bool:
    """Whether a request comes from a page of the desk itself, or from no browser at all."""
    origin, host = headers.get("origin"), headers.get("host", "")
    if origin is not None:
        return bool(host) and urlsplit(origin).netloc.lower() == host.lower()
    return headers.get("sec-fetch-site", "none") in {"same-origin", "none"}


def token_of(headers: Headers, cookie: str) -> str | None:
    """The session token that a request carries, whether it is any good or not."""
    for line in headers.getlist("cookie"):
        for part in line.split(";"):  # one by one: SimpleCookie drops all for one that is malformed
            name, _, value = part.strip().partition("=")
            if name == cookie:
                with suppress(CookieError):
                    parsed = SimpleCookie(f"{name}={value}")
                    return parsed[name].value if name in parsed else None
    return None


def _speaking_for(scope: Scope, person: Person | None) -> Scope:
    """The request with the gate's word on who it is from, and never the client's own."""
    name = HEADER.lower().encode()
    headers = [(key, value) for key, value in scope["headers"] if key.lower().replace(b"_", b"-") != name]
    if person is not None:
        headers.append((name, str(person.id).encode()))
    return {**scope, "headers": headers}


def _turn_away(scope: Scope, headers: Headers) -> Response:
    """Lead a page to the sign-in; refuse everything else."""
    path = scope["path"]
    parts = path.split("/")
    if "_stcore" in parts:
        return JSONResponse(SIGNED_OUT_WORDS, 401)  # a page that lost its session asks here, and shows JSON as it came
    if scope["method"] not in {"GET", "HEAD"} or _INNER.intersection(parts) or "." in parts[-1]:
        return PlainTextResponse(SIGNED_OUT_WORDS, 401)
    query = scope["query_string"].decode("latin-1")
    wanted = quote(path) + (f"?{query}" if query else "")
    if headers.get("sec-fetch-site") == "cross-site" and forms.safe_next(wanted) == wanted:
        # A link in a mail or on another site: the browser keeps a strict cookie back until we ask for the page.
        return HTMLResponse(forms.again(wanted), headers={"Cache-Control": "no-store"})
    target = "/signin" if wanted == "/" else f"/signin?next={quote(wanted, safe='')}"
    return RedirectResponse(target, 303, headers={"Cache-Control": "no-store"})
