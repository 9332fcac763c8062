"""The front door: the right process, byte for byte, unbuffered, and quick about a dead one."""

import asyncio
import contextlib
import io
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import ClientSession, web

from calltrack.infra.front import LIMIT, Routes, serve
from tests.apart import run_apart

Asked = list[tuple[str, dict[str, str], bytes]]


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@contextlib.asynccontextmanager
async def upstream(
    port: int, answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
) -> AsyncIterator[None]:
    runner = web.ServerRunner(web.Server(answer, auto_decompress=False), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield
    await runner.cleanup()


@contextlib.asynccontextmanager
async def front(routes: dict[str, int]) -> AsyncIterator[int]:
    port, stop = free_port(), asyncio.Event()
    serving = asyncio.create_task(serve(port, routes, stop))
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            break
        await asyncio.sleep(0.01)
    yield port
    stop.set()
    await serving


async def raw(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


def noting(asked: Asked) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        asked.append((request.raw_path, dict(request.headers), await request.read()))
        return web.Response(text=request.method, headers={"Set-Cookie": "a=1"})

    return answer


@pytest.mark.parametrize(
    ("target", "port"),
    [
        ("/voice/abc/status?x=1", 1),
        ("/voice", 1),
        ("/voicemail", 4),
        ("/v1/visit", 2),
        ("/ct.js", 2),
        ("/ct.js?v=2", 2),
        ("/ct.json", 4),
        ("/api/v1/calls", 4),
        ("/", 4),
    ],
)
def test_the_longest_prefix_serves_a_path(target: str, port: int) -> None:
    routes = Routes({"/voice/": 1, "/v1/": 2, "/ct.js": 2, "/": 4})
    assert routes.port(target) == port


@pytest.mark.parametrize(
    "target",
    [
        "/a?Digits=%2b39&b=a+b&c=%C3%A9%c3%a9&d=%7E~",
        "//twice/../up/./here",
        "/empty?",
        "/a?x=1?y=2&&=&z",
        "/a;b=1,2:3@4!$'()*",
        "/a?q=[1]{2}|3",
    ],
)
def test_the_target_passes_byte_for_byte(target: str) -> None:
    asked: Asked = []

    async def story() -> None:
        back = free_port()
        async with upstream(back, noting(asked)), front({"/": back}) as port:
            request = f"POST {target} HTTP/1.1\r\nHost: calls.example\r\nConnection: close\r\n"
            await raw(port, f"{request}X-Twilio-Signature: aB=\r\nContent-Length: 5\r\n\r\na=%2b".encode())

    run_apart(story())
    [(seen, headers, body)] = asked
    assert (seen, body) == (target, b"a=%2b")
    assert (headers["Host"], headers["X-Twilio-Signature"]) == ("calls.example", "aB=")
    assert (headers["X-Forwarded-For"], headers["X-Forwarded-Proto"]) == ("127.0.0.1", "http")
    assert "User-Agent" not in headers


def test_a_packed_body_passes_packed() -> None:
    asked: Asked = []

    async def story() -> bytes:
        back = free_port()
        async with upstream(back, noting(asked)), front({"/": back}) as port:
            head = b"POST / HTTP/1.1\r\nHost: calls.example\r\nConnection: close\r\n"
            return await raw(port, head + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\na=%2b")

    assert run_apart(story()).startswith(b"HTTP/1.1 200")
    assert [(headers["Content-Encoding"], body) for _, headers, body in asked] == [("gzip", b"a=%2b")]


@pytest.mark.parametrize("line", ["CONNECT / HTTP/1.1", "CONNECT evil.example:443 HTTP/1.1"])
def test_nobody_is_connected_elsewhere(line: str) -> None:
    async def story() -> bytes:
        async with front({"/": free_port()}) as port:
            return await raw(port, f"{line}\r\nHost: calls.example\r\nConnection: close\r\n\r\n".encode())

    assert run_apart(story()).startswith(b"HTTP/1.1 400")


def test_a_broken_request_is_not_written_down(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with front({"/": free_port()}) as port:
            head = b"GET / HTTP/1.1\r\nHost: calls.example\r\nConnection: close\r\n"
            await raw(port, head + b"Cookie: session=secret\x00\r\n\r\n")

    run_apart(story())
    assert "unreadable request" in caplog.text
    assert "secret" not in caplog.text


def test_a_proxy_in_front_is_believed_and_its_connection_headers_stay_there() -> None:
    asked: Asked = []

    async def story() -> None:
        back = free_port()
        async with upstream(back, noting(asked)), front({"/": back}) as port, ClientSession() as client:
            headers = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "TE": "x"}
            async with client.get(f"http://127.0.0.1:{port}/", headers=headers) as response:
                assert response.headers.getall("Set-Cookie") == ["a=1"]

    run_apart(story())
    [(_, headers, _)] = asked
    assert headers["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"
    assert headers["X-Forwarded-Proto"] == "https"
    assert "TE" not in headers


def test_events_flow_as_they_come_and_a_leaving_reader_ends_the_stream() -> None:
    left = asyncio.Event()

    async def events(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            for number in range(1000):
                await response.write(f"data: {number}\n\n".encode())
                await asyncio.sleep(0.05)
        finally:
            left.set()
        return response

    async def story() -> None:
        back = free_port()
        async with upstream(back, events), front({"/live/": back}) as port, ClientSession() as client:
            async with client.get(f"http://127.0.0.1:{port}/live/calls") as response:
                began = time.monotonic()
                assert await response.content.readuntil(b"\n\n") == b"data: 0\n\n"
                assert await response.content.readuntil(b"\n\n") == b"data: 1\n\n"
                assert time.monotonic() - began < 20  # not only when all 50 s have passed
                response.close()
            await asyncio.wait_for(left.wait(), 30)

    run_apart(story())


def test_an_answer_that_breaks_off_does_not_look_whole() -> None:
    async def half(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.abort()
        return response

    async def story() -> bytes:
        back = free_port()
        async with upstream(back, half), front({"/": back}) as port:
            with contextlib.suppress(ConnectionError):
                return await raw(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        return b""

    assert not run_apart(story()).endswith(b"0\r\n\r\n")


def test_a_dead_process_is_a_quick_502_and_a_restarting_one_is_waited_for() -> None:
    async def story() -> None:
        back = free_port()
        async with front({"/": back}) as port, ClientSession() as client:
            began = time.monotonic()
            async with client.post(f"http://127.0.0.1:{port}/", data=b"x") as response:
                assert response.status == 502
                assert response.content_type == "text/plain"
            assert time.monotonic() - began < 10
            asking = asyncio.create_task(client.post(f"http://127.0.0.1:{port}/", data=b"x"))
            await asyncio.sleep(0.3)
            async with upstream(back, noting([])), await asking as response:
                assert (response.status, await response.text()) == (200, "POST")

    run_apart(story())


def test_bodies_up_to_the_limit_pass_and_larger_ones_do_not() -> None:
    asked: Asked = []

    async def story() -> None:
        back = free_port()
        async with upstream(back, noting(asked)), front({"/": back}) as port, ClientSession() as client:
            async with client.post(f"http://127.0.0.1:{port}/", data=b"x" * (LIMIT - 1)) as response:
                assert response.status == 200
            async with client.post(
                f"http://127.0.0.1:{port}/", data=io.BytesIO(b"x" * (LIMIT + 1))
            ) as response:
                assert response.status == 413

    run_apart(story())
    assert len(asked) == 1


@pytest.mark.parametrize("target", ["http://elsewhere.example/", "*", "/\xff"])
def test_a_target_nobody_can_serve_is_refused(target: str) -> None:
    async def story() -> bytes:
        async with front({"/": free_port()}) as port:
            request = f"OPTIONS {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            return await raw(port, request.encode("latin-1"))

    assert run_apart(story()).split(b" ", 2)[1] == b"400"
