"""Text from outside is shown as it stands where only Markdown is taken."""

from __future__ import annotations

import pytest

from refundcore.desk.show import JOINER, plain

NASTY = [
    ("**bold** `code` [link](javascript:alert(1))", r"\*\*bold\*\* \`code\` \[link\]\(javascript\:alert\(1\)\)"),
    ("# head\n- list", r"\# head \- list"),
    ("<b>x</b> &amp; $x^2$", r"\<b\>x\</b\> \&amp; \$x\^2\$"),
    ("ana@example.org", rf"ana\@{JOINER}example\.org"),
    ("see https://example.org", rf"see https\:{JOINER}//example\.org"),
    ("see WWW.example.org", rf"see WWW{JOINER}\.example\.org"),
    (":red[x] :material/home:", r"\:red\[x\] \:material/home\:"),
]


@pytest.mark.parametrize(("text", "shown"), NASTY, ids=[row[0][:12] for row in NASTY])
def test_no_mark_and_no_address_comes_to_life(text, shown):
    assert plain(text) == shown
