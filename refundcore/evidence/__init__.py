"""Evidence: from bytes that somebody sent to a file that is safe to keep and to show.

`read` looks at what a file is, never at what it is called. Pictures (PNG, JPEG, WebP, the first frame of a GIF) are
drawn anew without anything that came along in the file; PDFs and mails are kept to the letter, and are only ever
handed out as downloads. `Files` is the folder in which they lie, each under its own hash.
"""

from __future__ import annotations

from refundcore.evidence.files import Files
from refundcore.evidence.kinds import ACCEPTED, LARGEST, EvidenceError, safe_name
from refundcore.evidence.looks import ALIKE, distance, look
from refundcore.evidence.reading import Kept, read

__all__ = ["ACCEPTED", "ALIKE", "LARGEST", "EvidenceError", "Files", "Kept", "distance", "look", "read", "safe_name"]
