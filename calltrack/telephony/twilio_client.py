"""One Twilio account, by Twilio's own client: building requests, reading answers and paging are its work."""

from twilio.rest import Client

from calltrack.telephony.carrier_errors import Refused
from calltrack.telephony.twilio_calls import TwilioCalls
from calltrack.telephony.twilio_http import TwilioHttp
from calltrack.telephony.twilio_numbers import TwilioNumbers
from calltrack.telephony.twilio_recordings import TwilioRecordings


class TwilioCarrier(TwilioNumbers, TwilioCalls, TwilioRecordings):
    """See `carrier.Carrier` for what every method promises."""

    def __init__(self, account_sid: str, auth_token: str, http: TwilioHttp) -> None:
        """Open an account over the process's one HTTP client; nothing is sent yet."""
        self.account_sid = account_sid
        self._http = http
        # The environment is Twilio's own way in for credentials and regions: ours come from the settings.
        self._client = Client(account_sid, auth_token, http_client=http, environment={"": ""})

    def check(self) -> str:
        """See `Carrier`."""
        account = self._client.api.v2010.accounts(self.account_sid).fetch()
        if account.status != "active":
            raise Refused(
                f"The Twilio account is {account.status}. Open the Twilio console, see why, reactivate it."
            )
        return f"{account.friendly_name} ({account.status})"
