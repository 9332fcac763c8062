"""Numbers that lead elsewhere at the carrier (F23): found by the check, set right by the repair."""

from __future__ import annotations

from calltrack.numbers.keeping import check_numbers, repair_number
from calltrack.sandbox.carrier import SimulatedNumber
from calltrack.sandbox.carrier_rest.records import Record
from tests.chaos.call_rig import Rig


def lead_elsewhere(rig: Rig, url: str) -> dict[str, SimulatedNumber]:
    """Change the first address of every number at the carrier; return the numbers as they are there now."""
    records = rig.twin.desk.records
    rig.twin.ringing()  # The twin takes the numbers in when it is asked.

    def change(record: Record) -> None:
        record.update(voice_url=url, _adopted=False)

    for record in records.all("number"):
        records.change("number", record["sid"], change)
    return _by_flow(rig)


def repaired(rig: Rig) -> list[str]:
    """Let the check find every number, repair them, and say what is still wrong."""
    found = []
    ill = check_numbers(rig.services, rig.company.id)
    if ill < len(rig.company.number_ids):
        found.append(f"the check found {ill} of {len(rig.company.number_ids)} numbers that lead elsewhere")
    for number_id in rig.company.number_ids:
        left = repair_number(rig.services, rig.company.id, number_id, by="anna")
        if left:
            found.append(f"not repaired: {left}")
    led = {flow: (one.voice_url, rig.number(flow).voice_url) for flow, one in _by_flow(rig).items()}
    wrong = [flow for flow, (there, here) in led.items() if _bare(there) != _bare(here)]
    return [*found, *(f"leads elsewhere still: {flow}" for flow in wrong)]


def _bare(url: str) -> str:
    return url.partition("#")[0]


def _by_flow(rig: Rig) -> dict[str, SimulatedNumber]:
    here = {one.e164: one for one in rig.twin.ringing()}
    return {flow: here[rig.company.numbers[place]] for flow, place in rig.numbers.items()}
