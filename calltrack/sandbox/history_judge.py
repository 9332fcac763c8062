"""Judges the calls of the made-up past as the product would have: by what was known before each."""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from uuid import UUID

from calltrack.attribution.acquaintances import Acquaintances
from calltrack.attribution.densities import FORGOTTEN
from calltrack.attribution.facts import MOST_HOLDINGS, CallAt, Earlier, Evidence, Holding, Posterior
from calltrack.attribution.posterior import judge
from calltrack.attribution.prior import shipped
from calltrack.attribution.replay_book import RECENT_CALLS, RECENT_SECONDS
from calltrack.attribution.service import static_posterior
from calltrack.kernel.origin import campaign_key, source_key
from calltrack.numbers.model import TrackingNumber
from calltrack.sandbox.history_world import Called, Typed, Visited


@dataclass
class Judge:
    """What has happened so far; to be told everything in the order of time."""

    shown: dict[UUID, deque[Holding]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=MOST_HOLDINGS))
    )
    called: dict[UUID, list[tuple[CallAt, Posterior]]] = field(default_factory=lambda: defaultdict(list))
    known: Acquaintances = field(default_factory=Acquaintances)

    def __post_init__(self) -> None:
        self.model = shipped()

    def show(self, number_id: UUID, visit: Visited) -> None:
        """A visit was shown a number."""
        origin = visit.origin
        self.shown[number_id].append(
            Holding(
                visit=visit.id.hex,
                visitor=visit.visitor_id.hex,
                campaign=campaign_key(origin.source, origin.medium, origin.campaign),
                source=source_key(origin.source, origin.medium),
                shown_from=visit.started_at.timestamp(),
                last_seen=visit.last_seen_at.timestamp(),
                taps=(visit.tapped_at.timestamp(),) if visit.tapped_at else (),
                contact_at=visit.contact_at.timestamp() if visit.contact_at else None,
            )
        )

    def told_by_form(self, form: Typed) -> None:
        """A visitor typed a phone into a form."""
        self.known.reach(form.at.timestamp())
        self.known.told_by_form(form.visit.visitor_id.hex, form.phone)

    def call(self, call: Called, number_id: UUID, static: TrackingNumber | None) -> Posterior:
        """Return who made a call, and remember it."""
        at = CallAt(at=call.at.timestamp(), number=number_id.hex, caller=call.caller)
        self.known.reach(at.at)
        if static:
            found = static_posterior(campaign_key(static.source, static.medium, static.campaign))
        else:
            found = judge(self._evidence(at, number_id), self.model)
        self.known.told_by_call(at.caller, found.by_visitor)
        self.called[number_id].append((at, found))
        return found

    def _evidence(self, at: CallAt, number_id: UUID) -> Evidence:
        holdings = tuple(one for one in self.shown[number_id] if one.last_seen >= at.at - FORGOTTEN)
        return Evidence(
            call=at,
            holdings=holdings,
            earlier=self._earlier(at, number_id),
            linked=self.known.linked_to(at.caller),
            taken=self.known.taken_from(at.caller, {one.visitor for one in holdings}),
            caller_is_known=self.known.is_known(at.caller),
            known_callers=self.known.known_callers(),
            calls_before=self.known.calls.get(at.caller or "", 0),
        )

    def _earlier(self, at: CallAt, number_id: UUID) -> tuple[Earlier, ...]:
        past = [(one, found) for one, found in self.called[number_id] if at.at - one.at <= FORGOTTEN]
        recent = [one for one in past[-RECENT_CALLS:] if at.at - one[0].at <= RECENT_SECONDS]
        own = [one for one in past if at.caller is not None and one[0].caller == at.caller][-1:]
        return tuple(
            Earlier(at=one.at, posterior=found, same_caller=at.caller is not None and one.caller == at.caller)
            for one, found in [*(mine for mine in own if mine not in recent), *recent]
        )
