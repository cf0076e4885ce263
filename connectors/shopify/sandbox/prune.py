"""Cuts the Admin schema to what the sandbox plays: `python -m connectors.shopify.sandbox.prune [full schema .gz]`.

Fields are those that a document selects; arguments, inputs and enums are complete.
"""

from __future__ import annotations

import gzip
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    get_named_type,
    is_composite_type,
    parse,
    print_ast,
    print_type,
    visit,
)

HERE = Path(__file__).resolve().parent
PRUNED = HERE / "schema.graphql"
FULL = Path("tests/payloads/shopify/admin_2026-10.graphql.gz")
BUILT_IN = frozenset({"String", "Int", "Float", "Boolean", "ID"})
DESCRIPTION = re.compile(r'"""(?:\\"""|.)*?"""\s*', re.DOTALL)
HEAD = """# Pruned from Shopify's Admin GraphQL schema 2026-10 (npm @shopify/dev-mcp 1.16.0, ISC) by
# `python -m connectors.shopify.sandbox.prune`: the fields that the connector's documents and operations.graphql select.
schema { query: QueryRoot mutation: Mutation }
"""


def read_documents() -> list[DocumentNode]:
    """Return what the connector sends and what the sandbox plays."""
    own = sorted((HERE.parent / "documents").glob("*.graphql"))
    return [parse(path.read_text(encoding="utf-8")) for path in [*own, HERE / "operations.graphql"]]


def read_full(path: Path = FULL) -> GraphQLSchema:
    """Return the whole Admin schema."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        # Shopify deprecates fields that their interfaces do not, which a newer rule of GraphQL forbids.
        return build_schema(file.read(), assume_valid=True)


def prune(full: GraphQLSchema, documents: Iterable[DocumentNode]) -> str:
    """Return the SDL of what the documents use."""
    cut = _Cut(full)
    for document in documents:
        collector = _Collector(TypeInfo(full))
        visit(document, TypeInfoVisitor(collector.info, collector))
        for name, fields in collector.used.items():
            cut.keep(name, fields)
    cut.keep_what_interfaces_ask()
    return HEAD + "".join(f"\n{text}\n" for text in cut.definitions())


class _Collector(Visitor):
    """Notes which fields of which types a document selects."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info = info
        self.used: dict[str, set[str]] = {}

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Note a field of its parent."""
        parent = self.info.get_parent_type()
        if parent is not None and not node.name.value.startswith("__"):
            self.used.setdefault(parent.name, set()).add(node.name.value)

    def enter_inline_fragment(self, *_: Any) -> None:
        """Note the type of a fragment, of which maybe nothing but __typename is selected."""
        kind = self.info.get_type()
        if kind is not None:
            self.used.setdefault(get_named_type(kind).name, set())


@dataclass(slots=True)
class _Cut:
    """The types that stay, with the fields of those that have some."""

    full: GraphQLSchema
    fields: dict[str, set[str]] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)

    def keep(self, name: str, fields: Iterable[str]) -> None:
        """Keep fields of a type, and whatever they return and take."""
        kept = self.fields.setdefault(name, set())
        kind: Any = self.full.type_map[name]
        for each in set(fields) - kept:
            kept.add(each)
            definition = kind.fields[each]
            self._keep_type(get_named_type(definition.type))
            for argument in definition.args.values():
                self._keep_type(get_named_type(argument.type))

    def keep_what_interfaces_ask(self) -> None:
        """Give every object the fields of the interfaces that are kept."""
        while True:
            before = {name: len(fields) for name, fields in self.fields.items()}
            for name in list(self.fields):
                for interface in getattr(self.full.type_map[name], "interfaces", ()):
                    if interface.name in self.fields:
                        self.keep(name, self.fields[interface.name])
            if {name: len(fields) for name, fields in self.fields.items()} == before:
                return

    def definitions(self) -> Iterator[str]:
        """Yield the SDL of each type that stays, without its descriptions."""
        for name in sorted({*self.others, *(each for each, kept in self.fields.items() if kept)}):
            kind = self.full.type_map[name]
            if name not in BUILT_IN:
                yield _without_descriptions(print_type(self._narrow(kind)))

    def _keep_type(self, kind: GraphQLNamedType) -> None:
        if isinstance(kind, GraphQLUnionType):
            self.others.add(kind.name)
        elif is_composite_type(kind):
            self.fields.setdefault(kind.name, set())
        elif kind.name not in self.others:
            self.others.add(kind.name)
            if isinstance(kind, GraphQLInputObjectType):
                for each in kind.fields.values():
                    self._keep_type(get_named_type(each.type))

    def _narrow(self, kind: GraphQLNamedType) -> GraphQLNamedType:
        if isinstance(kind, GraphQLUnionType):
            return GraphQLUnionType(kind.name, [each for each in kind.types if self._has(each.name)])
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            return kind
        kept = self.fields[kind.name]
        fields = {name: each for name, each in kind.fields.items() if name in kept}
        interfaces = [each for each in kind.interfaces if self._has(each.name)]
        return type(kind)(kind.name, fields, interfaces)

    def _has(self, name: str) -> bool:
        return bool(self.fields.get(name))


def _without_descriptions(text: str) -> str:
    """Return a definition one field a line, without the texts that explain it."""
    return print_ast(parse(DESCRIPTION.sub("", text), no_location=True))


def main() -> None:
    """Write the pruned schema anew."""
    full = read_full(Path(sys.argv[1]) if len(sys.argv) > 1 else FULL)
    PRUNED.write_text(prune(full, read_documents()), encoding="utf-8")


if __name__ == "__main__":
    main()
