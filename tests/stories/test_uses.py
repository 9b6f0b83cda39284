"""Stories of the document's common uses: by what people do, over several channels, within seconds.

TikTok is one channel; another is whatever a webhook reaches, here somebody's list of letters.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

import pytest
from tests.stories.files import canvas, sync
from tests.stories.stage import KEYS, Stage

from towpath.cli.compose import windows
from towpath.engine.webhook_calls import carry
from towpath.engine.webhooks import Webhooks

LETTERS = (
    '{kind: webhook, url: "https://letters.example.com/send", next: NEXT,'
    ' body: \'{"to": {{ person.external_id | json }}, "why": {{ context.total | json }}}\'}'
)


@dataclass(slots=True)
class Letters:
    """The other channel: remembers who was written to, and what."""

    told: Stage
    hooks: Webhooks = field(init=False)
    sent: list[tuple[str, object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """The engine's webhooks call it."""
        told = self.told
        self.hooks = Webhooks(told.db, KEYS, windows(told.settings), Random(1))

    async def call(
        self,
        method: str,  # noqa: ARG002 - a Caller's
        url: str,  # noqa: ARG002
        headers: Mapping[str, str],  # noqa: ARG002
        body: bytes,
        deadline_s: float,  # noqa: ARG002
    ) -> tuple[int, str | None]:
        """One letter."""
        letter = json.loads(body)
        self.sent.append((letter["to"], letter["why"]))
        return 202, None

    def go_out(self) -> None:
        """Whoever stands at the webhook is called."""
        while (batch := self.hooks.take(self.told.now)) is not None:
            self.told.runner.run(carry(batch, self))
            assert self.hooks.settle(batch, self.told.now)
        self.told.work()


@pytest.fixture
def letters(told: Stage) -> Letters:
    """Nobody has been written to."""
    return Letters(told)


def test_high_value_people_are_reached_over_several_channels(told: Stage, letters: Letters) -> None:
    """S005: who spends much in one go is written to at once, with what it was, and is in TikTok's
    audience within seconds."""
    told.people("ana", "bruno", "chiara")
    entry = "on: [{event: ordered, where: {attribute: total, at_least: 100}}], context: [total]"
    version = told.launch(canvas(entry=entry, write=LETTERS.replace("NEXT", "add"), add=sync()))
    told.did("ana", "ordered", total=250)
    told.did("bruno", "ordered", total=20)
    told.work()
    letters.go_out()
    told.wait(seconds=6)
    assert letters.sent == [("ana", 250)]
    assert told.at_tiktok("winback") == {"ana"}
    assert told.counters(version, "write").advanced == told.counters(version, "add").synced == 1


def test_the_unresponsive_are_asked_over_another_channel(told: Stage, letters: Letters) -> None:
    """S006: after a letter, who does not open it within a day is re-targeted at TikTok; who does is
    left alone."""
    told.people("ana", "bruno", "chiara")
    told.launch(
        canvas(
            write=LETTERS.replace("NEXT", "wait"),
            wait="{kind: action_paths, within: 1d, else: add, paths: ["
            "{name: opened, on: [{event: letter_opened}], next: end}]}",
            add=sync("retarget"),
            end="{kind: exit}",
        )
    )
    told.work()
    letters.go_out()
    assert sorted(letters.sent) == [("ana", ""), ("bruno", ""), ("chiara", "")]
    told.wait(minutes=5)
    told.did("bruno", "letter_opened")
    told.wait(minutes=5)
    assert told.sent() == []
    told.wait(days=1)
    assert told.at_tiktok("retarget") == {"ana", "chiara"}


def test_who_buys_is_suppressed_within_seconds(told: Stage) -> None:
    """S007: an advertisement runs for one audience without another. Who buys leaves the one and is
    in the other, by the same event, whatever way they are on."""
    told.people("ana", "bruno")
    told.launch(canvas(entry="on: [{event: seen}]", add=sync("prospects")))
    told.launch(
        canvas(
            "Customers",
            entry="on: [{event: bought}]",
            take=sync("prospects", "remove", next_step="keep"),
            keep=sync("customers"),
        )
    )
    for name in ("ana", "bruno"):
        told.did(name, "seen")
    told.wait(seconds=6)
    assert told.at_tiktok("prospects") == {"ana", "bruno"}
    told.did("ana", "bought")
    told.wait(seconds=6)
    assert told.at_tiktok("prospects") == {"bruno"}
    assert told.at_tiktok("customers") == {"ana"}
