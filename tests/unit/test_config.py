"""Settings: defaults, files, secrets, and all mistakes in one report."""

from __future__ import annotations

import base64
import stat
import threading
from pathlib import Path

import pytest

from loyalty.config import Settings, ensure_secrets, load_settings
from loyalty.errors import ConfigurationError

KEY = base64.urlsafe_b64encode(bytes(32)).decode()


def test_empty_environment_has_defaults() -> None:
    settings = load_settings({})
    assert settings.data_folder == Path("var")
    assert (settings.port, settings.public_url) == (8000, "http://127.0.0.1:8000")
    assert (settings.push, settings.allow_private_shops) == (True, False)
    assert (settings.database_url, settings.redis_url, settings.secret_key) == ("", "", "")


def test_public_url_follows_the_port() -> None:
    assert load_settings({"PORT": "9000"}).public_url == "http://127.0.0.1:9000"


def test_public_url_loses_its_slash() -> None:
    assert load_settings({"PUBLIC_URL": "https://points.example/"}).public_url == "https://points.example"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_database_url_names_the_driver(scheme: str) -> None:
    settings = load_settings({"DATABASE_URL": f"{scheme}://u:p@h/d?sslmode=require"})
    assert settings.database_url == "postgresql+psycopg://u:p@h/d?sslmode=require"


def test_value_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("redis://h/0\n")
    assert load_settings({"REDIS_URL_FILE": str(tmp_path / "url")}).redis_url == "redis://h/0"


def test_lists_are_split_at_commas() -> None:
    settings = load_settings(
        {"ENCRYPTION_KEYS": f"{KEY}, {KEY}", "SHOPIFY_API_KEY": "k", "SHOPIFY_API_SECRET": "n,o"}
    )
    assert settings.encryption_keys == (KEY, KEY)
    assert settings.shopify_api_secrets == ("n", "o")


@pytest.mark.parametrize(("text", "is_on"), [("on", True), ("1", True), ("OFF", False), ("false", False)])
def test_switch(text: str, is_on: bool) -> None:
    assert load_settings({"LAUREL_PUSH": text}).push is is_on


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://u@h/d"),
        ("DATABASE_OWNER_URL", "db.example/laurel"),
        ("REDIS_URL", "http://h"),
        ("REDIS_URL", "redis://h:port/0"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "+80"),
        ("PUBLIC_URL", "points.example"),
        ("SECRET_KEY", "short"),
        ("ENCRYPTION_KEYS", f"{KEY},short"),
        ("LAUREL_PUSH", "maybe"),
        ("ALLOW_PRIVATE_SHOPS", "2"),
        ("SHOPIFY_API_KEY", "without its secret"),
        ("SMTP_URL", "https://mail.example"),
        ("LOG_LEVEL", "loud"),
        ("WEB_WORKERS", "many"),
        ("WORKERS", "0"),
        ("SECRET_KEY_FILE", "/does/not/exist"),
    ],
)
def test_mistake_is_named_without_its_value(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings({name: value})
    assert str(caught.value).startswith(f"{name}: ")
    assert len(value) == 1 or value not in str(caught.value)


def test_all_mistakes_are_reported_together() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings({"PORT": "x", "WORKERS": "x", "SECRET_KEY": "x"}, need_servers=True)
    named = [line.partition(":")[0] for line in str(caught.value).splitlines()]
    assert sorted(named) == ["DATABASE_URL", "PORT", "REDIS_URL", "SECRET_KEY", "WORKERS"]


def test_variable_and_its_file_contradict(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="only one"):
        load_settings({"PORT": "80", "PORT_FILE": str(tmp_path)})


def test_secrets_are_not_shown() -> None:
    shown = repr(load_settings({"SECRET_KEY": "s" * 40, "DATABASE_URL": "postgres://u:pass@h/d"}))
    assert "ssss" not in shown
    assert "pass" not in shown


def test_secrets_are_made_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = _secrets(tmp_path), _secrets(tmp_path)
    assert first == second
    assert len(first.secret_key) >= 32
    assert len(base64.urlsafe_b64decode(first.encryption_keys[0])) == 32
    assert capsys.readouterr().err.count("backup") == 2
    assert {path.name for path in tmp_path.iterdir()} == {"secret-key", "encryption-keys"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_given_secrets_make_no_files(tmp_path: Path) -> None:
    given = {"LAUREL_DATA": str(tmp_path), "SECRET_KEY": "s" * 40, "ENCRYPTION_KEYS": KEY}
    assert ensure_secrets(load_settings(given)).encryption_keys == (KEY,)
    assert not any(tmp_path.iterdir())


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    seen: list[Settings] = []
    threads = [threading.Thread(target=lambda: seen.append(_secrets(tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({settings.secret_key for settings in seen}) == 1
    assert len({settings.encryption_keys for settings in seen}) == 1


def _secrets(folder: Path) -> Settings:
    return ensure_secrets(load_settings({"LAUREL_DATA": str(folder)}))
