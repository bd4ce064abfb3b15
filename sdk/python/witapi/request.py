"""The facts of the request that the current call answers (`witapi:host/request`).

A plugin that imports this needs the grant `witapi:host`; with a contract of its own it has to import the interface.
"""

from __future__ import annotations


def _host():  # type: ignore[no-untyped-def]
    from wit_world.imports import request

    return request


def id() -> str:
    """The request's id, as in the header `x-request-id` of the answer and in the log."""
    return _host().id()


def method() -> str:
    """Such as `GET`; `HEAD` where the client sent that."""
    return _host().method()


def route() -> str:
    """The pattern that matched, such as `/todos/{id}`."""
    return _host().route()


def target() -> str:
    """Path and query as they came."""
    return _host().target()


def headers() -> list[tuple[str, str]]:
    """All headers, names in lower case."""
    return [(name, value) for name, value in _host().headers()]


def header(name: str) -> str | None:
    """The first header of that name, in any case."""
    return _host().header(name)


def peer() -> str:
    """Address and port at the other end of the connection."""
    return _host().peer()
