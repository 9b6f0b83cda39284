"""`towpath match FIELD VALUE`: the normalisation lab.

How an identifier is normalised and hashed, or why it is refused; and how others write it: TikTok's
older pages and the tools that people move from. It prints what the person typed back to them, and
touches no database.
"""

from dataclasses import asdict
from typing import Annotated

import typer

from towpath.cli import output
from towpath.errors import InputError
from towpath.people.columns import Refusal
from towpath.people.match_field import MatchField
from towpath.people.normalise import CURRENT_RULE, RULES
from towpath.people.profile import read_country
from towpath.people.variants import Variant, variants


def match_command(
    field: Annotated[MatchField, typer.Argument(help="The kind of identifier.")],
    value: Annotated[str, typer.Argument(help="As it stands in your data.")],
    country: Annotated[
        str | None,
        typer.Option(help="Where a phone without a country code is from, such as BR."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a partner would get for an identifier, and where other tools' hashes differ.

    Exit code 1 when it is refused.
    """
    region = country_option(country)
    rules = RULES[CURRENT_RULE]
    found = rules.readers[field](value, region) if value.strip() else Refusal("is empty")
    told: dict[str, str] = {"field": field.value, "rule": f"{rules.name} (version {rules.version})"}
    if isinstance(found, Refusal):
        told |= {"asked": value, "refused": found.reason}
    else:
        told |= {"asked": value, "normalised": found.value, "sha256": found.digest.hex()}
    others = variants(field, value, region)
    if as_json:
        output.show_json(told | {"variants": [asdict(one) for one in others]})
    else:
        output.say("\n".join(f"{name:<11}{text}" for name, text in told.items()))
        output.say(_table(others))
    if isinstance(found, Refusal):
        raise typer.Exit(1)


def _table(others: list[Variant]) -> str:
    lines = ["", "How others write it:"] if others else []
    for one in others:
        mark = "same" if one.same else "differs"
        lines += [f"  {mark:<9}{one.source}: {one.name}", f"{'':<11}{one.value}  {one.digest}"]
    if any(not one.same for one in others):
        lines += [
            "",
            "A key that differs is another key at the partner: who was sent under it stays in that",
            "audience until the tool that sent it takes them out, or a new audience is begun.",
        ]
    return "\n".join(lines)


def country_option(text: str | None) -> str | None:
    """What `--country` names, in capitals. Raises InputError for what is no country."""
    found = None if text is None else read_country(text)
    if isinstance(found, Refusal):
        sentence, _, hint = found.reason.partition("; ")
        remedy = f"{hint[:1].upper()}{hint[1:]}" if hint else ""
        raise InputError(f"{text!r} {sentence}.", remedy=remedy, field="--country")
    return found
