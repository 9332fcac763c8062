"""HTTP to the servers the tests start: `httpx.get` would read the machine's certificates for each request."""

import ssl

import httpx

# Connections are not kept: the next test's server may get the same port.
PLAIN = httpx.Client(
    trust_env=False,
    verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    limits=httpx.Limits(max_keepalive_connections=0),
)
