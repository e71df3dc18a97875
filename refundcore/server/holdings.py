"""What each signed-in person holds in the server's memory: sockets, Streamlit's sessions, uploads, files shown.

Streamlit asks of an upload only that its session lives, and of a media address nothing at all. Here an upload goes to
a session of one's own, within a bound for each person and one for all; a media file answers only to whom a page of
theirs shows it, in the role in which it was shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from streamlit import runtime
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from refundcore.store import Person

UPLOADS = "/_stcore/upload_file/"
MEDIA = "/media/"

MB = 2**20


@dataclass(frozen=True)
class Bounds:
    """How much memory and how many sockets people may take."""

    sockets_of_person: int = 30
    """Open pages of one person."""
    sockets: int = 600
    """Open pages of everybody."""
    uploads_of_person: int = 150 * MB
    """Uploaded files of one person that are held at once."""
    uploads: int = 1500 * MB
    """Uploaded files of everybody."""
    files_of_person: int = 200
    """Uploaded files of one person, however small."""


class Holdings:
    """Who has which sessions of Streamlit, and what these hold."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.bounds = bounds or Bounds()
        self._sockets: Counter[int] = Counter()
        self._owners: dict[str, Counter[tuple[int, str]]] = {}
        """Session of Streamlit -> whose open sockets lead to it, in which role."""
        self._coming: Counter[int] = Counter()
        """Person -> bytes of uploads that are on their way."""
        self._pages: list[Page] = []

    @property
    def open_sockets(self) -> int:
        """How many pages are open."""
        return self._sockets.total()

    def full(self, person: Person) -> bool:
        """Whether a person may open no further page."""
        return self._sockets[person.id] >= self.bounds.sockets_of_person or self._sockets.total() >= self.bounds.sockets

    @contextmanager
    def page(self, person: Person) -> Iterator[Page]:
        """One open page of a person, from its socket's opening to its end."""
        self._sockets[person.id] += 1
        held = Page(self, person)
        self._pages.append(held)
        try:
            yield held
        finally:
            self._pages.remove(held)
            self._sockets[person.id] -= 1
            held.let_go()

    def own(self, session: str, person: Person) -> bool:
        """Whether a session of Streamlit belongs to an open page of the person, in their present role."""
        return (person.id, person.role) in self._owners.get(session, ())

    def shows(self, file: str, person: Person) -> bool:
        """Whether an open page of the person shows a media file, named as in its address."""
        if not runtime.exists():
            return False
        files = runtime.get_instance().media_file_mgr._files_by_session_and_coord  # noqa: SLF001 - there is no other way to ask; tests/test_holdings.py watches it
        wanted = file.partition(".")[0]
        if any(wanted in page.made for page in self._pages if page.person == person):
            return True
        mine = [session for session in list(self._owners) if self.own(session, person)]
        return any(wanted in set(files.get(session, {}).copy().values()) for session in mine)

    def why_not_upload(self, person: Person, size: int | None) -> tuple[int, str] | None:
        """Why an upload of so many bytes is not taken, as status and sentence; None where it is."""
        if size is None:
            return 411, "Say how long the file is."
        held, files = self._held(person)
        if (
            files >= self.bounds.files_of_person
            or held + self._coming[person.id] + size > self.bounds.uploads_of_person
        ):
            most = self.bounds.uploads_of_person // MB
            return 413, f"You have too many files open here ({most} MB at most). Close a page or remove a file."
        if self._held(None)[0] + self._coming.total() + size > self.bounds.uploads:
            return 503, "The desk holds too many uploaded files right now. Try again in a moment."
        return None

    @contextmanager
    def upload(self, person: Person, size: int) -> Iterator[None]:
        """Count an upload that is on its way, so that many at once are bounded too."""
        self._coming[person.id] += size
        try:
            yield
        finally:
            self._coming[person.id] -= size

    def _held(self, person: Person | None) -> tuple[int, int]:
        """Bytes and number of the uploaded files of a person, or of everybody."""
        if not runtime.exists():
            return 0, 0
        storage = getattr(runtime.get_instance().uploaded_file_mgr, "file_storage", {})
        sessions = list(storage) if person is None else [s for s in list(self._owners) if self.own(s, person)]
        files = [file for session in sessions for file in storage.get(session, {}).copy().values()]
        return sum(len(file.data) for file in files), len(files)


@dataclass(eq=False)
class Page:
    """An open page: the session of Streamlit behind it is told by the first messages that go to the browser."""

    holdings: Holdings
    person: Person
    session: str = field(default="", init=False)
    made: set[str] = field(default_factory=set, init=False)
    """Files that were made for this page when somebody pressed a download."""
    _awaited: int = field(default=0, init=False)

    def asks_for(self, download: str) -> bool:
        """Whether a download that is made when it is asked for is one of this page; then its answer is awaited."""
        if not (download and self.session and runtime.exists()):
            return False
        offered = runtime.get_instance().media_file_mgr._deferred_ids_by_session  # noqa: SLF001 - as in `shows`
        if download not in offered.get(self.session, ()):
            return False
        self._awaited += 1
        return True

    def sends(self, data: bytes) -> None:
        """Look at a message on its way to the browser that may say which session this is, or where a download is."""
        if self.session and not self._awaited:
            return
        message = ForwardMsg()
        message.ParseFromString(data)
        kind = message.WhichOneof("type")
        if kind == "backend_operation_response":
            self._awaited = max(0, self._awaited - 1)
            address = message.backend_operation_response.deferred_file.url
            if address:
                self.made.add(address.rpartition("/")[2].partition(".")[0])
        elif kind == "new_session" and not self.session:
            self.session = message.new_session.initialize.session_id
            owners = self.holdings._owners.setdefault(self.session, Counter())  # noqa: SLF001 - a part of it
            owners[self.person.id, self.person.role] += 1

    def let_go(self) -> None:
        """The socket is closed: what the session holds is the person's no more."""
        owners = self.holdings._owners.get(self.session)  # noqa: SLF001 - a part of it
        if owners is None:
            return
        owners[self.person.id, self.person.role] -= 1
        if owners[self.person.id, self.person.role] <= 0:
            del owners[self.person.id, self.person.role]
        if not owners:
            del self.holdings._owners[self.session]  # noqa: SLF001 - a part of it
