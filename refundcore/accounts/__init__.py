"""People, how they sign in, and for how long: accounts, passwords, sessions and one-time links.

A session is a random token of 256 bits that only the person's browser has; the store keeps its SHA-256. It ends when
nobody used it for an hour, twelve hours after it began, at sign-out, and at once when the account is disabled or its
role or password changes. Tries to sign in are counted in the store before a password is looked at, so that neither a
restart nor many tries at once get around the limits. Source: OWASP ASVS 5.0, chapters 6 and 7.

Times are aware datetimes given by the caller; in the tables they are microseconds since 1970 in UTC. `actor` is the
person who asks, or None for whoever runs commands on the desk's own machine. Each change of an account is sealed into
the journal, and so is each account that somebody made; those of the set-up and of commands are there from their start.
"""

from __future__ import annotations

from refundcore.accounts.links import (
    check_password_link,
    check_setup,
    invite,
    password_link,
    setup_link,
    use_password_link,
    use_setup,
)
from refundcore.accounts.people import (
    AccountChange,
    Member,
    account_changes,
    anybody,
    create_person,
    disable,
    enable,
    find,
    members,
    set_password,
    set_role,
    sign_out_everywhere,
)
from refundcore.accounts.pieces import (
    LIMITS,
    LONGEST_EMAIL,
    LONGEST_NAME,
    AccountError,
    Limits,
    LinkError,
    TooManyTriesError,
    WrongPasswordError,
)
from refundcore.accounts.signing_in import session, sign_in, sign_out
from refundcore.store import Person, people, person

__all__ = [
    "LIMITS",
    "LONGEST_EMAIL",
    "LONGEST_NAME",
    "AccountChange",
    "AccountError",
    "Limits",
    "LinkError",
    "Member",
    "Person",
    "TooManyTriesError",
    "WrongPasswordError",
    "account_changes",
    "anybody",
    "check_password_link",
    "check_setup",
    "create_person",
    "disable",
    "enable",
    "find",
    "invite",
    "members",
    "password_link",
    "people",
    "person",
    "session",
    "set_password",
    "set_role",
    "setup_link",
    "sign_in",
    "sign_out",
    "sign_out_everywhere",
    "use_password_link",
    "use_setup",
]
