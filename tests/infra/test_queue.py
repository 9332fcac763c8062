"""Nudges: handed over before a process ends, and no socket is left open behind it."""

import gc
import warnings

from redis import Redis

from calltrack.infra.pace import Limit, Pace
from calltrack.infra.queue import QUEUE, Nudges
from calltrack.kernel.ids import new_id
from tests.workers.process import until


def test_what_was_asked_for_just_before_the_end_is_handed_over(redis_url: str) -> None:
    queue = f"rq:queue:{QUEUE}"
    with Redis.from_url(redis_url) as client:
        client.delete(queue)
        nudges = Nudges(redis_url)
        nudges.wake("handle_facts", new_id().hex)
        nudges.close()
        assert client.llen(queue) == 1
        nudges.wake("handle_facts", new_id().hex)
        assert client.llen(queue) == 1
        client.delete(queue)


def test_a_closed_client_leaves_no_socket_to_the_garbage_collector(redis_url: str) -> None:
    with Redis.from_url(redis_url) as client:
        before = client.info("clients")["connected_clients"]
        nudges, pace = Nudges(redis_url), Pace(redis_url)
        nudges.show(new_id().hex)
        assert pace.take([Limit(new_id().hex, 5, 1)]) == 0
        nudges.flush()
        assert client.info("clients")["connected_clients"] > before
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            nudges.close()
            pace.close()
            assert until(lambda: client.info("clients")["connected_clients"] <= before, 30)
            del nudges, pace
            gc.collect()


def test_closing_without_a_redis_ends_in_seconds() -> None:
    nudges = Nudges("redis://127.0.0.1:1/0")
    nudges.wake("handle_facts", new_id().hex)
    nudges.close()
    assert nudges._thread is not None
    assert not nudges._thread.is_alive()
