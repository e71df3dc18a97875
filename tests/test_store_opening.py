"""Opening the store: made, upgraded, or refused with a sentence; backups and the two commands."""

from __future__ import annotations

import argparse
import os
import shutil
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from store_of_tests import ANA, AT, POLICY, Desk, facts, on_sqlite, open_desk

from refundcore import store
from refundcore.commands import backup, verify
from refundcore.facts import COLUMNS
from refundcore.store import StoreError, opening, sqlite, tables
from refundcore.store.backing_up import back_up
from refundcore.store.opening import HEAD, REVISIONS, connect_to_check

pytestmark = on_sqlite


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(tmp_path)
    yield opened
    opened.store.engine.dispose()


def connect(path: Path, **others: Any) -> store.Store:
    return store.connect(f"sqlite:///{path}", at=AT, policy=POLICY, **others)


class ModuleOf(ModuleType):
    """SQLite's library with another way to connect."""

    def __init__(self, library: ModuleType, connect: Any) -> None:
        super().__init__(library.__name__)
        self.__dict__.update(vars(library) | {"connect": connect})


def edit(path: Path, statement: str) -> None:
    connection = sqlite.library().connect(str(path))
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_new_store_has_the_tables_of_the_program_no_more_and_no_less(tmp_path: Path) -> None:
    opened = connect(tmp_path / "new" / "refunds.db")
    with opened.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
    opened.engine.dispose()


def test_indexes_and_checks_are_as_the_program_declares_them(tmp_path: Path) -> None:
    """Alembic's comparison does not look at conditions of indexes nor at checks."""
    opened = connect(tmp_path / "a.db")
    other = sa.create_engine("sqlite://")
    tables.metadata.create_all(other)
    query = sa.text(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name <> 'alembic_version'"
    )

    def plainly(engine: sa.Engine) -> dict[str, str]:
        with engine.connect() as connection:
            return {row.name: " ".join(row.sql.replace('"', "").split()) for row in connection.execute(query)}

    assert plainly(opened.engine) == plainly(other)
    for name in tables.metadata.tables:
        checks = [
            sorted(check["name"] or "" for check in sa.inspect(engine).get_check_constraints(name))
            for engine in (opened.engine, other)
        ]
        assert checks[0] == checks[1], name
    opened.engine.dispose()
    other.dispose()


def test_every_fact_has_its_column() -> None:
    assert set(COLUMNS) <= set(tables.claims.c.keys())


def test_the_revisions_the_program_knows_are_those_of_its_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(opening.MIGRATIONS))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_current_head() == HEAD
    assert tuple(script.revision for script in scripts.walk_revisions())[::-1] == REVISIONS


def test_the_store_and_all_beside_it_are_their_owners_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        opened = connect(tmp_path / "desk" / "refunds.db")
        with opened.write() as connection:
            connection.execute(sa.delete(tables.sessions))
        back_up(opened, at=AT)
    finally:
        os.umask(old)
    for path in (tmp_path / "desk").rglob("*"):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
    assert stat.S_IMODE((tmp_path / "desk").stat().st_mode) == 0o700
    opened.engine.dispose()


def test_each_connection_is_durable_and_keeps_references_whole(desk: Desk) -> None:
    wal = sqlite.wal_is_safe(sqlite.library().sqlite_version_info)
    assert desk.number("PRAGMA journal_mode") == ("wal" if wal else "truncate")
    assert desk.number("PRAGMA synchronous") == 2
    assert desk.number("PRAGMA foreign_keys") == 1
    assert (desk.store.notice == "") == wal


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False), ((3, 44, 5), False), ((3, 44, 6), True), ((3, 45, 9), False), ((3, 50, 4), False),
        ((3, 50, 7), True), ((3, 51, 1), False), ((3, 51, 2), False), ((3, 51, 3), True), ((3, 53, 4), True),
        ((4, 0, 0), True),
    ],
)  # fmt: skip
def test_the_faster_journal_is_used_from_a_mended_library_on(version: tuple[int, ...], *, safe: bool) -> None:
    assert sqlite.wal_is_safe(version) is safe


def test_with_an_older_library_the_store_works_in_the_slower_mode_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_desk(tmp_path).store.engine.dispose()
    monkeypatch.setattr(sqlite, "wal_is_safe", lambda _: False)
    slower = open_desk(tmp_path)
    assert "slower, safe one" in slower.store.notice
    slower.decide(slower.add())
    assert slower.number("PRAGMA journal_mode") == "truncate"
    assert slower.number("PRAGMA synchronous") == 2
    slower.verified()
    slower.store.engine.dispose()


def test_a_store_of_a_newer_version_is_refused_and_left_alone(desk: Desk, tmp_path: Path) -> None:
    desk.store.engine.dispose()
    edit(tmp_path / "refunds.db", "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"newer version of Refund Desk \(revision 9999"):
        connect(tmp_path / "refunds.db")
    with pytest.raises(StoreError, match="newer version"):
        connect_to_check(f"sqlite:///{tmp_path / 'refunds.db'}")


def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    edit(path, "CREATE TABLE recipes (name TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not one of Refund Desk's"):
        connect(path)
    assert path.read_bytes() == before


def test_a_store_that_another_process_finishes_meanwhile_is_not_taken_for_a_foreign_file(tmp_path: Path) -> None:
    """The look at a file is one look, however the other's work falls between its questions."""
    library = sqlite.library()
    path = tmp_path / "refunds.db"
    edit(path, "PRAGMA journal_mode = WAL")
    finish = ["CREATE TABLE alembic_version (version_num TEXT)", f"PRAGMA application_id = {sqlite.APPLICATION_ID}"]
    asked: list[str] = []

    class Meanwhile(library.Connection):  # type: ignore[name-defined, misc]
        def execute(self, statement: str, *rest: Any) -> Any:
            found = super().execute(statement, *rest).fetchall()
            asked.append(statement)
            if statement == "PRAGMA application_id":
                for step in finish:
                    edit(path, step)
                sqlite.marker(path).touch()
            return iter(found) if "sqlite_master" in statement else SimpleNamespace(fetchone=lambda: found[0])

    def look(*given: Any, **settings: Any) -> Any:
        return library.connect(*given, **settings, factory=Meanwhile)

    assert sqlite.standing(path, ModuleOf(library, look)) is None
    assert "PRAGMA application_id" in asked


@pytest.mark.parametrize("how", ["junk", "cut", "scribbled"])
def test_a_damaged_store_is_refused(desk: Desk, tmp_path: Path, how: str) -> None:
    for _ in range(20):
        desk.add()
    desk.store.engine.dispose()
    path = tmp_path / "refunds.db"
    whole = path.read_bytes()
    middle = len(whole) // 2
    damaged = {
        "junk": b"x" * 9000,
        "cut": whole[: middle // 4096 * 4096],
        "scribbled": whole[:4096] + b"\xff" * 8192 + whole[12_288:],
    }
    path.write_bytes(damaged[how])
    with pytest.raises(StoreError, match=r"is damaged\. Keep the file"):
        connect(path)


@pytest.mark.parametrize("how", ["gone", "empty"])
def test_a_store_that_was_here_and_is_gone_or_empty_is_not_made_anew_in_silence(
    desk: Desk, tmp_path: Path, how: str
) -> None:
    desk.store.engine.dispose()
    path = tmp_path / "refunds.db"
    path.unlink()
    if how == "empty":
        path.touch()
    with pytest.raises(StoreError, match="the file is now missing or empty"):
        connect(path)
    sqlite.marker(path).unlink()
    connect(path).engine.dispose()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "nonsense", "postgresql+nodriver://host/x"])
def test_an_address_that_cannot_be_used_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(StoreError):
        store.connect(url, at=AT, policy=POLICY)


def test_a_folder_that_cannot_be_made_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be made or opened"):
        connect(tmp_path / "file" / "refunds.db")


def test_the_place_of_the_store_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("REFUND_DESK_DATA", str(tmp_path / "here"))
    opened = store.connect(at=AT, policy=POLICY)
    assert opened.path == tmp_path / "here" / "refunds.db"
    opened.engine.dispose()
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'there.db'}")
    opened = store.connect(at=AT, policy=POLICY)
    assert opened.path == tmp_path / "there.db"
    opened.engine.dispose()


def _make_older(path: Path) -> None:
    """A store as an earlier revision left it: with a claim, without the last of the tables' indexes."""
    edit(path, "DROP INDEX claims_holds")
    edit(path, "UPDATE alembic_version SET version_num = '0000'")


def _migrations_with_an_earlier_revision(folder: Path, monkeypatch: pytest.MonkeyPatch, upgrade: str) -> None:
    """Migrations in which today's last revision follows an earlier one."""
    copy = folder / "migrations"
    shutil.copytree(opening.MIGRATIONS, copy, ignore=shutil.ignore_patterns("__pycache__", "0*"))
    head = "import sqlalchemy as sa\nfrom alembic import op\nbranch_labels = depends_on = None\n"
    (copy / "versions" / "0000.py").write_text(f"{head}revision = '0000'\ndown_revision = None\ndef upgrade(): pass\n")
    (copy / "versions" / f"{HEAD}.py").write_text(
        f"{head}revision = '{HEAD}'\ndown_revision = '0000'\ndef upgrade():\n    {upgrade}\n"
    )
    monkeypatch.setattr(opening, "MIGRATIONS", copy)
    monkeypatch.setattr(opening, "REVISIONS", ("0000", HEAD))


INDEX = (
    "op.create_index('claims_holds', 'claims', ['holds_until'],"
    " sqlite_where=sa.text('holds_until IS NOT NULL AND queue_at IS NOT NULL'))"
)


def test_an_older_store_is_backed_up_then_upgraded_with_all_its_rows(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = desk.add()
    desk.store.engine.dispose()
    path = tmp_path / "refunds.db"
    _make_older(path)
    _migrations_with_an_earlier_revision(tmp_path, monkeypatch, INDEX)
    with pytest.raises(StoreError, match="older than this program"):
        connect_to_check(f"sqlite:///{path}")
    again = open_desk(tmp_path)
    assert again.claim(claim.id) == claim
    again.verified()
    again.store.engine.dispose()
    (kept,) = (tmp_path / "backups").iterdir()
    assert kept.name == "refunds-20260512T090000Z-before-upgrade-from-0000.db"
    assert sqlite.standing(kept, sqlite.library()) == "0000"


def test_an_upgrade_that_fails_half_way_leaves_the_store_as_it_was(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.add()
    desk.store.engine.dispose()
    path = tmp_path / "refunds.db"
    _make_older(path)
    _migrations_with_an_earlier_revision(
        tmp_path, monkeypatch, f"op.execute('DROP TABLE mappings'); {INDEX}; op.execute('nonsense')"
    )
    with pytest.raises(Exception, match="nonsense"):
        connect(path)
    assert sqlite.standing(path, sqlite.library()) == "0000"
    monkeypatch.undo()
    _migrations_with_an_earlier_revision(tmp_path / "again", monkeypatch, INDEX)
    again = open_desk(tmp_path)
    assert store.remembered_mapping(again.store, ["a"]) is None
    again.verified()
    again.store.engine.dispose()


def test_backups_are_checked_copies_kept_by_count(desk: Desk, tmp_path: Path) -> None:
    desk.decide(desk.add())
    made = [back_up(desk.store, at=AT + timedelta(minutes=minute), keep=3) for minute in range(5)]
    folder = tmp_path / "backups"
    assert sorted(folder.iterdir()) == made[2:]
    copy = connect_to_check(f"sqlite:///{made[-1]}")
    copy.policy = POLICY
    assert store.verify(copy) == store.verify(desk.store)
    copy.engine.dispose()
    with pytest.raises(StoreError, match="already"):
        back_up(desk.store, at=AT + timedelta(minutes=4))
    with pytest.raises(StoreError, match="at least one"):
        back_up(desk.store, at=AT, keep=0)


def test_a_copy_that_does_not_verify_is_thrown_away_and_no_earlier_one_is_lost(desk: Desk, tmp_path: Path) -> None:
    desk.add()
    good = back_up(desk.store, at=AT, keep=1)
    desk.sql("UPDATE claims SET amount = 1")
    with pytest.raises(StoreError, match="does not verify, so it was thrown away: Claim RC-000001: amount"):
        back_up(desk.store, at=AT + timedelta(minutes=1), keep=1)
    assert list((tmp_path / "backups").iterdir()) == [good]


def test_a_backup_is_whole_while_others_write(desk: Desk) -> None:
    number = desk.begin()
    made = back_up(desk.store, at=AT)
    store.cancel_import(desk.store, number, actor=ANA, at=AT)
    copy = connect_to_check(f"sqlite:///{made}")
    assert store.verify(copy).good
    copy.engine.dispose()


def _run(command: Any, *words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add(parser.add_subparsers())
    args = parser.parse_args([command.__name__.rsplit(".", 1)[1], *words])
    code: int = args.run(args)
    return code


def test_the_command_verify_ends_with_0_or_with_1_and_the_first_thing_that_is_wrong(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.add()
    url = f"sqlite:///{tmp_path / 'refunds.db'}"
    assert _run(verify, "--store", url) == 0
    assert capsys.readouterr().out.startswith("1 claims agree with their 1 events")
    desk.sql("UPDATE claims SET amount = 1")
    assert _run(verify, "--store", url) == 1
    assert capsys.readouterr().err == "Claim RC-000001: amount is not what its events say.\n"
    assert _run(verify, "--store", f"sqlite:///{tmp_path / 'nothing.db'}") == 1
    assert "There is no store" in capsys.readouterr().err
    assert not (tmp_path / "nothing.db").exists()


def test_the_command_backup_says_where_the_copy_is(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.add()
    url = f"sqlite:///{tmp_path / 'refunds.db'}"
    assert _run(backup, "--store", url, "--to", str(tmp_path / "safe"), "--keep", "2") == 0
    (made,) = (tmp_path / "safe").iterdir()
    assert str(made) in capsys.readouterr().out
    desk.sql("UPDATE claims SET amount = 1")
    assert _run(backup, "--store", url) == 1
    assert "thrown away" in capsys.readouterr().err


def test_a_full_disk_is_told_in_a_sentence_and_nothing_half_is_kept(desk: Desk) -> None:
    desk.add()
    with desk.store.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    limited = sa.event.listens_for(desk.store.engine, "begin")
    limited(lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count={pages}"))
    long = facts(description="word " * 3_000)
    many = [long | {"claim_ref": f"T-{number}"} for number in range(50)]
    with pytest.raises(StoreError, match="The disk is full, so nothing was saved"):
        desk.load(many)
    found = store.verify(desk.store)
    assert found.good, found.sentence


def test_facts_survive_closing_and_opening_again(desk: Desk, tmp_path: Path) -> None:
    claim = desk.add(**facts(product="US number"))
    desk.store.engine.dispose()
    again = open_desk(tmp_path)
    assert again.claim(claim.id) == claim
    again.store.engine.dispose()
