"""The GraphQL documents of the connector: one named operation a file, with the fragments that it spreads;
law: nothing but these texts is ever sent to a shop.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

FOLDER = files("connectors.shopify") / "documents"
FRAGMENTS = "fragments.graphql"
SPREAD = re.compile(r"\.\.\.(\w+)")
FRAGMENT = re.compile(r"^fragment (\w+) on .*?^}\n", re.MULTILINE | re.DOTALL)
OPERATION = re.compile(r"^(query|mutation) (\w+)(?:\((.*?)\))? \{\n(.*?)^}\n", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^  (\w+)(?=[ (])", re.MULTILINE)
VARIABLE = re.compile(r"\$(\w+)")


@dataclass(frozen=True, slots=True)
class Document:
    """A text as it is sent: `name` is that of its operation, by which its cost is remembered."""

    name: str
    text: str


@cache
def document(file: str) -> Document:
    """Return the document of a file, given without its ending."""
    text = _read(f"{file}.graphql")
    operation = _operation(text)
    return Document(operation[2], text + _fragments_of(text))


@cache
def several(file: str, count: int) -> Document:
    """Return a document that carries out an operation so many times: the i-th field is `r<i>_<field>`, and its
    variables are `<name>_<i>`.
    """
    text = _read(f"{file}.graphql")
    kind, name, variables, body = _operation(text).groups()
    heads = [VARIABLE.sub(rf"$\1_{place}", variables) for place in range(count)]
    bodies = [VARIABLE.sub(rf"$\1_{place}", FIELD.sub(rf"  r{place}_\1: \1", body)) for place in range(count)]
    whole = f"{kind} {name}({', '.join(heads)}) {{\n{''.join(bodies)}}}\n"
    return Document(name, whole + _fragments_of(text))


def numbered(values: Mapping[str, object], place: int) -> dict[str, object]:
    """Return the variables of the operation at a place of `several`."""
    return {f"{name}_{place}": value for name, value in values.items()}


def list_files() -> list[str]:
    """Return the names of all documents, without their ending."""
    names = [each.name for each in FOLDER.iterdir() if each.name.endswith(".graphql")]
    return sorted(name.removesuffix(".graphql") for name in names if name != FRAGMENTS)


def _operation(text: str) -> re.Match[str]:
    found = OPERATION.search(text)
    if found is None:
        raise ValueError("The document has no operation.")
    return found


@cache
def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


@cache
def _fragments() -> dict[str, str]:
    return {found[1]: found[0] for found in FRAGMENT.finditer(_read(FRAGMENTS))}


def _fragments_of(text: str) -> str:
    """Return the fragments that a text spreads, and those that they spread."""
    wanted, known = SPREAD.findall(text), _fragments()
    found: dict[str, str] = {}
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = known[name]
            wanted += SPREAD.findall(known[name])
    return "".join(f"\n{found[name]}" for name in sorted(found))
