"""HTML from templates whose every value is escaped, and the frame that all pages share."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import TypeAlias

from towpath.sandbox.call import Reply


class Html(str):
    """Text that is HTML already. Only `fill` and the templates of these pages make it."""

    __slots__ = ()


Value: TypeAlias = str | int | float | Iterable["Html"] | None

_STYLE = """
:root { color-scheme: light dark; --ink: #16181d; --soft: #5a6270; --line: #d5d9e0;
  --paper: #ffffff; --wash: #f4f5f7; --mark: #0b5cad; --warn: #9b1c1c; --good: #17663a; }
@media (prefers-color-scheme: dark) { :root { --ink: #eceef2; --soft: #a3abb8; --line: #3a404b;
  --paper: #16181d; --wash: #1f232a; --mark: #7ab8ff; --warn: #ff9b9b; --good: #7fd6a2; } }
* { box-sizing: border-box }
body { margin: 0; background: var(--wash); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", sans-serif }
header, main { max-width: 72rem; margin: 0 auto; padding: 1rem }
header nav { display: flex; flex-wrap: wrap; gap: .5rem 1.25rem }
main > section { background: var(--paper); border: 1px solid var(--line); border-radius: .5rem;
  padding: 1rem 1.25rem; margin-bottom: 1rem }
h1 { font-size: 1.5rem; margin: .5rem 0 } h2 { font-size: 1.15rem; margin: 0 0 .5rem }
a { color: var(--mark) } .soft { color: var(--soft) } .bad { color: var(--warn) }
.good { color: var(--good) } .wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .9rem }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: top }
caption { text-align: left } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
form.row { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: .35rem 0 }
fieldset { border: 1px solid var(--line); border-radius: .4rem; margin: 0 0 1rem; min-width: 0 }
label { display: inline-block; padding: .15rem 0 } label.sub { margin-left: 1.75rem }
input, select, button { font: inherit; color: inherit; background: var(--paper);
  border: 1px solid var(--soft); border-radius: .35rem; padding: .35rem .6rem }
input[type=checkbox] { width: 1.1rem; height: 1.1rem; vertical-align: -.15rem }
button { cursor: pointer } button.main { background: var(--mark); color: var(--paper);
  border-color: var(--mark) }
:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px }
code { font-size: .9em; overflow-wrap: anywhere }
"""

_FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} - TikTok sandbox</title><style>{style}</style></head>
<body><header><p class="soft">A sandbox, not TikTok: it ships with Towpath.</p>
<nav aria-label="Pages"><a href="/ads-manager">Ads Manager</a> <a href="/console">Console</a>
<a href="/documented">What is documented</a></nav></header>
<main><h1>{title}</h1>{body}</main></body></html>
"""


def fill(template: str, *values: Value, **named: Value) -> Html:
    """The template with its values, escaped unless they are Html, or many pieces of it."""
    return Html(template.format(*map(_safe, values), **{k: _safe(v) for k, v in named.items()}))


def _safe(value: Value) -> str:
    if isinstance(value, Html):
        return value
    if value is None:
        return "-"
    if isinstance(value, str | int | float):
        return escape(f"{value:,}" if isinstance(value, int) else str(value))
    return "".join(value)


def page(title: str, *body: Html, status: int = 200) -> Reply:
    """A whole page. No script may run in it, and no other page may frame it."""
    text = fill(_FRAME, title=title, style=Html(_STYLE), body=body)
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
        "frame-ancestors 'none'; base-uri 'none'",
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",
    }
    return Reply(status, headers, text.encode())


def seeing(address: str) -> Reply:
    """Go on to another address."""
    return Reply(303, {"Location": address, "Cache-Control": "no-store"}, b"")


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Value]]) -> Html:
    """A table with a caption; whole numbers stand to the right."""
    lines = [fill("<tr>{}</tr>", [_cell(value) for value in row]) for row in rows] or [
        fill('<tr><td colspan="{}">None.</td></tr>', len(heads))
    ]
    return fill(
        '<div class="wide"><table><caption class="soft">{}</caption>'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>",
        caption,
        [fill('<th scope="col">{}</th>', head) for head in heads],
        lines,
    )


def _cell(value: Value) -> Html:
    return fill('<td class="n">{}</td>' if isinstance(value, int) else "<td>{}</td>", value)


def hidden(**values: str) -> list[Html]:
    """Fields that a form carries unseen."""
    return [
        fill('<input type="hidden" name="{}" value="{}">', name, value)
        for name, value in values.items()
    ]


def chosen(name: str, label: str, options: Iterable[tuple[str, str]], now: str = "") -> Html:
    """A list to choose one of, with its label."""
    return fill(
        '<label>{} <select name="{}">{}</select></label>',
        label,
        name,
        [
            fill('<option value="{}"{}>{}</option>', key, Html(" selected" * (key == now)), text)
            for key, text in options
        ],
    )
