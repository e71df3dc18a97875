"""`retain`: let go of evidence and personal data of claims that were closed long ago."""

from __future__ import annotations

import argparse
import sys


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "retain",
        help="let go of evidence and personal data of claims that were closed long ago",
        description="Erase the files of evidence and the personal data of claims that were closed so many days ago as"
        " the settings keep_evidence_days and keep_personal_days say (0: never). What was decided and why stays."
        " Customers who have something open wait. Backups made before still hold the data.",
    )
    parser.add_argument("--evidence-days", type=int, metavar="N", help="instead of the setting keep_evidence_days")
    parser.add_argument("--personal-days", type=int, metavar="N", help="instead of the setting keep_personal_days")
    parser.add_argument("--dry-run", action="store_true", help="say how much would go, change nothing")
    parser.add_argument("--actor", metavar="EMAIL", help="in whose name; may be left out where there is one manager")
    parser.add_argument("--store", metavar="URL", help="another store, such as sqlite:////srv/desk/refunds.db")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Let go; 0 where it was done, 1 where it was refused."""
    from refundcore import clock, configuration  # noqa: PLC0415 - only this command needs these
    from refundcore.commands.erase import actor_of  # noqa: PLC0415
    from refundcore.store import StoreError, connect  # noqa: PLC0415
    from refundcore.store.erasing import sweep  # noqa: PLC0415
    from refundcore.store.retaining import retain  # noqa: PLC0415

    settings, at = configuration.load(), clock.now()
    days = {
        "evidence_days": settings.keep_evidence_days if args.evidence_days is None else args.evidence_days,
        "personal_days": settings.keep_personal_days if args.personal_days is None else args.personal_days,
    }
    if min(days.values()) < 0:
        print("Days are 0 (never) or more.", file=sys.stderr)
        return 1
    if not any(days.values()):
        print("Everything is kept: keep_evidence_days and keep_personal_days are 0.")
        return 0
    try:
        store = connect(args.store, at=at)
        done = retain(store, actor=actor_of(store, args.actor), at=at, dry_run=args.dry_run, **days)
        if not args.dry_run and (done.files_of or done.persons_of):
            sweep(store)
    except StoreError as refusal:
        print(refusal, file=sys.stderr)
        return 1
    print(f"{'Would go' if args.dry_run else 'Gone'}: {done.sentence}")
    return 0
