"""A story of a match field that the workspace stops letting out, while Canvases run."""

from tests.stories.files import canvas, sync
from tests.stories.stage import Stage

from towpath.people.match_field import MatchField
from towpath.store import workspaces


def let_out(told: Stage, *fields: MatchField) -> None:
    """An admin says which match fields may leave."""
    workspaces.change(
        told.db,
        told.workspace,
        default_country=None,
        unknown_consent_is_sent=False,
        fields_allowed=fields,
    )


def test_a_field_that_is_forbidden_leaves_no_more(told: Stage) -> None:
    """Whoever comes to the step later is added by the fields that are left, or not synced; but
    whoever was added by it before can be removed by it."""
    told.import_people(
        "external_id,email,phone,consent\n"
        "ana,ana@example.com,+5511912345678,granted\nbruno,,+5511912345679,granted\n"
    )
    steps = {"add": sync(fields="email, phone"), "off": sync(action="remove")}
    on = {name: f"on: [{{event: {name}}}]" for name in steps}
    add, off = (told.launch(canvas(name, on[name], a=text)) for name, text in steps.items())
    told.did("ana", "add")
    told.did("bruno", "add")
    told.wait(minutes=1)
    assert told.counters(add, "a").synced == 2

    told.import_people("external_id,phone,consent\ncarla,+5511912345670,granted\n")
    told.people("dora")
    let_out(told, MatchField.EMAIL)
    for one in ("carla", "dora"):
        told.did(one, "add")
    told.wait(minutes=1)
    assert told.counters(add, "a").synced == 3
    assert told.reasons(add, "a")["not_synced"] == {"no_match_key": 1}

    let_out(told)
    told.people("emil")
    told.did("emil", "add")
    told.did("bruno", "off")
    told.wait(minutes=1)
    assert told.reasons(add, "a")["not_synced"] == {"no_match_key": 2}
    assert told.counters(off, "a").synced == 1
