"""Mail to claims: messages are read whatever is wrong with them, facts are proposed with the place they stand in.

`read` gives the messages of a file, `propose` what one of them says about a claim, `sort` what each would become, and
`bring_in` stores what was chosen. Nothing of a message is run, loaded or followed.
"""

from __future__ import annotations

from refundcore.intake.mail.attachments import Attachment
from refundcore.intake.mail.bringing import (
    Bound,
    Chosen,
    answered_claims,
    attachment,
    bring_in,
    certain,
    sort,
    taken,
    told,
)
from refundcore.intake.mail.mailboxes import Mailbox, is_mail, read
from refundcore.intake.mail.messages import Message
from refundcore.intake.mail.proposals import Candidate, Found, Proposed, propose
from refundcore.intake.mail.replies import Parts, part

__all__ = [
    "Attachment",
    "Bound",
    "Candidate",
    "Chosen",
    "Found",
    "Mailbox",
    "Message",
    "Parts",
    "Proposed",
    "answered_claims",
    "attachment",
    "bring_in",
    "certain",
    "is_mail",
    "part",
    "propose",
    "read",
    "sort",
    "taken",
    "told",
]
