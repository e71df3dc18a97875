"""A desk in a folder of its own for tests of pages: a real store, people with accounts, pages run by AppTest."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from refundcore import accounts, clock, gate_flag, store
from refundcore.deadlines import micros
from refundcore.desk import context
from refundcore.desk.show import JOINER

PROJECT = Path(__file__).resolve().parent.parent
PASSWORD = "nine blue herons over Lund"
ROLES = {"mia": "manager", "max": "manager", "ana": "agent", "ben": "agent", "aud": "auditor"}


@dataclass
class Desk:
    """A store with people, and pages of it."""

    store: store.Store
    people: dict[str, store.Person] = field(default_factory=dict)
    added: int = 0

    def page(self, name: str, person: str = "mia", **address: str) -> AppTest:
        """A page as a person sees it, not run yet."""
        page = AppTest.from_file(str(PROJECT / "pages" / f"{name}.py"), default_timeout=30)
        return self.sign_in(page, person, **address)

    def app(self, person: str = "mia", **address: str) -> AppTest:
        """The desk from its entrance."""
        return self.sign_in(AppTest.from_file(str(PROJECT / "app.py"), default_timeout=30), person, **address)

    def sign_in(self, page: AppTest, person: str, **address: str) -> AppTest:
        page.user = {"person": str(self.people[person].id)}
        for key, value in address.items():
            page.query_params[key] = value
        return page

    def add(self, person: str = "ana", **facts: Any) -> store.ClaimRecord:
        """A claim of a number that got no code, in time and complete unless told otherwise."""
        at = clock.now()
        self.added += 1
        number = self.added
        given = {
            "order_ref": f"ORD-{number}",
            "customer_email": f"customer{number}@example.com",
            "reason": "sms_not_received",
            "description": "No code arrived on the number although I tried five times with two services",
            "purchased_at": micros(at - timedelta(days=2)),
            "submitted_at": micros(at - timedelta(hours=3)),
            "sms_code_received": False,
            "amount": 1250,
            "currency": "USD",
            **facts,
        }
        receipt = store.add_claim(self.store, actor=self.people[person].id, at=at, key=f"add {number}", facts=given)
        return self.claim(receipt.ref)

    def claim(self, ref: str) -> store.ClaimRecord:
        found = store.claim(self.store, ref)
        assert found is not None, f"There is no claim {ref}."
        return found


@cache
def _peopled() -> bytes:
    """A store with the people of `ROLES`, as the bytes of its file: hashing passwords takes its time."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "refunds.db"
        opened = store.connect(f"sqlite:///{file}", at=clock.now(), backup=False)
        for name, role in ROLES.items():
            accounts.create_person(
                opened,
                actor=None,
                name=name.title(),
                email=f"{name}@example.com",
                role=role,
                password=PASSWORD,
                at=clock.now(),
            )
        with opened.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        opened.engine.dispose()
        return file.read_bytes()


def open_desk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk whose store lies in `folder`, with the people of `ROLES`."""
    (folder / "refunds.db").write_bytes(_peopled())
    monkeypatch.setenv("REFUND_DESK_DATA", str(folder))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    context.forget()
    gate_flag.raise_flag()
    opened = context.store()
    return Desk(opened, {person.name.lower(): person for person in store.people(opened)})


def texts(page: AppTest) -> str:
    """Everything that the page says outside of its components, for looking a sentence up."""
    kinds = (
        "title",
        "subheader",
        "markdown",
        "text",
        "error",
        "warning",
        "info",
        "success",
        "toast",
        "caption",
        "code",
    )
    return "\n".join(str(element.value) for kind in kinds for element in page.get(kind)).replace(JOINER, "")


def labels(page: AppTest) -> list[str]:
    """The labels of the page's buttons."""
    return [button.label for button in page.button]


def drawn(page: AppTest, key: str) -> dict[str, Any]:
    """What a component of the page was given to draw."""
    proto = next(element.proto for element in page.get("bidi_component") if element.key == key)
    data: dict[str, Any] = json.loads(proto.json)
    return data


def shown_refs(page: AppTest) -> list[str]:
    """The references in the queue's table, in order."""
    return [row["ref"] for row in drawn(page, "claims")["rows"]]
