"""`BaseModel`: a class with annotated members that becomes a record. As much of pydantic's as a plugin needs."""

from __future__ import annotations

from typing import Any, ClassVar, get_origin, get_type_hints

from .params import MISSING, Info


class Member:
    """One member of a model, dataclass or TypedDict."""

    def __init__(self, name: str, annotation: Any, default: Any = MISSING, factory: Any = None, info: Any = None) -> None:
        self.name, self.annotation, self.default, self.factory, self.info = name, annotation, default, factory, info

    def value(self) -> Any:
        """Its default, a fresh one each time; `MISSING` if it has none."""
        if self.factory is not None:
            return self.factory()
        if isinstance(self.default, (list, dict, set)):
            return self.default.copy()
        return self.default


class BaseModel:
    """A record with members as annotated.

    What comes from a client was validated by the host before any Python ran; a model that the author makes is
    checked for missing and unknown members only, and when it goes out the host checks it as it does requests.
    """

    # Without annotations: those of a model are its members, and `dict` is a method here.
    model_config = {}  # noqa: RUF012
    __members__ = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.__members__ = None

    @classmethod
    def _members(cls) -> tuple[Member, ...]:
        # Later than the class statement, so that annotations may name what comes after it.
        if cls.__members__ is None:
            members = []
            for name, annotation in get_type_hints(cls, include_extras=True).items():
                if name.startswith("_") or name == "model_config" or get_origin(annotation) is ClassVar:
                    continue
                default, info = getattr(cls, name, MISSING), None
                if isinstance(default, Info):
                    info, default = default, default.default
                factory = info.default_factory if info is not None else None
                for extra in getattr(annotation, "__metadata__", ()):
                    if isinstance(extra, Info) and default is MISSING and factory is None:
                        default, factory = extra.default, extra.default_factory
                members.append(Member(name, annotation, default, factory, info))
            cls.__members__ = tuple(members)
        return cls.__members__

    def __init__(self, **values: Any) -> None:
        cls = type(self)
        given = set()
        for member in cls._members():
            if member.name in values:
                value = values.pop(member.name)
                given.add(member.name)
            else:
                value = member.value()
                if value is MISSING:
                    raise ValueError(f"{cls.__name__}: {member.name} is missing")
            object.__setattr__(self, member.name, value)
        if values and cls.model_config.get("extra") == "forbid":
            raise ValueError(f"{cls.__name__} has no {', '.join(sorted(values))}")
        object.__setattr__(self, "model_fields_set", given)

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        self.model_fields_set.add(name)

    def __eq__(self, other: Any) -> bool:
        return type(other) is type(self) and all(
            getattr(self, member.name) == getattr(other, member.name) for member in self._members()
        )

    def __repr__(self) -> str:
        members = ", ".join(f"{member.name}={getattr(self, member.name)!r}" for member in self._members())
        return f"{type(self).__name__}({members})"

    def model_dump(
        self,
        *,
        include: Any = None,
        exclude: Any = None,
        exclude_unset: bool = False,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
    ) -> dict[str, Any]:
        """The members as a `dict`, models within as well.

        Of a model that came with a request, a member counts as unset when it has its default: the component model
        does not tell `null` from what was left out.
        """
        values: dict[str, Any] = {}
        for member in self._members():
            name, value = member.name, getattr(self, member.name)
            if (include is not None and name not in include) or (exclude is not None and name in exclude):
                continue
            if exclude_unset and name not in self.model_fields_set:
                continue
            if (exclude_none and value is None) or (exclude_defaults and value == member.value()):
                continue
            values[name] = _dumped(value)
        return values

    dict = model_dump

    def model_copy(self, *, update: Any = None, deep: bool = False) -> Any:
        values = {name: getattr(self, name) for name in (member.name for member in self._members())}
        if deep:
            import copy

            values = copy.deepcopy(values)
        fresh = type(self)(**{**values, **(update or {})})
        object.__setattr__(fresh, "model_fields_set", self.model_fields_set | set(update or {}))
        return fresh

    copy = model_copy

    def model_dump_json(self, **options: Any) -> str:
        """The members as JSON, as the host writes them but for `bytes`, which only the host knows."""
        import json

        from .encoders import jsonable_encoder

        return json.dumps(jsonable_encoder(self.model_dump(**options)), separators=(",", ":"), ensure_ascii=False)

    json = model_dump_json

    @classmethod
    def model_validate(cls, value: Any) -> Any:
        """A model of a `dict`, or of whatever has such attributes; models within as well."""
        from .types import of_annotation

        return of_annotation(cls).adopt(value)

    parse_obj = model_validate


def _dumped(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, (list, tuple, set, frozenset)):
        return type(value)(_dumped(item) for item in value)
    if isinstance(value, dict):
        return {key: _dumped(item) for key, item in value.items()}
    return value
