"""What each file of calls shares: how an answer is compared with what is wanted."""

from http import HTTPStatus
from typing import Any, TypeVar

from witapi_client.types import Response

T = TypeVar("T")


def equal(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise SystemExit(f"{what}: found {found!r}, wanted {wanted!r}")


def value(what: str, answer: Response[Any], wanted: type[T], status: HTTPStatus = HTTPStatus.OK) -> T:
    """The body of an answer with that status, which has to be of that type of the client."""
    equal(f"{what}, status", answer.status_code, status)
    if not isinstance(answer.parsed, wanted):
        raise SystemExit(f"{what}: found {answer.parsed!r}, wanted {wanted.__name__}")
    return answer.parsed
