"""How large a request may be is learned from TikTok: a size that only succeeded after halving."""

from pathlib import Path

from tests.engine.test_tries import answer, claim_one
from tests.stories.files import canvas, sync
from tests.stories.stage import stage

from towpath.net.door import HttpReply
from towpath.partners.protocol import Answer, AnswerKind, Cause
from towpath.partners.tiktok.replies import read_mapping
from towpath.store.database import Db

TOO_MANY = Answer(AnswerKind.REFUSED, Cause.SIZE, 40011, "too many ids in one request", "r")
OK = read_mapping(
    HttpReply(200, {}, b'{"code":0,"message":"OK","request_id":"r","data":{}}', cut=False)
)


def test_a_size_that_succeeded_after_halving_is_remembered(db: Db, tmp_path: Path) -> None:
    with stage(db, tmp_path) as told:
        told.connect()
        told.people(*(f"person-{number}" for number in range(8)))
        version = told.launch(canvas(add=sync()))
        answer(told, claim_one(told), TOO_MANY)
        learned = "select people_per_request_learned from audience"
        assert db.execute(learned).fetchone() == (None,), "a refusal alone teaches nothing"
        told.sender.tick(told.now)
        halves = list(told.sender.outbox)
        told.sender.outbox.clear()
        assert [len(one.members) for one in halves] == [4, 4]
        for one in halves:
            answer(told, one, OK)
        assert db.execute(learned).fetchone() == (4,)
        assert told.counters(version, "add").synced == 8
