"""The body of `/users/track` as OpenAPI shows it: Braze's objects, and what is ours."""

from typing import Any

from towpath.limits import QUANTITY_MAX, TRACK_OBJECTS_MAX

_TEXT = {"type": "string", "minLength": 1, "maxLength": 256}
_TIME = {"type": "string", "format": "date-time"}
_WHOSE: dict[str, Any] = {
    "external_id": _TEXT,
    "user_alias": {
        "type": "object",
        "required": ["alias_label", "alias_name"],
        "properties": {"alias_label": _TEXT, "alias_name": _TEXT},
        "additionalProperties": False,
    },
    "profile_id": {"type": "string", "description": "Towpath's own id; also as `braze_id`."},
    "braze_id": {"type": "string"},
    "email": {"type": "string", "description": "Whose it is, when nothing else says so."},
    "phone": {"type": "string", "description": "The same, in E.164."},
    "_update_existing_only": {"type": "boolean", "default": False},
    "app_id": {"description": "Taken and not used."},
}
_ATTRIBUTES = {
    "type": "object",
    "description": "Every other key is a free attribute; null takes it away.",
    "properties": {
        **{name: shape for name, shape in _WHOSE.items() if name != "app_id"},
        "consent": {
            "description": "granted, withdrawn or unknown; or an object with `state`.",
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "required": ["state"],
                    "properties": {
                        "state": {"enum": ["granted", "withdrawn", "unknown"]},
                        "source": _TEXT,
                        "at": _TIME,
                    },
                },
            ],
        },
        "devices": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "idfa": {"type": "string"},
                    "google_ad_id": {"type": "string"},
                    "ad_tracking_enabled": {"type": "boolean"},
                },
            },
        },
        **{
            name: {"type": "string"}
            for name in ("first_name", "last_name", "country", "language", "time_zone", "dob")
        },
    },
    "additionalProperties": True,
}
_DID: dict[str, Any] = {
    **_WHOSE,
    "time": _TIME,
    "id": {**_TEXT, "description": "The sender's own id: the same id is stored once."},
    "properties": {"type": "object", "maxProperties": 256},
}
_EVENT = {
    "type": "object",
    "required": ["name", "time"],
    "properties": {**_DID, "name": _TEXT},
    "additionalProperties": False,
}
_PURCHASE = {
    "type": "object",
    "required": ["product_id", "currency", "price", "time"],
    "properties": {
        **_DID,
        "product_id": _TEXT,
        "currency": {"type": "string", "description": "ISO 4217, such as BRL."},
        "price": {"type": "number"},
        "quantity": {"type": "integer", "minimum": 1, "maximum": QUANTITY_MAX, "default": 1},
    },
    "additionalProperties": False,
}


def _list(shape: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "maxItems": TRACK_OBJECTS_MAX, "items": shape}


REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "description": f"At most {TRACK_OBJECTS_MAX:,} objects in all.",
                "properties": {
                    "attributes": _list(_ATTRIBUTES),
                    "events": _list(_EVENT),
                    "purchases": _list(_PURCHASE),
                },
                "additionalProperties": False,
            }
        }
    },
}
