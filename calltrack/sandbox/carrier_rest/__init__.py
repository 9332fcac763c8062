"""The carrier's REST server, as Twilio's own client speaks to it: it sells numbers, calls, writes, remembers.

    twin = Twin(auth_token=..., directory=..., file=...)
    app.register_blueprint(twin.blueprint)

What is sold here rings in the simulator (`twin.ringing`), and what the simulator plays is listed here
(`twin.board`). One server stands for several of Twilio's hosts; header X-Twilio-Original-Host tells which.
"""

from calltrack.sandbox.carrier_rest.desk import Behaviour
from calltrack.sandbox.carrier_rest.twin import Twin

__all__ = ["Behaviour", "Twin"]
