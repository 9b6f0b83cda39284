"""`towpath`: the root of the commands, and what becomes of whatever goes wrong in one.

A command's module is imported when the command is called, so that `towpath --help` is quick. Exit
codes: 0 fine, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C. Results go to stdout and everything
else to stderr; nobody is shown a traceback unless `--debug` asks for it.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from towpath import __version__
from towpath.cli import CONFIG, WORKSPACE, output
from towpath.errors import TowpathError


class _Lazy(NamedTuple):
    """Where a command lives (`module:function`, or `module:app` for a group), its one line, and
    whether it works in a workspace, which `--workspace` names."""

    place: str
    help: str
    in_workspace: bool = False


COMMANDS = {
    "demo": _Lazy("demo.command:demo_command", "See it all work, on a TikTok of its own."),
    "import": _Lazy("import_people:app", "Read people and events from CSV files.", True),
    "match": _Lazy("match:match_command", "Show what TikTok would be sent for an identifier."),
    "connect": _Lazy("connect:app", "Connect to TikTok by a token or its consent page.", True),
    "connection": _Lazy("connection:app", "Ad accounts, prerequisites; disconnect.", True),
    "canvas": _Lazy("canvas:app", "Check, apply, launch, pause and stop Canvases.", True),
    "segment": _Lazy("segment:app", "Save, count, sample and explain segments of people.", True),
    "audience": _Lazy("audience:app", "List, make and clean up audiences; lookalikes.", True),
    "transport": _Lazy("transport:app", "By the second or by files; the move.", True),
    "sync": _Lazy("sync:app", "Keep an audience equal to a segment, without a Canvas.", True),
    "log": _Lazy("log:app", "What was sent to partners, and what they said.", True),
    "erase": _Lazy("erase:app", "Forget people here and at every partner; receipts.", True),
    "person": _Lazy("person:app", "In which audiences somebody is, and why.", True),
    "secret": _Lazy("secret:app", "Keep what webhooks prove themselves with."),
    "serve": _Lazy("serve:serve_command", "Run the API and the engine until told to stop."),
    "workspace": _Lazy("workspace:app", "Make workspaces, list them, change their settings."),
    "key": _Lazy("key:app", "Make, list and revoke keys of the API.", True),
    "member": _Lazy("member:app", "Make and list members, who sign in.", True),
    "api": _Lazy("api:app", "Print the API's OpenAPI document."),
    "audit": _Lazy("audit:audit_command", "Recount every counter from what was kept."),
    "alert": _Lazy("alert:app", "What goes wrong, and whom to tell.", True),
    "audit-trail": _Lazy("audit_trail:app", "Who did what; verify that it is whole.", True),
    "doctor": _Lazy("doctor:doctor_command", "Say what is missing, and what to do.", True),
    "sandbox": _Lazy("sandbox:sandbox_command", "Serve a believable TikTok to connect to."),
    "simulate": _Lazy("simulate:simulate_command", "Run the engine on a seed, with faults."),
    "migrate": _Lazy("migrate:migrate_command", "Bring the database to this software's schema."),
}


class _Commands(TyperGroup):
    """Lists commands from the table above, and imports only the one that is called."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name, lazy in COMMANDS.items():
            self.add_command(TyperCommand(name, help=lazy.help), name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, stub, rest = super().resolve_command(ctx, args)
        return name, load(name) if name in COMMANDS else stub, rest

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (
            typer.Abort
        ):  # Ctrl-C at a prompt, at which Typer would say "Aborted!" and leave by 1
            raise typer.Exit(130) from None


def load(name: str) -> Any:
    """The real command of that name, imported now."""
    module, _, attribute = COMMANDS[name].place.partition(":")
    found = getattr(import_module(f"towpath.cli.{module}"), attribute)
    if not isinstance(found, typer.Typer):
        function, found = found, typer.Typer(add_completion=False)
        found.command(name)(function)
    found.rich_markup_mode = None
    found.pretty_exceptions_enable = False
    command: Any = typer.main.get_command(found)
    command.name = name
    if COMMANDS[name].in_workspace:
        for each in getattr(command, "commands", {name: command}).values():
            each.params.append(_workspace_option())
    return command


def _work_in(name: str | None) -> None:
    WORKSPACE.set(name)


def _workspace_option() -> Any:
    """`--workspace NAME`, which every command that works in one has."""

    def named(
        workspace: Annotated[
            str | None,
            typer.Option(
                metavar="NAME",
                help="Work in this workspace instead of the one that the settings name.",
                callback=_work_in,
                expose_value=False,
            ),
        ] = None,
    ) -> None: ...

    alone = typer.Typer(add_completion=False)
    alone.command()(named)
    return typer.main.get_command(alone).params[0]


app = typer.Typer(
    name="towpath",
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"towpath {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[  # noqa: ARG001 - acts in its callback
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print it.")
    ] = False,
    config: Annotated[
        Path | None, typer.Option(help="Settings file instead of ./towpath.toml.")
    ] = None,
    debug: Annotated[  # noqa: ARG001 - `_run` looks for it
        bool, typer.Option("--debug", help="Show the traceback of an error.")
    ] = False,
) -> None:
    """Towpath: draw a Canvas, keep TikTok audiences true."""
    CONFIG.set(config)
    WORKSPACE.set(None)


def run(arguments: Sequence[str] | None = None) -> None:
    """Run a command and leave the process with its exit code."""
    sys.exit(_run(list(sys.argv[1:] if arguments is None else arguments)))


def _run(arguments: list[str]) -> int:
    as_json = "--json" in arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that cannot show a letter shows a question mark, and the command goes on.
            stream.reconfigure(errors="replace")
    try:
        command = typer.main.get_command(app)
        # Standing alone, Typer shows wrong usage in words and leaves by itself.
        return command.main(arguments, prog_name="towpath", standalone_mode=not as_json) or 0
    except TyperException as error:
        output.show_error(TowpathError(error.format_message()), as_json=True)
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; a second complaint at exit would help nobody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001 - the last place that can say it in words
        if "--debug" in arguments:
            traceback.print_exception(error)
        output.show_error(_in_words(error), as_json=as_json)
        return 1


def _in_words(error: Exception) -> TowpathError:
    """The error for a person. Of a stranger's only the type: its text may hold personal data."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, TowpathError):
        return error
    psycopg = sys.modules.get("psycopg")
    if psycopg is not None and isinstance(error, psycopg.OperationalError):
        return TowpathError(
            "The connection to the database was lost.",
            remedy="Run the command again; what was stored before stays.",
        )
    if isinstance(error, OSError) and error.strerror:
        return TowpathError(f"{error.strerror}: {error.filename or 'unnamed'}.")
    return TowpathError(
        f"Something went wrong inside Towpath ({type(error).__name__}).",
        remedy="Run it again as `towpath --debug …` and report what it shows.",
    )


if __name__ == "__main__":
    run()
