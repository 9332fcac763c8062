"""The voice surface as a server loads it; settings come from the environment."""

from calltrack.config import read_settings
from calltrack.infra.log import set_up_logging
from calltrack.voice import create_voice
from calltrack.wiring import build

set_up_logging("voice")
application = create_voice(build(read_settings()))
