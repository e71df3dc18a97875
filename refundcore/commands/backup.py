"""`backup`: a checked copy of the store while the desk goes on working."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "backup",
        help="make a checked copy of the store",
        description="Copy the store while the desk goes on working, check the copy and keep the last few.",
    )
    parser.add_argument("--store", metavar="URL", help="another store, such as sqlite:////srv/desk/refunds.db")
    parser.add_argument("--to", metavar="FOLDER", type=Path, help="where to (default: backups beside the store)")
    parser.add_argument("--keep", metavar="N", type=int, default=14, help="how many to keep (default: 14)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make the copy; 0 where it was made and holds, 1 otherwise."""
    from refundcore import clock  # noqa: PLC0415 - only this command needs these
    from refundcore.store import StoreError  # noqa: PLC0415
    from refundcore.store.backing_up import back_up  # noqa: PLC0415
    from refundcore.store.opening import connect_to_check  # noqa: PLC0415

    try:
        made = back_up(connect_to_check(args.store), at=clock.now(), folder=args.to, keep=args.keep)
    except StoreError as refusal:
        print(refusal, file=sys.stderr)
        return 1
    print(f"The store was copied to {made}, and the copy was checked.")
    return 0
