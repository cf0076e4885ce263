"""One login for everything (DATABASE_OWNER_URL unset): every statement still runs as laurel_app."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import text

from embedded import ServerUrls
from tests.builders import Shop, make_woo_order, woo_body
from tests.web.conftest import deliver
from webhook_app import create_app
from webhook_app.tools import TOOLS, Tools
from workers.runtime import Runtime


@pytest.fixture
def membership(servers: ServerUrls) -> Iterator[None]:
    """The owner may become laurel_app, as where the migration made that role."""
    address = servers.superuser.replace("postgresql+psycopg", "postgresql").rpartition("/")[0]
    with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
        connection.execute("grant laurel_app to laurel_owner")
        yield
        connection.execute("revoke laurel_app from laurel_owner")


@pytest.mark.usefixtures("membership")
def test_the_owners_login_becomes_the_applications_role(runtime: Runtime, shop: Shop) -> None:
    urls = {"database_url": runtime.settings.database_owner_url, "database_owner_url": ""}
    app = create_app(replace(runtime.settings, **urls))
    tools: Tools = app.extensions[TOOLS]
    role = tools.database.single_statement(lambda it: it.execute(text("select current_user")).scalar_one())
    assert role == "laurel_app"
    assert deliver(app.test_client(), shop, woo_body(make_woo_order())).status_code == 200
    with tools.database.transaction(None) as connection:
        assert connection.execute(text("select count(*) from inbox_messages")).scalar_one() == 0
    tools.database.dispose()
