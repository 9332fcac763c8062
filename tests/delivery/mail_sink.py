"""A mail server on a socket of this machine that keeps what it is given."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import cast


@dataclass
class Mail:
    """A message as it came over the line."""

    sender: str
    to: list[str]
    message: EmailMessage


@dataclass
class MailSink:
    """What was mailed; `refuse` is answered to every message instead of taking it."""

    url: str = ""
    refuse: str = ""
    mails: list[Mail] = field(default_factory=list)


class _Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        sink = cast(_Server, self.server).sink
        sender, to = "", list[str]()
        self._say("220 sink")
        for raw in self.rfile:
            line = raw.decode().rstrip("\r\n")
            word = line.upper()
            if word.startswith("MAIL FROM:"):
                sender = line[10:].strip("<> ").partition(">")[0]
            elif word.startswith("RCPT TO:"):
                to.append(line[8:].strip("<> "))
            elif word == "DATA":
                self._say("354 go on")
                body = b"".join(iter(self.rfile.readline, b".\r\n"))
                if sink.refuse:
                    self._say(sink.refuse)
                    continue
                message = message_from_bytes(body, policy=default)
                sink.mails.append(Mail(sender, to, message))
            elif word == "QUIT":
                self._say("221 bye")
                return
            self._say("250 fine")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

    def __init__(self, sink: MailSink) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.sink = sink


@contextmanager
def mail_sink() -> Iterator[MailSink]:
    """Serve until the block ends."""
    sink = MailSink()
    with _Server(sink) as server:
        sink.url = f"smtp://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield sink
        server.shutdown()
        thread.join()
