"""What people may hold in the server's memory: uploads and open pages, each within its bound, also many at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from protocol import Tab
from serving import PASSWORD, Desk, served_desk
from streaming import GATE_PROJECT, stream
from websockets.exceptions import InvalidStatus

from refundcore.server.holdings import MB, Bounds, Holdings
from refundcore.store import Person

pytestmark = pytest.mark.served

MIA = Person(1, "Mia", "mia@example.com", "manager", active=True, created_at=0, last_seen_at=None)
ANA = Person(2, "Ana", "ana@example.com", "agent", active=True, created_at=0, last_seen_at=None)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    patch = pytest.MonkeyPatch()
    patch.setenv("REFUND_DESK_UPLOADS_MB", "3")
    with served_desk(tmp_path_factory.mktemp("desk"), project=GATE_PROJECT) as served:
        served.sign_up()
        made = served.command("user", "add", "ana@example.com", "--name", "Ana", given=PASSWORD)
        assert made.returncode == 0
        yield served
    patch.undo()


def put(desk: Desk, token: str, tab: Tab, name: str, data: bytes, **headers: str) -> int:
    boundary = "x" * 20
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'.encode()
        + data
        + f"\r\n--{boundary}--\r\n".encode()
    )
    sent = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Origin": desk.base} | headers
    xsrf = desk.get("/_stcore/health", token=token).headers.get("set-cookie", "").partition("=")[2].partition(";")[0]
    sent |= {"X-Xsrftoken": xsrf, "Cookie": f"refund_desk={token}; _streamlit_xsrf={xsrf}"}
    try:
        return desk.request("PUT", f"/_stcore/upload_file/{tab.session}/{name}", body=body, headers=sent).status
    except (BrokenPipeError, ConnectionResetError):
        return 413  # the desk refused it and hung up before it had taken all of it


def test_a_person_holds_so_many_megabytes_of_uploads_and_no_more_and_others_theirs(desk):
    mia, ana = desk.sign_in(), desk.sign_in("ana@example.com")
    with Tab(desk, mia) as tab, Tab(desk, mia) as second, Tab(desk, ana) as hers:
        assert put(desk, mia, tab, "a", b"x" * MB) == 204
        assert put(desk, mia, second, "b", b"x" * MB) == 204
        assert put(desk, mia, tab, "c", b"x" * MB) == 413
        assert put(desk, ana, hers, "d", b"x" * MB) == 204
        assert desk.request("DELETE", f"/_stcore/upload_file/{tab.session}/a", token=mia).status in {204, 403}


def test_many_uploads_at_once_are_bounded_too(desk):
    token = desk.sign_in("ana@example.com")
    with Tab(desk, token) as tab, ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda number: put(desk, token, tab, f"m{number}", b"x" * MB), range(12)))
    assert 1 <= answers.count(204) <= 2
    assert set(answers) <= {204, 413}


def test_a_file_of_unknown_length_is_not_taken():
    assert Holdings().why_not_upload(MIA, None) == (411, "Say how long the file is.")


def test_so_many_small_files_are_not_taken_either_and_everybody_together_is_bounded():
    holdings = Holdings(Bounds(uploads_of_person=10, uploads=15))
    with holdings.upload(MIA, 8):
        assert holdings.why_not_upload(MIA, 2) is None
        assert holdings.why_not_upload(MIA, 3)[0] == 413
        assert holdings.why_not_upload(ANA, 7) is None
        with holdings.upload(ANA, 7):
            assert holdings.why_not_upload(ANA, 1)[0] == 503
    assert holdings.why_not_upload(MIA, 10) is None
    assert Holdings(Bounds(files_of_person=0)).why_not_upload(MIA, 1)[0] == 413


def test_a_person_opens_so_many_pages_and_one_more_when_one_is_closed(desk):
    token = desk.sign_in()
    with ExitStack() as opened:
        pages = [opened.enter_context(stream(desk, token)) for _ in range(Bounds().sockets_of_person)]
        with pytest.raises(InvalidStatus):
            stream(desk, token).__enter__()
        with stream(desk, desk.sign_in("ana@example.com")):
            pass
        pages[0].close()
        for _ in range(50):
            try:
                opened.enter_context(stream(desk, token))
                break
            except InvalidStatus:
                continue
        else:
            pytest.fail("A closed page still counts.")


def test_a_message_that_is_longer_than_any_form_closes_the_page_and_the_desk_goes_on(desk):
    with Tab(desk, desk.sign_in()) as tab:
        tab.connection.send(b"\0" * 5 * MB)
        assert tab.closed() == 1009
    assert desk.get("/healthz").status == 200


def test_what_a_page_held_is_nobodys_when_it_is_closed():
    holdings = Holdings()
    with holdings.page(MIA) as page:
        page.session = "s"
        holdings._owners["s"] = Counter({(1, "manager"): 1})
        assert holdings.own("s", MIA)
        assert not holdings.own("s", ANA)
        demoted = Person(1, "Mia", "mia@example.com", "agent", active=True, created_at=0, last_seen_at=None)
        assert not holdings.own("s", demoted)
    assert not holdings.own("s", MIA)
    assert holdings._owners == {}
    assert holdings.open_sockets == 0
