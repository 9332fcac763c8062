"""How a carrier fails: unwell (try again), no (a person must change something), or not there."""

from calltrack.kernel.errors import CalltrackError
from calltrack.kernel.errors import NotFound as NothingThere


class CarrierError(CalltrackError):
    """What the carrier answered, in words for people that name the next step.

    `code` is the carrier's own number for it, None where there is none. Every method of `Carrier` raises
    only `Retry`, `Refused` and `NotFound`; anything else is a fault of ours.
    """

    def __init__(self, words: str, code: int | None = None) -> None:
        super().__init__(words)
        self.words = words
        self.code = code


class Retry(CarrierError):
    """The carrier is unwell or busy: do the same again later.

    `maybe_done`: the request may have been carried out although its answer is lost. Before a purchase, call
    or message is tried again, look whether it is there (`number_by_e164`, `list_calls`, `list_messages`).
    """

    def __init__(
        self,
        words: str,
        code: int | None = None,
        *,
        maybe_done: bool = False,
        after_seconds: float | None = None,
    ) -> None:
        super().__init__(words, code)
        self.maybe_done = maybe_done
        self.after_seconds = after_seconds
        """How long the carrier asks to wait; None where it does not say."""


class Refused(CarrierError):
    """The carrier said no: the words say what a person must change first."""


class NotFound(CarrierError, NothingThere):
    """The carrier has no such number, call, message or recording (any more)."""
