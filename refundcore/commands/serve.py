"""`serve`: start the desk on this computer, by default for this computer only.

Nobody has an account in a new store: the first start prints a one-time link, and opens it where there is a browser,
that makes the first manager's. The desk is opened to a network only when there is an account, and only behind a
proxy that speaks HTTPS, since passwords would travel in the clear otherwise.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import ipaddress
import os
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
LONGEST_GOODBYE = 5
"""Seconds that open requests get when the desk is stopped."""


LARGEST_MESSAGE = 4 * 2**20
"""Bytes of one message of a page: far above any form of the desk, files come another way."""


class ServeError(Exception):
    """The desk cannot be started like this; the sentence says why."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command and what it takes."""
    parser = subparsers.add_parser("serve", help="start the desk", description=__doc__)
    parser.add_argument("--host", help="address to listen on (default: this computer only)")
    parser.add_argument("--port", type=int, help="port to listen on (default: 8501; 0: any free one)")
    parser.add_argument(
        "--behind-tls-proxy",
        nargs="?",
        const="*",
        metavar="NAME",
        help="a proxy speaks HTTPS with browsers and passes the host's name on; NAME: the only one to answer to",
    )
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="speak HTTPS with this certificate")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="the certificate's key")
    parser.add_argument("--no-open", action="store_true", help="don't open a browser")


def run(args: argparse.Namespace) -> int:  # noqa: PLR0915 - one thing after the other, top to bottom
    """Serve until stopped. Raises `ServeError` where it cannot start."""
    from refundcore import configuration  # noqa: PLC0415 - only this command needs it

    settings = configuration.load()
    host = args.host or settings.host
    port = settings.port if args.port is None else args.port
    proxy = args.behind_tls_proxy or settings.behind_tls_proxy
    certificate, key = args.tls_cert or settings.tls_cert, args.tls_key or settings.tls_key
    local = is_loopback(host)
    own_tls = certificate is not None
    check_certificate(certificate, key)
    tls = bool(proxy) or own_tls
    if not local and not tls:
        raise ServeError(
            f"{host} can be reached from other computers, and passwords would travel there in the clear."
            " Put a proxy that speaks HTTPS in front and add --behind-tls-proxy, name a certificate with --tls-cert, or"
            " leave --host out."
        )
    listener = bound(host, port)

    # What stands above answers in a moment; the rest takes a second to load.
    import uvicorn  # noqa: PLC0415

    from refundcore import accounts, clock, logs, server, store  # noqa: PLC0415
    from refundcore.desk import context  # noqa: PLC0415
    from refundcore.server.holdings import MB, Bounds  # noqa: PLC0415
    from refundcore.store import sqlite  # noqa: PLC0415

    opened = context.store()  # the pages' own, so that gate and pages share one writer's lock
    empty = not accounts.anybody(opened)
    if empty and not local:
        raise ServeError(
            f"Nobody has an account yet, and {host} can be reached from other computers."
            " Start the desk without --host first, or make an account with  ./refund-desk user add"
        )
    names = [*server.LOCAL_NAMES, *filter(None, [proxy])]
    if own_tls and not local and not proxy:
        names = ["*"]  # by whatever name the certificate is for
    idle, absolute = timedelta(minutes=settings.session_idle_minutes), timedelta(hours=settings.session_hours)
    limits = replace(accounts.LIMITS, idle=idle, absolute=absolute)
    secret = settings.metrics_token.get_secret_value() if settings.metrics_token else ""
    bounds = Bounds(uploads_of_person=settings.uploads_mb * MB)
    application = server.create(
        opened,
        PROJECT / "app.py",
        hosts=names,
        tls=tls,
        proxied=bool(proxy),
        bounds=bounds,
        limits=limits,
        metrics_token=secret,
    )
    logs.set_up(settings.log)

    port = listener.getsockname()[1]
    address = f"{'https' if own_tls else 'http'}://{'localhost' if local else host}:{port}"

    def mend() -> None:
        try:
            mended = store.resume_or_remove(opened, clock.now())
        except store.StoreError as problem:
            print(f"refund-desk: {problem}", file=sys.stderr)
            return
        if mended:
            print(f"Imports that were cut off and are put right now: {mended}.", flush=True)

    def ready() -> None:
        link = f"{address}/start?token={accounts.setup_link(opened, at=clock.now())}" if empty else address
        print(greeting(link, empty=empty, notice=opened.notice), flush=True)
        threading.Thread(target=mend, daemon=True).start()
        if not args.no_open and has_display():
            threading.Thread(target=webbrowser.open, args=[link], daemon=True).start()  # it may wait for the browser

    uvicorns = uvicorn.Config(
        application,
        log_level="warning",
        access_log=False,
        server_header=False,
        log_config=None,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        ws_max_size=LARGEST_MESSAGE,
        proxy_headers=bool(proxy),  # whose word counts is uvicorn's FORWARDED_ALLOW_IPS; by default this computer's
        ws="websockets-sansio",
        ws_ping_interval=20.0,
        timeout_graceful_shutdown=LONGEST_GOODBYE,
    )
    with contextlib.ExitStack() as held:
        if opened.path is not None:
            held.enter_context(sqlite.in_use(opened.path))
        serve_until_stopped(uvicorns, listener, ready)
    return 0


def check_certificate(certificate: Path | None, key: Path | None) -> None:
    """Raise `ServeError` unless both are there and belong together, or neither is named."""
    if certificate is None and key is None:
        return
    if certificate is None or key is None:
        raise ServeError("HTTPS needs both --tls-cert and --tls-key.")
    import ssl  # noqa: PLC0415

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as problem:
        raise ServeError(f"{certificate} and {key} cannot be used for HTTPS: {problem.strerror or problem}.") from None


def is_loopback(host: str) -> bool:
    """Whether only this computer reaches what listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bound(host: str, port: int) -> socket.socket:
    """A socket that has the port. Raises `ServeError` with a sentence where it is not to be had.

    The protocol is named because asyncio turns Nagle's delay off only where it is: without, every click waits 40 ms.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":  # there it would let two servers have one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except (OSError, OverflowError) as problem:
        listener.close()
        if isinstance(problem, OSError) and problem.errno == errno.EADDRINUSE:
            wanted = f"Port {port} is taken, perhaps by another desk. Stop that, or choose a port with --port."
        elif isinstance(problem, PermissionError):
            wanted = f"Port {port} may not be used by this account. Choose one above 1023 with --port."
        elif isinstance(problem, OverflowError):
            wanted = f"There is no port {port}; they go from 1 to 65535."
        else:
            wanted = f"The desk cannot listen on {host}: {getattr(problem, 'strerror', None) or problem}."
        raise ServeError(wanted) from None
    return listener


def has_display() -> bool:
    """Whether there is a screen on which a browser could open."""
    return sys.platform in {"darwin", "win32"} or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def greeting(link: str, *, empty: bool, notice: str) -> str:
    """What the terminal says when the desk is up."""
    lines = [f"Refund Desk runs at {link}", "Stop it with Ctrl+C."]
    if empty:
        lines[:1] = [
            "Refund Desk runs. Nobody has an account yet: this link makes the first one, once, within 15 minutes:",
            f"  {link}",
        ]
    return "\n".join(lines + ([notice] if notice else []))


def serve_until_stopped(configuration: object, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Run uvicorn on a bound socket until SIGTERM or Ctrl+C, and end without a complaint then."""
    import uvicorn  # noqa: PLC0415

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready()

    # uvicorn raises the signal that stopped it once more when it is done: by then it is dealt with.
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: None)
    assert isinstance(configuration, uvicorn.Config)  # noqa: S101 - for the reader and mypy
    Server(configuration).run(sockets=[listener])
