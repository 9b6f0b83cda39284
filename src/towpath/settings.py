"""What the operator decides, each value with one named source.

Defaults, then `towpath.toml`, then `.env`, then `TOWPATH_*` of the environment, then flags: a
later one stands over an earlier one. A secret may lie in a file:
`TOWPATH_SECRET_KEYS_FILE=/run/secrets/keys`. Everything wrong is told at once, with the place it
stands and what is allowed; the value of a secret is never told. Durations are in seconds.
"""

import base64
import binascii
import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from towpath import limits
from towpath.errors import SettingsError

PREFIX = "TOWPATH_"
FILE = "towpath.toml"
FILE_BYTES_MAX = 1_000_000
SECRET_KEY_BYTES = 32
MAKE_KEY = "openssl rand -base64 32"
LEASE_MARGIN_S = 1.0  # an answer at the very deadline must still find its lease
_SECRETS = ("database_url", "secret_keys", "tiktok_app_secret", "tiktok_token", "smtp_url")
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")


def _seconds(default: float, *, least: float, most: float) -> Any:
    return Field(default, ge=least, le=most, allow_inf_nan=False)


class Settings(BaseModel):
    """All settings, checked. Secrets print as stars."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    database_url: SecretStr | None = None  # none: the embedded PostgreSQL
    data_dir: Path = Field(default_factory=lambda: default_data_dir(os.environ))
    secret_keys: dict[str, SecretStr] = {}  # id to base64; the first one seals, all of them open
    tiktok_base_url: str = "https://business-api.tiktok.com"
    tiktok_app_id: str | None = None
    tiktok_app_secret: SecretStr | None = None
    tiktok_token: SecretStr | None = None  # `towpath connect` seals it in the database
    requests_per_second: int = Field(default=50, ge=1, le=1000)
    people_per_request_max: int = Field(default=10_000, ge=1, le=10_000)
    keys_per_request_max: int = Field(default=1_000, ge=1, le=40_000)
    request_deadline_s: float = _seconds(30, least=0.1, most=limits.REQUEST_DEADLINE_S_MAX)
    lease_s: float = _seconds(60, least=1, most=3_600)
    # P: how long the partner may take to apply an answer.
    processing_s: float = _seconds(48 * 3_600, least=0, most=14 * 86_400)
    # D: how late after its lease an unanswered request may still be accepted.
    acceptance_s: float = _seconds(600, least=0, most=86_400)
    retry_first_s: float = _seconds(5, least=0.1, most=3_600)
    retry_max_s: float = _seconds(600, least=0.1, most=86_400)
    window_s: float = _seconds(limits.WINDOW_S, least=10, most=7 * 86_400)
    # However long the partner asks to wait, a scope rests no longer.
    pause_max_s: float = _seconds(3_600, least=1, most=86_400)
    flush_s: float = _seconds(limits.FLUSH_S, least=1, most=600)
    workspace: str = Field(default="default", min_length=1, max_length=limits.NAME_CHARS_MAX)
    # Not `host` and `port`: container platforms put a TOWPATH_PORT of their own there.
    listen_host: str = Field(default="127.0.0.1", min_length=1, max_length=255)
    listen_port: int = Field(default=8765, ge=0, le=65_535)  # 0: any that is free
    public_url: str | None = None  # where browsers find it; none: where it listens
    trusted_proxies: str = ""  # addresses between commas whose X-Forwarded-For is believed
    webhook_hosts: str = ""  # hosts and networks inside that webhooks may reach, between commas
    smtp_url: SecretStr | None = None  # smtp://user:password@host:587 or smtps://; none: no e-mail
    smtp_from: str = Field(default="", max_length=320)  # the address that alerts come from
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    # Events, and the ids that they came with, by whole days of receipt.
    events_kept_days: int = Field(default=limits.EVENTS_KEPT_DAYS, ge=2, le=36_500)
    workers: int = Field(default=1, ge=1, le=64)

    @field_validator("secret_keys", mode="before")
    @classmethod
    def _read_keys(cls, given: object) -> object:
        """`id:base64` pairs, from a list or between commas."""
        pairs = given if isinstance(given, list) else str(given).split(",")
        keys: dict[str, str] = {}
        for pair in pairs:
            name, colon, text = str(pair).strip().partition(":")
            if not colon or not _KEY_ID.fullmatch(name):
                raise ValueError("wants id:base64 pairs; an id is letters, digits, - and _")
            if name in keys:
                raise ValueError(f"names the key {name!r} twice")
            if not _is_key(text):
                raise ValueError(f"key {name!r} is not base64 of 32 bytes; `{MAKE_KEY}` makes one")
            keys[name] = text
        return keys

    @field_validator("tiktok_base_url")
    @classmethod
    def _check_base_url(cls, given: str) -> str:
        """https, except towards this very machine, where the sandbox listens."""
        parts = urlsplit(given.rstrip("/"))
        if not parts.hostname or parts.path or parts.query or parts.username:
            raise ValueError("wants scheme and host only, such as https://business-api.tiktok.com")
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_here(parts.hostname)):
            raise ValueError("must be https; http is for a sandbox on this machine")
        return given.rstrip("/")

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, given: str | None) -> str | None:
        parts = urlsplit(given or "https://nowhere")
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
            raise ValueError("wants scheme and host, such as https://towpath.example.com")
        return given.rstrip("/") if given else None

    @field_validator("database_url")
    @classmethod
    def _check_database_url(cls, given: SecretStr | None) -> SecretStr | None:
        text = given.get_secret_value() if given else "postgresql://"
        if not re.match(r"postgres(ql)?://\S*$", text):
            raise ValueError("wants postgresql://user:password@host:port/database")
        return given

    @field_validator("smtp_url")
    @classmethod
    def _check_smtp_url(cls, given: SecretStr | None) -> SecretStr | None:
        text = given.get_secret_value() if given else "smtps://nowhere"
        if not re.fullmatch(r"smtps?://([^@/\s]+@)?[\w.-]+(:\d{1,5})?/?", text):
            raise ValueError("wants smtp://user:password@host:587 or smtps://user:password@host")
        return given

    @field_validator("smtp_from")
    @classmethod
    def _check_smtp_from(cls, given: str) -> str:
        if given and not re.fullmatch(r"[^@\s<>,]+@[^@\s<>,]+", given):
            raise ValueError("wants one address, such as towpath@example.com")
        return given

    @field_validator("tiktok_app_id", mode="before")
    @classmethod
    def _check_app_id(cls, given: object) -> object:
        if isinstance(given, float):
            raise ValueError("is a number too long to keep; quote it")  # noqa: TRY004 - for pydantic
        return str(given).strip() if isinstance(given, int | str) else given

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, given: object) -> object:
        return given.lower() if isinstance(given, str) else given


@dataclass(frozen=True)
class _Given:
    """A raw value and where it stands."""

    value: object
    place: str


def load(
    *,
    config: Path | None = None,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Settings:
    """The settings of this process.

    `config` names a file that must exist, instead of towpath.toml in `folder` (the working
    directory); `flags` stand over everything, None in them meaning "not given". Raises
    SettingsError that tells all faults, one a line, and whose `field` is the first of them.
    """
    environ = os.environ if environ is None else environ
    folder = folder or Path()
    faults: list[tuple[str, str]] = []
    given: dict[str, _Given] = {}
    given |= _from_toml(config or folder / FILE, required=config is not None)
    given |= _from_environment(_read_dotenv(folder / ".env"), ".env", faults)
    given |= _from_environment(environ, "environment", faults)
    wanted = {name: value for name, value in (flags or {}).items() if value is not None}
    given |= {name: _Given(value, "flag") for name, value in wanted.items()}
    _read_secret_files(given, faults)
    faults += _unknown(given)
    known = {name: each.value for name, each in given.items() if name in Settings.model_fields}
    try:
        settings = Settings.model_validate(known)
    except ValidationError as error:
        faults += [(str(each["loc"][0]), _said(each["msg"])) for each in error.errors()]
    else:
        faults += _relations(settings)
    if faults:
        raise _told(faults, given)
    return settings


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """Where data lies unless told otherwise: /var/lib/towpath as root, else in the user's home."""
    if os.geteuid() == 0:
        return Path("/var/lib/towpath")
    base = environ.get("XDG_DATA_HOME")
    try:
        return (Path(base) if base else Path.home() / ".local" / "share") / "towpath"
    except RuntimeError as error:
        raise SettingsError(
            "There is no home directory for the data.",
            remedy="Set HOME, or TOWPATH_DATA_DIR.",
            field="data_dir",
        ) from error


def kept_secret_keys(data_dir: Path) -> dict[str, SecretStr]:
    """The key that lies with an embedded database, made at first use; its id is `local`.

    For `Settings.secret_keys` where the operator named none. Raises SettingsError when others may
    read the file.
    """
    place = data_dir / "secret.key"
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if place.stat().st_mode & 0o077:
            raise SettingsError(
                f"Others may read {place}.", remedy=f"Run `chmod 600 {place}`.", field="secret_keys"
            ) from None
    else:
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(os.urandom(SECRET_KEY_BYTES)))
    return {"local": SecretStr(place.read_text(encoding="ascii").strip())}


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == SECRET_KEY_BYTES
    except binascii.Error:
        return False


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_text(place: Path) -> str:
    try:
        if place.stat().st_size > FILE_BYTES_MAX:
            raise SettingsError(f"{place} is too large to be settings.", field=str(place))
        return place.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{place} is not UTF-8.", remedy="Save it as UTF-8.", field=str(place)
        ) from error
    except OSError as error:
        raise SettingsError(
            f"{place} cannot be read: {error.strerror}.", field=str(place)
        ) from error


def _from_toml(place: Path, *, required: bool) -> dict[str, _Given]:
    if not required and not place.exists():
        return {}
    text = _read_text(place)
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{place} is no TOML: {error}.", field=str(place)) from error
    return {
        name: _Given(value, f"{place.name}{_line(text, name)}") for name, value in found.items()
    }


def _line(text: str, name: str) -> str:
    found = re.search(rf"^\s*(\[\s*)?{re.escape(name)}\b", text, re.MULTILINE)
    return f" line {text.count(chr(10), 0, found.end()) + 1}" if found else ""


def _read_dotenv(place: Path) -> dict[str, str]:
    if not place.exists():
        return {}
    values = dotenv_values(stream=StringIO(_read_text(place)), interpolate=False)
    return {name: value for name, value in values.items() if value is not None}


def _from_environment(
    values: Mapping[str, str], place: str, faults: list[tuple[str, str]]
) -> dict[str, _Given]:
    """Names that are settings, or nearly so; platforms add a TOWPATH_PORT and the like."""
    found = {}
    for name, value in values.items():
        key = name.removeprefix(PREFIX).lower()
        if not name.startswith(PREFIX):
            continue
        if key in Settings.model_fields or key.removesuffix("_file") in _SECRETS:
            found[key] = _Given(value, f"{name}, {place}")
        elif near := _near(key):
            faults.append((name, f"is no setting; did you mean {PREFIX}{near.upper()}?"))
    return found


def _read_secret_files(given: dict[str, _Given], faults: list[tuple[str, str]]) -> None:
    for name in _SECRETS:
        named = given.pop(f"{name}_file", None)
        if named is None:
            continue
        if name in given:
            faults.append((name, f"is given twice: as itself and as {name}_file"))
            continue
        try:
            given[name] = _Given(_read_text(Path(str(named.value))).strip(), named.place)
        except SettingsError as error:
            faults.append((f"{name}_file", error.message))


def _unknown(given: Mapping[str, _Given]) -> list[tuple[str, str]]:
    return [
        (name, "is no setting" + (f"; did you mean {near}?" if (near := _near(name)) else ""))
        for name in given
        if name not in Settings.model_fields
    ]


def _near(name: str) -> str | None:
    close = difflib.get_close_matches(name.lower(), Settings.model_fields, n=1, cutoff=0.75)
    return close[0] if close else None


def _relations(settings: Settings) -> list[tuple[str, str]]:
    """What must hold between settings, so that no answer outlives what waits for it."""
    deadline = settings.request_deadline_s
    rules = [
        (
            settings.lease_s >= deadline + LEASE_MARGIN_S,
            "lease_s",
            f"must be at least request_deadline_s + {LEASE_MARGIN_S:g} = {deadline + 1:g}",
        ),
        (
            settings.acceptance_s >= deadline,
            "acceptance_s",
            f"must be at least request_deadline_s = {deadline:g}",
        ),
        (
            settings.retry_max_s >= settings.retry_first_s,
            "retry_max_s",
            f"must be at least retry_first_s = {settings.retry_first_s:g}",
        ),
        (
            settings.window_s > settings.flush_s + deadline,
            "window_s",
            f"must be more than flush_s + request_deadline_s = {settings.flush_s + deadline:g}",
        ),
        (
            (settings.smtp_url is None) == (not settings.smtp_from),
            "smtp_from",
            "goes with smtp_url: give both or neither",
        ),
        (
            (settings.tiktok_app_id is None) == (settings.tiktok_app_secret is None),
            "tiktok_app_secret",
            "goes with tiktok_app_id: give both or neither",
        ),
    ]
    return [(name, said) for holds, name, said in rules if not holds]


def _said(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return text.replace("Input should be", "must be").replace("Input", "it")


def _told(faults: list[tuple[str, str]], given: Mapping[str, _Given]) -> SettingsError:
    lines = []
    for name, said in faults:
        each = given.get(name)
        place = f" ({each.place})" if each else ""
        shown = f"; it is {each.value!r}" if each and _may_show(name, each.value) else ""
        lines.append(f"  {name}{place} {said}{shown}")
    return SettingsError("The settings cannot work:\n" + "\n".join(lines), field=faults[0][0])


def _may_show(name: str, value: object) -> bool:
    return name in Settings.model_fields and name not in _SECRETS and len(str(value)) <= 80
