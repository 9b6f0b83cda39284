"""Each rule switched off is noticed, or a checker sleeps."""

import pytest
from tests.simulator import broken_upheaval, broken_walk
from tests.simulator.broken_rules import BROKEN

from towpath.cli.simulation import run as runs
from towpath.cli.simulation.run import Stage, run

assert all((broken_walk, broken_upheaval)), "their rules stand in the list"

TRIES = 20


@pytest.mark.parametrize("name", BROKEN)
def test_a_rule_switched_off_is_noticed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    rule = BROKEN[name]
    rule.switch_off(monkeypatch)
    if rule.by:
        _look_alone(monkeypatch, rule.by)
    seeds = dict.fromkeys((*rule.seeds, *range(TRIES)))
    found = (run(seed, stage).failure for seed in list(seeds)[:TRIES])
    assert any(failure.startswith(rule.by) if rule.by else failure for failure in found)


def _look_alone(patch: pytest.MonkeyPatch, name: str) -> None:
    """Only this checker looks, so that it must be able to notice by itself."""
    for moment in ("always", "at_rest"):
        usual = getattr(runs, moment)
        patch.setattr(
            runs,
            moment,
            lambda setting, usual=usual: {n: c for n, c in usual(setting).items() if n == name},
        )
