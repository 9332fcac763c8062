import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from calltrack.infra.addresses import is_public
from calltrack.infra.http import HttpAnswer, HttpDoor, HttpFailure, HttpRequest

PRIVATE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "127.0.0.1",
    "127.8.8.8",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.170", "192.0.2.1", "192.88.99.1",
    "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.1.1.1",
    "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1",
    "fd12::1",
    "fe80::1", "fe80::1%lo", "fec0::1", "ff02::1", "ff0e::1", "", "localhost", "127.1", "0x7f.1",
    "2130706433",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "100.63.255.255",
    "172.32.0.1",
    "193.0.0.1",
    "2a00:1450:4001::1",
    "::ffff:8.8.8.8",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public(address: str) -> None:
    assert is_public(address)


class Listener:
    """A server on loopback that counts its connections and answers each with given bytes."""

    def __init__(self, say: Callable[[socket.socket], None]) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.connections = 0
        self._say = say
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            connection.recv(65_536)
            try:
                self._say(connection)
            except OSError:
                return


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    made: list[Listener] = []

    def start(say: Callable[[socket.socket], None]) -> Listener:
        made.append(Listener(say))
        return made[-1]

    yield start
    for listener in made:
        listener.socket.close()


@pytest.fixture
def door() -> Iterator[Callable[..., HttpDoor]]:
    made: list[HttpDoor] = []

    def open_(**more: object) -> HttpDoor:
        made.append(HttpDoor(**more))  # type: ignore[arg-type]
        return made[-1]

    yield open_
    for one in made:
        one.close()


def fixed(answer: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(answer)


HELLO = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello"

Open = Callable[..., HttpDoor]
Listen = Callable[..., Listener]

REFUSED = [
    "http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://x/", "//example.com/",
    "/path", "",
    "https://", "https:///x", "https://user@example.com/", "https://user:pw@example.com/",
    "https://example.com:22/",
    "https://example.com:80/", "https://example.com:6379/", "https://127.0.0.1/", "https://127.1/",
    "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/", "https://0/", "https://localhost/",
    "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/",
    "https://[fe80::1]/", "https://[fd00::1]/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/",
    "https://10.0.0.1/", "https://169.254.169.254/latest/meta-data/", "https://192.168.1.1:8443/",
    "https://100.64.0.1/", "https://0.0.0.0/", "https://localhost:8443/", "http://127.0.0.1/",
    "https://exa mple.com/", "https://\x00/", "https://" + "a" * 300 + ".com/",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED)
def test_no_connection_leaves_for_such_an_address(
    url: str, door: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    monkeypatch.setattr(socket, "create_connection", lambda *args, **more: opened.append(args))
    failure = door().send(HttpRequest("POST", url, body=b"x"))
    assert isinstance(failure, HttpFailure)
    assert failure.kind in ("refused", "unsent")
    assert opened == []


def test_the_guarded_door_never_reaches_a_real_listener_on_loopback(door: Open, listen: Listen) -> None:
    listener = listen(fixed(HELLO))
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"):
        for scheme in ("http", "https"):
            assert isinstance(
                door().send(HttpRequest("GET", f"{scheme}://{host}:{listener.port}/")), HttpFailure
            )
    time.sleep(0.05)
    assert listener.connections == 0


def test_one_private_address_among_public_ones_is_enough_to_refuse(door: Open) -> None:
    failure = door(resolver=lambda host, port: ["93.184.215.14", "10.0.0.1"]).send(
        HttpRequest("GET", "https://mixed.example/")
    )
    assert isinstance(failure, HttpFailure)
    assert failure.kind == "refused"


def test_the_connection_goes_to_the_address_that_was_checked(
    door: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookups: list[str] = []
    tried: list[object] = []

    def rebinding(host: str, port: int) -> list[str]:
        lookups.append(host)
        return ["93.184.215.14"] if len(lookups) == 1 else ["127.0.0.1"]

    def refuse(address: object, *args: object, **more: object) -> socket.socket:
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    failure = door(resolver=rebinding).send(HttpRequest("GET", "https://rebind.example/"))
    assert isinstance(failure, HttpFailure)
    assert failure.kind == "unsent"
    assert lookups == ["rebind.example"]
    assert tried == [("93.184.215.14", 443)]


def test_a_redirect_is_an_answer_and_is_not_followed(door: Open, listen: Listen) -> None:
    other = listen(fixed(HELLO))
    place = f"http://127.0.0.1:{other.port}/".encode()
    first = listen(fixed(b"HTTP/1.1 302 Found\r\nlocation: " + place + b"\r\ncontent-length: 0\r\n\r\n"))
    answer = door(allow_private=True).send(HttpRequest("GET", f"http://127.0.0.1:{first.port}/"))
    assert isinstance(answer, HttpAnswer)
    assert answer.status == 302
    assert other.connections == 0


def test_a_name_that_does_not_resolve_sent_nothing(door: Open) -> None:
    def nowhere(host: str, port: int) -> list[str]:
        raise socket.gaierror("no such name")

    failure = door(resolver=nowhere).send(HttpRequest("GET", "https://nowhere.example/"))
    assert isinstance(failure, HttpFailure)
    assert failure.kind == "unsent"


def test_a_closed_port_sent_nothing(door: Open) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    failure = door(allow_private=True).send(HttpRequest("POST", f"http://127.0.0.1:{port}/", body=b"x"))
    assert isinstance(failure, HttpFailure)
    assert failure.kind == "unsent"


def test_a_connection_closed_without_an_answer_is_unknown(door: Open, listen: Listen) -> None:
    listener = listen(lambda connection: None)
    failure = door(allow_private=True).send(
        HttpRequest("POST", f"http://127.0.0.1:{listener.port}/", body=b"x")
    )
    assert isinstance(failure, HttpFailure)
    assert failure.kind == "unknown"


def silence(connection: socket.socket) -> None:
    time.sleep(20)


def slow_head(connection: socket.socket) -> None:
    for _ in range(200):
        connection.sendall(b"H")
        time.sleep(0.1)


def slow_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n")
    for _ in range(200):
        connection.sendall(b"x")
        time.sleep(0.1)


@pytest.mark.parametrize("drip", [silence, slow_head, slow_body])
def test_however_slowly_it_drips_the_request_ends_in_time(
    drip: Callable[[socket.socket], None], door: Open, listen: Listen
) -> None:
    listener = listen(drip)
    started = time.monotonic()
    failure = door(allow_private=True, total_seconds=0.5).send(
        HttpRequest("GET", f"http://127.0.0.1:{listener.port}/")
    )
    assert time.monotonic() - started < 10  # it drips for twenty
    assert isinstance(failure, HttpFailure)
    assert failure.kind == "unknown"


def test_an_endless_answer_is_cut_off(door: Open, listen: Listen) -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(1000):
            connection.sendall(b"x" * 65_536)

    listener = listen(flood)
    answer = door(allow_private=True, max_answer=100_000).send(
        HttpRequest("GET", f"http://127.0.0.1:{listener.port}/")
    )
    assert isinstance(answer, HttpAnswer)
    assert answer.truncated
    assert len(answer.body) == 100_000


def test_a_compressed_bomb_is_never_unpacked(door: Open, listen: Listen) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(bomb)}\r\n\r\n".encode()
    listener = listen(fixed(head + bomb))
    answer = door(allow_private=True).send(HttpRequest("GET", f"http://127.0.0.1:{listener.port}/"))
    assert isinstance(answer, HttpAnswer)
    assert answer.body == bomb


def test_what_is_sent_arrives_as_it_is_and_proxies_of_the_environment_are_ignored(
    door: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                got.append(connection.recv(65_536))
                while not got[0].endswith(b"body"):
                    got[0] += connection.recv(65_536)
                connection.sendall(HELLO)

        threading.Thread(target=serve, daemon=True).start()
        answer = door(allow_private=True).send(
            HttpRequest(
                "POST", f"http://127.0.0.1:{server.getsockname()[1]}/a?b=c", {"x-y": "z"}, b"\x00body"
            )
        )
    assert isinstance(answer, HttpAnswer)
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"hello", "5")
    assert got[0].startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert b"x-y: z\r\n" in got[0].lower()
    assert got[0].endswith(b"\r\n\r\n\x00body")
