"""One table of roles and actions: every cell of it, tried on the store; the docs and the pages say the same."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from evidence_of_tests import png
from store_of_tests import ANA, AT, AUD, GONE, MAX, MIA, Desk, batch, open_desk

from refundcore import accounts, evidence, store
from refundcore.store import ROLES, Forbidden, erasing
from refundcore.store.replying import begin_reply
from refundcore.store.roles import ACTIONS, WORDS, table

PROJECT = Path(__file__).resolve().parent.parent
PERSON = {"agent": ANA, "manager": MIA, "auditor": AUD}
SHOT = evidence.read("shot.png", png(1))
KEEPER = "refundcore/desk"

Try = Callable[[Desk, int], Any]


def act(what: Any, claim: int = 1, **given: Any) -> Try:
    return lambda desk, who: desk.do(what, claim, who, **given)


def own(what: Any, **given: Any) -> Try:
    return lambda desk, who: what(desk.store, actor=who, at=AT, **given)


def account(what: Any, **given: Any) -> Try:
    return lambda desk, who: what(desk.store, actor=who, at=AT, **given)


TRIES: dict[str, list[Try]] = {
    "add_claim": [lambda desk, who: desk.add(who)],
    "set_facts": [act(store.set_facts, changes={"product": "other"})],
    "assign": [act(store.assign, to=MIA), lambda desk, who: allowed(desk, who, "assign")],
    "note": [act(store.note, text="x")],
    "attach_evidence": [act(store.attach_evidence, evidence=[SHOT])],
    "remove_evidence": [act(store.remove_evidence, 4, evidence_id=1, reason="x")],
    "judge_evidence": [act(store.judge_evidence, 4, sufficient=True, reason="x")],
    "record": [act(store.take_step, step="withdrawn", given=store.Given())],
    "undo": [act(store.undo, 1)],
    "decide": [act(store.decide, outcome="approve")],
    "take_next": [own(store.take_next, key="t")],
    "close": [act(store.close, 2)],
    "reopen": [act(store.reopen, 2, reason="x")],
    "reply": [act(begin_reply, 2, outcome="approve", how="copied", subject="x", text="x", to="x@example.com")],
    "import": [
        own(
            store.begin_import,
            filename="x",
            sha256="5" * 64,
            header=["Case"],
            mapping={"Case": "claim_ref"},
            update=False,
        ),
        own(store.remember_mapping, header=["a"], mapping={"a": "claim_ref"}),
        lambda desk, who: store.import_batch(desk.store, 1, actor=who, at=AT, **batch([])),
        lambda desk, who: store.finish_import(desk.store, 1, actor=who, at=AT),
        lambda desk, who: store.cancel_import(desk.store, 1, actor=who, at=AT),
    ],
    "undo_import": [lambda desk, who: store.undo_import(desk.store, 1, actor=who, at=AT)],
    "approve_override": [act(store.approve_override, 3, reason="x")],
    "reject_override": [act(store.reject_override, 3, reason="x")],
    "approve_payout": [act(store.approve_payout, 2, payout=1)],
    "reject_payout": [act(store.reject_payout, 2, payout=1, reason="x")],
    "ask_route": [act(store.ask_route, 2, payout=1, route="wallet", reason="x")],
    "goodwill": [act(store.goodwill, 1, amount=100, reason="x")],
    "queue_payout": [act(store.queue_payout, 2)],
    "set_chargeback": [act(store.set_chargeback, 1, is_open=True)],
    "pay": [
        own(store.make_batch, key="m", payouts=[1]),
        own(store.export_batch, key="e", batch=1),
        own(store.discard_batch, key="d", batch=1),
        own(store.settle_batch, key="s", batch=1, lines=[]),
        act(store.mark_payout, 2, payout=1, result="paid"),
        lambda desk, who: store.check_returned(desk.store, actor=who, batch=1, lines=[]),
    ],
    "change_settings": [
        own(store.set_setting, name="answer_hours", value=12),
        own(store.set_wording, sentence="x", text="y"),
        own(store.set_payout_limit, currency="USD", limit=100),
    ],
    "propose_edition": [
        own(store.propose_edition, key="p", document="", fees="", effective_from=AT.date(), reason="x"),
    ],
    "approve_edition": [
        own(store.approve_edition, key="a", edition=1),
        own(store.reject_edition, key="r", edition=1, reason="x"),
    ],
    "erase": [own(erasing.erase, key="e", reason="x", email="nobody@example.com")],
    "manage_people": [
        account(accounts.create_person, name="N", email="n@x.example", role="agent", password="seven quiet harbours"),
        account(accounts.invite, name="O", email="o@x.example", role="agent"),
        account(accounts.set_role, number=MAX, role="agent"),
        account(accounts.disable, number=MAX),
        account(accounts.enable, number=GONE),
        account(accounts.password_link, number=MAX),
        account(accounts.set_password, number=MAX, password="seven quiet harbours"),
        account(accounts.sign_out_everywhere, number=MAX),
    ],
    "own_account": [lambda desk, who: accounts.sign_out_everywhere(desk.store, actor=who, number=who, at=AT)],
}
"""Action -> ways to do it. What comes of a try does not matter here, only whether the role is what it fails for."""

ELSEWHERE = {
    "read": "tests/test_pages.py",
    "read_payouts": "tests/test_authorisation.py",
    "read_journal": "tests/test_authorisation.py",
    "read_settings": "tests/test_authorisation.py",
    "read_agents": "tests/test_page_metrics.py",
    "try_policy": "tests/test_page_policy_lab.py",
    "read_people": "tests/test_page_team.py",
    "decide_override_alone": "tests/test_store_deciding.py",
}
"""What is no act of its own: where each of its cells is tried."""


def allowed(desk: Desk, who: int, action: str) -> None:
    from refundcore.store.acting import allowed as checked

    with desk.store.read() as connection:
        checked(connection, who, action)


CELLS = [(action, role, number) for action, tries in TRIES.items() for role in ROLES for number in range(len(tries))]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(tmp_path)
    opened.add()
    opened.decide(opened.add())
    opened.decide(opened.add(), "deny", reason="x", reply="x")
    opened.add(reason="invalid_number", sms_code_received=None)
    yield opened
    opened.store.engine.dispose()


@pytest.mark.parametrize(("action", "role", "number"), CELLS, ids=str)
def test_every_cell_of_the_table_holds_in_the_store(desk: Desk, action: str, role: str, number: int) -> None:
    heads = "SELECT count(*) FROM heads"
    before = desk.number(heads)
    why = ""
    try:
        TRIES[action][number](desk, PERSON[role])
    except Forbidden as refusal:
        why = str(refusal)
    except store.StoreError:
        pass  # the role allows it, the claim does not
    assert bool(why) is (role not in ACTIONS[action]), why
    if why:
        assert desk.number(heads) == before
        assert WORDS[action] in why or action == "manage_people"


@pytest.mark.parametrize("action", TRIES)
def test_nobody_does_anything_with_a_closed_account_or_none(desk: Desk, action: str) -> None:
    for who in (GONE, 99):
        for one in TRIES[action]:
            with pytest.raises(store.StoreError):
                one(desk, who)


def test_every_action_is_tried_or_tried_elsewhere() -> None:
    assert TRIES.keys() | ELSEWHERE.keys() == ACTIONS.keys() == WORDS.keys()
    for action, file in ELSEWHERE.items():
        assert (PROJECT / file).exists(), action


def test_every_function_of_the_store_that_asks_who_acts_is_among_the_tries() -> None:
    asking = set()
    for path in (PROJECT / "refundcore" / "store").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"acting", "allowed"}:
                asking |= {argument.value for argument in node.args
                           if isinstance(argument, ast.Constant) and isinstance(argument.value, str)}  # fmt: skip
    assert asking <= TRIES.keys()


def test_pages_ask_the_table_and_name_no_role_of_their_own() -> None:
    asked = set()
    for path in [*(PROJECT / "pages").glob("*.py"), *(PROJECT / "refundcore" / "desk").glob("*.py")]:
        source = path.read_text("utf-8")
        asked |= set(re.findall(r'\bmay\([\w.]*role, "(\w+)"\)', source))
        assert not re.search(r'role (==|!=|in|not in) [("\']', source), f"{path.name} decides by a role's name."
    assert asked <= ACTIONS.keys()


def test_the_docs_have_the_table_as_it_is() -> None:
    assert table() in (PROJECT / "docs" / "roles.md").read_text("utf-8")
