"""`verify`: check the whole store and name the first thing that is wrong."""

from __future__ import annotations

import argparse
import sys


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "verify",
        help="check the store: its file, the chain of events, every claim against its events, every import's balance",
        description="Check the whole store. Exits 0 where everything holds, 1 with the first thing that does not.",
    )
    parser.add_argument("--store", metavar="URL", help="another store, such as sqlite:////srv/desk/refunds.db")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check; 0 where everything holds, 1 otherwise."""
    from refundcore.store import StoreError, verify  # noqa: PLC0415 - only this command needs it
    from refundcore.store.opening import connect_to_check  # noqa: PLC0415

    try:
        found = verify(connect_to_check(args.store))
    except StoreError as refusal:
        print(refusal, file=sys.stderr)
        return 1
    print(found.sentence, file=sys.stdout if found.good else sys.stderr)
    return 0 if found.good else 1
