"""A store in a folder of its own, people of each role and claims, for the tests of the store."""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from refundcore import store as desk
from refundcore.deadlines import micros
from refundcore.facts import COLUMNS, Claims
from refundcore.policy import load
from refundcore.store import tables
from refundcore.store.sqlite import marker

AT = datetime(2026, 5, 12, 9, 0, tzinfo=UTC)
"""When everything in these tests happens unless they say otherwise."""

ANA, BEN, MIA, MAX, AUD, GONE = 1, 2, 3, 4, 5, 6
PEOPLE = {
    ANA: ("Ana", "agent", True),
    BEN: ("Ben", "agent", True),
    MIA: ("Mia", "manager", True),
    MAX: ("Max", "manager", True),
    AUD: ("Aud", "auditor", True),
    GONE: ("Gus", "manager", False),
}
POLICY = load()
SERVER = os.environ.get("REFUND_TEST_POSTGRES", "")
"""Address of a PostgreSQL server's own database, such as postgresql+psycopg://postgres@/postgres: the tests that work
on both then run there, each in a database of its own."""

on_sqlite = pytest.mark.skipif(bool(SERVER), reason="This is about SQLite's file.")
_numbers = itertools.count(1)


def key() -> str:
    """A key that was never used."""
    return f"key-{next(_numbers)}"


def facts(**others: Any) -> dict[str, Any]:
    """The facts of a claim that is approved: no code came, all is known, in time."""
    number = next(_numbers)
    return {
        "order_ref": f"ORD-{number}",
        "item_ref": "+4915112345",
        "customer_email": f"Customer{number}@example.com",
        "reason": "sms_not_received",
        "description": "No code arrived on the number although I tried five times with two services",
        "purchased_at": micros(AT - timedelta(days=2)),
        "submitted_at": micros(AT - timedelta(hours=3)),
        "sms_code_received": False,
        "amount": 1250,
        "currency": "USD",
    } | others


VERDICTS: Mapping[str, dict[str, Any]] = {
    "approve": {},
    "deny": {"sms_code_received": True},
    "need_info": {"sms_code_received": None},
    "review": {"unlawful_use": "alleged"},
}
"""Facts with which a claim has a verdict."""


@dataclass
class Desk:
    """A store and the shortest ways to do things in it."""

    store: desk.Store
    at: datetime = AT
    folder: Path = field(default_factory=Path)

    def add(self, person: int = ANA, **others: Any) -> desk.ClaimRecord:
        receipt = desk.add_claim(self.store, actor=person, at=self.at, key=key(), facts=facts(**others))
        return self.claim(receipt.claim)

    def claim(self, number: int) -> desk.ClaimRecord:
        found = desk.claim(self.store, number)
        assert found is not None
        return found

    def do(self, act: Any, claim: desk.ClaimRecord | int, person: int = ANA, **others: Any) -> desk.Receipt:
        """An act on the claim as it is now, under a new key."""
        now = self.claim(claim if isinstance(claim, int) else claim.id)
        given = {"at": self.at, "key": key(), "version": now.version, **others}
        receipt: desk.Receipt = act(self.store, actor=person, claim=now.id, **given)
        return receipt

    def decide(
        self, claim: desk.ClaimRecord | int, outcome: str = "approve", person: int = ANA, **others: Any
    ) -> desk.Receipt:
        return self.do(desk.decide, claim, person, outcome=outcome, **others)

    def queue(self, **chosen: str) -> list[str]:
        """The references of a filter, over all its pages."""
        found: list[str] = []
        after = None
        while True:
            page = desk.queue(self.store, desk.Filter(**chosen), person=ANA, at=self.at, after=after)
            found += [row.ref for row in page.rows]
            if page.next is None:
                return found
            after = page.next

    def load(
        self, rows: list[dict[str, Any]], *, update: bool = False, sha256: str = "0" * 64, **others: Any
    ) -> desk.Balance:
        """Import rows of facts as one file."""
        number = self.begin(update=update, sha256=sha256)
        desk.import_batch(self.store, number, actor=ANA, at=self.at, **batch(rows), **others)
        return desk.finish_import(self.store, number, actor=ANA, at=self.at)

    def begin(self, *, update: bool = False, sha256: str = "0" * 64) -> int:
        return desk.begin_import(
            self.store,
            actor=ANA,
            at=self.at,
            filename="claims.csv",
            sha256=sha256,
            header=["Case", "Order"],
            mapping={"Case": "claim_ref", "Order": "order_ref"},
            update=update,
        )

    def sql(self, statement: str, *, past_guards: bool = True) -> None:
        """Tamper with the file: whoever can write it can also drop its guards."""
        with self.store.write() as connection:
            guards = []
            if past_guards and SERVER:
                connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            elif past_guards:
                query = sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
                guards = list(connection.execute(query))
                for guard in guards:
                    connection.exec_driver_sql(f"DROP TRIGGER {guard.name}")
            connection.exec_driver_sql(statement)
            for guard in guards:
                connection.exec_driver_sql(guard.sql)

    def number(self, statement: str) -> Any:
        with self.store.read() as connection:
            return connection.exec_driver_sql(statement).scalar()

    def verified(self) -> str:
        """The sentence of a check that found everything as it should be."""
        found = desk.verify(self.store)
        assert found.good, found.sentence
        return found.sentence


def batch(rows: list[dict[str, Any]], first_line: int = 2) -> dict[str, Any]:
    """Rows of facts as `import_batch` takes them."""
    names = [name for name in COLUMNS if any(name in row for row in rows)]
    claims = Claims.of({name: [row.get(name) for row in rows] for name in names} or {"reason": []})
    cells = [[str(row.get("claim_ref")), str(row.get("order_ref"))] for row in rows]
    return {"claims": claims, "lines": list(range(first_line, first_line + len(rows))), "cells": cells}


def _with_people(url: str) -> None:
    """Make a store with people at an address."""
    opened = desk.connect(url, at=AT, policy=POLICY)
    with opened.write() as connection:
        connection.execute(
            sa.insert(tables.people),
            [
                {
                    "id": number,
                    "name": name,
                    "email": f"{name.lower()}@shop.example",
                    "role": role,
                    "password_hash": "none",
                    "active": active,
                    "created_at": micros(AT),
                }
                for number, (name, role, active) in PEOPLE.items()
            ],
        )
    opened.engine.dispose()


@cache
def _template() -> Path:
    """A store with people, made once: each test works on a copy of it."""
    path = Path(tempfile.mkdtemp(prefix="refund-desk-store-")) / "refunds.db"
    _with_people(f"sqlite:///{path}")
    return path


def open_desk(folder: Path) -> Desk:
    """A store in a folder, with people; made where it is not there yet."""
    if SERVER:
        os.environ["REFUND_DESK_DATA"] = str(folder)  # where evidence is kept beside a server's database
        return Desk(desk.connect(_on_server(folder), at=AT, policy=POLICY), folder=folder)
    path = folder / "refunds.db"
    if not path.exists():
        shutil.copy(_template(), path)
        marker(path).touch()
    return Desk(desk.connect(f"sqlite:///{path}", at=AT, policy=POLICY), folder=folder)


def _on_server(folder: Path) -> str:
    """The address of the database that stands for a folder, made where it is not there yet."""
    name = "test_" + hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    owner = sa.create_engine(SERVER, isolation_level="AUTOCOMMIT")
    there = "SELECT 1 FROM pg_database WHERE datname = "
    with owner.connect() as connection:
        if connection.exec_driver_sql(f"{there}'test_template'").first() is None:
            connection.exec_driver_sql("CREATE DATABASE test_template")
            _with_people(_address("test_template"))
        if connection.exec_driver_sql(f"{there}'{name}'").first() is None:
            connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE test_template")
    owner.dispose()
    return _address(name)


def _address(database: str) -> str:
    return sa.make_url(SERVER).set(database=database).render_as_string(hide_password=False)
