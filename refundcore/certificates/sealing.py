"""The form and the seals of a certificate: one line for each value, one seal for each, one hash over all.

A seal is the beginning of sha256 over the canonical JSON of [place, value]; the hash is sha256 over the canonical
JSON of everything but itself. So a value that was changed is named, not only noticed. Places are written as in RFC
6901 (JSON Pointer) without the first stroke: `decision/refund`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from refundcore.store.chain import canonical, digest

SEALS, HASH = "seals", "hash"
_LENGTH = 16


def places(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any JSON
    """Each place of a value that holds no others, and what it holds."""
    if isinstance(value, dict) and value:
        for name in sorted(value):
            yield from places(value[name], f"{at}/{_escaped(name)}" if at else _escaped(name))
    elif isinstance(value, list) and value:
        for number, within in enumerate(value):
            yield from places(within, f"{at}/{number}")
    else:
        yield at, value


def seal(place: str, value: Any) -> str:  # noqa: ANN401 - any JSON
    """The seal of one value at its place."""
    return digest(canonical([place, value]))[:_LENGTH]


def seals(content: dict[str, Any]) -> dict[str, str]:
    """The seals of everything but the seals and the hash."""
    kept = {name: value for name, value in content.items() if name not in {SEALS, HASH}}
    return {place: seal(place, value) for place, value in places(kept)}


def hash_of(content: dict[str, Any]) -> str:
    """The hash of everything but the hash itself."""
    return digest(canonical({name: value for name, value in content.items() if name != HASH}))


def sealed(content: dict[str, Any]) -> dict[str, Any]:
    """A certificate's content with its seals and its hash."""
    whole = {**content, SEALS: seals(content)}
    return {**whole, HASH: hash_of(whole)}


def as_json(certificate: dict[str, Any]) -> str:
    """A certificate as the text of its file: sorted, each value on a line of its own."""
    return json.dumps(certificate, ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def lines_of(certificate: dict[str, Any]) -> dict[str, int]:
    """The line on which each place stands in the text that the certificate was read from."""
    found: dict[str, int] = {}
    _count(certificate, "", 1, found)
    return found


def _count(value: Any, at: str, line: int, found: dict[str, int]) -> int:  # noqa: ANN401 - any JSON
    """Write down the lines within a value that begins on `line`; the line on which it ends."""
    found[at] = line
    if not isinstance(value, (dict, list)) or not value:
        return line
    inside = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    for name, within in inside:
        place = _escaped(str(name))
        line = _count(within, f"{at}/{place}" if at else place, line + 1, found)
    return line + 1


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
