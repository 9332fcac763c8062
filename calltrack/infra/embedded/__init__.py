"""PostgreSQL and Redis without a system package: the servers inside two wheels, on private unix sockets."""

from calltrack.infra.embedded.postgres import EmbeddedPostgres
from calltrack.infra.embedded.redis import EmbeddedRedis
from calltrack.infra.process import ServiceError

__all__ = ["EmbeddedPostgres", "EmbeddedRedis", "ServiceError"]
