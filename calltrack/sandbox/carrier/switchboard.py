"""Many calls at once: started in threads, watched through their journals."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import httpx

from calltrack.sandbox.carrier.call import Call, new_journal, play
from calltrack.sandbox.carrier.journal import CallJournal, Entry, Observer
from calltrack.sandbox.carrier.line import Line
from calltrack.sandbox.carrier.script import CallScript, SimulatedNumber
from calltrack.sandbox.carrier.wire import pool

KEPT = 500
AT_ONCE = 64


class Switchboard:
    """Plays calls in the background and remembers the last ones."""

    def __init__(
        self,
        http: httpx.Client | None = None,
        via: Mapping[str, str] | None = None,
        at_once: int = AT_ONCE,
        observer: Observer | None = None,
    ) -> None:
        self.observer = observer
        self._http = http or pool(at_once * 2)
        self._via = via
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="call")
        self._journals: OrderedDict[str, CallJournal] = OrderedDict()
        self._lock = threading.Lock()

    def start(
        self,
        script: CallScript,
        number: SimulatedNumber | None,
        auth_token: str = "",
        kind: Callable[[Line], Call] | None = None,
    ) -> CallJournal:
        """Begin a call and return its journal at once; with no number the call finds nobody."""
        journal = new_journal(script, self.observer)
        with self._lock:
            self._journals[journal.call_sid] = journal
            while len(self._journals) > KEPT:
                self._journals.popitem(last=False)
        if number is None:
            _not_in_service(journal, script)
        else:
            call = self._threads.submit(
                play, script, number, auth_token, self._http, journal=journal, via=self._via, kind=kind
            )
            call.add_done_callback(lambda ended: _tell_failure(journal, ended))
        return journal

    def find(self, call_sid: str) -> CallJournal | None:
        """Return the journal of a call, or None when there is none (any more)."""
        with self._lock:
            return self._journals.get(call_sid)

    def latest(self, most: int = 20) -> list[CallJournal]:
        """Return the last calls, newest first."""
        with self._lock:
            return list(reversed(self._journals.values()))[:most]

    def play_all(
        self, calls: Iterable[tuple[CallScript, SimulatedNumber]], auth_token: str
    ) -> list[CallJournal]:
        """Play many calls at once and return their journals in the order given."""
        running = [
            self._threads.submit(play, script, number, auth_token, self._http, via=self._via)
            for script, number in calls
        ]
        return [call.result() for call in running]

    def close(self) -> None:
        """Stop starting calls; those under way come to their end."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._http.close()


def _tell_failure(journal: CallJournal, ended: Future[CallJournal]) -> None:
    """Write into the journal why the simulator itself broke: nobody waits for its thread."""
    error = None if ended.cancelled() else ended.exception()
    if error is not None:
        _write(journal, f"The simulator itself failed: {type(error).__name__}: {error}")
    journal.state = "ended"


def _not_in_service(journal: CallJournal, script: CallScript) -> None:
    journal.result = "not-in-service"
    journal.final_status = "failed"
    _write(journal, f"The number {script.to} is not in service here: it belongs to nobody in this product.")
    journal.end()


def _write(journal: CallJournal, text: str) -> None:
    journal.write(Entry(kind="note", text=text, at=journal.began, elapsed=0.0))
