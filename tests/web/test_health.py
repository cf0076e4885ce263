"""Life, readiness and metrics."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest
from cryptography.fernet import Fernet
from flask.testing import FlaskClient
from sqlalchemy import text

from embedded.process import free_port
from loyalty.crypto import Vault
from tests.builders import Shop, make_shop, make_woo_order, woo_body
from tests.conftest import Database
from tests.web.conftest import deliver
from webhook_app import create_app
from workers.runtime import Runtime

BODY = woo_body(make_woo_order())


def test_healthz_is_200(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}


def test_readyz_tells_what_waits(client: FlaskClient, shop: Shop) -> None:
    assert client.get("/readyz").json["messages"] == {"waiting": 0, "failed": 0}  # type: ignore[index]
    deliver(client, shop, BODY)
    answer = client.get("/readyz").json
    assert answer is not None
    assert answer["status"] == "ok"
    assert answer["messages"] == {"waiting": 1, "failed": 0}
    assert answer["oldest_message_seconds"] >= 0


def test_readyz_without_its_servers_is_503_with_reasons(runtime: Runtime) -> None:
    nowhere = replace(
        runtime.settings,
        database_url=f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none",
        redis_url=f"redis://127.0.0.1:{free_port()}/0",
    )
    client = create_app(nowhere).test_client()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["reasons"] == ["The database does not answer.", "The queue does not answer."]
    assert client.get("/healthz").status_code == 200
    assert client.get("/metrics").status_code == 200
    assert client.post(f"/webhooks/woocommerce/{'0' * 32}", data=BODY).status_code == 503


@pytest.mark.parametrize("which", [0, 1])
def test_readyz_tries_the_keys_on_the_oldest_account_and_on_the_newest(runtime: Runtime, which: int) -> None:
    client = create_app(runtime.settings).test_client()
    assert client.get("/readyz").status_code == 200, "before the first account"
    shops = [make_shop(runtime), make_shop(runtime)]
    assert client.get("/readyz").status_code == 200
    other = Vault((Fernet.generate_key().decode(),))
    with runtime.database.transaction(shops[which].account) as connection:
        connection.execute(text("update accounts set coupon_key = :key"), {"key": other.seal(b"another")})
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["reasons"][0].startswith("The encryption keys do not fit.")


def test_metrics_count_deliveries_and_requests_by_route(client: FlaskClient, shop: Shop) -> None:
    deliver(client, shop, BODY)
    deliver(client, shop, BODY)
    text = client.get("/metrics").text
    assert 'laurel_deliveries_total{outcome="accepted"}' in text
    assert 'laurel_deliveries_total{outcome="repeated"}' in text
    assert 'route="/webhooks/woocommerce/<token>",status="200"' in text
    assert "laurel_messages_waiting 1.0" in text
    assert "laurel_differences_found 0.0" in text
    assert shop.store.webhook_token not in text


def test_a_dead_pooled_connection_loses_no_delivery(
    client: FlaskClient, shop: Shop, database: Database
) -> None:
    assert deliver(client, shop, BODY).status_code == 200
    cut_connections(database)
    assert deliver(client, shop, BODY, X_WC_Webhook_Delivery_ID="next").status_code == 200


def cut_connections(database: Database) -> None:
    """End every other connection of the application's role, as a restart of PostgreSQL does."""
    address = database.app_url.replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where usename = current_user and datname = current_database() and pid <> pg_backend_pid()"
        )


def test_a_message_that_waits_too_long_is_an_alert_and_the_web_stays_ready(
    client: FlaskClient, shop: Shop, runtime: Runtime
) -> None:
    deliver(client, shop, BODY)
    assert client.get("/readyz").json["alerts"] == []  # type: ignore[index]
    assert "laurel_messages_late 0.0" in client.get("/metrics").text
    limit = runtime.settings.alert_seconds
    with runtime.database.transaction(shop.account) as connection:
        late = text("update inbox_messages set received_at = now() - make_interval(secs => :seconds)")
        connection.execute(late, {"seconds": limit + 60})
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json is not None
    assert "The oldest message has waited" in answer.json["alerts"][0]
    assert "laurel_messages_late 1.0" in client.get("/metrics").text
