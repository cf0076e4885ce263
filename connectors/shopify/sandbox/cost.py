"""What a query costs: a scalar nothing, an object 1, a connection 2 and each of its rows, a mutation 10
(shopify.dev, graphql-admin/rate-limits; the 2 of a connection: Shopify Engineering, "Rate limiting GraphQL APIs").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_composite_type,
)

MUTATION = 10
CONNECTION = 2
MISSING: Any = object()


class Cost:
    """Reads one operation; without data it is what is asked for, with data what was found."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Any,
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._variables: Mapping[str, Any] = variables or {}
        self._fragments = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }

    def requested(self) -> int:
        """Return the cost before the query is carried out."""
        return self._of_operation(MISSING)

    def actual(self, data: Any) -> int:
        """Return the cost of what the answer has."""
        return self._of_operation(data or {})

    def _of_operation(self, data: Any) -> int:
        root = self._schema.get_root_type(self._operation.operation)
        assert root is not None
        if self._operation.operation.value != "mutation":
            return self._of_selections(self._operation.selection_set, root, data)
        fields = [each for _, each in self._fields(self._operation.selection_set, root)]
        done = [each for each in fields if data is MISSING or _found(data, each) is not None]
        return MUTATION * len(done)

    def _of_selections(self, selections: SelectionSetNode | None, kind: Any, data: Any) -> int:
        if selections is None:
            return 0
        sums: dict[str, int] = {}
        for owner, node in self._fields(selections, kind):
            sums[owner] = sums.get(owner, 0) + self._of_field(node, owner, data)
        # Of an interface or a union only one kind comes: the dearest one counts beside what all have.
        shared = sums.pop(kind.name, 0)
        return shared + max(sums.values(), default=0)

    def _of_field(self, node: FieldNode, owner: str, data: Any) -> int:
        parent: Any = self._schema.type_map[owner]
        if node.name.value.startswith("__"):
            return 0
        kind: Any = get_named_type(parent.fields[node.name.value].type)
        if not is_composite_type(kind):
            return 0
        found = data if data is MISSING else _found(data, node)
        if found is None:
            return 0
        if kind.name.endswith("Connection"):
            return self._of_connection(node, kind, found)
        if found is MISSING:
            return self._sized(node) * (1 + self._of_selections(node.selection_set, kind, MISSING))
        rows = found if isinstance(found, list) else [found]
        return sum(1 + self._of_selections(node.selection_set, kind, row) for row in rows if row is not None)

    def _of_connection(self, node: FieldNode, kind: Any, found: Any) -> int:
        """`edges` and `nodes` are the same rows: the dearer of them counts."""
        size, most = self._sized(node), 0
        for owner, part in self._fields(node.selection_set, kind):
            if part.name.value in ("edges", "nodes") and owner == kind.name:
                most = max(most, self._of_rows(part, kind, found, size))
        return CONNECTION + most

    def _of_rows(self, part: FieldNode, kind: Any, found: Any, size: int) -> int:
        row_kind: Any = get_named_type(kind.fields[part.name.value].type)
        # An edge is free, its node is the row.
        own = 1 if part.name.value == "nodes" else 0
        if found is MISSING:
            return size * (own + self._of_selections(part.selection_set, row_kind, MISSING))
        rows = _found(found, part) or []
        return sum(own + self._of_selections(part.selection_set, row_kind, row) for row in rows)

    def _fields(self, selections: SelectionSetNode | None, kind: Any) -> list[tuple[str, FieldNode]]:
        """Return the fields with the type on which each is asked."""
        found: list[tuple[str, FieldNode]] = []
        for each in selections.selections if selections else ():
            if isinstance(each, FieldNode):
                found.append((kind.name, each))
            elif isinstance(each, InlineFragmentNode):
                condition = each.type_condition
                inner = self._schema.type_map[condition.name.value] if condition else kind
                found += self._fields(each.selection_set, inner)
            elif isinstance(each, FragmentSpreadNode):
                fragment = self._fragments[each.name.value]
                inner = self._schema.type_map[fragment.type_condition.name.value]
                found += self._fields(fragment.selection_set, inner)
        return found

    def _sized(self, node: FieldNode) -> int:
        """Return how many rows are asked for, by `first`, `last` or `ids`; a list without a size is one."""
        for argument in node.arguments or ():
            value = argument.value
            if argument.name.value == "ids" and isinstance(value, VariableNode):
                return len(self._variables.get(value.name.value) or ())
            if argument.name.value in ("first", "last"):
                if isinstance(value, IntValueNode):
                    return int(value.value)
                if isinstance(value, VariableNode) and self._variables.get(value.name.value) is not None:
                    return int(self._variables[value.name.value])
        return 1


def _found(data: Any, node: FieldNode) -> Any:
    name = node.alias.value if node.alias else node.name.value
    return data.get(name) if isinstance(data, dict) else None
