"""A row of a file as a member with what he brings along; law: who is named is found as everywhere (RULES §8)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from loyalty.engine.import_columns import texts_of
from loyalty.engine.import_openings import read_opening_of
from loyalty.engine.import_reader import Cells, Ground, Reader
from loyalty.engine.opening import Opening
from loyalty.imports.cells import read_birthday, read_flag
from loyalty.members.identity import Identity, normal_phone, typed_email

STATUSES = ("claimed", "completed", "refused", "reversed")
_CODE = re.compile(r"[0-9a-z_-]{1,64}")
_PROVEN = (("email", "proven_emails", typed_email), ("phone", "proven_phones", normal_phone))


@dataclass(frozen=True, slots=True)
class Arrival:
    """One member of a file."""

    number: int
    identities: tuple[Identity, ...]
    profile: Mapping[str, str]
    registered: bool
    birthday: tuple[int, int, int | None] | None
    referral_code: str
    link: Mapping[str, str] | None
    """By whose code he was brought, and what became of that."""
    opening: Opening


def read_arrival(number: int, cells: Cells, ground: Ground) -> tuple[Arrival | None, list[tuple[str, str]]]:
    """Return the member of a row, or None and everything that is wrong: pairs of a column and a message."""
    reader = Reader(cells, ground)
    identities, profile = _identities(reader), _profile(reader)
    birthday, code, link = _birthday(reader), _code(reader, "referral_code"), _link(reader)
    opening = read_opening_of(reader)
    if reader.mistakes:
        return None, reader.mistakes
    registered = reader.read("registered", read_flag, default=True)
    return Arrival(number, identities, profile, registered, birthday, code, link, opening), reader.mistakes


def _identities(reader: Reader) -> tuple[Identity, ...]:
    """Return by what a row names somebody: as a shop's customer, and by addresses that he proved; without any of these
    by his e-mail address, else his phone.
    """
    found = [
        identity
        for text in texts_of(reader.cells.get("customer_ids", ""))
        for identity in _customer(reader, text)
    ]
    for kind, column, normal in _PROVEN:
        for text in texts_of(reader.cells.get(column, "")):
            if not normal(reader.word(column, text)):
                reader.refuse(column, f"{text} identifies nobody.")
            found.append(Identity(kind, normal(text)))
    reader.read("registered", read_flag, default=True)
    email, phone = reader.text("email"), reader.text("phone")
    if email and not typed_email(email):
        reader.refuse("email", "Must be an e-mail address.")
    elif email and not found:
        found.append(Identity("email", typed_email(email)))
    elif not found:
        found += _phone(reader, phone)
    return tuple(dict.fromkeys(found))


def _phone(reader: Reader, phone: str) -> list[Identity]:
    if normal_phone(phone):
        return [Identity("phone", normal_phone(phone))]
    if phone:
        reader.refuse("phone", "Must be in E.164, such as +886912345678, where it alone names somebody.")
    else:
        reader.refuse("email", "Nobody is named: an e-mail address, a phone or a customer id is needed.")
    return []


def _customer(reader: Reader, text: str) -> list[Identity]:
    store, colon, customer = reader.word("customer_ids", text).partition(":")
    told = int(store) if colon and store.isdecimal() else reader.ground.store
    if told is None:
        reader.refuse("customer_ids", "Say of which store: name one for the import, or write 1:25.")
    elif told not in reader.ground.stores:
        reader.refuse("customer_ids", f"There is no store of the number {told}.")
    else:
        return [Identity("customer", f"{told}:{customer if colon else text}")]
    return []


def _profile(reader: Reader) -> dict[str, str]:
    said = {name: reader.text(name) for name in ("name", "region", "role")}
    email, phone = reader.text("email"), reader.text("phone")
    return {"email": email.strip(), "phone": normal_phone(phone) or phone, **said}


def _birthday(reader: Reader) -> tuple[int, int, int | None] | None:
    found: tuple[int, int, int | None] | None = reader.read("birthday", read_birthday, None)
    if found is None:
        return None
    month, day, year = found
    try:
        born = datetime(year or 2000, month, day, tzinfo=UTC)
    except ValueError:
        reader.refuse("birthday", "There is no such day.")
        return None
    if born > reader.ground.now or born.year < 1900:
        reader.refuse("birthday", "There is no such year.")
    return found


def _code(reader: Reader, name: str) -> str:
    told = str(reader.cells.get(name, "")).strip().casefold()
    code = told.rpartition("/")[2].rpartition("=")[2] if "://" in told else told
    if code and not _CODE.fullmatch(code):
        reader.refuse(name, "Must be a code of letters, digits, - and _.")
    return code


def _link(reader: Reader) -> dict[str, str] | None:
    code, at = _code(reader, "referred_by"), reader.past("referred_at") or reader.ground.now
    status = str(reader.cells.get("referral_status", "")).strip() or "completed"
    if status in ("pending", "review"):
        status = "claimed"
    if status not in STATUSES:
        reader.refuse("referral_status", f"Must be one of {', '.join(STATUSES)}.")
    return {"code": code, "status": status, "at": at.isoformat()} if code else None
