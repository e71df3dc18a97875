"""`doctor`: look whether everything the desk stands on is as it should be, and say what to do where it isn't."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

ROOM = 2**30
"""Bytes free on the store's disk below which room is to be made."""

OLD_BACKUP = timedelta(days=2)
PACKAGES = ("streamlit", "starlette", "uvicorn", "sqlalchemy", "pandas", "pyarrow", "pillow", "argon2-cffi", "pydantic")


FAULT = (
    "has the WAL-reset fault (mended in 3.51.3, 3.50.7 and 3.44.6), so the slower journal is used; the package"
    " pysqlite3 brings a newer library"
)


class Found(NamedTuple):
    """What was looked at: fine, to be seen to, or wrong."""

    state: str
    what: str


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "doctor",
        help="look whether everything the desk stands on is as it should be",
        description="Look at Python and the libraries, SQLite and its WAL-reset fault, settings, store, permissions,"
        " disk, clock, backups and accounts. Exits 0 where nothing is wrong, 1 otherwise. Nothing is changed.",
    )
    parser.add_argument("--store", metavar="URL", help="another store, such as sqlite:////srv/desk/refunds.db")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what was found; 0 where nothing is wrong."""
    found = list(examined(args.store))
    for one in found:
        print(f"{one.state:<5}  {one.what}")
    return int(any(one.state == "wrong" for one in found))


def examined(url: str | None) -> Iterator[Found]:
    """All that is looked at, each part also where another is wrong."""
    yield from _libraries()
    yield from _settings()
    yield from _store(url)


def _libraries() -> Iterator[Found]:
    from importlib.metadata import version  # noqa: PLC0415 - only this command needs these

    from refundcore.store import sqlite  # noqa: PLC0415

    yield Found("fine", f"Python {platform.python_version()} on {platform.system()}")
    yield Found("fine", ", ".join(f"{name} {version(name)}" for name in PACKAGES))
    library = sqlite.library()
    safe = sqlite.wal_is_safe(library.sqlite_version_info)
    told = "without the WAL-reset fault" if safe else FAULT
    which = f"SQLite {library.sqlite_version} from {library.__name__.partition('.')[0]}"
    yield Found("fine" if safe else "look", f"{which}: {told}")


def _settings() -> Iterator[Found]:
    from refundcore import configuration  # noqa: PLC0415
    from refundcore.commands.serve import is_loopback  # noqa: PLC0415

    try:
        settings = configuration.load()
    except configuration.ConfigurationError as wrong:
        yield Found("wrong", str(wrong))
        return
    local, tls = is_loopback(settings.host), bool(settings.behind_tls_proxy or settings.tls_cert)
    reach = "this computer only" if local else "other computers"
    if local or tls:
        yield Found(
            "fine", f"The desk listens on {settings.host}:{settings.port}, for {reach}{', by HTTPS' if tls else ''}"
        )
    else:
        yield Found(
            "wrong", f"The desk would listen on {settings.host} for {reach} without HTTPS: it will refuse to start"
        )


def _store(url: str | None) -> Iterator[Found]:
    from refundcore import clock  # noqa: PLC0415
    from refundcore.store import StoreError, people  # noqa: PLC0415
    from refundcore.store.journal_head import journal_head  # noqa: PLC0415
    from refundcore.store.opening import connect_to_check  # noqa: PLC0415

    try:
        store = connect_to_check(url)
    except StoreError as problem:
        yield Found("wrong", str(problem))
        return
    if store.path is None:
        yield Found("fine", f"The store is on a server: {store.url}")
    else:
        size = store.path.stat().st_size
        yield Found("fine", f"The store is {store.path}, {size / 2**20:,.1f} MB, of this program's revision")
        yield from _permissions(store.path)
        yield from _disk(store.path, size)
        yield from _backups(store.path.parent / "backups")
    now, last = clock.now(), journal_head(store).date
    if last and datetime.fromisoformat(last) > now + timedelta(minutes=5):
        yield Found(
            "wrong", f"The clock stands at {now:%Y-%m-%d %H:%M} UTC, before the journal's last entry: set it right"
        )
    else:
        yield Found("fine", f"The clock stands at {now:%Y-%m-%d %H:%M} UTC, after the journal's last entry")
    managers = [one for one in people(store, active=True) if one.role == "manager"]
    count = len(managers)
    yield Found(
        "fine" if count > 1 else "look",
        f"{count} managers" if count > 1 else
        "One manager: nobody else can approve what needs a second one, or reset their password" if count else
        "Nobody has an account yet: start the desk, it prints a link",
    )  # fmt: skip
    store.engine.dispose()


def _permissions(path: Path) -> Iterator[Found]:
    if os.name == "nt":
        return
    open_ = [
        one for one in (path.parent, path, path.parent / "evidence", path.parent / "backups")
        if one.exists() and stat.S_IMODE(one.stat().st_mode) & 0o077
    ]  # fmt: skip
    if open_:
        yield Found("wrong", f"Others on this computer may open {', '.join(map(str, open_))}: chmod go-rwx")
    else:
        yield Found("fine", "Only their owner may open the store, its evidence and its backups")


def _disk(path: Path, size: int) -> Iterator[Found]:
    free = shutil.disk_usage(path.parent).free
    wanted = max(ROOM, 2 * size)
    state = "fine" if free >= wanted else "look"
    yield Found(state, f"{free / 2**30:,.1f} GB free on the store's disk" + ("" if state == "fine" else ": make room"))


def _backups(folder: Path) -> Iterator[Found]:
    from refundcore import clock  # noqa: PLC0415

    kept = sorted(folder.glob("refunds-*Z.db")) if folder.is_dir() else []
    if not kept:
        yield Found(
            "look", "There is no backup: refund-desk backup makes one, cron makes them daily (docs/operating.md)"
        )
        return
    age = clock.now().timestamp() - kept[-1].stat().st_mtime
    state = "fine" if age < OLD_BACKUP.total_seconds() else "look"
    yield Found(state, f"{len(kept)} backups, the last {age / 3600:,.0f} hours old")
