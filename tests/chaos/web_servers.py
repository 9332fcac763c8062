"""Real nginx and Caddy with the settings we write, where the machine has them; else the plain file server."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest

from calltrack.calls.static_servers import VOICE_PORT
from tests.chaos import file_server
from tests.chaos.voice_rig import free_port
from tests.plain import PLAIN

SERVERS = ("plain", "nginx", "caddy")
Serving = Callable[..., AbstractContextManager[str]]
"""`serving(folder, upstream="")`: yields the origin; without an upstream it is another machine."""
NGINX = """
daemon off; master_process off; pid {own}/pid; error_log {own}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {own}/body; proxy_temp_path {own}/proxy; fastcgi_temp_path {own}/fastcgi;
    uwsgi_temp_path {own}/uwsgi; scgi_temp_path {own}/scgi;
    server {{ listen 127.0.0.1:{port}; include {settings}; }}
}}
"""
CADDY = """
{{
    admin off
    auto_https off
}}
http://127.0.0.1:{port} {{
    import {settings}
}}
"""


def server_of(name: str) -> Serving:
    """Return how to serve a folder by one of SERVERS; the test is skipped where the program is missing."""
    if name == "plain":
        return file_server.serving
    program = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin") or shutil.which(name)
    if program is None:
        pytest.skip(f"there is no {name} on this machine")
    return partial(_serving, name, program)


@contextmanager
def _serving(name: str, program: str, folder: Path, upstream: str = "") -> Iterator[str]:
    port = free_port()
    with tempfile.TemporaryDirectory() as text:
        own = Path(text)
        which = "nginx.conf" if name == "nginx" else "Caddyfile"
        if not upstream:
            which = "nginx-other-host.conf" if name == "nginx" else "Caddyfile-other-host"
        written = (folder / which).read_text()
        settings = own / "settings"
        settings.write_text(written.replace(f"127.0.0.1:{VOICE_PORT}", upstream.removeprefix("http://")))
        whole = (NGINX if name == "nginx" else CADDY).format(own=own, port=port, settings=settings)
        (own / "main").write_text(whole)
        main = str(own / "main")
        command = ["-c", main] if name == "nginx" else ["run", "--adapter", "caddyfile", "--config", main]
        # World-readable for a server that gives up root.
        own.chmod(0o755)
        with (own / "log").open("w") as log:
            server = subprocess.Popen([program, *command], env={"HOME": text}, stderr=log, stdout=log)
        try:
            _wait(port, server, own)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(10)


def _wait(port: int, server: "subprocess.Popen[bytes]", own: Path) -> None:
    ends = time.monotonic() + 10
    while time.monotonic() < ends and server.poll() is None:
        try:
            PLAIN.get(f"http://127.0.0.1:{port}/nothing-here")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError((own / "log").read_text())
