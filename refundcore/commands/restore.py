"""`restore`: put a backup in the place of the store, checked, with what was there kept beside it."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from refundcore.store import Store


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "restore",
        help="put a backup in the place of the store",
        description="Check a backup and put it in the place of the store, in one step; the desk has to be stopped."
        " What was there is kept in a folder beside it. Everybody signs in anew, and what was erased since the"
        " backup is erased again.",
    )
    parser.add_argument(
        "backup", metavar="FILE", type=Path, help="the backup, such as backups/refunds-20260512T090000Z.db"
    )
    parser.add_argument("--store", metavar="URL", help="another store, such as sqlite:////srv/desk/refunds.db")
    parser.add_argument("--actor", metavar="EMAIL", help="in whose name data is erased again, where that is needed")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Put it back; 0 where it was done, 1 where it was refused or something is left to do."""
    from refundcore import clock  # noqa: PLC0415 - only this command needs these
    from refundcore.store import StoreError, connect, verify  # noqa: PLC0415
    from refundcore.store.opening import path_of  # noqa: PLC0415
    from refundcore.store.restoring import restore  # noqa: PLC0415

    at = clock.now()
    try:
        path = path_of(args.store)
        done = restore(args.backup, path, at=at)
        print(f"The backup {args.backup.name} is the store now: {path}. {done.sentence}")
        if done.before:
            print(f"What was there before is kept in {done.before}; remove it when it is not needed any more.")
        store = connect(args.store, at=at)
    except StoreError as refusal:
        print(refusal, file=sys.stderr)
        return 1
    found = verify(store)
    if not found.good:
        print(found.sentence, file=sys.stderr)
        return 1
    code = _erase_again(store, args, at)
    store.engine.dispose()
    return code


def _erase_again(store: Store, args: argparse.Namespace, at: datetime) -> int:
    """Erase what was erased since the backup; 1 where nobody can be found in whose name."""
    from refundcore.commands.erase import erase_again  # noqa: PLC0415
    from refundcore.store import StoreError  # noqa: PLC0415

    try:
        erase_again(store, args.actor, at)
    except StoreError as refusal:
        print(
            f"{refusal}\nErase again what was erased since:  refund-desk erase --again --actor EMAIL", file=sys.stderr
        )
        return 1
    return 0
