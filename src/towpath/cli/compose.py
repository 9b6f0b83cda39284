"""The only place that builds real things: settings become a database, keys, later the services."""

import os
import platform
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial

import psycopg
from psycopg.conninfo import conninfo_to_dict

from towpath import settings as reading
from towpath import telemetry
from towpath.api.app import ApiParts
from towpath.api.launching import Reach
from towpath.api.our_app import OurApp
from towpath.cli import CONFIG, WORKSPACE
from towpath.clock import seconds
from towpath.engine.paced_door import PacedDoor
from towpath.engine.worker import Parts
from towpath.errors import SettingsError, StoreError
from towpath.ledger.windows import Windows
from towpath.net.door import Door, HttpDoor
from towpath.net.mail import Post
from towpath.partners.registry import PARTNERS
from towpath.settings import Settings
from towpath.store import database, embedded, migrations
from towpath.store.database import Db
from towpath.store.secrets import KeyRing
from towpath.telemetry import Event

API_CONNECTIONS = 16
"""How many of the API's threads may use the database at once."""


def read_settings(**flags: object) -> Settings:
    """The settings of a command: its own flags (None: not given) over all other sources.

    Honours the root's `--config` and sets up logging. Raises SettingsError.
    """
    found = reading.load(config=CONFIG.get(), flags={"workspace": WORKSPACE.get()} | flags)
    telemetry.set_up(found.log_level)
    return found


@contextmanager
def open_database(settings: Settings) -> Iterator[str]:
    """The URL of a migrated database: the one that the settings name, else the embedded one.

    Raises StoreError when it cannot be reached, is too old, or is newer than this software.
    """
    with reach_database(settings) as url:
        for name in migrate(url):
            telemetry.tell(Event.DATABASE_MIGRATED, migration=name)
        yield url


@contextmanager
def reach_database(settings: Settings) -> Iterator[str]:
    """As `open_database`, whatever the schema is."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
    else:
        with embedded.running(settings.data_dir / "postgresql") as server:
            yield server.url


def migrate(url: str) -> list[str]:
    """Bring the schema up to this software's; the names of what ran. Raises StoreError."""
    with connect(url) as db:
        return migrations.migrate(db, database.database_now(db))


def connect(url: str) -> Db:
    """A connection, or a StoreError that names host and port and never the password."""
    try:
        return database.connect(url)
    except psycopg.ProgrammingError as error:
        raise StoreError(
            "The database's URL cannot be read.",
            remedy="It looks like postgresql://user:password@host:port/database.",
            field="database_url",
        ) from error
    except psycopg.OperationalError as error:
        parts = conninfo_to_dict(url)
        host = str(parts.get("host", "localhost")).rpartition("@")[2]
        refused = "password" in str(error) or "authentication" in str(error)
        raise StoreError(
            f"The database at {host}, port {parts.get('port', 5432)}, "
            + ("refused the login." if refused else "cannot be reached."),
            remedy="Check TOWPATH_DATABASE_URL, or leave it out to use the embedded PostgreSQL.",
            field="database_url",
        ) from error


def key_ring(settings: Settings) -> KeyRing:
    """The keys that seal tokens: the settings' own, else the one kept beside the embedded database.

    Raises SettingsError when there is neither.
    """
    keys = settings.secret_keys
    if not keys and settings.database_url is not None:
        raise SettingsError(
            "There is no key to seal tokens with.",
            remedy=f'Set TOWPATH_SECRET_KEYS="first:$({reading.MAKE_KEY})" and keep it safe.',
            field="secret_keys",
        )
    keys = keys or reading.kept_secret_keys(settings.data_dir)
    texts = {name: key.get_secret_value() for name, key in keys.items()}
    return KeyRing.read(texts, next(iter(texts)))


def webhook_hosts(settings: Settings) -> tuple[str, ...]:
    """Hosts and networks inside that webhooks may reach."""
    return tuple(filter(None, (each.strip() for each in settings.webhook_hosts.split(","))))


def post(settings: Settings) -> Post | None:
    """Where alerts are handed in as e-mails; None: nowhere."""
    if settings.smtp_url is None:
        return None
    return Post.read(settings.smtp_url.get_secret_value(), settings.smtp_from)


def reach(settings: Settings, door: Door) -> Reach:
    """How to reach partners through this door."""
    urls = {"tiktok": settings.tiktok_base_url}
    hosts = webhook_hosts(settings)
    return Reach(partial(PacedDoor, door), urls, key_ring(settings), hosts, our_app(settings))


def our_app(settings: Settings) -> OurApp | None:
    """As which app Towpath speaks to TikTok; None: the settings do not say."""
    if settings.tiktok_app_id is None or settings.tiktok_app_secret is None:
        return None
    return OurApp(
        settings.tiktok_app_id,
        settings.tiktok_app_secret.get_secret_value(),
        settings.requests_per_second,
        settings.people_per_request_max,
        settings.keys_per_request_max,
        settings.public_url,
    )


@asynccontextmanager
async def _open_reach(settings: Settings) -> AsyncIterator[Reach]:
    async with HttpDoor() as door:
        yield reach(settings, door)


def api_parts(settings: Settings, url: str, keys: KeyRing) -> ApiParts:
    """What the API of this process is made of. Whoever took them closes the pool."""
    pool = database.open_pool(url, API_CONNECTIONS, name="towpath-api")
    here = settings.tiktok_base_url.startswith("http:")  # which only this machine may be
    return ApiParts(pool, keys, partial(_open_reach, settings), sandbox=here)


def windows(settings: Settings) -> Windows:
    """The spans by which the ledger reckons, out of the settings."""
    return Windows(
        request_deadline=seconds(settings.request_deadline_s),
        lease=seconds(settings.lease_s),
        processing=seconds(settings.processing_s),
        acceptance=seconds(settings.acceptance_s),
        retry_first=seconds(settings.retry_first_s),
        retry_most=seconds(settings.retry_max_s),
        give_up=seconds(settings.window_s),
        flush=seconds(settings.flush_s),
        pause_most=seconds(settings.pause_max_s),
    )


def worker_parts(settings: Settings, url: str, door: Door, keys: KeyRing) -> Parts:
    """What a worker of this process is made of."""
    return Parts(
        connect=lambda: connect(url),
        partners=PARTNERS,
        base_urls={"tiktok": settings.tiktok_base_url},
        door=door,
        keys=keys,
        windows=windows(settings),
        name=f"{platform.node() or 'host'}-{os.getpid()}-{secrets.token_hex(3)}",
        seed=secrets.randbits(32),
        webhook_hosts=webhook_hosts(settings),
        post=post(settings),
        events_kept=seconds(settings.events_kept_days * 86_400),
    )
