"""The one logger. Lines carry no phone number, no token and no payload."""

import logging
import sys

log = logging.getLogger("calltrack")


def set_up_logging(process: str) -> None:
    """Write lines of level INFO and above to standard error, named after the process."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format=f"%(asctime)s {process} %(levelname)s %(message)s",
        force=True,
    )
    for name in ("httpx", "httpcore", "alembic", "rq.worker"):
        logging.getLogger(name).setLevel(logging.WARNING)
