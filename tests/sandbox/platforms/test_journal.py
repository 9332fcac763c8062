"""The journal of effects: one per conversion, with every value, and whether it was taken back."""

from pathlib import Path

from calltrack.sandbox.platforms.journal import Effect, Journal


def effect(value: float = 850.0, at: float = 1.0) -> Effect:
    return Effect("google_ads", "1/7002", "conv-a", "gclid", "2026-11-20", at, at, "EUR", (value,))


def test_a_retraction_leaves_the_effect_marked_and_its_id_used_up(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    assert journal.retract("google_ads", "1/7002", "conv-a", 1.0) is None
    assert journal.apply(effect()) == "counted"
    assert journal.apply(effect(900.0, 2.0)) == "replaced"
    assert journal.retract("google_ads", "1/7002", "conv-a", 3.0) == "retracted"
    assert journal.retract("google_ads", "1/7002", "conv-a", 4.0) == "repeated"
    journal.write(journal.effects())
    for one in (journal, Journal(path)):
        (kept,) = one.effects("google_ads")
        assert (kept.retracted, kept.values, kept.received, kept.changed_at) == (True, (850.0, 900.0), 4, 4.0)


def test_a_restart_counts_what_the_file_holds(tmp_path: Path) -> None:
    first = Journal(tmp_path / "journal")
    first.apply(effect())
    first.retract("google_ads", "1/7002", "conv-a", 2.0)
    first.retract("google_ads", "1/7002", "conv-a", 3.0)
    first.write(first.effects())
    counts = Journal(tmp_path / "journal").counts
    assert {name.removeprefix("google_ads."): count for name, count in counts.items()} == {
        "counted": 1,
        "replaced": 0,
        "retracted": 1,
        "repeated": 1,
    }
