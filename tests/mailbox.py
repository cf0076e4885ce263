"""A mail server of the standard library: speaks SMTP over a real socket and keeps what it is given."""

from __future__ import annotations

import email
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default


@dataclass
class Mailbox:
    """What arrived, and with which code recipients are refused (None: they are not)."""

    url: str = ""
    mails: list[EmailMessage] = field(default_factory=list)
    refusal: int | None = None


@contextmanager
def running_mailbox() -> Iterator[Mailbox]:
    """A server on a free port of this machine."""
    mailbox = Mailbox()

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 ready")
            for raw in self.rfile:
                verb = raw.decode().split()[0].upper().rstrip(":") if raw.strip() else ""
                if verb == "EHLO":
                    self.say("250 mailbox")
                elif verb == "RCPT" and mailbox.refusal is not None:
                    self.say(f"{mailbox.refusal} no")
                elif verb == "DATA":
                    self.say("354 go on")
                    self.take()
                    self.say("250 taken")
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")

        def take(self) -> None:
            lines = []
            for line in self.rfile:
                if line.strip() == b".":
                    break
                lines.append(line[1:] if line.startswith(b"..") else line)
            message = email.message_from_bytes(b"".join(lines), policy=default)
            assert isinstance(message, EmailMessage)
            mailbox.mails.append(message)

        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        mailbox.url = f"smtp://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield mailbox
        server.shutdown()
