"""The OpenAPI document made exact: the problems that every route can answer, written into it.

FastAPI writes down what a route says of itself. What holds for all of them is added here: who is
not known or not allowed, what is too large or no JSON, what is wrong in a request, and what may
always happen.
"""

from typing import Any

from towpath.api.problems import ProblemAnswer, documented

METHODS = frozenset({"get", "put", "post", "delete", "patch"})
ALWAYS = (500, 503, 507)


def described(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the problems of all routes; FastAPI's own are taken out."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["ProblemAnswer"] = ProblemAnswer.model_json_schema()
    for path in document["paths"].values():
        for method in METHODS & path.keys():
            _describe(path[method])
    return document


def _describe(operation: dict[str, Any]) -> None:
    answers = operation["responses"]
    answers.pop("422", None) if _is_own(answers.get("422")) else None
    statuses = {*ALWAYS}
    if "security" in operation:
        statuses |= {401, 403, 404}  # 404: a workspace that is not theirs
    if "requestBody" in operation:
        statuses |= {400, 413, 415, 422}
    if operation.get("parameters"):
        statuses.add(422)
    for status, answer in sorted(documented(*statuses).items()):
        answers.setdefault(str(status), answer)
    operation["responses"] = dict(sorted(answers.items()))


def _is_own(answer: dict[str, Any] | None) -> bool:
    return "HTTPValidationError" in str(answer)
