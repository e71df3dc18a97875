"""A real mail server on loopback for the tests: what reaches it is kept, and it can be told to refuse."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any  # what aiosmtpd hands over has no types

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope

USER, SECRET = "desk", "a mail password"


@dataclass
class Inbox:
    """What the server took."""

    port: int
    ca: str = ""
    taken: list[Envelope] = field(default_factory=list)
    refuses: str = ""
    """What it answers instead of taking a mail."""
    signed_in: list[str] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if self.refuses:
            return self.refuses
        self.taken.append(envelope)
        return "250 taken"

    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(one.content, _class=EmailMessage, policy=default) for one in self.taken]

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        good = (data.login, data.password) == (USER.encode(), SECRET.encode())
        if good:
            self.signed_in.append(data.login.decode())
        return AuthResult(success=good, handled=False)

    def environment(self, **more: str) -> dict[str, str]:
        names = {"HOST": "127.0.0.1", "PORT": str(self.port), "SECURITY": "none", **more}
        return {f"REFUND_DESK_SMTP_{name}": value for name, value in names.items()}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        number: int = one.getsockname()[1]
    return number


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of this machine and its key, signed by itself."""
    key, made = folder / "mail.key", folder / "mail.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(made)]
    subprocess.run(words, check=True, capture_output=True)
    return made, key


@contextmanager
def mail_server(folder: Path | None = None, *, security: str = "none") -> Iterator[Inbox]:
    """A mail server on a free port; with STARTTLS or TLS and a password where `folder` is given."""
    inbox = Inbox(free_port())
    more: dict[str, Any] = {}
    if folder is not None:
        made, key = certificate(folder)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(made, key)
        inbox.ca = str(made)
        more = {"authenticator": inbox.authenticate, "auth_required": True}
        if security == "starttls":
            more |= {"tls_context": context, "require_starttls": True}
        else:
            more |= {"ssl_context": context, "auth_require_tls": False}
    controller = Controller(inbox, hostname="127.0.0.1", port=inbox.port, **more)
    controller.start()
    try:
        yield inbox
    finally:
        controller.stop()
