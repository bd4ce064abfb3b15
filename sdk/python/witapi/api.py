"""`API`: the functions of a plugin and their routes, as decorators say them."""

from __future__ import annotations

import sys
from typing import Any, Callable

from .errors import Place
from .params import MISSING


class Route:
    """One decorated function."""

    def __init__(self, method: str, path: str, call: Callable[..., Any], options: dict[str, Any], place: Place) -> None:
        self.method, self.path, self.call, self.options, self.place = method, path, call, options, place


class APIRouter:
    """Functions with routes, for a module of a larger plugin. Each one that is included becomes an interface of WIT."""

    def __init__(self, *, prefix: str = "", tags: list[Any] | None = None, **others: Any) -> None:
        frame = sys._getframe(1)
        while frame.f_code.co_name == "__init__" and frame.f_back is not None:
            frame = frame.f_back
        self.place = Place(frame.f_code.co_filename, frame.f_lineno, type(self).__name__)
        self.module = frame.f_globals.get("__name__", "")
        self.prefix, self.tags, self.others = prefix, list(tags or []), others
        self.routes: list[Route] = []
        self.included: list[tuple[APIRouter, str, list[Any], Place]] = []

    def _add(self, method: str, path: str, options: dict[str, Any]) -> Callable[[Any], Any]:
        line = sys._getframe(2).f_lineno

        def decorate(call: Any) -> Any:
            place = Place(call.__code__.co_filename, call.__code__.co_firstlineno or line, call.__name__)
            self.routes.append(Route(method, path, call, options, place))
            return call

        return decorate

    def get(self, path: str, **options: Any) -> Callable[[Any], Any]:
        """Answers GET.

        Options: `status_code` (200 to 299), `response_model`, `tags`, `summary`, `description`, `deprecated`, and
        `raises`: the classes of `Error` that the function raises.
        """
        return self._add("GET", path, options)

    def post(self, path: str, **options: Any) -> Callable[[Any], Any]:
        """Answers POST; see `get`."""
        return self._add("POST", path, options)

    def put(self, path: str, **options: Any) -> Callable[[Any], Any]:
        """Answers PUT; see `get`."""
        return self._add("PUT", path, options)

    def patch(self, path: str, **options: Any) -> Callable[[Any], Any]:
        """Answers PATCH; see `get`."""
        return self._add("PATCH", path, options)

    def delete(self, path: str, **options: Any) -> Callable[[Any], Any]:
        """Answers DELETE; see `get`."""
        return self._add("DELETE", path, options)

    def _refused(self, what: str, expected: str) -> Callable[..., Any]:
        from .errors import ContractError

        frame = sys._getframe(2)
        place = Place(frame.f_code.co_filename, frame.f_lineno, type(self).__name__)
        raise ContractError(place, what, expected)

    def exception_handler(self, *_: Any, **__: Any) -> Callable[..., Any]:
        return self._refused(
            "`exception_handler`, an answer that no type tells of",
            "`raises=[…]` on the functions, with subclasses of `witapi.Error`; the host answers requests that do not fit the contract",
        )

    def middleware(self, *_: Any, **__: Any) -> Callable[..., Any]:
        return self._refused("`middleware`", "functions only; each call has an instance of its own, and the host does what is common to all")

    add_middleware = middleware

    def mount(self, *_: Any, **__: Any) -> Callable[..., Any]:
        return self._refused("`mount`", "`include_router`")

    def head(self, *_: Any, **__: Any) -> Callable[..., Any]:
        return self._refused("`head`", "`get`: the host answers HEAD by the function of GET")

    def options(self, *_: Any, **__: Any) -> Callable[..., Any]:
        return self._refused("`options`", "none: the host answers OPTIONS")

    def websocket(self, *_: Any, **__: Any) -> Callable[..., Any]:
        return self._refused("`websocket`", "`get`, `post`, `put`, `patch` or `delete`")

    def include_router(self, router: APIRouter, *, prefix: str = "", tags: list[Any] | None = None) -> None:
        """Takes the functions of another router, below a prefix."""
        frame = sys._getframe(1)
        place = Place(frame.f_code.co_filename, frame.f_lineno, "include_router")
        self.included.append((router, prefix, list(tags or []), place))


class API(APIRouter):
    """A plugin: its functions, and what its documentation says of the whole."""

    def __init__(
        self, *, title: str = "", summary: str = "", description: str = "", version: str = "0.1.0", **others: Any
    ) -> None:
        super().__init__(**others)
        self.title, self.summary, self.description, self.version = title, summary, description, version


class FastAPI(API):
    """`API` under the name that FastAPI's authors write."""


class Error(Exception):
    """An error with a type: a subclass has annotated members, as a model has, and the status of the answer.

        class OutOfStock(Error, status=409):
            sku: str

        @app.post("/orders", raises=[OutOfStock])
    """

    status: int = 400

    def __init_subclass__(cls, status: int | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        if status is not None:
            if not 400 <= status <= 599:
                raise ValueError(f"{cls.__name__}: the status {status} is none of an error, which are from 400 to 599")
            cls.status = status

    def __init__(self, **values: Any) -> None:
        super().__init__(values)
        for member in error_members(type(self)):
            value = values.pop(member.name) if member.name in values else member.value()
            if value is MISSING:
                raise TypeError(f"{type(self).__name__}: {member.name} is missing")
            setattr(self, member.name, value)
        if values:
            raise TypeError(f"{type(self).__name__} has no {', '.join(values)}")


def error_members(cls: type) -> list[Any]:
    """The members of a subclass of `Error`."""
    from typing import get_type_hints

    from .model import Member
    from .params import Info

    members = []
    for name, hint in get_type_hints(cls, include_extras=True).items():
        if name == "status" or name.startswith("_"):
            continue
        default, info = cls.__dict__.get(name, MISSING), None
        if isinstance(default, Info):
            info, default = default, default.default
        members.append(Member(name, hint, default, None, info))
    return members
