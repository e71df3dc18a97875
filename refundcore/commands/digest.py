"""`digest`: what is overdue, due soon or waiting for approval, as plain text: printed, or mailed."""

from __future__ import annotations

import argparse
import sys


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "digest",
        help="list what is overdue, due within 4 and 24 hours, and waiting for approval, by assignee",
        description=(
            "Print what is overdue, due within 4 and 24 hours, and waiting for a manager's approval, by assignee."
            " With --send it is mailed, for a cron job: 0 7 * * 1-5 cd /srv/desk && ./refund-desk digest --send"
        ),
    )
    parser.add_argument(
        "--to",
        metavar="EMAIL",
        action="append",
        default=[],
        help="who gets it; may be repeated (default: all managers)",
    )
    parser.add_argument("--send", action="store_true", help="mail it by the server in REFUND_DESK_SMTP_HOST")
    parser.add_argument("--store", metavar="URL", help="another store, such as sqlite:////srv/desk/refunds.db")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the digest, or mail it; 1 where some of them did not get it."""
    from refundcore import clock, smtp  # noqa: PLC0415 - only this command needs them
    from refundcore.digest import digest  # noqa: PLC0415
    from refundcore.store import connect, people, settings_now  # noqa: PLC0415

    at = clock.now()
    by = smtp.server() if args.send else None
    if args.send and by is None:
        raise smtp.MailError(f"No mail server is set: {smtp.PREFIX}HOST in the environment names one.")
    to = [smtp.address(one, "The receiver") for one in args.to]
    store = connect(args.store, at=at)
    found = digest(store, at=at)
    if by is None:
        print(found.text, end="")
        return 0
    settings = settings_now(store)
    if not settings.sender_address:
        raise smtp.MailError("No sender is set yet: a manager names the desk's address in the settings.")
    to = to or [one.email for one in people(store, active=True) if one.role == "manager"]
    failed = 0
    for receiver in dict.fromkeys(to):
        mail = smtp.message(
            sender=settings.sender_address,
            name=settings.sender_name,
            to=receiver,
            subject=found.subject,
            text=found.text,
            automatic=True,
        )
        try:
            smtp.send(mail, by)
        except smtp.MailError as wrong:
            print(f"Not sent to {receiver}: {wrong}", file=sys.stderr)
            failed += 1
        else:
            print(f"Sent to {receiver}: {found.subject}.")
    return 1 if failed else 0
