"""Mails out, by the server that the environment names.

`REFUND_DESK_SMTP_HOST` (without it nothing is sent), `_PORT` (587), `_SECURITY` (`starttls`, `tls` from the first byte,
or `none`, only to this machine), `_USER` and `_PASSWORD` where the server wants them, and `_CA`, a file of certificates
where the server's is not signed by a public authority. The password stands nowhere else.
"""

from __future__ import annotations

import os
import smtplib
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from ipaddress import ip_address

PREFIX = "REFUND_DESK_SMTP_"
TIMEOUT = 20.0
"""Seconds that the server may take for each answer."""

PORTS: Mapping[str, int] = {"starttls": 587, "tls": 465, "none": 25}
LONGEST_ADDRESS = 254


class MailError(ValueError):
    """A mail that was not sent, or cannot be, with a sentence for people."""


@dataclass(frozen=True)
class Server:
    """The server that mails go out by."""

    host: str
    port: int
    security: str
    user: str = ""
    password: str = field(default="", repr=False)
    ca: str = ""

    @property
    def shown(self) -> str:
        """The server without its password, for people."""
        how = {"starttls": "STARTTLS", "tls": "TLS", "none": "not encrypted"}[self.security]
        return f"{self.host}:{self.port} ({how}{f', as {self.user}' if self.user else ''})"


def server(environment: Mapping[str, str] | None = None) -> Server | None:
    """The server that the environment names; None where it names none. Raises `MailError` for one that cannot be."""
    given = os.environ if environment is None else environment
    said = {name: given.get(PREFIX + name, "").strip() for name in ("HOST", "PORT", "SECURITY", "USER", "CA")}
    if not said["HOST"]:
        return None
    security = said["SECURITY"].lower() or "starttls"
    if security not in PORTS:
        raise MailError(f"{PREFIX}SECURITY is one of {', '.join(PORTS)}, not '{security}'.")
    port = said["PORT"] or str(PORTS[security])
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65_536):
        raise MailError(f"{PREFIX}PORT is a number from 1 to 65535, not '{port}'.")
    if security == "none" and not _here(said["HOST"]):
        raise MailError(f"{PREFIX}SECURITY 'none' is only for a mail server on this machine, not for {said['HOST']}.")
    return Server(said["HOST"], int(port), security, said["USER"], given.get(f"{PREFIX}PASSWORD", ""), said["CA"])


def _here(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def address(text: str, what: str = "The address") -> str:
    """One plain mail address. Raises `MailError` for anything else."""
    kept = text.strip()
    try:
        found = Address(addr_spec=kept)
    except (ValueError, IndexError, AttributeError, MessageError) as wrong:
        raise MailError(f"{what} '{kept[:80]}' is no e-mail address such as kim@example.org.") from wrong
    plain = len(kept) <= LONGEST_ADDRESS and kept.isprintable() and not any(mark in kept for mark in ' ,;<>"')
    if not plain or not found.username or "." not in found.domain.strip("."):
        raise MailError(f"{what} '{kept[:80]}' is no e-mail address such as kim@example.org.")
    return kept


def message(
    *,
    sender: str,
    name: str,
    to: str,
    subject: str,
    text: str,
    message_id: str = "",
    automatic: bool = False,
    draft: bool = False,
) -> EmailMessage:
    """A plain mail, ready to be sent or saved. Raises `MailError` for addresses or a subject that cannot be.

    A `draft` opens as an unsent mail, and may want a sender or a receiver.
    """
    made = EmailMessage(policy=SMTP)
    try:
        if sender or not draft:
            made["From"] = Address(" ".join(name.split()), addr_spec=address(sender, "The sender"))
        if to or not draft:
            made["To"] = Address(addr_spec=address(to, "The receiver"))
        made["Subject"] = " ".join(subject.split())
    except ValueError as wrong:
        raise wrong if isinstance(wrong, MailError) else MailError(f"The mail cannot be made: {wrong}.") from wrong
    if message_id:
        made["Message-ID"] = message_id
    if draft:
        made["X-Unsent"] = "1"
    if automatic:
        made["Auto-Submitted"] = "auto-generated"
    made.set_content(text.rstrip("\n") + "\n")
    return made


def send(mail: EmailMessage, by: Server) -> None:
    """Hand a mail to the server. Raises `MailError` with a sentence where it was not taken."""
    where = f"The mail server {by.host}:{by.port}"
    try:
        with _open(by) as client:
            if by.user:
                client.login(by.user, by.password)
            client.send_message(mail)
    except smtplib.SMTPAuthenticationError as wrong:
        raise MailError(f"{where} does not accept the user or password in the desk's environment.") from wrong
    except smtplib.SMTPRecipientsRefused as wrong:
        raise MailError(f"{where} does not accept the receiver: {_why(wrong.recipients)}.") from wrong
    except smtplib.SMTPNotSupportedError as wrong:
        raise MailError(f"{where} cannot do what is needed: {wrong}.") from wrong
    except smtplib.SMTPResponseException as wrong:
        raise MailError(f"{where} refused the mail: {wrong.smtp_code} {_plain(wrong.smtp_error)}.") from wrong
    except ssl.SSLError as wrong:
        raise MailError(f"{where} could not be reached safely: {wrong.reason or wrong}.") from wrong
    except (smtplib.SMTPException, OSError) as wrong:
        raise MailError(f"{where} cannot be reached or broke off: {wrong}.") from wrong


def _open(by: Server) -> smtplib.SMTP:
    if by.security == "none":
        return smtplib.SMTP(by.host, by.port, timeout=TIMEOUT)
    trusted = ssl.create_default_context(cafile=by.ca or None)
    if by.security == "tls":
        return smtplib.SMTP_SSL(by.host, by.port, timeout=TIMEOUT, context=trusted)
    client = smtplib.SMTP(by.host, by.port, timeout=TIMEOUT)
    try:
        client.starttls(context=trusted)
    except BaseException:
        client.close()
        raise
    return client


def _why(refused: Mapping[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{code} {_plain(said)}" for code, said in refused.values())


def _plain(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())[:200].rstrip(".")


def domain(sender: str) -> str:
    """The domain of an address."""
    return sender.rpartition("@")[2]
