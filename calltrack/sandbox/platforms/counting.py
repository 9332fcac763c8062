"""What twins of platforms without changes share: the first event with an id counts, later ones do nothing."""

from calltrack.sandbox.platforms.journal import Change, Effect, Journal, Seen


def count_first(journal: Journal, effect: Effect) -> Change:
    """Count an event once; the same id again is seen and changes neither value nor currency."""
    with journal.lock:
        known = journal.known(effect.platform, effect.target, effect.id)
        if known is None:
            outcome = journal.apply(effect)
        else:
            known.received += 1
            known.changed_at = effect.changed_at
            outcome = "repeated"
        note(journal, effect, outcome)
        journal.write([known or effect])
    return outcome


def note(journal: Journal, effect: Effect, outcome: str) -> None:
    """Show an event on the page with what the twin did with it, and count that; call it under the lock."""
    journal.counts[f"{effect.platform}.{outcome}"] += 1
    journal.recent.append(
        Seen(
            effect.changed_at,
            effect.platform,
            effect.target,
            effect.id,
            effect.click,
            effect.values[-1],
            effect.currency,
            outcome,
        )
    )


def count_request(journal: Journal, platform: str, target: str, refused: str, at: float) -> None:
    """Count a request, and show it when it was refused whole (`refused` says why)."""
    with journal.lock:
        journal.counts[f"{platform}.requests"] += 1
        if refused:
            journal.counts[f"{platform}.refused"] += 1
            journal.recent.append(Seen(at, platform, target, "", "", None, "", f"refused {refused}"))
