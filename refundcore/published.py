"""What the published text itself says, as structure: its periods, exclusions, vague words and outside papers.

The wording of a clause is for people. What a checker has to know of it (refundcore/lint) stands beside it in keys of
its own, so that no finding ever hangs on a word or on an id. The keys are described in docs/policy-format.md.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

EVENTS = ("claim", "notice", "cure", "evidence", "payment", "access")
"""What has to happen within a period."""
STARTS = ("order", "purchase", "sms", "claim", "notice", "request")
"""From when a period runs."""
GOODS = ("refund", "return", "exchange")
"""What a clause can exclude."""
SETTLED = ("counts", "start", "term", "fee", "scope", "document")
"""What a reading can settle: the kinds of findings of structure."""


class PolicyError(Exception):
    """The policy document cannot be used; the message says where and what is wanted."""


@dataclass(frozen=True)
class Window:
    """A period that the published text names."""

    event: str
    """What has to happen in it: see `EVENTS`."""
    number: str
    """The clause's number that says how long it is."""
    start: str = ""
    """From when it runs: see `STARTS`; "" where the text doesn't say."""


@dataclass(frozen=True)
class Term:
    """A word of the published text on which something hangs."""

    id: str
    word: str
    meaning: str = ""
    """What the published text says it means; "" where it doesn't say."""


@dataclass(frozen=True)
class Paper:
    """A document outside the policy to which the published text refers."""

    id: str
    title: str
    supplied: bool = False
    """Whether the desk has it."""


@dataclass(frozen=True)
class Published:
    """What the published text says of one clause."""

    window: Window | None = None
    in_full: bool = False
    """It promises the whole price."""
    excludes: tuple[str, ...] = ()
    """What it says cannot be had: see `GOODS`."""
    excepts: tuple[str, ...] = ()
    """The clauses that it leaves alone by its own words."""
    terms: tuple[str, ...] = ()
    """Ids of the terms that it uses."""
    documents: tuple[str, ...] = ()
    """Ids of the outside documents that it refers to."""


KEYS = ("window", "in_full", "excludes", "excepts", "terms", "documents")
"""The keys of a clause that say what the published text says."""


def published(given: Mapping[str, Any], where: str, numbers: Collection[str]) -> Published:
    """The structure of one clause. Raises `PolicyError` for a value that nobody knows."""
    return Published(
        window=_window(given["window"], where, numbers) if "window" in given else None,
        in_full=_truth(given, "in_full", where),
        excludes=_names(given, "excludes", where, GOODS),
        excepts=_names(given, "excepts", where),
        terms=_names(given, "terms", where),
        documents=_names(given, "documents", where),
    )


def terms(given: object) -> dict[str, Term]:
    """The table of terms. Raises `PolicyError`."""
    found = {}
    for name, body in _tables(given, "terms").items():
        where = f"Term {name}"
        _known(body, {"word", "meaning"}, where)
        found[name] = Term(name, _text(body, "word", where), _text(body, "meaning", where) if "meaning" in body else "")
    return found


def papers(given: object) -> dict[str, Paper]:
    """The table of outside documents. Raises `PolicyError`."""
    found = {}
    for name, body in _tables(given, "documents").items():
        where = f"Document {name}"
        _known(body, {"title", "supplied"}, where)
        found[name] = Paper(name, _text(body, "title", where), _truth(body, "supplied", where))
    return found


def refer(where: str, key: str, names: Collection[str], known: Collection[str]) -> None:
    """Raises `PolicyError` where a clause refers to something that the document doesn't have."""
    if strange := [name for name in names if name not in known]:
        raise PolicyError(f"{where}: '{key}' knows no '{strange[0]}'; it can be {', '.join(known) or 'nothing yet'}.")


def _window(given: object, where: str, numbers: Collection[str]) -> Window:
    where = f"{where}, window"
    if not isinstance(given, dict):
        raise PolicyError(f'{where} is written as {{ event = "claim", start = "order", number = "window_days" }}.')
    _known(given, {"event", "start", "number"}, where)
    event, number = _text(given, "event", where), _text(given, "number", where)
    start = _text(given, "start", where) if "start" in given else ""
    refer(where, "event", [event], EVENTS)
    refer(where, "number", [number], numbers)
    if start:
        refer(where, "start", [start], STARTS)
    return Window(event, number, start)


def _tables(given: object, key: str) -> Mapping[str, Mapping[str, Any]]:
    if not isinstance(given, dict) or not all(isinstance(body, dict) for body in given.values()):
        raise PolicyError(f"The policy document: '{key}' must be a table of tables.")
    return given


def _known(given: Mapping[str, Any], keys: set[str], where: str) -> None:
    if strange := sorted(given.keys() - keys):
        raise PolicyError(f"{where}: nobody knows the key '{strange[0]}'; known are {', '.join(sorted(keys))}.")


def _text(given: Mapping[str, Any], key: str, where: str) -> str:
    value = given.get(key)
    if not isinstance(value, str) or not value.strip():
        raise PolicyError(f"{where}: '{key}' must be a text, it is {value!r}.")
    return value


def _truth(given: Mapping[str, Any], key: str, where: str) -> bool:
    value = given.get(key, False)
    if not isinstance(value, bool):
        raise PolicyError(f"{where}: '{key}' must be true or false, it is {value!r}.")
    return value


def _names(given: Mapping[str, Any], key: str, where: str, known: Collection[str] = ()) -> tuple[str, ...]:
    value = given.get(key, [])
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise PolicyError(f"{where}: '{key}' must be a list of names, it is {value!r}.")
    if known:
        refer(where, key, value, known)
    return tuple(value)
