"""Opening the store: find it, refuse what is not ours, upgrade it after a backup."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from refundcore.deadlines import micros
from refundcore.store import figure_keeping, sqlite
from refundcore.store.errors import StoreError
from refundcore.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

HEAD = "0009"
"""The revision that this program works with: the last of `migrations/versions`."""

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009")
"""Every revision up to `HEAD`, first to last."""

FILE = "refunds.db"
MIGRATIONS = Path(__file__).with_name("migrations")
_ROOT = Path(__file__).resolve().parents[2]


def data_folder() -> Path:
    """The folder of the store and its backups: REFUND_DESK_DATA, else `data/desk` of the project."""
    return Path(os.environ.get("REFUND_DESK_DATA") or _ROOT / "data" / "desk")


def connect(
    url: str | None = None,
    *,
    at: datetime,
    backup: bool = True,
    policy: Any = None,  # noqa: ANN401 - a policy.Policy
    judge: Callable[..., pd.DataFrame] | None = None,
) -> Store:
    """Open the store, making or upgrading it where that is needed.

    `url` defaults to the environment's DATABASE_URL, else the file `refunds.db` in the folder REFUND_DESK_DATA, else
    `data/desk/refunds.db` of the project. An existing store is backed up before an upgrade. A `policy` is judged by
    instead of the store's own editions; `judge` defaults to `rules.judge`. Raises `StoreError` with a sentence for a
    store that is newer, foreign, damaged, or was here before and is now missing or empty.
    """
    address = _address(url)
    if judge is None:
        from refundcore.rules import judge as by_rules  # noqa: PLC0415 - not needed where a judge is given

        judge = by_rules
    if address.get_backend_name() != "sqlite":
        return _ruled(_connect_server(address, policy, judge), at)
    path, module = _file(address), sqlite.library()
    revision = sqlite.standing(path, module)
    _refuse_newer(revision, str(path))
    _make_private(path)
    store = _open(path, module, policy, judge)
    if revision != HEAD:
        _upgrade(store, partial(_back_up, path, module, at) if backup else None)
    sqlite.mark(path)
    return _ruled(store, at)


def _ruled(store: Store, at: datetime) -> Store:
    """The store with its own editions in force, unless it was given a policy."""
    if store.policy is None:
        from refundcore.store.ruling import take_up  # noqa: PLC0415 - not needed where a policy is given

        take_up(store, at)
    figure_keeping.rebuild_where_needed(store, micros(at))
    return store


def path_of(url: str | None = None) -> Path:
    """The file of the store at an address. Raises `StoreError` for a database on a server."""
    address = _address(url)
    if address.get_backend_name() != "sqlite":
        raise StoreError("This store is on a database server: put a backup back by the server's own means.")
    return _file(address)


def connect_to_check(url: str | None = None) -> Store:
    """Open a store that is there, to read and check it: nothing is made, upgraded or judged. Raises `StoreError`."""
    address = _address(url)
    if address.get_backend_name() != "sqlite":
        return _connect_server(address, None, _no_judge, upgrade=False)
    path, module = _file(address), sqlite.library()
    revision = sqlite.standing(path, module)
    if revision is None:
        raise StoreError(f"There is no store at {path}.")
    _refuse_newer(revision, str(path))
    if revision != HEAD:
        raise StoreError(f"The store {path} is older than this program: start the desk once to upgrade it.")
    return _open(path, module, None, _no_judge)


def _no_judge(*_: object) -> pd.DataFrame:
    raise StoreError("This store was opened to be checked only.")


def _address(url: str | None) -> sa.URL:
    given = url or os.environ.get("DATABASE_URL") or f"sqlite:///{data_folder() / FILE}"
    try:
        return sa.make_url(given)
    except sa.exc.ArgumentError as error:
        raise StoreError(
            "The store's address cannot be read: a DATABASE_URL looks like sqlite:////srv/desk/refunds.db or"
            " postgresql+psycopg://user@host/name."
        ) from error


def _file(address: sa.URL) -> Path:
    if not address.database or address.database == ":memory:":
        raise StoreError("A store is a file: name one, such as sqlite:////srv/desk/refunds.db.")
    return Path(address.database).absolute()


def _open(path: Path, module: ModuleType, policy: Any, judge: Callable[..., pd.DataFrame]) -> Store:  # noqa: ANN401
    wal = sqlite.wal_is_safe(module.sqlite_version_info)
    engine = sqlite.make_engine(path, module, wal=wal)
    try:
        sqlite.set_journal(engine, wal=wal)
    except (sa.exc.DBAPIError, module.Error) as error:
        raise StoreError(sqlite.sentence_of(error) or f"The store {path} cannot be opened.") from error
    notice = (
        f"SQLite {module.sqlite_version} has a fault in its faster journal, so the store uses the slower, safe one;"
        " the package pysqlite3 brings a newer library."
    )
    return Store(engine, f"sqlite:///{path}", policy, judge, path, "" if wal else notice)


def _connect_server(
    address: sa.URL,
    policy: Any,  # noqa: ANN401
    judge: Callable[..., pd.DataFrame],
    *,
    upgrade: bool = True,
) -> Store:
    try:
        engine = sa.create_engine(address, pool_pre_ping=True, hide_parameters=True)
        with engine.connect() as connection:
            revision = revision_now(connection)
    except (ImportError, sa.exc.NoSuchModuleError) as error:
        raise StoreError(f"The driver of {address.drivername} is not installed.") from error
    except sa.exc.OperationalError as error:
        raise StoreError(f"The database at {address.render_as_string()} does not answer.") from error
    _refuse_newer(revision, address.render_as_string())
    store = Store(engine, address.render_as_string(), policy, judge)
    if revision != HEAD and not upgrade:
        raise StoreError("The database holds no store, or an older one: start the desk once.")
    if revision != HEAD:
        _upgrade(store)
    return store


def _refuse_newer(revision: str | None, where: str) -> None:
    if revision is not None and revision not in REVISIONS:
        raise StoreError(
            f"The store {where} was written by a newer version of Refund Desk (revision {revision}; this one knows"
            f" up to {HEAD}). Start the newer version."
        )


def _make_private(path: Path) -> None:
    """Make the folder and an empty file that only their owner may open; SQLite's journals inherit that."""
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(f"The store {path} cannot be made or opened: {error.strerror}.") from error
    sqlite.private(path)


def revision_now(connection: sa.Connection) -> str | None:
    """The revision that a database says it has; None for one without a store."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _back_up(path: Path, module: ModuleType, at: datetime, revision: str) -> None:
    from refundcore.store.backing_up import back_up_before_upgrade  # noqa: PLC0415 - seldom needed

    back_up_before_upgrade(path, module, revision, at)


def _upgrade(store: Store, back_up: Callable[[str], None] | None = None) -> None:
    """Bring the tables to `HEAD`, all of it in one transaction, so that a cut leaves the store as it was.

    `back_up` is called with the revision of a store that holds something, while nobody else can upgrade it.
    """
    from alembic import command  # noqa: PLC0415 - takes longer to load than a usual start
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with store.write() as connection:
        revision = revision_now(connection)
        if revision == HEAD:  # another process was faster
            return
        if revision is not None and back_up is not None:
            back_up(revision)
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)
        if connection.dialect.name == "sqlite":
            sqlite.sign(connection)
            if wrong := sqlite.integrity(connection):
                raise StoreError(f"The upgrade was taken back: {wrong}")
