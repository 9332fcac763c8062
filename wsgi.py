"""The WSGI entry: `SURFACE=voice granian --interface wsgi wsgi:application`."""

import os
from typing import cast

from calltrack.app import Surface, create_app
from calltrack.config import read_settings
from calltrack.infra.heap import settle

surface = cast(Surface, os.environ.get("SURFACE", "all"))
application = create_app(read_settings(), surface)
settle()
if surface in ("web", "all"):
    from calltrack.budgets.warming import warm_where_used

    warm_where_used(application.extensions["calltrack"])
