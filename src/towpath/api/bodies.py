"""What bodies and addresses are made of: strict, and with texts that can be stored.

A field that is unknown or that only the server writes is refused by name, with the nearest one that
there is.
"""

from typing import Annotated, Any

from fastapi import Path
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from towpath.limits import NAME_CHARS_MAX
from towpath.people.filter_parse import nearest

_INT4_MAX = 2**31 - 1


class Body(BaseModel):
    """A body of ours: every field is known, and nothing is taken for what it is not."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _check_fields(cls, given: Any) -> Any:
        if isinstance(given, dict):
            known = [field.alias or name for name, field in cls.model_fields.items()]
            for name in given:
                if name not in known:
                    raise PydanticCustomError(
                        "unknown_field",
                        "It is unknown here",
                        {"field": str(name)[:100], "remedy": nearest(name, known)},
                    )
        return given


def _storable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("It holds characters that cannot be shown")
    return text


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_CHARS_MAX),
    AfterValidator(_storable),
]
"""What a person calls a thing: one line."""

Id = Annotated[int, Path(ge=1, le=_INT4_MAX)]
"""An id in an address."""
