"""What stands beside a type: `Query(max_length=50)`, `Path(ge=1)`, `Body(embed=True)`, `Header()`, `Field(gt=0)`."""

from __future__ import annotations

from typing import Any


class Missing:
    """No default: the value has to be there."""

    def __repr__(self) -> str:
        return "..."


MISSING: Any = Missing()


class Info:
    """What an author says of a value beside its type. The names are FastAPI's and pydantic's.

    What is said in `unsayable` has no place in WIT; the derivation refuses it by name.
    """

    where: str | None = None

    def __init__(
        self,
        default: Any = MISSING,
        *,
        default_factory: Any = None,
        alias: str | None = None,
        title: str | None = None,
        description: str | None = None,
        gt: float | None = None,
        ge: float | None = None,
        lt: float | None = None,
        le: float | None = None,
        multiple_of: float | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
        pattern: str | None = None,
        regex: str | None = None,
        examples: list[Any] | None = None,
        example: Any = MISSING,
        deprecated: bool | None = None,
        embed: bool = False,
        convert_underscores: bool = True,
        **unsayable: Any,
    ) -> None:
        self.default = MISSING if default is ... else default
        self.default_factory = default_factory
        self.alias = alias
        self.title = title
        self.description = description
        self.bounds = {
            "exclusiveMinimum": gt,
            "minimum": ge,
            "exclusiveMaximum": lt,
            "maximum": le,
            "multipleOf": multiple_of,
        }
        self.min_length, self.max_length = min_length, max_length
        self.pattern = pattern if pattern is not None else regex
        self.examples = list(examples or []) + ([] if example is MISSING else [example])
        self.deprecated = bool(deprecated)
        self.embed = embed
        self.convert_underscores = convert_underscores
        self.unsayable = unsayable

    def __repr__(self) -> str:
        return type(self).__name__


class Query(Info):
    """The parameter stands in the query."""

    where = "query"


class Path(Info):
    """The parameter stands in the path."""

    where = "path"


class Header(Info):
    """The parameter stands in a header: `x_token` in `x-token`."""

    where = "header"


class Cookie(Info):
    """For a good error: cookies are no parameters here."""

    where = "cookie"


class Form(Info):
    """For a good error: forms come as the same bodies that JSON does, so `Body` is what they need."""

    where = "form"


class Body(Info):
    """The parameter stands in the body."""

    where = "body"


class Field(Info):
    """A member of a model."""


class AfterValidator:
    """For a good error: a rule of a contract has to be data, so that host and document know it too."""

    def __init__(self, func: Any) -> None:
        self.func = func


BeforeValidator = PlainValidator = WrapValidator = AfterValidator
