"""`user`: accounts from the desk's own machine, for who may run commands there.

Passwords are asked for without showing them, or read from the first line of standard input where that is no
terminal; never from an argument, which others could see.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from datetime import UTC

from refundcore import accounts, clock
from refundcore.accounts import AccountError, Person
from refundcore.deadlines import moment
from refundcore.store import ROLES, Store, connect


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command and what it takes."""
    parser = subparsers.add_parser("user", help="accounts", description=__doc__)
    acts = parser.add_subparsers(title="act", dest="act", required=True)
    adding = acts.add_parser("add", help="make an account")
    adding.add_argument("email", help="e-mail address to sign in with")
    adding.add_argument("--name", required=True, help="as colleagues see it")
    adding.add_argument("--role", choices=ROLES, default="agent", help="default: agent")
    acts.add_parser("list", help="show all accounts")
    parser_of: dict[str, argparse.ArgumentParser] = {}
    for act, what in (
        ("reset-password", "give somebody a new password; they are signed out"),
        ("disable", "close an account; whoever it is is signed out at once"),
        ("enable", "open a closed account again"),
    ):
        parser_of[act] = acts.add_parser(act, help=what)
        parser_of[act].add_argument("email")
    parser_of["disable"].add_argument("--to", metavar="EMAIL", help="who gets their claims (default: everybody)")
    role = acts.add_parser("role", help="give somebody another role; they sign in anew")
    role.add_argument("email")
    role.add_argument("role", choices=ROLES)


def run(args: argparse.Namespace) -> int:
    """Do the act; prints what was done."""
    at = clock.now()
    store = connect(at=at)
    match args.act:
        case "list":
            for person in accounts.people(store):
                print(_line(person))
        case "add":
            password = asked_password()
            person = accounts.create_person(
                store, actor=None, name=args.name, email=args.email, role=args.role, password=password, at=at
            )
            print(f"{person.name} can sign in as {person.role} with {person.email}.")
        case "reset-password":
            person = _found(store, args.email)
            accounts.set_password(store, actor=None, number=person.id, password=asked_password(), at=at)
            print(f"{person.name} has a new password and is signed out.")
        case "disable":
            heir = _found(store, args.to).id if args.to else None
            person = accounts.disable(store, actor=None, number=_found(store, args.email).id, at=at, to=heir)
            print(f"The account of {person.name} is closed.")
        case "enable":
            person = accounts.enable(store, actor=None, number=_found(store, args.email).id, at=at)
            print(f"The account of {person.name} is open again.")
        case "role":
            person = accounts.set_role(store, actor=None, number=_found(store, args.email).id, role=args.role, at=at)
            print(f"{person.name} is {person.role} now.")
    return 0


def asked_password() -> str:
    """A new password from whoever sits at the terminal, twice, or from standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("New password (12 characters or more): ")
    if getpass.getpass("Once more: ") != password:
        raise AccountError("The two passwords differ.")
    return password


def _found(store: Store, email: str) -> Person:
    person = accounts.find(store, email)
    if person is None:
        raise AccountError(f"There is no account with the e-mail address {email}.")
    return person


def _line(person: Person) -> str:
    seen = f"{moment(person.last_seen_at, UTC):%Y-%m-%d %H:%M} UTC" if person.last_seen_at else "never"
    state = "" if person.active else "  (closed)"
    return f"{person.role:<8} {person.email:<32} {person.name}  last seen {seen}{state}"
