"""Graphs: written and read back equal, walked, frozen."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.canvas.entry import ALWAYS, NEVER, Entry, Reentry
from towpath.canvas.frozen import freeze, frozen_from_data, frozen_to_data
from towpath.canvas.graph import Graph, from_data, to_data
from towpath.canvas.registry import KINDS
from towpath.canvas.step import Step
from towpath.canvas.steps.audience_sync import AudienceSync, ExistingAudience, NewAudience
from towpath.canvas.steps.decision_split import DecisionSplit
from towpath.canvas.steps.delay import Delay
from towpath.canvas.steps.exit import Exit
from towpath.engine.steps import registry as engine
from towpath.errors import InputError
from towpath.ids import AudienceId, PartnerRef, StepId
from towpath.people.action import Action
from towpath.people.filter import AllOf, Attribute, Has, Not, Op
from towpath.people.match_field import ALL_FIELDS, MatchField, fields_of, mask

IDS = st.sampled_from([StepId(name) for name in ("a", "b-1", "c_2", "d", "e")])
TARGETS = st.none() | IDS
NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=200).filter(
    lambda text: text == text.strip()
)
SPANS = st.integers(1, 31 * 86_400).map(lambda count: timedelta(seconds=count))
REFS = st.from_regex("[0-9A-Za-z_-]{1,64}", fullmatch=True).map(PartnerRef)
FILTERS = st.none() | st.sampled_from(
    [
        Has(MatchField.GAID),
        AllOf((Not(Has(MatchField.EMAIL)), Attribute("orders", Op.AT_LEAST, 1))),
        Attribute("seen", Op.AFTER, datetime(2026, 1, 1, tzinfo=UTC)),
    ]
)
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(Delay, st.none() | SPANS, TARGETS),
    st.builds(DecisionSplit, FILTERS, TARGETS, TARGETS),
    st.builds(
        AudienceSync,
        st.none() | st.just("tiktok"),
        st.none() | REFS,
        st.none() | st.builds(NewAudience, NAMES) | st.builds(ExistingAudience, REFS),
        st.sampled_from(Action),
        st.sets(st.sampled_from(ALL_FIELDS)).map(lambda fields: fields_of(mask(fields))),
        TARGETS,
    ),
    st.just(Exit()),
)
ENTRIES = st.builds(
    Entry,
    st.none() | st.just("launch") | st.datetimes(timezones=st.just(UTC)),
    FILTERS,
    st.just(NEVER) | st.just(ALWAYS) | st.builds(Reentry, SPANS),
    TARGETS,
)
GRAPHS = st.builds(Graph, NAMES, ENTRIES, st.dictionaries(IDS, STEPS))


@given(GRAPHS)
def test_what_is_written_is_read_back_equal(graph: Graph) -> None:
    data = to_data(graph)
    assert from_data(json.loads(json.dumps(data))) == graph
    # PostgreSQL orders the keys of jsonb in its own way; what is written does not depend on it.
    shuffled = json.loads(json.dumps(data, sort_keys=True))
    assert json.dumps(to_data(from_data(shuffled))) == json.dumps(data)


@given(GRAPHS)
def test_a_walk_meets_every_step_once(graph: Graph) -> None:
    walked = list(graph.walk())
    assert sorted(walked) == sorted(graph.steps)
    unreachable = set(graph.unreachable())
    reached = set(walked) - unreachable
    assert graph.entry.first in reached or not reached
    for step in reached:
        for target in graph.steps[step].edges().values():
            assert target is None or target not in unreachable


@given(GRAPHS)
def test_without_the_edges_that_lead_back_every_way_ends(graph: Graph) -> None:
    loops = graph.loops()
    back = {(step, edge) for step, edge, _ in loops}
    for step, edge, way in loops:
        assert way[-1] == step
        assert graph.target(step, edge) == way[0]
        for here, there in pairwise(way):
            assert there in graph.steps[here].edges().values()
    ahead = {
        step: {
            target
            for edge, target in settings.edges().items()
            if target in graph.steps and (step, edge) not in back
        }
        for step, settings in graph.steps.items()
    }
    while ends := {step for step, targets in ahead.items() if not targets & ahead.keys()}:
        ahead = {step: targets for step, targets in ahead.items() if step not in ends}
    assert not ahead


def test_the_longest_chain() -> None:
    ids = [StepId(f"s{number}") for number in range(200)]
    steps = {here: Delay(None, there) for here, there in zip(ids, [*ids[1:], None], strict=True)}
    graph = Graph("Chain", Entry("launch", None, NEVER, ids[0]), steps)
    assert list(graph.walk()) == ids
    assert graph.loops() == []
    round_trip = Graph("Ring", graph.entry, steps | {ids[-1]: Delay(None, ids[0])})
    assert round_trip.loops() == [(ids[-1], "next", ids)]


def test_a_frozen_graph_knows_its_audiences() -> None:
    add = AudienceSync("tiktok", PartnerRef("1"), NewAudience("x"), Action.ADD, ALL_FIELDS, None)
    steps: dict[StepId, Step] = {StepId("add"): add, StepId("leave"): Exit()}
    graph = Graph("A", Entry("launch", None, NEVER, StepId("add")), steps)
    with pytest.raises(InputError) as refused:
        freeze(graph, {})
    assert refused.value.field == "steps.add.audience"
    frozen = freeze(graph, {StepId("add"): AudienceId(7)})
    settings = frozen.steps[StepId("add")]
    assert isinstance(settings, AudienceSync)
    assert settings.audience_id == 7
    assert frozen_from_data(json.loads(json.dumps(frozen_to_data(frozen)))) == frozen
    assert graph.steps[StepId("add")] == add


def test_every_kind_is_registered_under_its_word() -> None:
    assert {word: kind.kind for word, kind in KINDS.items()} == {word: word for word in KINDS}
    assert set(engine.KINDS) == set(KINDS.values()), "the engine knows other kinds"
