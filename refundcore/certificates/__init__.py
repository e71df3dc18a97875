"""Certificates of decisions: why a claim was decided as it was, in a file that shows when a byte of it was changed.

`certificate` makes one from the store, `as_json` and `as_page` write it, `check` reads it back.
"""

from __future__ import annotations

from refundcore.certificates.checking import Checked, check
from refundcore.certificates.making import certificate
from refundcore.certificates.printing import as_page
from refundcore.certificates.sealing import as_json

__all__ = ["Checked", "as_json", "as_page", "certificate", "check"]
