"""multipart/form-data read from bytes: the one request of this API that is no JSON."""

from dataclasses import dataclass, field
from email.message import Message

from towpath.sandbox.call import Call
from towpath.sandbox.envelope import RefusalError

PARTS_MAX = 20


@dataclass(slots=True)
class Form:
    """The texts by name, and the file with its name; `file` is None if there was none."""

    texts: dict[str, str] = field(default_factory=dict)
    file: bytes | None = None
    file_name: str = ""


def read(call: Call, file_field: str = "file") -> Form:
    """The form in a call's body. Raises RefusalError 40002 for what is none."""
    kind, options = _options("Content-Type", call.header("Content-Type"))
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not boundary:
        raise RefusalError(40002, "Content-Type: must be multipart/form-data with a boundary.")
    form = Form()
    # The first boundary has no line break before it.
    parts = (b"\r\n" + call.body).split(b"\r\n--" + boundary.encode())
    if len(parts) > PARTS_MAX or not parts[-1].startswith(b"--"):
        raise RefusalError(
            40002, "Invalid parameters: the form does not end, or has too many parts."
        )
    for part in parts[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        _, named = _options("Content-Disposition", _disposition(head))
        name = named.get("name", "")
        if name == file_field and "filename" in named:
            form.file, form.file_name = content, named["filename"]
        elif name:
            form.texts[name] = content.decode("utf-8", "replace")
    return form


def _disposition(head: bytes) -> str:
    for line in head.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            return value.strip()
    return ""


def _options(name: str, value: str) -> tuple[str, dict[str, str]]:
    """ "a/b; c=d" as its value and its options."""
    header = Message()
    header[name] = value
    pairs = header.get_params([], header=name) or []
    texts = {key.lower(): text for key, text in pairs[1:] if isinstance(text, str)}
    return (pairs[0][0].lower() if pairs else ""), texts
