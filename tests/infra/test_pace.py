"""Request limits hold over all processes, and also while Redis is away."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from uuid import uuid4

import pytest

from calltrack.infra.embedded import EmbeddedRedis
from calltrack.infra.pace import Limit, Pace
from tests.workers.process import until

Paces = Callable[..., Pace]


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(tmp_path / "redis")
    server.start()
    yield server
    server.erase()


@pytest.fixture
def pace_of() -> Iterator[Paces]:
    """Make paces, and close them after the test."""
    with ExitStack() as stack:
        yield lambda *given: stack.enter_context(closing(Pace(*given)))


def limit(requests: int, seconds: int) -> Limit:
    return Limit(uuid4().hex, requests, seconds)


def test_two_processes_share_one_limit(pace_of: Paces, redis_url: str) -> None:
    both = [limit(10, 60)]
    workers = [pace_of(redis_url, 2), pace_of(redis_url, 2)]
    taken = [worker.take(both) == 0 for _ in range(10) for worker in workers]
    assert taken.count(True) == 10
    assert 50 < workers[0].wait(both) <= 60
    assert workers[0].wait([limit(10, 60)]) == 0


def test_a_question_counts_nothing(pace_of: Paces, redis_url: str) -> None:
    pace, one = pace_of(redis_url), [limit(1, 60)]
    assert [pace.wait(one) for _ in range(5)] == [0.0] * 5
    assert pace.take(one) == 0
    assert pace.wait(one) > 0


def test_the_tightest_of_several_limits_counts_and_a_refusal_uses_up_none(
    pace_of: Paces, redis_url: str
) -> None:
    pace, wide, tight = pace_of(redis_url), limit(100, 60), limit(2, 3_600)
    assert [pace.take([wide, tight]) == 0 for _ in range(3)] == [True, True, False]
    assert pace.take([wide, tight]) > 3_000
    assert [pace.take([wide]) == 0 for _ in range(99)].count(True) == 98


def test_a_window_frees_again(pace_of: Paces, redis_url: str) -> None:
    pace, one = pace_of(redis_url), [limit(2, 1)]
    assert [pace.take(one) == 0 for _ in range(3)] == [True, True, False]
    assert 0 < pace.wait(one) <= 1
    assert until(lambda: pace.take(one) == 0, 30)


def test_threads_at_once_never_exceed_a_limit(pace_of: Paces, redis_url: str) -> None:
    pace, one = pace_of(redis_url), [limit(50, 60)]
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: pace.take(one) == 0, range(200)))
    assert taken.count(True) == 50


def test_while_redis_is_away_each_process_takes_its_share(pace_of: Paces, own_redis: EmbeddedRedis) -> None:
    pace, one = pace_of(own_redis.url, 2), [limit(10, 60)]
    assert pace.take(one) == 0
    own_redis.stop()
    taken = [pace.take(one) == 0 for _ in range(20)]
    assert taken.count(True) == 5
    assert pace.take([limit(1, 60)]) == 0
