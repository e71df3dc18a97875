"""Settings that a manager changes, each change kept in the journal: who, when, what it was, what it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from refundcore import smtp
from refundcore.store import tables
from refundcore.store.errors import Impossible
from refundcore.store.store import Store

LONGEST_HOURS = 24 * 365
LONGEST_NAME = 100
LONGEST_WORDING = 1_000


@dataclass(frozen=True)
class Settings:
    """The settings and their defaults."""

    answer_hours: int = 24
    """Within how many hours a claim that is ours to answer is to be answered."""
    follow_up_hours: int = 168
    """After how many hours a claim that waits for somebody else is to be looked at again."""
    margin_hours: int = 2
    """How many hours before the policy's own deadline a claim is to be acted on."""
    sender_name: str = "Customer support"
    """The name from which mails go out."""
    sender_address: str = ""
    """The address from which mails go out; without one none do."""


@dataclass(frozen=True)
class SettingChange:
    """One change of a setting."""

    at: int
    person: str
    name: str
    old: Any
    """What it was; None where that was not kept, "" for the desk's own wording."""
    value: Any


JUDGED_UNDER = "judged_under"
"""The name under which the fingerprint of the policy is kept that open claims were last judged under."""

WORDING = "reply_"
"""The beginning of the name under which a wording of a reply's sentence is kept; the sentence's id follows."""

_KINDS: Mapping[str, type] = {f.name: type(f.default) for f in fields(Settings)}
NAMES = tuple(_KINDS)


_ALL = sa.select(tables.settings.c.name, tables.settings.c.value)


def kept_values(connection: sa.Connection) -> dict[str, str]:
    """All that is kept under a name."""
    return {row.name: row.value for row in connection.execute(_ALL)}


def settings_of(kept: Mapping[str, str]) -> Settings:
    """The settings among what is kept."""
    return Settings(**{name: _KINDS[name](value) for name, value in kept.items() if name in _KINDS})


def load(connection: sa.Connection) -> Settings:
    """The settings as they are now."""
    return settings_of(kept_values(connection))


def judged_under(connection: sa.Connection) -> str:
    """The fingerprint of the policy that open claims were last judged under; "" before the first time."""
    return kept_value(connection, JUDGED_UNDER)


def kept_value(connection: sa.Connection, name: str) -> str:
    """What is kept under a name; "" for nothing."""
    query = sa.select(tables.settings.c.value).where(tables.settings.c.name == name)
    return connection.execute(query).scalar() or ""


def write(connection: sa.Connection, name: str, value: str, *, at: int, by: int | None) -> None:
    """Keep a value under a name."""
    connection.execute(sa.delete(tables.settings).where(tables.settings.c.name == name))
    connection.execute(sa.insert(tables.settings).values(name=name, value=value, changed_at=at, changed_by=by))


def settings_now(store: Store) -> Settings:
    """All settings as they are now."""
    with store.read() as connection:
        return load(connection)


def setting(store: Store, name: str) -> Any:  # noqa: ANN401 - a number or a text, as `Settings` says
    """The present value of a setting. Raises `KeyError` for a name that is none of `Settings`."""
    if name not in _KINDS:
        raise KeyError(name)
    return getattr(settings_now(store), name)


def set_setting(store: Store, *, actor: int, at: datetime, name: str, value: int | str, key: str | None = None) -> str:
    """Change a setting; open claims take a changed target up at once. A sentence that says what was changed.

    Raises `Forbidden`, or `Impossible` for a value that does not fit. Changing it twice to the same does nothing.
    """
    from refundcore.store.acting import acting  # noqa: PLC0415 - acts judge, judging reads settings
    from refundcore.store.judging import rejudge_due  # noqa: PLC0415

    del key  # a second click finds the value as it is and changes nothing
    fitting = _fitting(name, value)
    with acting(store, "change_settings", actor=actor, at=at) as act:
        old = getattr(load(act.connection), name)
        if old == fitting:
            return "That is the setting already: nothing was changed."
        write(act.connection, name, str(fitting), at=act.at, by=actor)
        act.sealed = {"setting": name, "old": old, "value": fitting}
    if name.endswith("_hours"):
        rejudge_due(store, at, everything=True)
    return f"The setting was changed from {old or 'nothing'} to {fitting or 'nothing'}."


def _fitting(name: str, value: int | str) -> int | str:
    """A value as a setting takes it. Raises `Impossible`."""
    if name not in _KINDS:
        raise Impossible(f"There is no setting called {name}.")
    if _KINDS[name] is int:
        if not isinstance(value, int) or not 1 <= value <= LONGEST_HOURS:
            raise Impossible(f"{name} is a number of hours from 1 to {LONGEST_HOURS}, not {value}.")
        return value
    text = str(value).strip()
    if name == "sender_address":
        try:
            return smtp.address(text, "The sender") if text else ""
        except smtp.MailError as wrong:
            raise Impossible(str(wrong)) from wrong
    if not text or len(text) > LONGEST_NAME or not text.isprintable():
        raise Impossible(f"The sender's name is one line of 1 to {LONGEST_NAME} characters.")
    return text


def wordings(store: Store) -> dict[str, str]:
    """The managers' own wording of sentences of a reply, by the sentence's id."""
    names = tables.settings.c.name
    query = sa.select(names, tables.settings.c.value).where(names.startswith(WORDING, autoescape=True))
    with store.read() as connection:
        return {row.name.removeprefix(WORDING): row.value for row in connection.execute(query) if row.value}


def set_wording(store: Store, *, actor: int, at: datetime, sentence: str, text: str) -> str:
    """Keep a wording of a reply's sentence, checked before by `replies.reword`; "" gives the desk's own back."""
    from refundcore.store.acting import acting  # noqa: PLC0415 - acts judge, judging reads settings

    kept = text.strip()
    if len(kept) > LONGEST_WORDING or "\0" in kept:
        raise Impossible(f"A sentence has at most {LONGEST_WORDING:,} characters.")
    name = WORDING + sentence
    with acting(store, "change_settings", actor=actor, at=at) as act:
        old = kept_value(act.connection, name)
        if old == kept:
            return "That is the wording already: nothing was changed."
        write(act.connection, name, kept, at=act.at, by=actor)
        act.sealed = {"setting": name, "old": old, "value": kept}
    return "The desk's own wording is back." if not kept else "The wording was changed."


def setting_changes(store: Store, limit: int = 100) -> list[SettingChange]:
    """The changes of settings, the latest first, as the journal sealed them."""
    heads, people = tables.heads, tables.people
    query = (
        sa.select(heads.c.at, heads.c.body, people.c.name)
        .join(people, people.c.id == heads.c.person_id)
        .where(heads.c.last_event < heads.c.first_event, heads.c.body.contains('"setting":', autoescape=True))
        .order_by(heads.c.id.desc())
        .limit(limit)
    )
    made = []
    with store.read() as connection:
        for row in connection.execute(query):
            body = json.loads(row.body)
            if "setting" in body:
                made.append(SettingChange(row.at, row.name, body["setting"], body.get("old"), body.get("value")))
    return made
