"""The WSGI entry: `SURFACE=voice granian --interface wsgi wsgi:application`."""

import os
from typing import cast

from calltrack.app import Surface, create_app
from calltrack.config import read_settings

application = create_app(read_settings(), cast(Surface, os.environ.get("SURFACE", "all")))
