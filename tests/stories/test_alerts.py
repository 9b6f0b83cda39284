"""Stories of alerts: told once by each channel, and the all-clear once, whoever looks."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from tests.stories.files import canvas, sync
from tests.stories.mailbox import Mailbox, mailbox
from tests.stories.stage import KEYS, Stage
from tests.stories.test_health import BREAKS, role_lost, token_dead

from towpath.engine import alerting
from towpath.engine.alerting import Alerting, Teller, call_webhook, noticed, sign
from towpath.ids import StepId
from towpath.net.guard import CallFailed
from towpath.net.mail import Post
from towpath.partners.tiktok.problems import Problem
from towpath.store import alerts, health, named_secrets, tallies
from towpath.store.alerts import Setting

URL = "https://hooks.example.com/towpath"


@dataclass
class Hook:
    """A webhook's other end, which may be down."""

    got: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    down: bool = False

    async def call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, deadline_s: float
    ) -> tuple[int, str | None]:
        """Take a call."""
        assert (method, url) == ("POST", URL)
        assert deadline_s < alerting.HELD.total_seconds()
        if self.down:
            raise CallFailed("no answer within the deadline", refused=False)
        self.got.append((headers, body))
        return 204, None


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """A mail server."""
    with mailbox() as found:
        yield found


def tell(told: Stage, box: Mailbox, hook: Hook) -> None:
    """Two workers look, and send whatever is due."""
    tellers = [Teller(told.db, KEYS, Post.read(box.url, "towpath@example.com")) for _ in "12"]
    for _ in tellers:
        Alerting(told.db).tick(told.now)
    for teller in tellers * 3:
        if (notice := teller.claim(told.now)) is not None:
            if notice.channel == "email":
                failure = teller.mail(notice, told.now)
            else:
                failure = asyncio.run(call_webhook(notice, teller.secret(notice), hook))
            teller.note(notice, failure, told.now)


def ask_to_be_told(told: Stage) -> None:
    """By both channels."""
    named_secrets.write(told.db, KEYS, told.workspace, "alerts", "hush", told.now)
    setting = Setting(["ops@example.com", "ads@example.com"], URL, "alerts")
    alerts.write_setting(told.db, told.workspace, setting)


@pytest.mark.parametrize(("befalls", "problem", "subject", "code"), BREAKS)
def test_a_break_is_told_once_and_so_is_its_end(
    told: Stage,
    box: Mailbox,
    befalls: Callable[[Stage, bool], None],
    problem: Problem,
    subject: str,
    code: int,
) -> None:
    hook = Hook()
    ask_to_be_told(told)
    told.people("ana", "bruno")
    told.launch(canvas(add=sync()))
    befalls(told, True)
    for _ in range(4):
        told.wait(minutes=2)
        tell(told, box, hook)
    (mail,) = box.messages
    ((headers, body),) = hook.got
    assert mail["To"] == "ops@example.com, ads@example.com"
    assert "Winback" in mail.get_content()
    assert str(code) in mail.get_content()
    shown = json.loads(body)
    assert (shown["state"], shown["subject"], shown["problem"]) == ("raised", subject, problem)
    assert (shown["code"], shown["stops"]) == (code, ["Winback"])
    assert headers["Towpath-Signature"] == sign("hush", body)
    befalls(told, False)
    told.wait(minutes=20)
    for _ in range(3):
        tell(told, box, hook)
    assert [one["Subject"].split()[1] for one in box.messages] == ["Alert:", "Clear:"]
    assert [json.loads(one)["state"] for _, one in hook.got] == ["raised", "clear"]
    (alert,) = alerts.list_page(told.db, told.workspace)
    assert alert.told_at
    assert alert.clear_told_at
    said = box.messages[0].as_string() + body.decode()
    assert "ana@" not in said
    assert told.sandbox.world.token not in said


def test_a_channel_that_is_down_is_tried_again_under_the_same_id(told: Stage, box: Mailbox) -> None:
    hook = Hook(down=True)
    box.refuse = True
    ask_to_be_told(told)
    told.people("ana")
    told.launch(canvas(add=sync()))
    token_dead(told, True)
    told.wait(seconds=30)
    tell(told, box, hook)
    (alert,) = alerts.list_page(told.db, told.workspace)
    assert alert.told_at is None
    assert alert.failure in {"email: the server answered 451", "email: the server answered 250"}
    hook.down = box.refuse = False
    told.wait(minutes=2)
    tell(told, box, hook)
    assert len(box.messages) == len(hook.got) == 1
    assert hook.got[0][0]["Towpath-Message-Id"] == f"alert-{alert.id}-raised"


def test_what_is_over_before_it_was_told_is_never_told(told: Stage, box: Mailbox) -> None:
    ask_to_be_told(told)
    told.people("ana")
    told.launch(canvas(add=sync()))
    token_dead(told, True)
    told.wait(minutes=1)
    Alerting(told.db).tick(told.now)
    token_dead(told, False)
    told.wait(minutes=2)
    hook = Hook()
    tell(told, box, hook)
    assert (box.messages, hook.got) == ([], [])
    (alert,) = alerts.list_page(told.db, told.workspace)
    assert alert.ended_at


def test_an_ad_account_that_stops_nobody_is_no_alert(told: Stage) -> None:
    told.people("ana")
    told.launch(canvas(add=sync()))
    role_lost(told, True)
    told.wait(minutes=1)
    assert [one.problem for one in noticed(told.db, told.workspace, told.now)] == ["role_lost"]
    told.stop("Winback")
    assert noticed(told.db, told.workspace, told.now) == []
    role_lost(told, False)


def test_pending_too_long_is_an_alert_of_the_canvas(told: Stage) -> None:
    told.people("ana")
    told.launch(canvas(add=sync()))
    told.sandbox.faults.set(1.0, {"40100_dropped": 1.0})
    told.wait(minutes=29)
    assert noticed(told.db, told.workspace, told.now) == []
    told.wait(minutes=2)
    (one,) = noticed(told.db, told.workspace, told.now)
    assert (one.subject, one.name, one.problem) == ("canvas", "Winback", "pending_age")
    told.sandbox.faults.set(0.0)
    told.wait(minutes=15)
    assert noticed(told.db, told.workspace, told.now) == []


def test_many_errored_of_the_last_hour_are_an_alert_until_the_hour_is_over(told: Stage) -> None:
    told.people(*(f"person{number}" for number in range(120)))
    version = told.launch(canvas(add=sync()))
    token_dead(told, True)
    told.wait(hours=12, minutes=55)
    health.sample(told.db, told.now)
    told.wait(minutes=30)
    assert tallies.read(told.db, version)[StepId("add")].errored == 120
    found = {one.problem for one in noticed(told.db, told.workspace, told.now)}
    assert found == {"token_dead", "error_rate"}
    for _ in range(14):
        told.now += timedelta(minutes=5)
        health.sample(told.db, told.now)
    found = {one.problem for one in noticed(told.db, told.workspace, told.now)}
    assert found == {"token_dead"}
    token_dead(told, False)
