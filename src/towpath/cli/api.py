"""`towpath api openapi`: the API's document, without a server or a database."""

import typer

from towpath.api.app import document
from towpath.cli import output

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The API, looked at from a terminal."""


@app.command("openapi")
def openapi_command() -> None:
    """Print the OpenAPI 3.1 document, the same as /openapi.json."""
    output.show_json(document().openapi())
