"""All pages: each runs by itself, lets in whom it is for, and stands in the table of contents."""

from __future__ import annotations

import ast

import pytest
from desk_of_tests import PROJECT, ROLES, Desk, open_desk, texts

PAGES = sorted(path.stem for path in (PROJECT / "pages").glob("*.py") if path.stem != "__init__")
WORKERS_ONLY = {"new_claim", "upload"}
NO_AGENTS = {"payouts", "settings", "journal"}


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    return open_desk(tmp_path, monkeypatch)


@pytest.mark.parametrize("person", ["mia", "ana", "aud"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_runs_by_itself_for_whom_it_is_for(desk, name, person):
    page = desk.page(name, person).run()

    assert not page.exception
    barred = ROLES[person] == "auditor" and name in WORKERS_ONLY
    assert ("This page is for agents and managers" in texts(page)) is barred
    away = ROLES[person] == "agent" and name in NO_AGENTS
    assert ("This page is for managers and auditors" in texts(page)) is away


@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_nothing_to_nobody(desk, name):
    desk.add(claim_ref="SECRET-1")
    page = desk.page(name, claim="SECRET-1")
    page.user = {}
    page.run()

    assert len(page.error) == 1
    assert "You are signed out" in texts(page)
    assert not page.get("bidi_component")
    assert not page.button


@pytest.mark.parametrize("name", PAGES)
def test_a_page_starts_with_its_guard(name):
    body = ast.parse((PROJECT / "pages" / f"{name}.py").read_text("utf-8")).body
    first = next(node for node in body if not isinstance(node, ast.Import | ast.ImportFrom | ast.Expr))

    assert ast.unparse(first).startswith("me = desk.page("), f"pages/{name}.py: who may comes before anything else."


CONTENTS = {
    "mia": [
        "queue",
        "new_claim",
        "upload",
        "payouts",
        "metrics",
        "journal",
        "policy",
        "settings",
        "team",
        "claim",
        "behind",
    ],
    "ana": ["queue", "new_claim", "upload", "metrics", "policy", "team", "claim", "behind"],
    "aud": ["queue", "payouts", "metrics", "journal", "policy", "settings", "team", "claim", "behind"],
}


@pytest.mark.parametrize("person", CONTENTS)
def test_the_contents_follow_the_role(desk, person):
    for name in PAGES:
        app = desk.app(person).run()
        if name in CONTENTS[person]:
            assert not app.switch_page(f"pages/{name}.py").run().exception, name
        else:
            assert "This page is for" in texts(app.switch_page(f"pages/{name}.py").run()), name


def test_every_page_stands_in_the_contents():
    said = (PROJECT / "app.py").read_text("utf-8")

    assert [name for name in PAGES if f'"{name}"' not in said] == []


def test_the_contents_ask_the_same_as_the_guard_of_each_page():
    tree = ast.parse((PROJECT / "app.py").read_text("utf-8"))
    contents = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CONTENTS"
    )
    for name, title, _, action in contents:
        source = (PROJECT / "pages" / f"{name}.py").read_text("utf-8")
        call = next(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)
                    and ast.unparse(node.func) == "desk.page")  # fmt: skip
        asked = [ast.literal_eval(argument) for argument in call.args]
        assert asked == [title, action][: len(asked)], name
        assert len(asked) == 2 or action == "read", name
