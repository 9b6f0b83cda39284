"""Segments: kept, used by one another, asked about; Canvases and audiences as rules."""

from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from tests.store.filter_crowd import NOBODY_SPECIAL, NOW, check, insert, make_workspace

from towpath.errors import ConflictError, InputError, NotFoundError
from towpath.ids import PartnerRef, WorkspaceId
from towpath.people.filter import Filter
from towpath.people.filter_parse import parse_filter
from towpath.people.people_set import PeopleSet, dump, people
from towpath.store import apps, audiences, connections, people_door, segment_sizes, segments
from towpath.store.database import Db

DAY = timedelta(days=1)
LEDGER = ("want", "acked", "maybe", "parked", "keyless")
BRAZIL = parse_filter({"attribute": "country", "is": "BR"})


@pytest.fixture
def workspace(db: Db) -> WorkspaceId:
    return make_workspace(db, NOW)


def within(name: str) -> Filter:
    return parse_filter({"segment": name})


def crowd_of(db: Db, workspace: WorkspaceId, count: int) -> dict[int, dict[str, Any]]:
    crowd = [
        NOBODY_SPECIAL | {"country": ("BR", "PT")[n % 2], "attributes": {"n": n}}
        for n in range(count)
    ]
    return dict(zip(insert(db, workspace, crowd, NOW), crowd, strict=True))


def test_a_segment_is_kept_with_a_revision(db: Db, workspace: WorkspaceId) -> None:
    made = segments.create(db, workspace, "Brazil", BRAZIL, NOW)
    assert segments.find(db, workspace, "Brazil") == made == segments.read(db, workspace, made.id)
    same = segments.save(db, workspace, made.id, "Brazil", BRAZIL, revision=1, now=NOW + DAY)
    assert same == made
    later = parse_filter({"attribute": "country", "in": ["BR", "PT"]})
    saved = segments.save(db, workspace, made.id, "Lusophone", later, revision=1, now=NOW + DAY)
    assert (saved.revision, saved.name, saved.changed_at) == (2, "Lusophone", NOW + DAY)
    with pytest.raises(ConflictError, match="revision 2 now"):
        segments.save(db, workspace, made.id, "Brazil", BRAZIL, revision=1, now=NOW)
    with pytest.raises(ConflictError, match="already"):
        segments.create(db, workspace, "Lusophone", BRAZIL, NOW)
    with pytest.raises(InputError, match="one line"):
        segments.create(db, workspace, "a\nb", BRAZIL, NOW)


def test_another_workspace_sees_none_of_it(db: Db, workspace: WorkspaceId) -> None:
    made = segments.create(db, workspace, "Brazil", BRAZIL, NOW)
    other = make_workspace(db, NOW, "other")
    assert segments.find(db, other, "Brazil") is None
    assert segments.list_page(db, other, after="", limit=10) == []
    with pytest.raises(NotFoundError):
        segments.read(db, other, made.id)
    with pytest.raises(NotFoundError):
        segments.delete(db, other, made.id)
    with pytest.raises(InputError, match="no segment named"):
        segments.create(db, other, "Mine", within("Brazil"), NOW)


def test_pages_go_on_by_name(db: Db, workspace: WorkspaceId) -> None:
    for name in ("b", "c", "a"):
        segments.create(db, workspace, name, BRAZIL, NOW)
    page = segments.list_page(db, workspace, after="a", limit=1)
    assert [one.name for one in page] == ["b"]


def test_what_is_missing_or_round_is_refused(db: Db, workspace: WorkspaceId) -> None:
    brazil = segments.create(db, workspace, "Brazil", BRAZIL, NOW)
    with pytest.raises(InputError, match="Did you mean Brazil"):
        segments.create(
            db,
            workspace,
            "x",
            parse_filter({"all": [{"segment": "Brasil"}, {"segment": "Brazil"}]}),
            NOW,
        )
    segments.create(db, workspace, "B", within("Brazil"), NOW)
    with pytest.raises(InputError, match="Brazil → B → Brazil"):
        segments.save(db, workspace, brazil.id, "Brazil", within("B"), revision=1, now=NOW)
    for rule in ({"canvas": "x", "entered": "ever"}, {"audience": "x", "is": "wanted"}):
        with pytest.raises(NotFoundError):
            segments.create(db, workspace, "y", parse_filter(rule), NOW)


def test_segments_nest_only_so_deep(db: Db, workspace: WorkspaceId) -> None:
    tree, name = BRAZIL, "s0"
    for depth in range(8):
        segments.create(db, workspace, name, tree, NOW)
        tree, name = within(name), f"s{depth + 1}"
    people_door.question(db, workspace, tree, NOW)
    segments.create(db, workspace, name, tree, NOW)
    with pytest.raises(InputError, match="8 deep"):
        people_door.question(db, workspace, within(name), NOW)


def test_segments_multiply_only_so_far(db: Db, workspace: WorkspaceId) -> None:
    segments.create(
        db, workspace, "s0", parse_filter({"all": [{"bucket": {"below": 1}}] * 200}), NOW
    )
    twice = parse_filter({"any": [{"segment": "s0"}] * 6})
    with pytest.raises(InputError, match="1,200 rules"):
        segments.create(db, workspace, "s1", twice, NOW)


def test_a_used_segment_keeps_its_name_and_stays(db: Db, workspace: WorkspaceId) -> None:
    brazil = segments.create(db, workspace, "Brazil", BRAZIL, NOW)
    user = segments.create(db, workspace, "B", within("Brazil"), NOW)
    draft = {"canvas": "C", "entry": {"filter": {"all": [{"segment": "Brazil"}]}}}
    db.execute(
        "insert into canvas (workspace, name, draft, created_at, changed_at)"
        " values (%s, 'C', %s, %s, %s)",
        (workspace, Jsonb(draft), NOW, NOW),
    )
    assert segments.used_by(db, workspace, "Brazil") == ["Canvas C", "segment B"]
    with pytest.raises(ConflictError, match="used by Canvas C, segment B"):
        segments.delete(db, workspace, brazil.id)
    with pytest.raises(ConflictError, match="keeps its name"):
        segments.save(db, workspace, brazil.id, "Brasil", BRAZIL, revision=1, now=NOW)
    segments.delete(db, workspace, user.id)
    db.execute("delete from canvas")
    segments.delete(db, workspace, brazil.id)


def test_a_segment_in_a_segment_means_its_filter(db: Db, workspace: WorkspaceId) -> None:
    crowd = crowd_of(db, workspace, 6)
    segments.create(db, workspace, "Brazil", BRAZIL, NOW)
    inner = parse_filter({"not": {"segment": "Brazil"}})
    segments.create(db, workspace, "Elsewhere", inner, NOW)
    known = {"Brazil": BRAZIL, "Elsewhere": inner}
    tree = parse_filter({"all": [{"segment": "Elsewhere"}, {"attribute": "n", "above": 1}]})
    assert len(check(db, workspace, tree, crowd, segments=known)) == 2


def canvas_with(
    db: Db, workspace: WorkspaceId, entered: PeopleSet, inside: PeopleSet, leaving: PeopleSet
) -> None:
    given = {"workspace": workspace, "now": NOW, "day": NOW - 2 * DAY}
    (canvas,) = db.execute(
        "insert into canvas (workspace, name, created_at, changed_at)"
        " values (%(workspace)s, 'Winback', %(now)s, %(now)s) returning id",
        given,
    ).fetchone() or (0,)
    (version,) = db.execute(
        "insert into canvas_version (workspace, canvas, number, graph, launched_at)"
        " values (%(workspace)s, %(canvas)s, 1, '{}', %(now)s) returning id",
        given | {"canvas": canvas},
    ).fetchone() or (0,)
    place = given | {"canvas": canvas, "version": version, "packed": dump(entered)}
    db.execute(
        "insert into entry (workspace, canvas, version, lane, entered_at, members, people) values"
        " (%(workspace)s, %(canvas)s, %(version)s, 0, %(day)s, %(packed)b, 1)",
        place,
    )
    db.execute(
        "insert into wave (workspace, canvas, version, step, lane, members, people, arrived_at,"
        " due_at) values (%(workspace)s, %(canvas)s, %(version)s, 'wait', 0, %(packed)b, 1,"
        " %(now)s, %(now)s)",
        place | {"packed": dump(inside)},
    )
    db.execute(
        "insert into exit_set (canvas, lane, members, reason, at)"
        " values (%(canvas)s, 0, %(packed)b, 'erased', %(now)s)",
        place | {"packed": dump(leaving)},
    )


def test_who_entered_a_canvas_and_who_is_inside(db: Db, workspace: WorkspaceId) -> None:
    crowd = crowd_of(db, workspace, 6)
    numbers = sorted(crowd)
    entered, inside, leaving = numbers[:4], numbers[1:4], numbers[3:4]
    strangers = [max(numbers) + 100]
    canvas_with(db, workspace, people(entered + strangers), people(inside), people(leaving))
    for number, one in crowd.items():
        one["entered"] = {"Winback": [NOW - 2 * DAY] if number in entered else []}
        one["inside"] = {"Winback": {"wait"} if number in inside and number not in leaving else ()}
    cases: list[tuple[dict[str, Any], int]] = [
        ({"entered": "ever"}, 4),
        ({"entered": {"within": "3d"}}, 4),
        ({"entered": {"within": "1d"}}, 0),
        ({"entered": {"since": {"days_ago": 2}, "before": {"ago": "1d"}}}, 4),
        ({"inside": True}, 2),
        ({"inside": "wait"}, 2),
        ({"inside": "later"}, 0),
    ]
    for rule, count in cases:
        one_rule: dict[str, Any] = {"canvas": "Winback"} | rule
        assert len(check(db, workspace, parse_filter(one_rule), crowd)) == count, rule
        mixed = {"any": [{"not": one_rule}, {"attribute": "country", "is": "BR"}]}
        check(db, workspace, parse_filter(mixed), crowd)


def test_how_people_stand_in_an_audience(db: Db, workspace: WorkspaceId) -> None:
    crowd = crowd_of(db, workspace, 6)
    numbers = sorted(crowd)
    app = apps.ensure(db, "tiktok", "1", 50)
    connection = connections.ensure(
        db, workspace, app, "c", people_per_request_max=1, keys_per_request_max=1
    )
    found = []
    for ref in ("10", "11"):
        account = connections.ensure_ad_account(db, workspace, connection, PartnerRef(ref), ref)
        found.append(
            audiences.ensure(
                db, workspace, account, PartnerRef("7"), "all", created_here=True, now=NOW
            )
        )
    sets = {"want": numbers[:4], "acked": numbers[1:3], "parked": numbers[3:4]}
    packed = {name: dump(people(sets.get(name, ()))) for name in LEDGER}
    db.execute(
        "insert into ledger_shard values (%(audience)s, 1, 0, %(want)b, %(acked)b, %(maybe)b,"
        " %(parked)b, %(keyless)b, 0, 0)",
        packed | {"audience": found[0]},
    )
    expected = {"wanted": numbers[:4], "synced": numbers[1:3], "errored": numbers[3:4]}
    for standing, members in (expected | {"pending": numbers[:1]}).items():
        rule = {"audience": {"id": "7", "ad_account": "10"}, "is": standing}
        tree = parse_filter(rule)
        for number, one in crowd.items():
            one["audiences"] = {tree: number in members}
        assert check(db, workspace, tree, crowd) == people(members)
    with pytest.raises(ConflictError, match="2 audiences"):
        people_door.question(db, workspace, parse_filter({"audience": "all", "is": "wanted"}), NOW)


def test_the_rules_are_explained_one_by_one(db: Db, workspace: WorkspaceId) -> None:
    crowd = crowd_of(db, workspace, 10)
    tree = parse_filter(
        {
            "all": [
                {"attribute": "country", "is": "BR"},
                {"any": [{"attribute": "n", "is": 0}, {"attribute": "n", "at_most": 4}]},
                {"not": {"attribute": "n", "is": 2}},
            ]
        }
    )
    question = people_door.question(db, workspace, tree, NOW)
    total, found = segment_sizes.explained(question, None)
    assert total == 10
    assert [(one.depth, one.keeps, one.drops) for one in found] == [
        (0, 2, 8),
        (1, 5, 5),
        (1, 3, 2),
        (2, 1, 4),
        (2, 2, 2),
        (1, 2, 1),
        (2, 1, 2),
    ]
    assert found[4].place == "filter.all[1].any[1]"
    assert segment_sizes.counted(question) == 2
    _, alone = segment_sizes.explained(question, people([min(crowd) + 3]))
    assert [one.keeps for one in alone] == [0, 0, 1, 0, 1, 1, 0]


def test_an_estimate_of_few_is_exact_and_a_sample_is_masked(db: Db, workspace: WorkspaceId) -> None:
    crowd = crowd_of(db, workspace, 10)
    db.execute("update profile set email = 'ana@example.com', first_name = 'Ana'")
    question = people_door.question(db, workspace, BRAZIL, NOW)
    of = segment_sizes.drawable(db, workspace)
    found = segment_sizes.estimated(question, people(range(of)), of)
    assert (found.people, found.low, found.high) == (5, 5, 5)
    shown = segment_sizes.sample(question, [max(crowd), max(crowd) - 1], 3)
    assert [one.number for one in shown] == [min(crowd), min(crowd) + 2, max(crowd) - 1]
    assert (shown[0].external_id, shown[0].email, shown[0].first_name) == ("p…", "a…@e…", "A…")
    empty = people_door.question(db, make_workspace(db, NOW, "empty"), BRAZIL, NOW)
    assert segment_sizes.counted(empty) == 0
    assert segment_sizes.explained(empty, None)[0] == 0
    assert segment_sizes.estimated(empty, people(), 0).high == 0
