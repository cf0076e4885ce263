"""The OpenAPI document against the application: every operation, asked as it is described and against its description,
answers as it says it does, and never by 500.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.core.failures import FailureGroup

from loyalty.engine.verify import verify_ledger
from tests.builders import Shop
from tests.web.conftest import Caller, drain, place_order
from workers.runtime import Runtime

EXAMPLES = 40 if "LAUREL_SOAK" in os.environ else 2
schemathesis.checks.load_all_checks()
JUDGES = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
    ]
)
LAST = "/api/v1/members/{member}/erasure"


@pytest.mark.filterwarnings("ignore")
def test_every_operation_answers_as_it_is_described(
    runtime: Runtime, app: Flask, shop: Shop, caller: Caller
) -> None:
    place_order(runtime, caller.client, shop)
    member = caller.get("/members").get_json()["data"][0]["id"]
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 80
    wrong: dict[str, str] = {}
    for operation in sorted(operations, key=lambda it: it.path == LAST):
        known = {"member": member} if "{member}" in operation.path else None
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                ask(operation, mode, known, caller.headers())
            except FailureGroup as failures:
                wrong[f"{operation.label} {mode}"] = "\n".join(map(str, failures.exceptions))
    assert not wrong, "\n".join(f"{name}: {text}" for name, text in wrong.items())
    drain(runtime, shop)
    with runtime.database.transaction(shop.account) as connection:
        assert verify_ledger(connection, shop.account, rebuild=True).differences == []


def ask(operation: Any, mode: GenerationMode, known: dict[str, str] | None, headers: dict[str, str]) -> None:
    """Send some requests to an operation and let the description judge the answers."""
    if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query):
        return

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy(mode, path_parameters=known))
    def sent(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=JUDGES)

    sent()
