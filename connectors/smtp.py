"""The door for mail: one message at a time to the server of SMTP_URL."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import parse_qs, unquote, urlsplit

from loyalty.pushes import PushError

TIMEOUT = 20.0
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail in plain text to one address."""

    to: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class MailServer:
    """`smtp://user:password@host:587` or `smtps://…:465`; `?from=` names the sender, else `no-reply@` and a host."""

    url: str
    host_of_sender: str

    def send(self, mail: Mail) -> None:
        """Hand a mail to the server; raises PushError, permanent where the mail cannot be addressed, or the server
        refused it for good.
        """
        message = self._message(mail)
        try:
            with self._connect() as server:
                _hand_over(server, message, mail.to)
        except smtplib.SMTPRecipientsRefused as error:
            code = next(iter(error.recipients.values()))[0]
            raise _refused(code) from None
        except smtplib.SMTPResponseException as error:
            raise _refused(error.smtp_code) from None
        except (OSError, smtplib.SMTPException) as error:
            told = f"The mail server does not answer ({type(error).__name__})."
            raise PushError(told, permanent=False, reason="unreachable") from None

    def _message(self, mail: Mail) -> EmailMessage:
        senders = parse_qs(urlsplit(self.url).query).get("from")
        message = EmailMessage()
        message["From"] = senders[0] if senders else f"no-reply@{self.host_of_sender}"
        _address(message, mail.to)
        message["Subject"] = mail.subject
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        return message

    def _connect(self) -> smtplib.SMTP:
        parts = urlsplit(self.url)
        host = parts.hostname or "localhost"
        if parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, parts.port or 465, timeout=TIMEOUT, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(host, parts.port or 587, timeout=TIMEOUT)
        try:
            self._secure(server, host)
        except Exception:
            with suppress(OSError, smtplib.SMTPException):
                server.close()
            raise
        return server

    def _secure(self, server: smtplib.SMTP, host: str) -> None:
        """Encrypt where the server can, and log in; a password never goes over the net in the clear."""
        parts = urlsplit(self.url)
        server.ehlo()
        encrypted = parts.scheme == "smtps"
        if not encrypted and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
            encrypted = True
        if parts.username:
            if not encrypted and host not in LOOPBACK:
                raise PushError(
                    "The mail server offers no encryption.", permanent=False, reason="configuration"
                )
            server.login(unquote(parts.username), unquote(parts.password or ""))


def _address(message: EmailMessage, to: str) -> None:
    """Write whom a mail is to; raises PushError for what is not one address: a header would be parsed as other
    addresses or none, or, by mistakes of the standard library, raise AttributeError or IndexError.
    """
    try:
        message["To"] = to
        told = [address.addr_spec for address in message["To"].addresses]
    except (ValueError, AttributeError, LookupError):
        told = []
    if told != [to] or not to.isprintable():
        raise _rejected("Nothing can be mailed to this address.")


def _hand_over(server: smtplib.SMTP, message: EmailMessage, to: str) -> None:
    try:
        server.send_message(message, to_addrs=[to])
    except (smtplib.SMTPNotSupportedError, UnicodeError):
        raise _rejected("The mail server takes no such address.") from None


def _rejected(message: str) -> PushError:
    return PushError(message, permanent=True, reason="rejected")


def _refused(code: int) -> PushError:
    permanent = 500 <= code < 600 and code not in (530, 534, 535)
    return PushError(f"The mail server refused it ({code}).", permanent=permanent, reason="rejected")
