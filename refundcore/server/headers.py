"""The headers that every answer carries, above all what a page may load (Content-Security-Policy).

Source: OWASP secure headers; what Streamlit's frontend needs was tried in Chromium: `blob:` for inline components,
inline styles, and the one inline script of its index.html, which is named by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from refundcore.server import forms

_INDEX = Path(st.__file__).with_name("static") / "index.html"


def inline_hashes(html: str) -> list[str]:
    """The CSP sources of all scripts that stand inside a page."""
    scripts = re.findall(r"<script(?:\s+(?![^>]*\bsrc\b)[^>]*)?>(.*?)</script>", html, re.DOTALL | re.IGNORECASE)
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]


def policy_of_pages() -> str:
    """What Streamlit's pages may load: only what the desk itself serves, above all no image of a claim's text."""
    scripts = " ".join(inline_hashes(_INDEX.read_text(encoding="utf-8")))
    return (
        f"default-src 'self'; script-src 'self' blob: {scripts}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
        "frame-src 'none'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'"
    )


POLICY_OF_FORMS = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""What the sign-in pages may load: their style sheet and icon."""

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Frame-Options": "DENY",
}


class Headers:
    """ASGI middleware that adds the headers to every HTTP answer."""

    def __init__(self, app: ASGIApp, *, tls: bool) -> None:
        self.app = app
        self.always = ALWAYS | ({"Strict-Transport-Security": "max-age=31536000"} if tls else {})
        self.pages = policy_of_pages()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        policy = POLICY_OF_FORMS if path in forms.OPEN else self.pages

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.always.items():
                    headers[name] = value
                headers["Content-Security-Policy"] = policy
                if path.startswith("/media/"):
                    headers["Cache-Control"] = "private, no-store"  # evidence must not outlive the session
                elif not path.startswith("/static/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, send_with_headers)
