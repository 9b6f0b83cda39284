"""Canvas files of the stories, as short as they may be. ACCOUNT stands for the ad account."""


def sync(
    audience: str = "winback", action: str = "add", fields: str = "email", next_step: str = ""
) -> str:
    """An Audience Sync step, in one line."""
    further = f", next: {next_step}" if next_step else ""
    return (
        f'{{kind: audience_sync, partner: tiktok, ad_account: "ACCOUNT", action: {action}, '
        f"audience: {{create: {audience}}}, fields: [{fields}]{further}}}"
    )


def canvas(name: str = "Winback", entry: str = "at: launch", **steps: str) -> str:
    """A Canvas file; people enter at the first of its steps, each given as it is written."""
    first = next(iter(steps))
    lines = [f"  {step}: {written}" for step, written in steps.items()]
    return "\n".join([f"canvas: {name}", f"entry: {{{entry}, first: {first}}}", "steps:", *lines])
