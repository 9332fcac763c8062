"""The settings with which nginx and Caddy give the static answers. `docs/fail-open.md` explains them.

A carrier posts, and file servers refuse a POST: an error page is fetched with GET, so both answer by one.
Which file answers which address is said by the patterns below; the first that fits counts.
"""

from pathlib import Path
from typing import Final

_NUMBER: Final = "^/voice/[0-9a-f]{32}"
# A step of a call flow says in its address what it follows: a key, a ring, a message, a phone that picked up.
_STEP: Final = r"step/[0-9a-f]{32}\.[a-z0-9_-]+\."
# Nobody waits for the answer: an error makes the carrier repeat a report, and keep a text message.
REPORTS: Final = rf"{_NUMBER}/(status|leg|recording|transcription|sms(/.*)?|out/[^/]+/status)$"
# A talk or a message is over, or we began the call ourselves: nobody is rung (again).
OVER: Final = rf"{_NUMBER}/(dialed|voicemail|out/.*|{_STEP}[rm][0-9].*)$"
# A phone of the business picked up: it is joined with the caller.
PICKED_UP: Final = rf"{_NUMBER}/(whisper|{_STEP}[wa][0-9].*)$"
RING: Final = r"^/voice/([0-9a-f]{32})(/.*)?$"

NGINX = """\
# calltrack: put this inside `server { ... }`. While the voice process is away, files answer for it.
location ~ "@REPORTS@" {
    proxy_pass http://127.0.0.1:@PORT@;
    proxy_set_header X-Forwarded-For $remote_addr;
}
location /voice/ {
    proxy_pass http://127.0.0.1:@PORT@;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_connect_timeout 1s;
    proxy_read_timeout 5s;
    proxy_intercept_errors on;
    error_page 500 502 503 504 = /calltrack-static$uri;
}
@FILES@
"""
NGINX_ALONE = """\
# calltrack: put this inside `server { ... }` of another machine that holds a copy of this folder.
location /voice/ {
    return 503;
    error_page 503 = /calltrack-static$uri;
}
@FILES@
"""
NGINX_FILES = """\
location ~ "@STATIC_REPORTS@" {
    internal;
    return 503;
}
location ~ "@STATIC_OVER@" {
    internal;
    root @FOLDER@;
    default_type text/xml;
    try_files /voice/hang-up.xml =503;
}
location ~ "@STATIC_PICKED_UP@" {
    internal;
    root @FOLDER@;
    default_type text/xml;
    try_files /voice/nothing.xml =503;
}
location ~ "^/calltrack-static/voice/(?<number>[0-9a-f]{32})(/.*)?$" {
    internal;
    root @FOLDER@;
    default_type text/xml;
    try_files /voice/$number.xml =503;
}
location /calltrack-static/ {
    internal;
    return 503;
}"""
CADDY = """\
# calltrack: put this inside the block of your site. While the voice process is away, files answer for it.
@reports path_regexp `@REPORTS@`
reverse_proxy @reports 127.0.0.1:@PORT@
@voice {
    path /voice/*
    not path_regexp `@REPORTS@`
}
reverse_proxy @voice 127.0.0.1:@PORT@ {
    transport http {
        dial_timeout 1s
        response_header_timeout 5s
    }
    @down status 5xx
    handle_response @down {
        error 503
    }
}
handle_errors {
@FILES@
}
"""
CADDY_ALONE = """\
# calltrack: put this inside the block of your site on another machine that holds a copy of this folder.
error /voice/* 503
handle_errors {
@FILES@
}
"""
CADDY_FILES = """\
    @reported path_regexp `@REPORTS@`
    @over path_regexp `@OVER@`
    @picked_up path_regexp `@PICKED_UP@`
    @ring path_regexp number `@RING@`
    root * @FOLDER@
    handle @reported {
        error 503
    }
    handle @over {
        header Content-Type text/xml
        rewrite * /voice/hang-up.xml
        method GET
        file_server {
            status 200
        }
    }
    handle @picked_up {
        header Content-Type text/xml
        rewrite * /voice/nothing.xml
        method GET
        file_server {
            status 200
        }
    }
    handle @ring {
        header Content-Type text/xml
        rewrite * /voice/{re.number.1}.xml
        method GET
        file_server {
            status 200
        }
    }"""
VOICE_PORT = "5000"


def nginx(folder: Path) -> str:
    """Return what nginx in front of calltrack needs."""
    return _filled(NGINX, NGINX_FILES, folder)


def nginx_alone(folder: Path) -> str:
    """Return what nginx on another machine needs, where there is no calltrack."""
    return _filled(NGINX_ALONE, NGINX_FILES, folder)


def caddy(folder: Path) -> str:
    """Return what Caddy in front of calltrack needs."""
    return _filled(CADDY, CADDY_FILES, folder)


def caddy_alone(folder: Path) -> str:
    """Return what Caddy on another machine needs."""
    return _filled(CADDY_ALONE, CADDY_FILES, folder)


def _filled(frame: str, files: str, folder: Path) -> str:
    text = frame.replace("@FILES@", files).replace("@PORT@", VOICE_PORT)
    for name, pattern in (("REPORTS", REPORTS), ("OVER", OVER), ("PICKED_UP", PICKED_UP), ("RING", RING)):
        text = text.replace(f"@STATIC_{name}@", f"^/calltrack-static{pattern[1:]}")
        text = text.replace(f"@{name}@", pattern)
    return text.replace("@FOLDER@", str(folder.absolute()))
