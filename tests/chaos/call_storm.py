"""The call storm: thousands of simulated calls over every kind of flow, under every fault of a caller's way.

`python -m tests.chaos.call_storm --calls 10000 --seed 7 --rounds 5` runs it on servers of its own and prints
what came of it. The carrier's clock is virtual: a call of ten minutes takes as long as its requests. Each
scenario is played once in calm weather; then the same scenarios come again under each fault (`call_faults`).

How the faults of the list are played (`call_faults.py`):
F1 every other request twice, compared byte by byte · F2 reports shuffled or reversed · F3 reports delivered
after the carrier's list closed the call · F4 a third of the reports dropped, half of the ends · F5 requests
signed with another company's token, or forged · F6 PostgreSQL stopped · F7 PostgreSQL frozen (SIGSTOP) ·
F8 the voice process killed and restarted behind a proxy with static answers; nothing reachable, files on
another machine; requests refused, answered 502, or answered in vain, with our second address and with files ·
F9 the voice process started without a saved table while PostgreSQL is stopped · F10 Redis stopped · F22 every
number shown to another visitor a minute ago · F23 wrong addresses at the carrier, found by the check and
repaired · F29 a full disk (tmpfs) under the spool, alone and with PostgreSQL stopped · R19 clocks that differ
by up to ten minutes.

After each fault the spool is emptied, the carrier's list is read once, and every call is judged: what was
heard and who rang (`call_judge`, by the plain flow; I7), one row (I1) that says what happened and equals the
row in calm weather (`call_rows`; I8), facts told once, and rows that equal the fold of their events.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx

from calltrack.calls.replay import Replayed, replay
from calltrack.sandbox.carrier import play
from calltrack.sandbox.carrier.call import new_journal
from tests.calls.rows import Stored, calls_of
from tests.chaos.call_faults import FAULTS, Fault, Road
from tests.chaos.call_judge import Played, Verdict, judge
from tests.chaos.call_rig import Rig, storm_rig
from tests.chaos.call_rows import differences, fact_problems, row_problems, stored_calls
from tests.chaos.call_weather import Sky
from tests.chaos.call_world import FLOWS, SETTINGS, Scenario, scenarios

AT_ONCE = 16


@dataclass
class Tally:
    """What came of the calls of one fault."""

    calls: int = 0
    whole: int = 0
    """Answered by the product alone, at the first address."""
    talked: int = 0
    news: int = 0
    """Events that only the carrier's list told."""
    equal: int = 0
    """Rows that were compared with the row in calm weather."""
    seconds: float = 0.0


@dataclass
class Storm:
    """Everything that came of it."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    calm: int = 0
    seconds: float = 0.0

    @property
    def calls(self) -> int:
        """How many calls were played under a fault."""
        return sum(tally.calls for tally in self.tallies.values())


def run(rig: Rig, calls: int, seed: int, rounds: int, faults: tuple[Fault, ...] = FAULTS) -> Storm:
    """Play so many calls in so many rounds, each round through every fault; judge all of them."""
    begun, storm = time.monotonic(), Storm()
    for number in range(rounds):
        share = [
            calls // rounds // len(faults) + (place < calls // rounds % len(faults))
            for place in range(len(faults))
        ]
        plays = scenarios(max(*share, len(FLOWS)), seed * 1000 + number, rig.company.target)
        calm = _calm(rig, storm, plays)
        for fault, count in zip(faults, share, strict=True):
            chance = random.Random(f"{seed}:{number}:{fault.name}")
            _under(rig, storm, fault, chance.sample(plays, count), chance, calm)
    _end(rig, storm)
    storm.seconds = time.monotonic() - begun
    return storm


def _calm(rig: Rig, storm: Storm, plays: list[Scenario]) -> dict[int, Stored]:
    """Play each scenario once in calm weather; returns the rows, by scenario."""
    sky = Sky(Road().weather, 0)
    played = _play(rig, plays, Road(), sky, random.Random(0))
    sky.close()
    rig.settle()
    rig.poll()
    storm.calm += len(played)
    rows = _rows(rig, played)
    _judge(rig, storm, "calm", plays, played, Road(), {}, Tally())
    rig.forget()
    return {id(one): rows[call.journal.call_sid][0] for one, call in zip(plays, played, strict=True)}


def _under(
    rig: Rig,
    storm: Storm,
    fault: Fault,
    plays: list[Scenario],
    chance: random.Random,
    calm: dict[int, Stored],
) -> None:
    begun = time.monotonic()
    tally = storm.tallies.setdefault(f"{fault.number} {fault.name}", Tally())
    with fault.begin(rig, chance) as road:
        sky = Sky(road.weather, chance.randrange(10**9))
        played = _play(rig, plays, road, sky, chance)
        if road.look:
            road.problems += road.look([call.journal.call_sid for call in played])
    rig.settle()
    tally.news += rig.poll()
    sky.let_go()
    sky.close()
    _judge(rig, storm, fault.name, plays, played, road, calm, tally)
    storm.problems += [f"{fault.name}: {problem}" for problem in (*road.problems, *sky.problems)]
    rig.forget()
    tally.seconds += time.monotonic() - begun
    print(
        f"{fault.number} {fault.name}: {len(played)} calls, {len(storm.problems)} problems so far", flush=True
    )


def _play(rig: Rig, plays: list[Scenario], road: Road, sky: Sky, chance: random.Random) -> list[Played]:
    manners = [road.manner(chance) | {"seed": chance.randrange(10**9)} for _ in plays]
    with httpx.Client(transport=sky, trust_env=False) as http, ThreadPoolExecutor(AT_ONCE) as callers:

        def one(place: int) -> Played:
            scenario = plays[place]
            usual = rig.number(scenario.flow, elsewhere=road.elsewhere)
            number = road.number(scenario.flow) if road.number else usual
            script = scenario.script(number.e164, **manners[place])
            journal = new_journal(script, rig.twin.board.observer)
            play(script, number, rig.company.auth_token, http, journal=journal, via=road.via)
            flow = FLOWS[scenario.flow]
            return Played(script, flow, SETTINGS, rig.company.target, journal, sky.by_file[journal.call_sid])

        return list(callers.map(one, range(len(plays))))


def _rows(rig: Rig, played: list[Played]) -> dict[str, list[Stored]]:
    return stored_calls(rig.services, rig.company.id, [call.journal.call_sid for call in played])


def _judge(
    rig: Rig,
    storm: Storm,
    name: str,
    plays: list[Scenario],
    played: list[Played],
    road: Road,
    calm: dict[int, Stored],
    tally: Tally,
) -> None:
    rows = _rows(rig, played)
    for scenario, call in zip(plays, played, strict=True):
        verdict = judge(call)
        own = rows.get(call.journal.call_sid, [])
        kept = road.keeps_everything
        found = verdict.problems + row_problems(rig.services, rig.company.id, call, verdict, own, kept)
        if kept and road.is_usual and _is_comparable(scenario, verdict, calm, own):
            tally.equal += 1
            found += differences(own[0], calm[id(scenario)], road.tells_all)
        storm.problems += [f"{name}: {scenario.flow}: {call.journal.call_sid}: {one}" for one in found]
        tally.calls += 1
        tally.whole += verdict.is_whole
        tally.talked += call.journal.bridged


def _is_comparable(scenario: Scenario, verdict: Verdict, calm: dict[int, Stored], own: list[Stored]) -> bool:
    return verdict.is_whole and not scenario.is_drawn and id(scenario) in calm and len(own) == 1


def _end(rig: Rig, storm: Storm) -> None:
    """Look at all rows together: none too many, none that is not the fold of its events, facts told once."""
    services, company = rig.services, rig.company
    stored = len(calls_of(services, company.id))
    expected = storm.calls + storm.calm
    if stored != expected:
        storm.problems.append(f"{expected} calls were played, {stored} rows are there")
    foreign = len(calls_of(services, rig.stranger.id))
    if foreign:
        storm.problems.append(f"{foreign} rows at a company nobody called")
    storm.problems += fact_problems(services, company.id, expected)
    counts = Replayed()
    again = replay(
        services.db, services.vault, company.id, None, write=False, now=services.clock(), counts=counts
    )
    storm.problems += [f"{one.call_sid}: {one.where} is not what its events say" for one in again]


def main() -> None:
    """Run the storm and print what came of it; exit code 1 if any call went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.call_storm")
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="faults whose name holds this word")
    asked = parser.parse_args()
    faults = tuple(fault for fault in FAULTS if asked.only in f"{fault.number} {fault.name}")
    with storm_rig() as rig:
        storm = run(rig, asked.calls, asked.seed, asked.rounds, faults)
    _print(storm, asked.seed)
    sys.exit(1 if storm.problems else 0)


def _print(storm: Storm, seed: int) -> None:
    print(f"{'fault':42}{'calls':>7}{'ours':>7}{'talked':>8}{'polled':>8}{'compared':>10}{'s':>7}")
    for name, tally in storm.tallies.items():
        print(
            f"{name:42}{tally.calls:>7}{tally.whole:>7}{tally.talked:>8}{tally.news:>8}{tally.equal:>10}"
            f"{tally.seconds:>7.1f}"
        )
    print(
        f"{storm.calls} calls under faults, {storm.calm} in calm weather, {storm.seconds:.0f} s, seed {seed}"
    )
    kinds = Counter(problem.partition(": ")[0] for problem in storm.problems)
    print(f"problems: {len(storm.problems)} {dict(kinds)}")
    for problem in storm.problems[:60]:
        print(f"  {problem}")


if __name__ == "__main__":
    main()
