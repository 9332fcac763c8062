"""Commands of the demo: seed or remove the demo company, play the story."""

import json
import sys
from dataclasses import asdict

from calltrack.commands.running import DEMO, read_note, settings_here, write_note
from calltrack.config import SANDBOX_AUTH_TOKEN, read_settings
from calltrack.wiring import build


def seed(*, months: int, remove: bool) -> int:
    """Make the demo company where it is missing, and its history; or take its history away again."""
    from calltrack.sandbox.demo_company import ensure_demo_company
    from calltrack.sandbox.history import remove_history, seed_history

    settings = settings_here()
    services = build(settings, statement_timeout_ms=120_000)
    try:
        if remove:
            print(f"Removed {remove_history(services)} rows of demo history.")
            return 0
        note = read_note(settings.data_dir, DEMO)
        note = ensure_demo_company(services, note)
        write_note(settings.data_dir, DEMO, note)
        if months and (made := seed_history(services, months)):
            print(f"Seeded {made} calls of demo history.")
    finally:
        services.close()
    return 0


def simulate_story(*, as_json: bool, base_url: str | None) -> int:
    """Play the story against the running instance; 0 only if every step came true."""
    from calltrack.sandbox.story import Stage, play_story

    settings = settings_here()
    note = read_note(read_settings().data_dir, DEMO)
    if not note:
        raise SystemExit("The demo company is missing here. Start the demo first: make demo")
    origin = base_url or settings.base_url
    stage = Stage(
        base_url=origin,
        api_key=note["api_key"],
        auth_token=settings.twilio_auth_token.get_secret_value() or SANDBOX_AUTH_TOKEN,
        site_key=note["site_key"],
        page_url=f"{origin}/demo/",
        targets=(note["targets"][0], note["targets"][1]),
    )
    report = play_story(stage, lambda line: print(line, file=sys.stderr))
    if as_json:
        print(json.dumps(asdict(report), indent=1))
    if report.failed:
        print(f"The story broke: {report.failed}", file=sys.stderr)
        return 1
    print(f"The story came true in {report.seconds_total:.1f} s.", file=sys.stderr)
    return 0
