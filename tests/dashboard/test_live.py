"""The live process: who may listen, what is told, and that it outlives Redis."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientTimeout
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import update

from calltrack.calls.model import Call
from calltrack.config import Settings
from calltrack.dashboard import live
from calltrack.dashboard.live_tokens import make_token, read_token
from calltrack.infra.queue import LIVE_CHANNEL
from calltrack.kernel.errors import NotAllowed
from calltrack.wiring import Services
from tests.apart import run_apart
from tests.builders import NOON, Company, make_call, make_company

CALLER = "+393471234567"


@asynccontextmanager
async def running(settings: Settings, most_viewers: int = 500) -> AsyncIterator[TestClient[Any, Any]]:
    server = TestServer(live.create_live_app(settings, most_viewers))
    async with TestClient(server, timeout=ClientTimeout(total=20)) as client:
        yield client


def token(settings: Settings, company: Company) -> str:
    return make_token(settings.secret_key.get_secret_value(), company.id)


async def heard(stream: ClientResponse, wanted: Callable[[str, dict[str, Any]], bool]) -> dict[str, Any]:
    kind = ""
    async with asyncio.timeout(8):
        while True:
            line = (await stream.content.readline()).decode().strip()
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            if line.startswith("data: ") and kind != "news":
                call: dict[str, Any] = json.loads(line.removeprefix("data: "))
                if wanted(kind, call):
                    return call


def play(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    run_apart(story())


def test_a_call_is_shown_masked_and_followed_to_its_end(
    services: Services, settings: Settings, company: Company
) -> None:
    known = make_call(services, company, caller=CALLER)

    async def story() -> None:
        async with (
            running(settings) as client,
            client.get("/live/stream", params={"token": token(settings, company)}) as stream,
        ):
            assert stream.headers["Content-Type"].startswith("text/event-stream")
            first = await heard(stream, lambda kind, call: kind == "known")
            assert first["id"] == known.id.hex
            assert "1234" not in json.dumps(first)
            fresh = await asyncio.to_thread(
                lambda: make_call(services, company, caller=CALLER, at=NOON, outcome=None)
            )
            services.nudges.connection.publish(LIVE_CHANNEL, str(company.id))
            shown = await heard(stream, lambda kind, call: call["id"] == fresh.id.hex)
            assert shown["caller"].startswith("+39 347")
            with services.db.tenant(company.id) as session:
                session.execute(update(Call).where(Call.id == fresh.id).values(outcome="missed"))
            last = await heard(stream, lambda kind, call: call["word"] == "Missed")
            assert last["id"] == fresh.id.hex

    play(story)


def test_nobody_hears_another_companys_calls(
    services: Services, settings: Settings, company: Company
) -> None:
    other = make_company(services)
    make_call(services, other)
    mine = make_call(services, company)

    async def story() -> None:
        async with (
            running(settings) as client,
            client.get("/live/stream", params={"token": token(settings, company)}) as stream,
        ):
            seen = await heard(stream, lambda kind, call: True)
            assert seen["id"] == mine.id.hex
            await asyncio.to_thread(lambda: make_call(services, other))
            again = await asyncio.to_thread(lambda: make_call(services, company))
            assert (await heard(stream, lambda kind, call: True))["id"] == again.id.hex

    play(story)


@pytest.mark.parametrize("wrong", ["", "x", "eyJ.a.b"])
def test_without_a_valid_token_nothing_is_told(settings: Settings, wrong: str) -> None:
    async def story() -> None:
        async with running(settings) as client:
            answer = await client.get("/live/stream", params={"token": wrong})
            assert answer.status == 401

    play(story)


def test_a_token_ends_and_belongs_to_one_key(
    settings: Settings, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_token("a" * 32, company.id)
    assert read_token("a" * 32, made) == company.id
    with pytest.raises(NotAllowed):
        read_token("b" * 32, made)
    monkeypatch.setattr("calltrack.dashboard.live_tokens.LIFE_SECONDS", -1)
    with pytest.raises(NotAllowed):
        read_token("a" * 32, made)


def test_beyond_the_cap_viewers_are_sent_away_and_a_place_is_freed_again(
    services: Services, settings: Settings, company: Company
) -> None:
    make_call(services, company)

    async def story() -> None:
        async with running(settings, most_viewers=1) as client:
            given = {"token": token(settings, company)}
            first = await client.get("/live/stream", params=given)
            await heard(first, lambda kind, call: True)
            assert (await client.get("/live/stream", params=given)).status == 503
            first.close()
            async with asyncio.timeout(10):
                while (again := await client.get("/live/stream", params=given)).status == 503:
                    # A closed browser is noticed at the next thing that is told.
                    await asyncio.to_thread(lambda: make_call(services, company))
                    await asyncio.sleep(0.2)
            assert again.status == 200
            again.close()

    play(story)


def test_a_dead_redis_makes_it_slower_not_silent(
    services: Services, settings: Settings, company: Company
) -> None:
    alone = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})

    async def story() -> None:
        async with (
            running(alone) as client,
            client.get("/live/stream", params={"token": token(settings, company)}) as stream,
        ):
            await asyncio.sleep(0.3)
            call = await asyncio.to_thread(lambda: make_call(services, company))
            seen = await heard(stream, lambda kind, shown: True)
            assert seen["id"] == call.id.hex

    play(story)


def test_readiness_follows_the_database(settings: Settings) -> None:
    broken = settings.model_copy(update={"database_url": "postgresql+psycopg://nobody@127.0.0.1:1/none"})

    async def story() -> None:
        async with running(settings) as client:
            assert (await client.get("/readyz")).status == 200
        async with running(broken) as client:
            assert (await client.get("/readyz")).status == 503

    play(story)
