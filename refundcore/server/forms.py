"""The desk's own pages, plain HTML without a script: sign in, the first manager's account, a new password, sign out."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from html import escape
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import anyio
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from refundcore import accounts, passwords, telemetry
from refundcore.accounts import LIMITS, AccountError, Limits, LinkError, TooManyTriesError, WrongPasswordError
from refundcore.server.sessions import Sessions
from refundcore.store import Store

OPEN = frozenset({"/signin", "/start", "/password", "/healthz", "/signin/desk.css", "/signin/icon.png"})
"""All that answers without a session."""

LONGEST_FORM = 16 * 1024
LONGEST_NEXT = 2000
WAITING = 40
"""Sign-ins that may wait for a hash; more are told to come back."""

_HTML = Path(__file__).with_name("html")
_ICON = Path(__file__).parents[1] / "desk" / "icon.png"
_templates = Environment(loader=FileSystemLoader(_HTML), autoescape=True, undefined=StrictUndefined, trim_blocks=True)


def cookie_name(*, tls: bool) -> str:
    """The cookie of a session: over HTTPS a name that browsers accept only with `Secure` and for this host."""
    return "__Host-refund_desk" if tls else "refund_desk"


def safe_next(wanted: str) -> str:
    """The address on this desk to go to after signing in; the queue for one that leads elsewhere."""
    parts = urlsplit(wanted) if len(wanted) <= LONGEST_NEXT else None
    here = (
        parts is not None
        and wanted.startswith("/")
        and not wanted.startswith(("//", "/\\"))
        and not parts.scheme
        and not parts.netloc
        and wanted.isascii()
        and wanted.isprintable()
        and "\\" not in wanted
        and parts.path not in OPEN | {"/signout"}
    )
    return wanted if here else "/"


def whence(address: str) -> str:
    """What tries are counted by: the address, and of IPv6 the network of 64 bits that one customer usually has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))


def again(path: str) -> str:
    """A page that asks for `path` once more, by itself."""
    address = escape(path, quote=True)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Refund Desk</title>'
        f'<meta http-equiv="refresh" content="0;url={address}"><a href="{address}">Go on to the desk</a></html>'
    )


def routes(
    store: Store, sessions: Sessions, *, tls: bool, now: Callable[[], datetime], limits: Limits = LIMITS
) -> list[BaseRoute]:
    """The routes of the pages above, to stand before Streamlit's."""
    pages = _Pages(store, sessions, tls=tls, now=now, limits=limits)
    return [
        Route("/signin", pages.sign_in, methods=["GET", "POST"]),
        Route("/start", pages.start, methods=["GET", "POST"]),
        Route("/password", pages.password, methods=["GET", "POST"]),
        Route("/signout", pages.sign_out, methods=["POST"]),
        Route("/signin/desk.css", _file(_HTML / "desk.css", "text/css")),
        Route("/signin/icon.png", _file(_ICON, "image/png")),
    ]


class _Pages:
    def __init__(
        self, store: Store, sessions: Sessions, *, tls: bool, now: Callable[[], datetime], limits: Limits
    ) -> None:
        self.store, self.sessions, self.tls, self.now, self.limits = store, sessions, tls, now, limits
        self._hashing = anyio.CapacityLimiter(passwords.AT_ONCE)

    async def sign_in(self, request: Request) -> Response:
        form = await _form(request)
        wanted = safe_next((request.query_params if form is None else form).get("next", ""))
        if await self.sessions.person(request.cookies.get(cookie_name(tls=self.tls)), used=False):
            return _go(wanted)
        if form is None:
            somebody = await anyio.to_thread.run_sync(accounts.anybody, self.store)
            return _page("signin.html" if somebody else "empty.html", next=wanted, email="", refusal="")
        email = form.get("email", "")
        enter = partial(accounts.sign_in, self.store, email=email, password=form.get("password", ""))
        show = partial(_page, "signin.html", next=wanted, email=email)
        try:
            token = await self._hashed(request, enter)
        except TooManyTriesError as refusal:
            telemetry.signed_in("too_many_tries")
            return show(status=429, refusal=str(refusal), headers={"Retry-After": str(refusal.wait)})
        except WrongPasswordError as refusal:
            telemetry.signed_in("wrong")
            await anyio.sleep(min(0.25 * 2**refusal.failures, 2.0))
            return show(status=401, refusal=str(refusal))
        telemetry.signed_in("done")
        return self._signed_in(_go(wanted), token)

    async def start(self, request: Request) -> Response:
        form = await _form(request)
        given = request.query_params if form is None else form
        token, name, email = (given.get(field, "") for field in ("token", "name", "email"))
        show = partial(_page, "start.html", token=token, name=name, email=email, rule=passwords)
        try:
            if form is None:
                await anyio.to_thread.run_sync(partial(accounts.check_setup, self.store, token, at=self.now()))
                return show(refusal="")
            if form.setdefault("password", "") != form.get("again", ""):
                return show(status=400, refusal="The two passwords differ.")
            begin = partial(accounts.use_setup, self.store, token, name=name, email=email, password=form["password"])
            return self._signed_in(_go("/"), await self._hashed(request, begin))
        except LinkError as refusal:
            return _page("message.html", status=403, title="This link is no longer good", text=str(refusal))
        except AccountError as refusal:
            return show(status=400, refusal=str(refusal))

    async def password(self, request: Request) -> Response:
        form = await _form(request)
        token = (request.query_params if form is None else form).get("token", "")
        look = partial(accounts.check_password_link, self.store, token, at=self.now())
        try:
            who = await anyio.to_thread.run_sync(look)
            show = partial(_page, "password.html", token=token, name=who.name, email=who.email, rule=passwords)
            if form is None:
                return show(refusal="")
            if form.get("password", "") != form.get("again", ""):
                return show(status=400, refusal="The two passwords differ.")
            choose = partial(accounts.use_password_link, self.store, token, password=form.get("password", ""))
            return self._signed_in(_go("/"), await self._hashed(request, choose))
        except LinkError as refusal:
            return _page("message.html", status=403, title="This link is no longer good", text=str(refusal))
        except AccountError as refusal:
            return show(status=400, refusal=str(refusal))

    async def sign_out(self, request: Request) -> Response:
        cookie = cookie_name(tls=self.tls)
        token = request.cookies.get(cookie, "")
        await anyio.to_thread.run_sync(accounts.sign_out, self.store, token)
        self.sessions.forget(token)
        answer = _go("/signin")
        answer.delete_cookie(cookie, path="/", secure=self.tls, httponly=True, samesite="strict")
        return answer

    async def _hashed(self, request: Request, act: Callable[..., str]) -> str:
        """Run what hashes a password, a few at once; who and whence come from the request."""
        if self._hashing.statistics().tasks_waiting >= WAITING:
            raise TooManyTriesError(10)
        ip = whence(request.client.host if request.client else "")
        agent = request.headers.get("user-agent", "")
        return await anyio.to_thread.run_sync(
            partial(act, ip=ip, agent=agent, at=self.now(), limits=self.limits), limiter=self._hashing
        )

    def _signed_in(self, answer: Response, token: str) -> Response:
        age = int(self.limits.absolute.total_seconds())
        answer.set_cookie(
            cookie_name(tls=self.tls), token, max_age=age, path="/", secure=self.tls, httponly=True, samesite="strict"
        )
        return answer


async def _form(request: Request) -> dict[str, str] | None:
    """The fields of a posted form, None for a GET. What is too long to be one of ours is cut, and so fails."""
    if request.method != "POST":
        return None
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > LONGEST_FORM:
                return {}
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20))
    except (ValueError, ClientDisconnect):  # more fields than any form of ours has; or nobody waits any more
        return {}


def _page(template: str, status: int = 200, headers: Mapping[str, str] | None = None, **values: object) -> HTMLResponse:
    return HTMLResponse(_templates.get_template(template).render(values), status, headers)


def _go(to: str) -> RedirectResponse:
    return RedirectResponse(to, HTTPStatus.SEE_OTHER)


def _file(path: Path, kind: str) -> Callable[[Request], Response]:
    def answer(_: Request) -> Response:
        return FileResponse(path, media_type=kind, headers={"Cache-Control": "public, max-age=3600"})

    return answer
