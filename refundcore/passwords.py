"""Passwords: which ones are taken, and how they are kept (argon2id).

Source: OWASP ASVS 5.0, 6.2 (12 characters or more, any composition, common ones refused) and the OWASP password
storage sheet (argon2id with 46 MiB and one pass at least; here two). A hash takes about 0.1 s and 46 MiB, so at most
two are made at once in a process.
"""

from __future__ import annotations

import threading
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 12, 128
AT_ONCE = 2
"""Hashes a process makes at once: more would only cost memory."""

_hasher = PasswordHasher(time_cost=2, memory_cost=46 * 1024, parallelism=1)
_turn = threading.BoundedSemaphore(AT_ONCE)
_COMMON = Path(__file__).with_name("common_passwords.txt")
_NOBODY = "$argon2id$v=19$m=47104,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$p6DGYcUzEwjK3Kx6lGIr1nZlJhuBPWNSr9ZjHZjlZ7w"


def complaint(password: str, *, name: str = "", email: str = "") -> str:
    """Why this password cannot be taken, as a sentence; empty where it can."""
    if len(password) < SHORTEST:
        return f"The password has {len(password)} characters; it needs at least {SHORTEST}. A few random words do well."
    if len(password) > LONGEST:
        return f"The password has {len(password)} characters; at most {LONGEST} are taken."
    plain = password.casefold()
    squeezed = "".join(plain.split())
    if squeezed in common() or len(set(squeezed)) < 5:
        return "This password is among the first that anybody would guess. Choose another; a few random words do well."
    own = {part for part in (name.casefold(), email.casefold(), email.casefold().partition("@")[0]) if part}
    if squeezed in {"".join(part.split()) for part in own}:
        return "The password is your own name or e-mail address. Choose another; a few random words do well."
    return ""


def common() -> frozenset[str]:
    """The commonest passwords that are long enough to be taken, in lower case."""
    if not _known:
        lines = _COMMON.read_text(encoding="utf-8").split("\n")
        _known.append(frozenset(line for line in lines if line and not line.startswith("#")))
    return _known[0]


_known: list[frozenset[str]] = []


def hashed(password: str) -> str:
    """The hash to keep of a password."""
    with _turn:
        return _hasher.hash(password)


def fits(kept: str | None, password: str) -> bool:
    """Whether the password is the one kept; without one (nobody has the account) no takes as long to say."""
    with _turn:
        try:
            return _hasher.verify(kept or _NOBODY, password) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def outdated(kept: str) -> bool:
    """Whether a kept hash was made with weaker settings than today's."""
    return _hasher.check_needs_rehash(kept)
