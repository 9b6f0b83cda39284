"""`towpath alert`, as it is typed."""

from tests.cli.office import Office


def test_whom_to_tell(desk: Office) -> None:
    assert "Nobody is told." in desk.run("alert", "show")[0]
    said, _ = desk.run("alert", "set", "--email", "ops@example.com", "--pending-minutes", "10")
    assert "Told are ops@example.com." in said
    assert "TOWPATH_SMTP_URL" in said
    kept = desk.json("alert", "set", "--error-percent", "50")
    assert (kept["recipients"], kept["pending_minutes"]) == (["ops@example.com"], 10)
    _, refused = desk.run("alert", "set", "--email", "ops", code=1)
    assert "no e-mail address" in refused
    _, refused = desk.run("alert", "set", "--webhook", "https://a.example/", code=1)
    assert "secret" in refused
    assert desk.json("alert", "show") == kept
    assert "Nobody is told." in desk.run("alert", "set", "--email", "")[0]
    assert "Nothing went wrong yet." in desk.run("alert", "list")[0]
    assert desk.json("alert", "list", "--open") == []
