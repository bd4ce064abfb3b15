"""`jsonable_encoder`: a value as `json.dumps` takes it."""

from __future__ import annotations

import enum
from typing import Any

from .model import BaseModel


def jsonable_encoder(value: Any) -> Any:
    """The value with models as `dict`, enums as their values, times and ids as text."""
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, dict):
        return {key: jsonable_encoder(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [jsonable_encoder(item) for item in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    fields = getattr(value, "__dataclass_fields__", None)
    if fields is not None:
        return {name: jsonable_encoder(getattr(value, name)) for name in fields}
    from .text import FORMATS

    for form in FORMATS:
        if isinstance(value, form.python):
            return form.print(value)
    raise TypeError(f"{type(value).__name__} has no JSON")
