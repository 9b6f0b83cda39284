"""Settings: which source stands, and that everything wrong is told at once and in clear words."""

import base64
from pathlib import Path

import pytest

from towpath import settings
from towpath.errors import SettingsError
from towpath.settings import Settings

KEY = base64.b64encode(bytes(range(32))).decode()


def _load(
    folder: Path, environ: dict[str, str] | None = None, toml: str = "", **flags: object
) -> Settings:
    if toml:
        (folder / "towpath.toml").write_text(toml)
    return settings.load(environ=environ or {}, folder=folder, flags=flags)


def _fault(folder: Path, environ: dict[str, str] | None = None, toml: str = "") -> str:
    with pytest.raises(SettingsError) as caught:
        _load(folder, environ, toml)
    return caught.value.message


def test_defaults(tmp_path: Path) -> None:
    found = _load(tmp_path)
    assert (found.requests_per_second, found.people_per_request_max) == (50, 10_000)
    assert (found.window_s, found.flush_s) == (13 * 3600, 5)
    assert found.database_url is None


def test_a_later_source_stands_over_an_earlier_one(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TOWPATH_WORKERS=3\nTOWPATH_FLUSH_S=7\nOTHER=1\n")
    toml = "workers = 2\nflush_s = 6\nrequests_per_second = 10\n"
    found = _load(tmp_path, {"TOWPATH_WORKERS": "4"}, toml, workers=5, flush_s=None)
    assert (found.workers, found.flush_s, found.requests_per_second) == (5, 7, 10)
    found = _load(tmp_path, {"TOWPATH_WORKERS": "4"}, toml)
    assert found.workers == 4


def test_all_faults_at_once_with_place_and_what_is_allowed(tmp_path: Path) -> None:
    toml = "\n# a comment\nworkers = 'four'\nrequests_per_secnd = 5\n"
    said = _fault(tmp_path, {"TOWPATH_FLUSH_S": "0.001", "TOWPATH_LOG_LEVL": "info"}, toml)
    assert "workers (towpath.toml line 3) must be a valid integer" in said
    assert "did you mean requests_per_second?" in said
    assert "flush_s (TOWPATH_FLUSH_S, environment) must be greater than or equal to 1" in said
    assert "did you mean TOWPATH_LOG_LEVEL?" in said


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("requests_per_second", "0", "greater than or equal to 1"),
        ("people_per_request_max", "10001", "less than or equal to 10000"),
        ("people_per_request_max", "0", "greater than or equal to 1"),
        ("request_deadline_s", "-1", "greater than or equal to 0.1"),
        ("request_deadline_s", "inf", "finite"),
        ("window_s", "nan", "finite"),
        ("window_s", "3600000", "less than or equal to"),
        ("log_level", "LOUD", "'debug', 'info', 'warning' or 'error'"),
        ("workers", "10000", "less than or equal to 64"),
        ("tiktok_base_url", "http://business-api.tiktok.com", "must be https"),
        ("tiktok_base_url", "https://business-api.tiktok.com/open_api", "scheme and host only"),
        ("database_url", "mysql://root@localhost/x", "postgresql://"),
        ("database_url", "postgresql://a b@host/x", "postgresql://"),
        ("lease_s", "30", "at least request_deadline_s"),
        ("acceptance_s", "29", "at least request_deadline_s = 30"),
        ("retry_max_s", "1", "at least retry_first_s"),
        ("window_s", "20", "more than flush_s + request_deadline_s"),
        ("tiktok_app_id", "7", "both or neither"),
        ("secret_keys", "changeme", "id:base64"),
        ("secret_keys", "a:changeme", "not base64 of 32 bytes"),
        ("secret_keys", f"a:{KEY},a:{KEY}", "'a' twice"),
    ],
)
def test_refused(tmp_path: Path, name: str, value: str, told: str) -> None:
    said = _fault(tmp_path, {f"TOWPATH_{name.upper()}": value})
    assert told in said
    assert name in said or "tiktok_app_secret" in said


def test_what_is_allowed_at_the_edges(tmp_path: Path) -> None:
    found = _load(
        tmp_path,
        {
            "TOWPATH_TIKTOK_BASE_URL": "http://127.0.0.1:8900/",
            "TOWPATH_LOG_LEVEL": "DEBUG",
            "TOWPATH_PORT": "tcp://10.0.0.1:80",  # what a container platform may add
            "TOWPATH_REQUESTS_PER_SECOND": "51",
        },
    )
    assert found.tiktok_base_url == "http://127.0.0.1:8900"
    assert found.log_level == "debug"


def test_the_demo_can_be_quick(tmp_path: Path) -> None:
    flags = {"request_deadline_s": 2, "lease_s": 4, "processing_s": 5, "acceptance_s": 5}
    found = settings.load(environ={}, folder=tmp_path, flags={**flags, "retry_first_s": 1})
    assert (found.lease_s, found.retry_first_s) == (4, 1)


def test_secrets_come_from_files_and_are_never_shown(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"new:{KEY},old:{KEY}\n")
    found = _load(tmp_path, {"TOWPATH_SECRET_KEYS_FILE": str(tmp_path / "keys")})
    assert list(found.secret_keys) == ["new", "old"]
    assert found.secret_keys["new"].get_secret_value() == KEY
    assert KEY not in repr(found)
    said = _fault(tmp_path, {"TOWPATH_DATABASE_URL": "mysql://me:hush@host/x"})
    assert "hush" not in said
    said = _fault(tmp_path, {"TOWPATH_SECRET_KEYS": "hush"})
    assert "hush" not in said


def test_a_secret_given_twice_or_from_nowhere(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"a:{KEY}")
    environ = {
        "TOWPATH_SECRET_KEYS": f"a:{KEY}",
        "TOWPATH_SECRET_KEYS_FILE": str(tmp_path / "keys"),
        "TOWPATH_TIKTOK_APP_SECRET_FILE": str(tmp_path / "none"),
    }
    said = _fault(tmp_path, environ)
    assert "given twice" in said
    assert "none cannot be read: No such file" in said


def test_files_that_are_no_settings(tmp_path: Path) -> None:
    assert "line 1, column 11" in _fault(tmp_path, toml="workers = = 1")
    (tmp_path / "towpath.toml").write_bytes("workers = 1".encode("utf-16"))
    assert "is not UTF-8" in _fault(tmp_path)
    with pytest.raises(SettingsError, match="cannot be read"):
        settings.load(config=tmp_path / "missing.toml", environ={}, folder=tmp_path)


def test_a_long_number_must_be_quoted(tmp_path: Path) -> None:
    toml = "tiktok_app_id = 7.1e18\ntiktok_app_secret = 'x'"
    assert "quote it" in _fault(tmp_path, toml=toml)
    toml = "tiktok_app_id = 7100000000000000001\ntiktok_app_secret = 'x'"
    assert _load(tmp_path, toml=toml).tiktok_app_id == "7100000000000000001"


def test_the_kept_key_is_made_once_and_private(tmp_path: Path) -> None:
    first = settings.kept_secret_keys(tmp_path)
    assert settings.kept_secret_keys(tmp_path) == first
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "secret.key").chmod(0o644)
    with pytest.raises(SettingsError, match="Others may read"):
        settings.kept_secret_keys(tmp_path)
