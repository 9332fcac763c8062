"""The live process: server-sent events to the browsers that watch a company's calls.

A process of its own, so that viewers never hold a thread of the voice hook. One watcher per watched company
asks the database every two seconds, or at once when Redis says that something changed; a dead Redis only
makes it slower. Numbers are masked for everybody.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from uuid import UUID

import redis.asyncio as redis
from aiohttp import web
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from calltrack.config import Settings
from calltrack.conversions.queries import live_calls
from calltrack.dashboard.call_cards import card
from calltrack.dashboard.live_tokens import read_token
from calltrack.infra.log import log
from calltrack.infra.queue import LIVE_CHANNEL
from calltrack.kernel.errors import NotAllowed
from calltrack.wiring import Services, build

POLL_SECONDS = 2.0
HEARTBEAT_SECONDS = 15.0
# After this long a browser must show a fresh token, so that somebody shut out is gone soon.
LONGEST_STREAM_SECONDS = 900.0
MOST_VIEWERS = 500
QUEUE_LENGTH = 200
READERS = 8
SERVICES = web.AppKey("services", Services)
THREADS = web.AppKey("threads", ThreadPoolExecutor)
HUB: web.AppKey["Hub"] = web.AppKey("hub")
Events = asyncio.Queue[tuple[str, str]]
END = ("end", "")


class Watcher:
    """Watches one company for as long as somebody looks."""

    def __init__(self, services: Services, threads: ThreadPoolExecutor, company_id: UUID) -> None:
        """Prepare the watch; `run` does the work."""
        self._threads = threads
        self.viewers: set[Events] = set()
        self.news = asyncio.Event()
        self._services = services
        self._company_id = company_id
        self._known: dict[str, str] = {}
        self._has_looked = False

    def join(self) -> Events:
        """Add a viewer; what is known already is handed over at once."""
        queue: Events = asyncio.Queue(QUEUE_LENGTH)
        for shown in self._known.values():
            queue.put_nowait(("known", shown))
        self.viewers.add(queue)
        return queue

    async def run(self) -> None:
        """Look again whenever there is news, at the latest every two seconds."""
        while True:
            is_news = self.news.is_set()
            self.news.clear()
            try:
                await self._look()
            except SQLAlchemyError as problem:
                log.warning("the live view could not read: %s", type(problem).__name__)
            if is_news:
                # Deliveries are no part of a card: pages that show them ask anew.
                self._tell("news", "{}")
            with suppress(TimeoutError):
                await asyncio.wait_for(self.news.wait(), POLL_SECONDS)

    async def _look(self) -> None:
        cards = await asyncio.get_running_loop().run_in_executor(self._threads, self._read)
        kind = "call" if self._has_looked else "known"
        for one in reversed(cards):
            shown = json.dumps(one, ensure_ascii=False)
            if self._known.get(one["id"]) != shown:
                self._tell(kind, shown)
            self._known[one["id"]] = shown
        self._known = {one["id"]: self._known[one["id"]] for one in reversed(cards)}
        self._has_looked = True

    def _read(self) -> list[dict[str, Any]]:
        services = self._services
        with services.db.tenant(self._company_id) as session:
            calls = live_calls(session, services.vault, self._company_id, services.clock())
        return [card(call) for call in calls]

    def _tell(self, kind: str, shown: str) -> None:
        for queue in list(self.viewers):
            try:
                queue.put_nowait((kind, shown))
            except asyncio.QueueFull:
                # A browser that takes nothing any more is let go; it asks again by itself.
                self.viewers.discard(queue)


class Hub:
    """All watchers of this process, and the ear on Redis."""

    def __init__(self, services: Services, threads: ThreadPoolExecutor, most_viewers: int) -> None:
        """Start empty: a company nobody looks at costs nothing."""
        self._services = services
        self._threads = threads
        self._most = most_viewers
        self._watchers: dict[UUID, tuple[Watcher, asyncio.Task[None]]] = {}

    @property
    def is_full(self) -> bool:
        """Whether no further viewer is let in."""
        return sum(len(watcher.viewers) for watcher, _ in self._watchers.values()) >= self._most

    def join(self, company_id: UUID) -> tuple[Watcher, Events]:
        """Let a viewer watch a company."""
        if company_id not in self._watchers:
            watcher = Watcher(self._services, self._threads, company_id)
            self._watchers[company_id] = (watcher, asyncio.create_task(watcher.run()))
        watcher = self._watchers[company_id][0]
        return watcher, watcher.join()

    def leave(self, company_id: UUID, queue: Events) -> None:
        """Let a viewer go; the last one ends the watch."""
        if company_id not in self._watchers:
            return
        watcher, task = self._watchers[company_id]
        watcher.viewers.discard(queue)
        if not watcher.viewers:
            task.cancel()
            del self._watchers[company_id]

    async def stop(self) -> None:
        """End every stream and watch, so that the process can stop at once."""
        watches, self._watchers = list(self._watchers.values()), {}
        for watcher, task in watches:
            task.cancel()
            for queue in watcher.viewers:
                with suppress(asyncio.QueueFull):
                    queue.put_nowait(END)
            watcher.viewers.clear()
        await asyncio.gather(*(task for _, task in watches), return_exceptions=True)

    def hear(self, company_ids: Iterable[str]) -> None:
        """Wake the watchers of companies in which something changed."""
        for text_ in company_ids:
            with suppress(ValueError):
                found = self._watchers.get(UUID(text_))
                if found:
                    found[0].news.set()

    async def listen(self) -> None:
        """Hear what the other processes publish; while Redis is away, look every two seconds only."""
        while True:
            try:
                await self._listen_once()
            except (RedisError, OSError) as problem:
                log.warning("the live view hears no news: %s", type(problem).__name__)
            await asyncio.sleep(2)

    async def _listen_once(self) -> None:
        connection = redis.Redis.from_url(self._services.settings.redis_url, socket_connect_timeout=1)
        async with connection, connection.pubsub() as ear:
            await ear.subscribe(LIVE_CHANNEL)
            while True:
                message = await ear.get_message(ignore_subscribe_messages=True, timeout=5)
                if message:
                    self.hear([message["data"].decode(errors="replace")])


def create_live_app(settings: Settings, most_viewers: int = MOST_VIEWERS) -> web.Application:
    """Return the live process's application."""
    app = web.Application()
    app[SERVICES] = build(settings, pool_size=READERS)
    app[THREADS] = ThreadPoolExecutor(READERS, "live")
    app[HUB] = Hub(app[SERVICES], app[THREADS], most_viewers)
    app.router.add_get("/live/stream", _stream)
    app.router.add_get("/readyz", _readyz)
    app.cleanup_ctx.append(_background)
    app.on_shutdown.append(_end_streams)
    return app


async def _background(app: web.Application) -> AsyncIterator[None]:
    ear = asyncio.create_task(app[HUB].listen())
    yield
    while not ear.done():
        # A cancellation that meets the Redis client while it connects can get lost: ask again.
        ear.cancel()
        await asyncio.wait({ear}, timeout=0.5)
    # A read that runs in a thread cannot be cancelled: wait for it before its connection is closed.
    await asyncio.to_thread(app[THREADS].shutdown)
    app[SERVICES].close()


async def _end_streams(app: web.Application) -> None:
    await app[HUB].stop()


async def _stream(request: web.Request) -> web.StreamResponse:
    hub = request.app[HUB]
    secret = request.app[SERVICES].settings.secret_key.get_secret_value()
    try:
        company_id = read_token(secret, request.query.get("token", ""))
    except NotAllowed as problem:
        return web.json_response({"error": str(problem)}, status=401)
    if hub.is_full:
        words = "Too many people watch; the page asks by itself meanwhile."
        return web.json_response({"error": words}, status=503, headers={"Retry-After": "30"})
    answer = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
            "X-Content-Type-Options": "nosniff",
        }
    )
    await answer.prepare(request)
    watcher, queue = hub.join(company_id)
    try:
        async with asyncio.timeout(LONGEST_STREAM_SECONDS):
            await _send(answer, watcher, queue)
    except (TimeoutError, ConnectionResetError):
        pass
    finally:
        hub.leave(company_id, queue)
    return answer


async def _send(answer: web.StreamResponse, watcher: Watcher, queue: Events) -> None:
    await answer.write(b": hello\n\n")
    while queue in watcher.viewers:
        try:
            kind, shown = await asyncio.wait_for(queue.get(), HEARTBEAT_SECONDS)
        except TimeoutError:
            await answer.write(b": still here\n\n")
            continue
        if (kind, shown) == END:
            return
        await answer.write(f"event: {kind}\ndata: {shown}\n\n".encode())


async def _readyz(request: web.Request) -> web.Response:
    services = request.app[SERVICES]

    def ask() -> None:
        with services.db.shared() as session:
            session.execute(text("SELECT 1"))

    try:
        async with asyncio.timeout(3):
            await asyncio.get_running_loop().run_in_executor(request.app[THREADS], ask)
    except (SQLAlchemyError, TimeoutError):
        return web.json_response({"ready": False, "missing": "database"}, status=503)
    return web.json_response({"ready": True})
