"""`towpath migrate`: bring the database to this software's schema."""

from typing import Annotated

import typer

from towpath.cli import compose, output
from towpath.store import migrations


def migrate_command(
    check: Annotated[bool, typer.Option("--check", help="Only say whether it is needed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Bring the database to this software's schema. Other commands do it by themselves."""
    with compose.reach_database(compose.read_settings()) as url:
        if check:
            with compose.connect(url) as db:
                migrations.check(db)
        ran = [] if check else compose.migrate(url)
    if as_json:
        output.show_json({"ran": ran, "schema": len(migrations.known())})
    else:
        for name in ran:
            output.say(f"Ran {name}.")
        output.say(f"The database stands at schema {len(migrations.known())}.")
