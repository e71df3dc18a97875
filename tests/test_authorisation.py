"""Who may what, tried against a running desk by its own protocol: nothing is reached past the table of roles.

A browser shows only what a role may do. These tests speak to the desk as no browser would: with addresses and hashes
of pages that are not given, with presses of buttons of a page that was drawn before the role was taken away, with
addresses of files that somebody else's page shows, with uploads into somebody else's session.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from evidence_of_tests import png
from protocol import Tab, hash_of, pressed, typed
from serving import PASSWORD, Desk, served_desk
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import InvalidStatus

from refundcore import clock, evidence, store
from refundcore.store import ROLES
from refundcore.store.roles import ACTIONS

pytestmark = pytest.mark.served

PAGES = {
    "new_claim": "add_claim",
    "upload": "import",
    "payouts": "read_payouts",
    "journal": "read_journal",
    "settings": "read_settings",
}
"""The pages that are not for everybody, and what one has to be allowed to do."""

BARRED = [(page, role) for page, action in PAGES.items() for role in ROLES if role not in ACTIONS[action]]
PEOPLE = {"manager": "mia@example.com", "agent": "ana@example.com", "auditor": "aud@example.com"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with served_desk(tmp_path_factory.mktemp("desk")) as served:
        served.sign_up()
        for role in ("agent", "auditor"):
            add(served, PEOPLE[role], role)
        opened = open_store(served)
        person = store.people(opened)[0]
        receipt = store.add_claim(
            opened, actor=person.id, at=clock.now(), key="first",
            facts={"claim_ref": "SECRET-7", "reason": "sms_not_received", "amount": 1250, "currency": "USD"},
        )  # fmt: skip
        image = evidence.read("screen.png", png(7))
        store.attach_evidence(
            opened, actor=1, at=clock.now(), key="img", claim=receipt.claim, version=1, evidence=[image]
        )
        store.assign(opened, actor=1, at=clock.now(), key="to", claim=receipt.claim, version=None, to=1)
        opened.engine.dispose()
        yield served


def open_store(desk: Desk) -> store.Store:
    return store.connect(f"sqlite:///{desk.data / 'refunds.db'}", at=clock.now())


def add(desk: Desk, email: str, role: str) -> None:
    made = desk.command("user", "add", email, "--name", email.partition("@")[0].title(), "--role", role, given=PASSWORD)
    assert made.returncode == 0, made.stderr


@pytest.fixture(scope="module")
def tokens(desk: Desk) -> dict[str, str]:
    return {role: desk.sign_in(email) for role, email in PEOPLE.items()}


# --- pages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "role"), BARRED, ids=str)
def test_a_page_that_a_role_is_not_given_says_so_and_nothing_else_whatever_way_it_is_asked_for(
    desk, tokens, page, role
):
    with Tab(desk, tokens[role], page) as tab:
        by_address = tab.texts, [element.WhichOneof("type") for element in tab.elements]
        told = tab.hashes.get(page, "")
    with Tab(desk, tokens[role], "queue") as tab:
        by_hash = tab.run(page_script_hash=told or hash_of(page)).texts
        made_up = tab.run(page_script_hash=hash_of(page)).drawn
    assert "This page is for" in by_address[0]
    assert {"button", "file_uploader", "download_button", "text_input"}.isdisjoint(by_address[1])
    assert "This page is for" in by_hash
    assert "SECRET-7" not in made_up or "Queue" in made_up  # a hash of no page of the desk leads to the queue


@pytest.mark.parametrize(("page", "role"), [(p, r) for p in PAGES for r in ROLES if r in ACTIONS[PAGES[p]]], ids=str)
def test_and_whom_it_is_for_gets_it(desk, tokens, page, role):
    with Tab(desk, tokens[role], page) as tab:
        assert "This page is for" not in tab.texts


def test_a_page_run_with_the_fragment_of_another_is_not_drawn_past_its_guard(desk, tokens):
    with Tab(desk, tokens["manager"], "queue") as tab:
        fragments = {fragment for fragment in tab.fragments.values() if fragment}
    assert fragments
    for fragment in fragments:
        with Tab(desk, tokens["auditor"], "upload") as tab:
            tab.send(page_script_hash=tab.hash, fragment_id=fragment)  # nothing may come of it at all
            assert "SECRET-7" not in tab.run(page_script_hash=tab.hash).drawn


def test_a_script_that_is_no_page_cannot_be_run(desk, tokens):
    with Tab(desk, tokens["auditor"], "queue") as tab:
        for name in ("../refundcore/accounts/people", "/etc/passwd", "pages/upload.py", "..%2f", "app"):
            shown = tab.run(page_name=name)
            assert "root:" not in shown.drawn
            assert not tab.has("add_person_button")


# --- a role that is taken away while a page is open -----------------------------------------------------------------


@pytest.fixture
def leaver(desk: Desk) -> Iterator[tuple[str, str]]:
    """A manager whose account or role goes while a page of theirs is open."""
    number = leaver.count = getattr(leaver, "count", 0) + 1  # type: ignore[attr-defined]
    email = f"lee{number}@example.com"
    add(desk, email, "manager")
    yield email, desk.sign_in(email)
    desk.command("user", "disable", email)


WAYS = {
    "demoted": lambda desk, email: desk.command("user", "role", email, "auditor"),
    "closed": lambda desk, email: desk.command("user", "disable", email),
    "password": lambda desk, email: desk.command("user", "reset-password", email, given="eleven loud red lighthouses"),
}


@pytest.mark.parametrize("way", WAYS)
def test_buttons_of_a_page_that_was_drawn_before_do_nothing_any_more(desk, leaver, way):
    email, token = leaver
    with Tab(desk, token, "settings") as tab:
        states = [pressed(tab.id_of(key)) for key in ("save_answer_hours", "save_limit")]
        form = next(e.number_input.id for e in tab.elements if e.WhichOneof("type") == "number_input")
        done = WAYS[way](desk, email)
        assert done.returncode == 0, done.stderr
        changed = WidgetState(id=form, double_value=99.0)
        tab.send(page_script_hash=tab.hash, states=[changed, *states])
        assert tab.closed() == 4401
    opened = open_store(desk)
    assert store.settings_now(opened).answer_hours == 24
    opened.engine.dispose()


@pytest.mark.parametrize("way", WAYS)
def test_a_page_that_was_open_shows_nothing_new_and_its_session_is_not_taken_up_again(desk, leaver, way):
    email, token = leaver
    with Tab(desk, token, "payouts") as tab:
        assert WAYS[way](desk, email).returncode == 0
        assert tab.closed() == 4401
    with pytest.raises(InvalidStatus):
        Tab(desk, token, "payouts").__enter__()
    for path in ("/", "/_stcore/health", "/media/x.png", f"/_stcore/upload_file/{tab.session}/f"):
        assert desk.get(path, token=token).status in {303, 401}


def test_a_manager_who_signs_out_a_colleague_on_the_page_of_the_team_ends_their_open_page_at_once(desk, tokens):
    add(desk, "vic@example.com", "agent")
    theirs = desk.sign_in("vic@example.com")
    opened = open_store(desk)
    number = next(one.id for one in store.people(opened) if one.email == "vic@example.com")
    opened.engine.dispose()
    with Tab(desk, theirs, "queue") as tab, Tab(desk, tokens["manager"], "team") as team:
        chosen = next(
            e.selectbox
            for e in team.elements
            if e.WhichOneof("type") == "selectbox" and e.selectbox.label == "Whose account"
        )
        wanted = next(option for option in chosen.options if "vic@example.com" in option)
        choice = WidgetState(id=chosen.id, string_value=wanted)
        team.run(page_script_hash=team.hash, states=[choice])
        team.press("sign_out_them", (choice,))
        tab.send(page_script_hash=tab.hash)
        assert tab.closed(within=2.0) == 4401
    assert number


# --- files and uploads ----------------------------------------------------------------------------------------------


def test_a_file_that_a_page_shows_answers_only_to_whom_it_is_shown(desk, tokens):
    with Tab(desk, tokens["manager"], "claim", "claim=SECRET-7") as tab:
        addresses = list(tab.run(page_script_hash=tab.hash, states=[typed(tab.tabs, "Evidence")]).media())
        assert addresses
        for address in addresses:
            assert desk.get(address, token=tokens["manager"]).status == 200
            assert desk.get(address, token=tokens["agent"]).status == 404
            assert desk.get(address).status == 401
    assert desk.get(addresses[0], token=tokens["manager"]).status == 404  # no page of theirs shows it any more


def test_an_upload_goes_to_a_page_of_ones_own_only(desk, tokens):
    with Tab(desk, tokens["manager"], "upload") as tab, Tab(desk, tokens["agent"], "upload"):
        theirs = f"/_stcore/upload_file/{tab.session}/file"
        assert desk.request("PUT", theirs, token=tokens["agent"], body=b"x").status == 404
        assert desk.request("DELETE", theirs, token=tokens["agent"]).status == 404
        assert desk.request("PUT", "/_stcore/upload_file/made-up/file", token=tokens["agent"], body=b"x").status == 404


def test_messages_that_no_page_sends_are_dropped(desk, tokens):
    with Tab(desk, tokens["auditor"], "queue") as tab:
        for told in (BackMsg(clear_cache=True), BackMsg(debug_shutdown_runtime=True), BackMsg(set_run_on_save=True),
                     BackMsg(debug_disconnect_websocket=True)):  # fmt: skip
            tab.connection.send(told.SerializeToString())
        tab.connection.send(b"\xff\xfe no message at all")
        tab.connection.send("text")
        assert "This page is for" not in tab.run(page_script_hash=tab.hash).texts
    assert desk.process.poll() is None
    assert desk.get("/healthz").status == 200


def asked(tab: Tab, file: str) -> bytes:
    told = BackMsg()
    told.backend_operation_request.request_id = "r"
    told.backend_operation_request.session_id = tab.session
    told.backend_operation_request.deferred_file.file_id = file
    return told.SerializeToString()


def answered(tab: Tab) -> str:
    """The address that a download is answered with; "" where nothing comes for some seconds."""
    message = ForwardMsg()
    with contextlib.suppress(TimeoutError):
        while message.WhichOneof("type") != "backend_operation_response":
            message.ParseFromString(tab.connection.recv(timeout=3))
    return message.backend_operation_response.deferred_file.url


def test_a_download_is_made_for_the_page_that_offers_it_and_handed_to_its_person_only(desk, tokens):
    with Tab(desk, tokens["manager"], "journal") as tab, Tab(desk, tokens["agent"], "queue") as other:
        offered = next(
            e.download_button.deferred_file_id for e in tab.elements if e.WhichOneof("type") == "download_button"
        )
        other.connection.send(asked(other, offered))
        assert answered(other) == ""
        tab.connection.send(asked(tab, offered))
        address = answered(tab)
        assert address.startswith("/media/")
        assert desk.get(address, token=tokens["manager"]).status == 200
        assert desk.get(address, token=tokens["agent"]).status == 404
        assert desk.get(address, token=tokens["auditor"]).status == 404
