"""Backups put back: the drill from loss to a working desk, and everything that must be refused on the way."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from evidence_of_tests import png
from serving import Desk as Served
from serving import served_desk
from store_of_tests import AT, MIA, Desk, facts, key, on_sqlite, open_desk

from refundcore import accounts, evidence, store
from refundcore.__main__ import main
from refundcore.store import StoreError, erasing, sqlite, tables
from refundcore.store.backing_up import back_up
from refundcore.store.journal_head import journal_head
from refundcore.store.restoring import SIDE, restore

pytestmark = on_sqlite
LATER = AT + timedelta(hours=1)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "data").mkdir()
    opened = open_desk(tmp_path / "data")
    opened.load([facts(claim_ref=f"T-{number}") for number in range(20)])
    opened.decide(1)
    opened.do(store.attach_evidence, 2, evidence=[evidence.read("shot.png", png(1))])
    yield opened
    opened.store.engine.dispose()


def kept(desk: Desk) -> tuple[object, ...]:
    """All that a drill compares."""
    with desk.store.read() as connection:
        rows = [
            tuple(connection.execute(sa.select(table).order_by(*table.primary_key.columns)).all())
            for table in tables.metadata.sorted_tables
            if table.name
            not in {"sessions", "password_links", "setup_tokens", "editions"}  # ours are judged by a policy given
        ]
    return journal_head(desk.store), store.verify(desk.store), rows


def again(desk: Desk) -> Desk:
    desk.store.engine.dispose()
    return open_desk(desk.folder)


def test_the_drill_everything_is_lost_and_the_backup_brings_it_all_back(desk: Desk, tmp_path: Path, capsys) -> None:
    copy = back_up(desk.store, at=AT, folder=tmp_path / "elsewhere")
    before = kept(desk)
    desk.store.engine.dispose()
    shutil.rmtree(desk.folder)
    url = f"sqlite:///{desk.folder / 'refunds.db'}"
    assert main(["restore", str(copy), "--store", url]) == 0
    assert "is the store now" in capsys.readouterr().out
    assert main(["verify", "--store", url]) == 0
    found = again(desk)
    assert kept(found) == before
    (record,) = store.evidence_of(found.store, 2)
    assert store.evidence_file(found.store, record) == evidence.read("shot.png", png(1)).data
    assert found.decide(3).version == 2
    found.store.engine.dispose()


def test_what_was_there_before_is_kept_whole_beside_it(desk: Desk) -> None:
    copy = back_up(desk.store, at=AT)
    desk.decide(5)
    lost = kept(desk)
    desk.store.engine.dispose()
    done = restore(copy, desk.folder / "refunds.db", at=LATER)
    assert done.before == desk.folder / "before-restore-20260512T100000Z"
    found = open_desk(desk.folder)
    assert found.claim(5).state == "new"
    found.store.engine.dispose()
    restore(done.before / "refunds.db", desk.folder / "refunds.db", at=LATER + timedelta(hours=1))
    found = open_desk(desk.folder)
    assert kept(found) == lost
    found.store.engine.dispose()


def test_no_journal_of_the_store_before_is_taken_for_the_backups(desk: Desk) -> None:
    copy = back_up(desk.store, at=AT)
    path = desk.folder / "refunds.db"
    raw = sqlite.library().connect(str(path), isolation_level=None)
    raw.execute("UPDATE claims SET product = 'after the backup'")
    left = {side: path.with_name(path.name + side).read_bytes() for side in ("-wal", "-shm")}
    raw.close()
    desk.store.engine.dispose()
    path.write_bytes(b"damaged" * 10_000)
    for side, data in left.items():
        path.with_name(path.name + side).write_bytes(data)
    done = restore(copy, path, at=LATER)
    assert done.before
    assert {file.name for file in done.before.iterdir()} >= {"refunds.db", "refunds.db-wal"}
    assert not any(path.with_name(path.name + side).exists() for side in SIDE)
    found = open_desk(desk.folder)
    found.verified()
    assert found.claim(3).facts["product"] is None
    found.store.engine.dispose()


def test_everybody_signs_in_anew_and_links_are_void(desk: Desk) -> None:
    accounts.set_password(desk.store, actor=None, number=MIA, password="seven quiet harbours", at=AT)
    email = store.person(desk.store, MIA).email
    token = accounts.sign_in(desk.store, email=email, password="seven quiet harbours", ip="10.0.0.1", at=AT)
    link = accounts.password_link(desk.store, actor=MIA, number=1, at=AT)
    copy = back_up(desk.store, at=AT)
    desk.store.engine.dispose()
    restore(copy, desk.folder / "refunds.db", at=LATER)
    found = open_desk(desk.folder)
    assert accounts.session(found.store, token, at=AT) is None
    with pytest.raises(accounts.LinkError):
        accounts.check_password_link(found.store, link, at=AT)
    assert accounts.sign_in(found.store, email=email, password="seven quiet harbours", ip="10.0.0.1", at=AT)
    found.store.engine.dispose()


def test_what_was_erased_since_the_backup_is_erased_again(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    email, ref = desk.claim(3).facts["customer_email"], desk.claim(3).ref
    desk.do(store.take_step, 3, step="withdrawn", given=store.Given(text="never mind"))
    copy = back_up(desk.store, at=AT)
    erasing.erase(desk.store, actor=MIA, at=AT, key=key(), reason="asked", email=email)
    desk.store.engine.dispose()
    url = f"sqlite:///{desk.folder / 'refunds.db'}"
    assert main(["restore", str(copy), "--store", url]) == 1
    assert "--again --actor" in capsys.readouterr().err
    assert main(["restore", str(copy), "--store", url, "--actor", "mia@shop.example"]) == 0
    assert f"The customer's data was erased: {ref}" in capsys.readouterr().out
    found = open_desk(desk.folder)
    assert found.claim(3).facts["customer_email"].startswith("erased on ")
    found.verified()
    found.store.engine.dispose()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_desk(tmp_path_factory.mktemp("served")) as one:
        one.sign_up()
        yield one


@pytest.mark.served
def test_while_a_desk_serves_the_store_no_backup_is_put_in_its_place(served: Served) -> None:
    assert served.command("backup").returncode == 0
    (copy,) = (served.data / "backups").glob("refunds-*Z.db")
    done = served.command("restore", str(copy))
    assert done.returncode == 1
    assert "stop it first" in done.stderr
    assert served.get("/healthz").status == 200


def test_a_command_that_uses_the_store_stands_in_the_way_too(desk: Desk) -> None:
    copy = back_up(desk.store, at=AT)
    with desk.store.read() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM claims")
        with pytest.raises(StoreError, match="in use"):
            restore(copy, desk.folder / "refunds.db", at=LATER)
    found = again(desk)
    found.verified()
    found.store.engine.dispose()


BAD = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "garbage": lambda path: path.write_bytes(b"no database" * 1000),
    "empty": lambda path: path.write_bytes(b""),
    "newer": lambda path: _sql(path, "UPDATE alembic_version SET version_num = '9999'"),
    "foreign": lambda path: _sql(path, "PRAGMA application_id = 7"),
    "tampered": lambda path: _sql(path, "UPDATE claims SET amount = amount + 1 WHERE id = 3"),
    "file lost": lambda path: shutil.rmtree(path.parent / "evidence"),
}


def _sql(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize("how", BAD)
def test_a_backup_that_is_not_whole_is_refused_and_the_store_stays(desk: Desk, tmp_path: Path, how: str) -> None:
    copy = back_up(desk.store, at=AT, folder=tmp_path / "copies")
    BAD[how](copy)
    if how == "file lost":
        shutil.rmtree(desk.folder / "evidence")
    before = journal_head(desk.store)
    desk.store.engine.dispose()
    with pytest.raises(StoreError):
        restore(copy, desk.folder / "refunds.db", at=LATER)
    found = open_desk(desk.folder)
    assert journal_head(found.store) == before
    assert not list(desk.folder.glob("*restoring*"))
    found.store.engine.dispose()


def test_the_store_itself_is_no_backup_of_it(desk: Desk) -> None:
    path = desk.folder / "refunds.db"
    with pytest.raises(StoreError, match="the store itself"):
        restore(path, path, at=LATER)


def test_what_a_backup_left_that_was_cut_off_is_removed_by_a_later_one(desk: Desk) -> None:
    folder = desk.folder / "backups"
    folder.mkdir()
    left = folder / "refunds-20260101T000000Z.part"
    left.write_bytes(b"x")
    back_up(desk.store, at=AT)
    assert left.exists(), "It may be somebody else's that is under way."
    import os

    os.utime(left, (AT.timestamp() - 4000,) * 2)
    back_up(desk.store, at=AT + timedelta(seconds=1))
    assert not left.exists()
