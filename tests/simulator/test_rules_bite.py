"""Each rule switched off is noticed, or a checker sleeps."""

import pytest
from tests.simulator.broken_rules import BROKEN

from towpath.cli.simulation.run import Stage, run

TRIES = 20


@pytest.mark.parametrize("name", BROKEN)
def test_a_rule_switched_off_is_noticed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    rule = BROKEN[name]
    rule.switch_off(monkeypatch)
    seeds = dict.fromkeys((*rule.seeds, *range(TRIES)))
    assert any(run(seed, stage).failure for seed in list(seeds)[:TRIES])
