"""Every GraphQL document fits the whole schema of the version that is asked for, and uses nothing that will vanish."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

import pytest
from graphql import (
    GraphQLSchema,
    NoDeprecatedCustomRule,
    OperationDefinitionNode,
    build_schema,
    parse,
    specified_rules,
    validate,
)

from connectors.shopify.documents import document, list_files, several

PAYLOADS = Path(__file__).parent.parent / "payloads" / "shopify"
REPEATED = (
    "add_store_credit",
    "add_tags",
    "customer_by_email",
    "deactivate",
    "deactivate_gift_card",
    "delete_discount",
    "discount_by_code",
    "gift_card",
    "gift_cards_with_code",
    "make_webhook",
    "mend_basic",
    "mend_free_shipping",
    "orders_with_code",
    "put_basic",
    "put_free_shipping",
    "put_gift_card",
    "remove_tags",
    "set_metafields",
    "store_credits",
)


@cache
def whole_schema() -> GraphQLSchema:
    packed = (PAYLOADS / "admin_2026-10.graphql.gz").read_bytes()
    # Shopify deprecates fields of types whose interfaces it does not deprecate, which graphql-core finds invalid.
    return build_schema(gzip.decompress(packed).decode(), no_location=True, assume_valid=True)


def mistakes(text: str) -> list[str]:
    return [
        error.message
        for error in validate(whole_schema(), parse(text), [*specified_rules, NoDeprecatedCustomRule])
    ]


@pytest.mark.parametrize("file", list_files())
def test_a_document_fits_the_whole_schema_and_asks_for_nothing_deprecated(file: str) -> None:
    assert mistakes(document(file).text) == []


@pytest.mark.parametrize("file", REPEATED)
def test_an_operation_that_is_carried_out_several_times_in_one_request_fits_too(file: str) -> None:
    assert mistakes(several(file, 3).text) == []


def test_each_file_holds_one_operation_of_its_own_name() -> None:
    names = [document(file).name for file in list_files()]
    operations = [
        [each for each in parse(document(file).text).definitions if isinstance(each, OperationDefinitionNode)]
        for file in list_files()
    ]
    assert [len(each) for each in operations] == [1] * len(names)
    assert [each[0].name.value for each in operations if each[0].name] == names
    assert len(set(names)) == len(names)


def test_several_carries_its_operation_out_under_names_of_their_own() -> None:
    text = several("add_tags", 2).text
    assert "mutation AddTags($id_0: ID!, $tags_0: [String!]!, $id_1: ID!, $tags_1: [String!]!)" in text
    assert "r1_tagsAdd: tagsAdd(id: $id_1, tags: $tags_1)" in text


def test_the_rule_against_what_is_deprecated_finds_it() -> None:
    assert mistakes('{ order(id: "gid://shopify/Order/1") { totalPrice } }') != []
