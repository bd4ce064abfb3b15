"""WitAPI for Python: annotated functions → a WIT contract → a component.

    from witapi import API

    app = API()

    @app.get("/hello/{name}")
    def hello(name: str) -> str:
        "Greets"
        return f"Hello {name}!"

`witapi build` derives the WIT and makes the component. `README.md` beside this package has the rules.
"""

from . import status
from .api import API, APIRouter, Error, FastAPI
from .errors import ContractError, HTTPException
from .model import BaseModel
from .params import (
    AfterValidator,
    BeforeValidator,
    Body,
    Cookie,
    Field,
    Form,
    Header,
    Path,
    PlainValidator,
    Query,
    WrapValidator,
)
from .types import AnyHttpUrl, AnyUrl, EmailStr, HttpUrl


class Request:
    """For a good error: the facts of a request are functions of `witapi.request`."""


class Response:
    """For a good error: what a function returns is the answer."""


class Depends:
    """For a good error: a function can call another one."""

    def __init__(self, dependency: object = None, **_: object) -> None:
        self.dependency = dependency


def __getattr__(name: str) -> object:
    # Of the bindings, which are in a component only: `raise Err(…)`, for contracts that the author wrote.
    if name in ("Err", "Ok", "Some"):
        import componentize_py_types

        return getattr(componentize_py_types, name)
    raise AttributeError(f"module 'witapi' has no attribute {name!r}")


__all__ = [
    "API",
    "APIRouter",
    "AnyHttpUrl",
    "AnyUrl",
    "BaseModel",
    "Body",
    "ContractError",
    "Cookie",
    "Depends",
    "EmailStr",
    "Error",
    "FastAPI",
    "Field",
    "Form",
    "HTTPException",
    "Header",
    "HttpUrl",
    "Path",
    "Query",
    "Request",
    "Response",
    "status",
]
