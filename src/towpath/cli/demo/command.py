"""`towpath demo`: everything at once, on made-up people and the TikTok that ships with Towpath."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from towpath.cli import compose, output
from towpath.cli.canvas_show import NAMES, cells, reason_lines
from towpath.cli.demo.judge import Judgment, judge
from towpath.cli.demo.run import AT_REST, SPANS, Stage, Wanted, run
from towpath.cli.ending import heard_endings
from towpath.cli.opening import opened
from towpath.errors import StoreError


def demo_command(
    people: Annotated[int, typer.Option(min=1, max=5_000_000, help="How many people.")] = 100_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same people.")] = 7,
    fault_rate: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share of TikTok's answers that go wrong.")
    ] = 0.0,
    once: Annotated[
        bool, typer.Option("--once", help="End when all is at rest; exit 1 on disagreement.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Watch people walk through a Canvas into a TikTok audience, and have it judged."""
    with heard_endings(), _folder() as folder:
        settings = compose.read_settings(data_dir=folder, log_level="error", **SPANS)
        wanted = Wanted(folder, people, seed, fault_rate, once)
        judged: list[Judgment] = []
        shown: list[str] = []
        with (
            opened(settings, quiet=True) as url,
            _picture(as_json) as picture,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):

            def show(stage: Stage) -> None:
                if stage.link and not shown:
                    shown.append(stage.link)
                    picture.say(f"SANDBOX  TikTok's part is played at {stage.address}/sandbox/")
                    picture.say(f"SANDBOX  Open {stage.link}")
                if stage.phase != AT_REST:
                    picture(stage)
                    return
                picture.end()
                judged.append(judge(stage))
                _tell(stage, judged[0], as_json=as_json)
                if not once:
                    output.note(
                        f"SANDBOX  still up at {stage.dashboard}; what TikTok holds:"
                        f" {stage.address}/sandbox/. Ctrl-C ends it."
                    )

            runner.run(run(settings, url, wanted, show))
    if not judged or not judged[0].agree or judged[0].audited:
        raise typer.Exit(1)


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder for this run, which the database's own user can reach; removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="towpath-demo-"))
    folder.chmod(0o711)
    try:
        yield folder
    except StoreError as error:
        if str(folder) in error.remedy:
            error.remedy = ""  # a log that is gone when it is read; its last lines were told
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Picture:
    """Shows the stage on stderr: a live table on a terminal, a line a phase elsewhere."""

    def __init__(self, live: Live | None) -> None:
        self._live = live
        self._phase = ""

    def __call__(self, stage: Stage) -> None:
        if self._live is not None:
            self._live.update(_live_table(stage))
        elif stage.phase != self._phase:
            output.note(f"SANDBOX  {stage.phase} …")
        self._phase = stage.phase

    def say(self, text: str) -> None:
        """A line that stays, above the picture."""
        if self._live is not None:
            self._live.console.print(text, soft_wrap=True, highlight=False)
        else:
            output.note(text)

    def end(self) -> None:
        """Stop drawing, and wipe the last picture: the result stands in its place."""
        if self._live is not None:
            self._live.stop()


@contextmanager
def _picture(as_json: bool) -> Iterator[_Picture]:
    console = Console(stderr=True)
    if console.is_terminal and not as_json:
        # Transient: what stands at the end is the result's table, once.
        with Live(console=console, refresh_per_second=8, transient=True) as live:
            yield _Picture(live)
    else:
        yield _Picture(None)


def _live_table(stage: Stage) -> Group:
    title = Text(f"SANDBOX  {stage.phase} …", style="bold yellow")
    if stage.version is None:
        return Group(title)
    accepted = sum(row.keys for row in stage.sandbox.log.rows if row.applied)
    below = Text(f"The sandbox's TikTok has accepted {accepted:,} keys to add or remove.")
    return Group(title, _table(stage), below)


def _rows(stage: Stage) -> Iterator[tuple[str, ...]]:
    for step, change in stage.counters().items():
        sync = change.synced or change.not_synced or change.pending or change.errored
        yield (step, *cells(asdict(change), is_sync=bool(sync)))


def _table(stage: Stage) -> Table:
    table = Table("Step", *NAMES.values())
    for row in _rows(stage):
        table.add_row(*row)
    return table


def _tell(stage: Stage, judged: Judgment, *, as_json: bool) -> None:
    """The result: a table of counters beside what the sandbox holds, or one JSON object."""
    if as_json:
        output.show_json(judged.to_data())
        return
    output.show_table(("Step", *NAMES.values()), _rows(stage))
    for line in reason_lines(judged.steps):
        output.say(line)
    data = judged.to_data()
    expected, held = data["expected_keys"], data["sandbox_keys"]
    output.say("Audience in the sandbox, and what the reading expects:")
    output.say(f"  held      {held['count']:>9,} keys  {held['sha256'][:32]}…")
    output.say(f"  expected  {expected['count']:>9,} keys  {expected['sha256'][:32]}…")
    if judged.faults:
        output.say(f"Faults: {sum(judged.faults.values()):,} of TikTok's answers went wrong.")
        for fault, count in judged.faults.items():
            output.say(f"  {count:>5,}  {fault.replace('_', ', ')}")
    elif stage.wanted.fault_rate:
        output.say("Faults: none came; there were few requests. Try more people, or another seed.")
    output.say(
        f"{judged.people:,} people in {judged.seconds:.1f} s with {judged.requests:,} requests."
    )
    console = Console()
    for difference in (*judged.differences, *judged.audited):
        console.print(Text(difference, style="bold red"), soft_wrap=True)
    verdict = "All sides agree." if judged.agree else "The sides do not agree."
    console.print(Text(verdict, style="bold green" if judged.agree else "bold red"))
