"""Opening a company's account at its carrier: one pooled HTTP client per process, made when first needed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from calltrack.telephony.carrier import Carrier

if TYPE_CHECKING:
    from calltrack.telephony.twilio_http import TwilioHttp


class Carriers:
    """The carriers of one process; thread-safe."""

    def __init__(self, base: str = "") -> None:
        """Prepare; `base` is the server asked instead of Twilio (see TWILIO_API_BASE)."""
        self.base = base
        self._lock = threading.Lock()
        self._http: TwilioHttp | None = None

    def open(self, account_sid: str, auth_token: str) -> Carrier:
        """Return the account; nothing is sent yet."""
        # Imported here: Twilio's client costs memory and start time that a voice process must not carry.
        from calltrack.telephony.twilio_client import TwilioCarrier

        return TwilioCarrier(account_sid, auth_token, self._pool())

    def close(self) -> None:
        """Close the kept-alive connections."""
        with self._lock:
            if self._http is not None:
                self._http.close()
                self._http = None

    def _pool(self) -> TwilioHttp:
        from calltrack.telephony.twilio_http import TwilioHttp

        with self._lock:
            if self._http is None:
                self._http = TwilioHttp(self.base)
            return self._http
