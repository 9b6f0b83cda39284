"""`towpath simulate`: the engine lives through seeds, with faults, on a database of its own.

Exit code 1 when a checker found something; the seed then shows it again, wherever it is run.
"""

from collections import Counter
from typing import Annotated

import typer

from towpath.cli import output
from towpath.cli.simulation.counts import never_met
from towpath.cli.simulation.run import Result, own_stage, run


def simulate_command(
    *,
    seed: Annotated[int, typer.Option(min=0, help="The first seed.")] = 0,
    runs: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many seeds from there.")] = 1,
    trace: Annotated[bool, typer.Option(help="Show what happened, not only on a failure.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Run the engine on made-up worlds, with TikTok, time and chance as the only fakes.

    Every seed is a story of its own: people come, workers die, answers get lost, the clock jumps by
    hours. Checkers look at every row after every step. The same seed gives the same digest.
    """
    hits: Counter[str] = Counter()
    results: list[Result] = []
    with own_stage() as stage:
        for number in range(seed, seed + runs):
            found = run(number, stage)
            hits += found.hits
            results.append(found)
            if not as_json and (found.failure or trace):
                _tell(found)
    failures = [one for one in results if one.failure]
    if as_json:
        output.show_json(_as_data(seed, results, hits))
    else:
        output.show_table(("path", "times"), sorted(hits.items()))
        digest = f", digest {results[0].digest}" if runs == 1 else ""
        output.note(f"{runs - len(failures):,} of {runs:,} runs were clean{digest}.")
    if failures:
        raise typer.Exit(1)


def _tell(found: Result) -> None:
    for line in found.trace:
        output.note(line)
    if found.failure:
        output.note(f"Seed {found.seed}: {found.failure}")


def _as_data(seed: int, results: list[Result], hits: Counter[str]) -> dict[str, object]:
    return {
        "seed": seed,
        "runs": len(results),
        "failures": [
            {"seed": one.seed, "failure": one.failure, "trace": one.trace}
            for one in results
            if one.failure
        ],
        "digests": {one.seed: one.digest for one in results},
        "counts": dict(sorted(hits.items())),
        "never_met": never_met(hits),
    }
