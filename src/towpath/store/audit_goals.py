"""Audit, conversions: whoever converted had come, and whoever has converted is written down."""

from towpath.ids import CanvasId
from towpath.people.people_set import PeopleSet, load, people
from towpath.store.audit_findings import Audit, Check, gather, people_text

CONVERSIONS = Check(
    "conversions",
    "Whoever reached a goal of a Canvas entered it before, or was held back as control group; and "
    "whoever may convert no more has converted.",
    "Conversions are counted that were none, or some will not be counted.",
    "Compare with a backup from before: it shows which of the two is right.",
)


def check(audit: Audit) -> None:
    """Look at every Canvas with goals."""
    for (canvas,) in list(audit.rows("read_canvases_with_goals")):
        _canvas(audit, CanvasId(canvas))


def _canvas(audit: Audit, canvas: CanvasId) -> None:
    came: dict[bool, PeopleSet] = {}
    whole, held_back = True, 0
    for table, key, control, packed in audit.rows("read_comers", {"canvas": canvas}):
        if audit.readable(table, key):
            gather(came, control, members := load(packed))
            held_back += control * len(members)
        else:
            whole = False
    ((refused,),) = list(audit.rows("count_held_back", (canvas,)))
    if held_back > refused:
        what = f"{held_back:,} were held back as control group; its entrance counted {refused:,}."
        audit.find(CONVERSIONS, f"Canvas {canvas}", what)
    reached: dict[tuple[int, bool], PeopleSet] = {}
    for row, goal, control, packed in audit.rows("read_conversions", (canvas,)):
        audit.looked(CONVERSIONS)
        if not audit.readable("conversion", row):
            whole = False
            continue
        members = load(packed)
        gather(reached, (goal, control), members)
        strangers = len(members - came.get(control, people()))
        if strangers and whole:
            where = f"conversion {row} of Canvas {canvas}"
            audit.find(CONVERSIONS, where, f"{people_text(strangers)} never came.")
    for key, goal, control, packed in audit.rows("read_converted", (canvas,)):
        audit.looked(CONVERSIONS)
        if whole and audit.readable("converted", key):
            strangers = len(load(packed) - reached.get((goal, control), people()))
            if strangers:
                what = f"{people_text(strangers)} may convert no more, and never did."
                audit.find(CONVERSIONS, f"converted {key}", what)
