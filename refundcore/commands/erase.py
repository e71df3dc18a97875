"""`erase`: erase a customer's personal data, so that no trace of it is left in the store."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from refundcore.store import Store


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "erase",
        help="erase a customer's personal data",
        description="Erase the address, the customer's words, notes, replies and files of all claims with an e-mail"
        " address. What was decided and why stays, and the journal still verifies. Backups made before still hold"
        " the data: remove them in time.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("email", metavar="EMAIL", nargs="?", help="the customer's address")
    what.add_argument("--again", action="store_true", help="after a backup was put back: erase what was erased before")
    what.add_argument("--sweep", action="store_true", help="only write the file anew, without its free pages")
    parser.add_argument("--dry-run", action="store_true", help="say what would be erased, change nothing")
    parser.add_argument("--reason", default="", help="why: kept with each claim; name nothing personal in it")
    parser.add_argument("--actor", metavar="EMAIL", help="in whose name; may be left out where there is one manager")
    parser.add_argument("--store", metavar="URL", help="another store, such as sqlite:////srv/desk/refunds.db")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Erase; 0 where it was done, 1 where it was refused."""
    from refundcore import clock  # noqa: PLC0415 - only this command needs these
    from refundcore.store import StoreError, connect  # noqa: PLC0415
    from refundcore.store.erasing import preview_erasure, sweep  # noqa: PLC0415

    at = clock.now()
    try:
        store = connect(args.store, at=at)
        if args.dry_run and args.email:
            found = preview_erasure(store, email=args.email)
            print(found.refusal or f"Would be erased: {found.sentence}")
            return 1 if found.refusal else 0
        if args.again:
            erase_again(store, args.actor, at, reason=args.reason, dry_run=args.dry_run)
        elif args.email:
            reason = args.reason or "The customer asked for it"
            print(_erase(store, args.actor, at, reason, email=args.email))
        sweep(store)
        print("The store's file was written anew: nothing of what was erased is left in it. Backups are not changed.")
    except StoreError as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


def _erase(
    store: Store, email_of_actor: str | None, at: datetime, reason: str, *, email: str = "", claim: int | None = None
) -> str:
    import secrets  # noqa: PLC0415

    from refundcore.store.erasing import erase  # noqa: PLC0415

    actor, key = actor_of(store, email_of_actor), secrets.token_urlsafe(16)
    return erase(store, actor=actor, at=at, key=key, reason=reason, email=email, claim=claim).sentence


def erase_again(
    store: Store, email_of_actor: str | None, at: datetime, *, reason: str = "", dry_run: bool = False
) -> None:
    """Erase the claims of the list beside the store that hold personal data again. Raises `StoreError`."""
    from refundcore.store import claim  # noqa: PLC0415
    from refundcore.store.erasing import erased_before, preview_erasure  # noqa: PLC0415

    done, why = 0, reason or "A backup was put back"
    for ref in erased_before(store):
        found = claim(store, ref)
        if found is None or not preview_erasure(store, claim=found.id).refs:
            continue
        print(f"Would be erased: {ref}" if dry_run else _erase(store, email_of_actor, at, why, claim=found.id))
        done += 1
    print(f"{done:,} claims held data that was erased before.")


def actor_of(store: Store, email: str | None) -> int:
    """The person in whose name it is done."""
    from refundcore.store import Impossible, may, people  # noqa: PLC0415

    able = [person for person in people(store, active=True) if may(person.role, "erase")]
    chosen = [person for person in able if email is None or person.email == email.strip().lower()]
    if len(chosen) != 1:
        raise Impossible("Say in which manager's name: --actor EMAIL.")
    return chosen[0].id
