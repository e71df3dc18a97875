"""What every act does around its own work: who may, was it done before, is the page stale; then change and event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from refundcore import money, telemetry
from refundcore.deadlines import HOUR, micros, moment
from refundcore.facts import BY_NAME, COLUMNS, FACTS, Fact
from refundcore.store import figure_keeping, roles, sentences, tables
from refundcore.store.chain import GENESIS, Ledger, canonical, digest, opened
from refundcore.store.errors import Forbidden, Impossible, Stale, StoreError
from refundcore.store.judging import Verdict, judge_rows, kept
from refundcore.store.model import Person, Receipt
from refundcore.store.ruling import refresh
from refundcore.store.settings import JUDGED_UNDER, Settings, kept_values, settings_of
from refundcore.store.store import Store, first_of

Row = Mapping[str, Any]

LONGEST_TEXT = 20_000
"""Characters of a note, a reason or a reply."""

LONGEST_KEY = 200

CLOCK_BACK = HOUR
"""Microseconds by which an act may lie before the journal's last entry: an import keeps the time of its beginning."""

FOLDED = ("state", "outcome", "assignee_id", "asked_for", "asked_until", "promised")
"""The columns of a claim, beside its facts, that are the sum of its events."""

UNFINISHED = ("running", "finishing", "removing")
"""States of an import whose claims nobody sees yet."""


SEEN = sa.or_(
    tables.claims.c.import_id.is_(None),
    tables.claims.c.import_id.notin_(
        sa.select(tables.imports.c.id).where(
            sa.or_(*(tables.imports.c.status == sa.literal_column(f"'{state}'") for state in UNFINISHED))
        )
    ),
)
"""What `visible` says, for a query of few claims: one statement less, but no range of the queue's index."""

# Statements of every act are made once: to build one takes as long as to run it.
_PERSON = sa.select(*(tables.people.c[name] for name in Person.__dataclass_fields__)).where(
    tables.people.c.id == sa.bindparam("number")
)
_EARLIER = (
    sa.select(tables.receipts, tables.claims.c.ref)
    .join(tables.claims, tables.claims.c.id == tables.receipts.c.claim_id)
    .where(tables.receipts.c.key == sa.bindparam("form"))
)
WITH_LAST = sa.select(tables.claims, tables.events.c.hash.label("last_hash")).join_from(
    tables.claims,
    tables.events,
    sa.and_(tables.events.c.claim_id == tables.claims.c.id, tables.events.c.seq == tables.claims.c.version),
    isouter=True,
)
"""Claims with the hash of their last event."""
_CLAIM = WITH_LAST.where(tables.claims.c.id == sa.bindparam("claim"), SEEN)
_RECEIPT = sa.insert(tables.receipts)


@cache
def _update(names: tuple[str, ...]) -> sa.Update:
    """The statement that changes these columns of the claim `number`."""
    values: dict[str, sa.BindParameter[Any]] = {name: sa.bindparam(name) for name in names}
    return sa.update(tables.claims).where(tables.claims.c.id == sa.bindparam("number")).values(values)


def hidden_imports(connection: sa.Connection) -> list[int]:
    """The imports whose claims are not to be seen yet: mostly none."""
    unfinished = sa.select(tables.imports.c.id).where(tables.imports.c.status.in_(UNFINISHED))
    return list(connection.execute(unfinished).scalars())


def visible(connection: sa.Connection) -> sa.ColumnElement[bool]:
    """The condition that keeps claims of unfinished imports out of sight."""
    hidden = hidden_imports(connection)
    if not hidden:
        return sa.true()
    number = tables.claims.c.import_id
    return sa.or_(number.is_(None), number.notin_(hidden))


def load_person(connection: sa.Connection, number: int) -> Person | None:
    """A person by id."""
    row = first_of(connection, _PERSON, {"number": number})
    return Person(**row) if row else None


def names_of(connection: sa.Connection) -> dict[int, str]:
    """Everybody's name by id."""
    return {row.id: row.name for row in connection.execute(sa.select(tables.people.c.id, tables.people.c.name))}


@dataclass
class Act:
    """One act within its write transaction."""

    store: Store
    connection: sa.Connection
    actor: Person
    at: int
    key: str = ""
    asked: str = ""
    """Hash of the act, the person and the parameters: what the key stands for."""
    sealed: Mapping[str, Any] | None = None
    """What the transaction did beside events, for the journal's head."""
    sealed_import: int | None = None
    """The import that the transaction belongs to."""
    figured: set[int] = field(default_factory=set)
    """Claims whose figures were written already, as those of a batch."""
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.connection, at=self.at, person=self.actor.id)

    @cached_property
    def kept_settings(self) -> Mapping[str, str]:
        """All that is kept under a name: settings, limits, wordings."""
        return kept_values(self.connection)

    @cached_property
    def settings(self) -> Settings:
        """The desk's settings."""
        return settings_of(self.kept_settings)

    def standing_verdict(self, row: Row) -> Verdict | None:
        """The verdict that is kept with a claim, where it is known to be the policy's at this moment; else None.

        It is while it holds and was made under the policy of now; one that a clock set back could change is not.
        """
        ends = row["holds_until"]
        same = self.kept_settings.get(JUDGED_UNDER) == self.store.laws.fingerprint
        if not same or self.at < row["updated_at"] or (ends is not None and self.at > ends):
            return None
        return Verdict(*(row[name] for name in Verdict._fields))

    def earlier(self) -> Receipt | None:
        """What was done under this key before. Raises `Impossible` where it was used for something else."""
        row = self.connection.execute(_EARLIER, {"form": self.key}).first()
        if row is None:
            return None
        if row.asked != self.asked:
            raise Impossible("This form was used for something else before; reload the page and fill it in again.")
        return Receipt(row.claim_id, row.version, row.event_id, repeated=True, sentence=row.sentence, ref=row.ref)

    def load(self, claim: int, version: int | None) -> Row:
        """The claim as it is now.

        Raises `Impossible` where there is none, `Stale` where it is not at `version` (None: any will do).
        """
        row = first_of(self.connection, _CLAIM, {"claim": claim})
        if row is None:
            raise Impossible("There is no such claim.")
        if version is not None and version != row["version"]:
            raise Stale(self._changed_since(row, version), claim, version)
        return row

    def _changed_since(self, row: Row, version: int) -> str:
        events = tables.events
        query = (
            sa.select(events)
            .where(events.c.claim_id == row["id"], events.c.seq > version)
            .order_by(events.c.seq.desc())
        )
        found = self.connection.execute(query).all()
        if not found:
            return "This page shows a version of the claim that never was; reload it."
        last = next((event for event in found if event.kind != "noted"), found[0])
        names = names_of(self.connection)
        who = "You" if last.person_id == self.actor.id else names.get(last.person_id, "Somebody")
        body = opened(last.body, last.private)
        return sentences.changed_since(who, last.kind, body, names, last.at, self.at)

    def verdict(self, row: Row) -> Verdict:
        """The policy's verdict on a claim now."""
        return judge_rows(self.store, [row], self.at)[0]

    def last_hash(self, row: Row) -> str:
        """The hash of the claim's last event."""
        if kept_hash := row.get("last_hash"):
            return str(kept_hash)
        events = tables.events
        query = sa.select(events.c.hash).where(events.c.claim_id == row["id"], events.c.seq == row["version"])
        found: str | None = self.connection.execute(query).scalar()
        return GENESIS if found is None else found

    def change(
        self,
        row: Row,
        kind: str,
        body: Mapping[str, Any],
        changes: Mapping[str, Any] | None = None,
        *,
        verdict: Verdict | None = None,
        facts_in: str | None = None,
    ) -> tuple[Row, int]:
        """Write an event and what it changes on the claim; the claim afterwards and the event's id.

        What of `FOLDED` changes is repeated in the event's body as `after`, so that the claim can be checked against
        its events.
        """
        changed = {name: value for name, value in (changes or {}).items() if row[name] != value}
        after = {name: changed[name] for name in FOLDED if name in changed}
        seq = row["version"] + 1
        full = {**body, "after": after} if after else dict(body)
        if "answer_from" in changed:
            full["since"] = row["answer_from"]  # so that the act can be taken back, clock and all
        event, found = self.ledger.append(row["id"], seq, self.last_hash(row), kind, full, facts_in=facts_in)
        values = {**changed, "version": seq, "updated_at": self.at}
        now = {**row, **values}
        if verdict is None:
            verdict = Verdict(*(row[name] for name in Verdict._fields))
        values.update(kept(verdict, now, self.settings, self.store.laws))
        self.connection.execute(_update(tuple(values)), {"number": row["id"], **values})
        return {**now, **values, "last_hash": found}, event

    def receipt(self, row: Row, event: int, sentence: str, key: str = "", asked: str = "") -> Receipt:
        """The receipt of what was done, kept under the act's key."""
        kept_receipt = {
            "key": key or self.key,
            "asked": asked or self.asked,
            "at": self.at,
            "claim_id": row["id"],
            "version": row["version"],
            "event_id": event,
            "sentence": sentence,
        }
        self.connection.execute(_RECEIPT, kept_receipt)
        return Receipt(row["id"], row["version"], event, repeated=False, sentence=sentence, ref=row["ref"])

    def assignable(self, to: int | None) -> Person | None:
        """The person to whom a claim is given. Raises `Impossible` for one who cannot work on claims."""
        if to is None:
            return None
        person = load_person(self.connection, to)
        if person is None or not person.active or not roles.may(person.role, "decide"):
            name = person.name if person else "That person"
            raise Impossible(f"{name} cannot work on claims: choose an active agent or manager.")
        return person


def asked_of(action: str, actor: int, parameters: Mapping[str, Any]) -> str:
    """What a key stands for."""
    return digest(canonical([action, actor, {name: _plain(value) for name, value in parameters.items()}]))


def _plain(value: Any) -> Any:  # noqa: ANN401 - any parameter
    if isinstance(value, Mapping):
        return {str(name): _plain(within) for name, within in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(within) for within in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def allowed(connection: sa.Connection, actor: int, action: str) -> Person:
    """The person who acts, as they are now. Raises `Forbidden`."""
    person = load_person(connection, actor)
    if person is None or not person.active:
        raise Forbidden("Your account is not active, so nothing was changed. Ask a manager.")
    if not roles.may(person.role, action):
        article = "an" if person.role[0] in "aeiou" else "a"
        raise Forbidden(f"As {article} {person.role} you cannot {roles.WORDS[action]}.")
    return person


@contextmanager
def acting(
    store: Store,
    action: str,
    *,
    actor: int,
    at: datetime,
    key: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Iterator[Act]:
    """One act in its transaction: the person is allowed to, the head is sealed at the end.

    Raises `Forbidden`; whatever is raised within takes everything back.
    """
    if key is not None and not 0 < len(key) <= LONGEST_KEY:
        raise Impossible("The form has no key, so a double click could not be told from two; reload the page.")
    with telemetry.act(action, actor), store.write() as connection:
        person = allowed(connection, actor, action)
        refresh(store, connection, micros(at))
        asked = asked_of(action, actor, parameters or {}) if key else ""
        act = Act(store, connection, person, micros(at), key or "", asked)
        if store.keeps_time and act.ledger.last_at - act.at > CLOCK_BACK:
            raise StoreError(
                f"This computer's clock stands at {moment(act.at):%Y-%m-%d %H:%M} UTC, but the journal's last entry was"
                f" made on {moment(act.ledger.last_at):%Y-%m-%d %H:%M} UTC, so nothing was saved. Set the clock right."
            )
        yield act
        figure_keeping.keep(act)
        act.ledger.seal(act.sealed, act.sealed_import)


def words(text: str, what: str, *, needed: bool = False) -> str:
    """A text that somebody typed, without blanks around it. Raises `Impossible` for one that is missing or too long."""
    kept_text = text.strip()
    if needed and not kept_text:
        raise Impossible(f"{what} is missing.")
    if len(kept_text) > LONGEST_TEXT:
        raise Impossible(f"{what} is too long: at most {LONGEST_TEXT:,} characters.")
    if "\0" in kept_text or any("\ud800" <= letter <= "\udfff" for letter in kept_text):
        raise Impossible(f"{what} holds a character that cannot be stored.")
    return kept_text


def typed_facts(given: Mapping[str, Any]) -> dict[str, Any]:
    """Facts in their types, an instant with both its ends. Raises `Impossible` naming what does not fit."""
    if strange := sorted(given.keys() - COLUMNS.keys()):
        raise Impossible(f"There is no fact called {strange[0]}.")
    wanted = {name: None if isinstance(value, str) and not value.strip() else value for name, value in given.items()}
    for fact in FACTS:
        if fact.kind == "instant" and {fact.name, fact.latest} & wanted.keys():
            _whole_instant(wanted, fact)
    return {name: _value(name, value) for name, value in wanted.items()}


def _value(name: str, given: Any) -> Any:  # noqa: ANN401 - what somebody gave, and what is kept of it
    """A value in the type of its fact. Raises `Impossible` for one that the fact cannot have."""
    fact = BY_NAME[name.removesuffix("_latest")]
    shown = repr(given)[:80]
    try:
        value = pa.array([given], type=COLUMNS[name].pyarrow_dtype, from_pandas=True)[0].as_py()
        if fact.kind == "currency" and value is not None:
            money.exponent(value)
        if isinstance(value, str) and "\0" in value:
            raise ValueError("no database keeps that")  # noqa: TRY301 - one sentence for all that does not fit
    except (ValueError, OverflowError, TypeError, pa.ArrowException) as error:
        raise Impossible(f"{fact.label}: {shown} is no value that it can have.") from error
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise Impossible(f"{fact.label} is too long: at most {LONGEST_TEXT:,} characters.")
    if fact.codes and value is not None and value not in fact.codes:
        raise Impossible(f"{fact.label}: {shown} is not one of {', '.join(fact.codes)}.")
    if fact.kind == "money" and value is not None and not 0 <= value <= money.LARGEST:
        raise Impossible(f"{fact.label}: {value} minor units cannot be an amount.")
    return value


def _whole_instant(wanted: dict[str, Any], fact: Fact) -> None:
    """Give an instant both its ends."""
    if fact.latest not in wanted:
        wanted[fact.latest] = wanted[fact.name]
    elif fact.name not in wanted:
        wanted[fact.name] = wanted[fact.latest]
    first, last = wanted[fact.name], wanted[fact.latest]
    if (first is None) != (last is None):
        raise Impossible(f"{fact.label}: give both its earliest and its latest moment, or neither.")
    if first is not None and first > last:
        raise Impossible(f"{fact.label}: its latest moment lies before its earliest.")
