"""Annotations → WIT types, and values of the one ↔ values of the other.

Each `Type` knows its name in WIT, and does three things with a value: `lift` takes what the bindings have and gives
what the author's annotation says, `lower` does the reverse, and `json` gives what stands in a `@default`.
"""

from __future__ import annotations

import enum
import re
import types
import typing
from typing import Any, Iterator

from .errors import ContractError, Place
from .model import BaseModel, Member
from .names import is_wit_name, kebab, python_class
from .params import MISSING, AfterValidator, Info
from .text import FORMATS, Format


class Type:
    """A WIT type."""

    name: str

    def lift(self, value: Any) -> Any:
        return value

    def lower(self, value: Any) -> Any:
        raise NotImplementedError

    def json(self, value: Any) -> Any:
        return self.lower(value)

    def adopt(self, value: Any) -> Any:
        """The author's value of what JSON or another model has."""
        return value

    def fits(self, value: Any) -> bool:
        """Whether that is one of its values, for the choice among the cases of a union."""
        raise NotImplementedError

    def needs(self) -> Iterator[Type]:
        """The types in it."""
        return iter(())

    def bind(self, module: Any) -> None:
        """Takes its class from the bindings of its interface."""

    def wrong(self, value: Any) -> TypeError:
        return TypeError(f"{_brief(value)} is no {self.name}")


class Scalar(Type):
    def __init__(self, name: str, python: type) -> None:
        self.name, self.python = name, python

    def lower(self, value: Any) -> Any:
        if isinstance(value, enum.Enum):
            value = value.value
        if not self.fits(value):
            raise self.wrong(value)
        return float(value) if self.python is float else value

    def fits(self, value: Any) -> bool:
        if self.python is float:
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        if self.python is int:
            return isinstance(value, int) and not isinstance(value, bool)
        return isinstance(value, self.python)


class Bytes(Type):
    name = "list<u8>"

    def lower(self, value: Any) -> Any:
        if not self.fits(value):
            raise self.wrong(value)
        return bytes(value)

    def json(self, value: Any) -> Any:
        import base64

        return base64.b64encode(value).decode()

    def fits(self, value: Any) -> bool:
        return isinstance(value, (bytes, bytearray, memoryview))


class Alias(Type):
    """A type with a name and rules of its own."""

    def __init__(self, name: str, of: Type, docs: str, keywords: list[str]) -> None:
        self.name, self.of, self.docs, self.keywords = name, of, docs, keywords

    def lift(self, value: Any) -> Any:
        return self.of.lift(value)

    def lower(self, value: Any) -> Any:
        return self.of.lower(value)

    def json(self, value: Any) -> Any:
        return self.of.json(value)

    def adopt(self, value: Any) -> Any:
        return self.of.adopt(value)

    def fits(self, value: Any) -> bool:
        return self.of.fits(value)

    def needs(self) -> Iterator[Type]:
        yield self.of


class Text(Alias):
    """A formatted string."""

    def __init__(self, name: str, form: Format) -> None:
        super().__init__(name, Scalar("string", str), form.docs, form.keywords)
        self.form = form

    def lift(self, value: Any) -> Any:
        return self.form.parse(value)

    def lower(self, value: Any) -> Any:
        if isinstance(value, str):
            value = self.form.parse(value)
        if not self.fits(value):
            raise self.wrong(value)
        return self.form.print(value)

    json = lower

    def adopt(self, value: Any) -> Any:
        return self.form.parse(value) if isinstance(value, str) else value

    def fits(self, value: Any) -> bool:
        return isinstance(value, self.form.python)


class Option(Type):
    def __init__(self, some: Type) -> None:
        self.some, self.name = some, f"option<{some.name}>"

    def lift(self, value: Any) -> Any:
        return None if value is None else self.some.lift(value)

    def lower(self, value: Any) -> Any:
        return None if value is None else self.some.lower(value)

    def json(self, value: Any) -> Any:
        return None if value is None else self.some.json(value)

    def adopt(self, value: Any) -> Any:
        return None if value is None else self.some.adopt(value)

    def fits(self, value: Any) -> bool:
        return value is None or self.some.fits(value)

    def needs(self) -> Iterator[Type]:
        yield self.some


class List(Type):
    def __init__(self, item: Type, make: type) -> None:
        self.item, self.make, self.name = item, make, f"list<{item.name}>"

    def lift(self, value: Any) -> Any:
        return self.make(self.item.lift(item) for item in value)

    def _items(self, value: Any) -> list[Any]:
        if not isinstance(value, (list, tuple, set, frozenset)) and not hasattr(value, "__next__"):
            raise self.wrong(value)
        # A set has no order of its own: the same one each time is kinder to whoever compares answers.
        return sorted(value, key=repr) if isinstance(value, (set, frozenset)) else list(value)

    def lower(self, value: Any) -> Any:
        return [self.item.lower(item) for item in self._items(value)]

    def json(self, value: Any) -> Any:
        return [self.item.json(item) for item in self._items(value)]

    def adopt(self, value: Any) -> Any:
        return self.make(self.item.adopt(item) for item in value)

    def fits(self, value: Any) -> bool:
        return isinstance(value, (list, tuple, set, frozenset)) and all(self.item.fits(item) for item in value)

    def needs(self) -> Iterator[Type]:
        yield self.item


class Tuple(Type):
    def __init__(self, items: list[Type]) -> None:
        self.items, self.name = items, f"tuple<{', '.join(item.name for item in items)}>"

    def _each(self, value: Any, do: str) -> Any:
        if len(value) != len(self.items):
            raise self.wrong(value)
        return tuple(getattr(item, do)(part) for item, part in zip(self.items, value))

    def lift(self, value: Any) -> Any:
        return self._each(value, "lift")

    def lower(self, value: Any) -> Any:
        return self._each(value, "lower")

    def json(self, value: Any) -> Any:
        return list(self._each(value, "json"))

    def adopt(self, value: Any) -> Any:
        return self._each(value, "adopt")

    def fits(self, value: Any) -> bool:
        return isinstance(value, (tuple, list)) and len(value) == len(self.items)

    def needs(self) -> Iterator[Type]:
        return iter(self.items)


class Attribute:
    """One member of a record."""

    def __init__(self, member: Member, wit: str, json: str, type: Type, docs: str, keywords: list[str]) -> None:
        self.member, self.wit, self.json, self.type, self.docs, self.keywords = member, wit, json, type, docs, keywords


class Record(Type):
    def __init__(self, name: str, python: Any, docs: str, keywords: list[str]) -> None:
        self.name, self.python, self.docs, self.keywords = name, python, docs, keywords
        self.members: list[Attribute] = []
        self.place: Place | None = None
        self.binding: Any = None

    def bind(self, module: Any) -> None:
        self.binding = getattr(module, python_class(self.name))
        self._names = list(self.binding.__dataclass_fields__)

    def lift(self, value: Any) -> Any:
        values = {it.member.name: it.type.lift(getattr(value, name)) for it, name in zip(self.members, self._names)}
        return self._make(values)

    def _make(self, values: dict[str, Any]) -> Any:
        python = self.python
        if python is dict or typing.is_typeddict(python):
            return values
        made = python(**values)
        if isinstance(made, BaseModel):
            # What was left out cannot be told from what was given as its default.
            told = {it.member.name for it in self.members if values[it.member.name] != it.member.value()}
            object.__setattr__(made, "model_fields_set", told)
        return made

    def _value(self, it: Attribute, value: Any) -> Any:
        name = it.member.name
        found = value.get(name, MISSING) if isinstance(value, dict) else getattr(value, name, MISSING)
        if found is MISSING and isinstance(value, dict) and it.json != name:
            found = value.get(it.json, MISSING)
        if found is MISSING:
            found = it.member.value()
        if found is MISSING and isinstance(it.type, Option):
            found = None
        if found is MISSING:
            raise TypeError(f"{_brief(value)} has no {name}, which {self.name} needs")
        return found

    def lower(self, value: Any) -> Any:
        if self.python is dict and isinstance(value, dict):
            # The shape was read off the source: what it has not would be lost.
            extra = [key for key in value if all(key != it.member.name for it in self.members)]
            if extra:
                raise TypeError(f"{_brief(value)} has {', '.join(map(repr, extra))}, which {self.name} has not")
        values = []
        for it in self.members:
            try:
                values.append(it.type.lower(self._value(it, value)))
            except TypeError as error:
                raise TypeError(f"{it.member.name}: {error}") from None
        return self.binding(*values)

    def json(self, value: Any) -> Any:
        return {it.json: it.type.json(self._value(it, value)) for it in self.members}

    def adopt(self, value: Any) -> Any:
        if not isinstance(value, dict) and isinstance(self.python, type) and isinstance(value, self.python):
            return value
        return self._make({it.member.name: it.type.adopt(self._value(it, value)) for it in self.members})

    def fits(self, value: Any) -> bool:
        if not isinstance(value, dict):
            return not typing.is_typeddict(self.python) and isinstance(value, self.python)
        names = {it.member.name for it in self.members}
        has_all = all(it.member.name in value or it.member.value() is not MISSING for it in self.members)
        return has_all and names.issuperset(value)

    def needs(self) -> Iterator[Type]:
        return (it.type for it in self.members)


class Enum(Type):
    """Words. `values` are the author's: members of an enum, or strings of a `Literal`."""

    def __init__(self, name: str, cases: list[str], values: list[Any], docs: str) -> None:
        self.name, self.cases, self.values, self.docs = name, cases, values, docs
        self.binding: Any = None

    def bind(self, module: Any) -> None:
        self.binding = getattr(module, python_class(self.name))

    def lift(self, value: Any) -> Any:
        return self.values[value.value]

    def _index(self, value: Any) -> int:
        word = value.value if isinstance(value, enum.Enum) else value
        if word not in self.cases:
            raise self.wrong(value)
        return self.cases.index(word)

    def lower(self, value: Any) -> Any:
        return self.binding(self._index(value))

    def json(self, value: Any) -> Any:
        return self.cases[self._index(value)]

    def adopt(self, value: Any) -> Any:
        return self.values[self._index(value)]

    def fits(self, value: Any) -> bool:
        word = value.value if isinstance(value, enum.Enum) else value
        return isinstance(word, str) and word in self.cases


class Variant(Type):
    """One of several types, each a case with a payload; a case without one has `None` in the type's place."""

    def __init__(self, name: str, docs: str) -> None:
        self.name, self.docs = name, docs
        self.cases: list[tuple[str, Type | None, str, list[str]]] = []
        self.binding: Any = None

    def bind(self, module: Any) -> None:
        self.binding = [getattr(module, f"{python_class(self.name)}_{python_class(case[0])}") for case in self.cases]

    def lift(self, value: Any) -> Any:
        for binding, (_, type, _, _) in zip(self.binding, self.cases):
            if isinstance(value, binding) and type is not None:
                return type.lift(value.value)
        raise self.wrong(value)

    def _index(self, value: Any) -> int:
        for index, (_, type, _, _) in enumerate(self.cases):
            if type is not None and type.fits(value):
                return index
        raise self.wrong(value)

    def lower(self, value: Any) -> Any:
        index = self._index(value)
        return self.binding[index](self.cases[index][1].lower(value))

    def json(self, value: Any) -> Any:
        name, type, _, _ = self.cases[self._index(value)]
        return {"tag": name, "val": type.json(value)}

    def adopt(self, value: Any) -> Any:
        return self.cases[self._index(value)][1].adopt(value)

    def fits(self, value: Any) -> bool:
        return any(type is not None and type.fits(value) for _, type, _, _ in self.cases)

    def needs(self) -> Iterator[Type]:
        return (case[1] for case in self.cases if case[1] is not None)


class Named:
    """Stands in `Annotated[str, …]` for a string type with a name, such as `EmailStr`."""

    def __init__(self, name: str, docs: str, keywords: list[str]) -> None:
        self.name, self.docs, self.keywords = name, docs, keywords


EmailStr = typing.Annotated[str, Named("email", "An e-mail address (RFC 5321).", ["@format email"])]
AnyUrl = typing.Annotated[str, Named("url", "A URL.", ["@format uri"])]
HttpUrl = typing.Annotated[
    str, Named("http-url", "A URL of the web.", ["@format uri", "@pattern ^https?://.", "@maxLength 2083"])
]
AnyHttpUrl = HttpUrl

SCALARS = {str: "string", int: "s64", float: "f64", bool: "bool"}
LISTS = {list: list, set: set, frozenset: frozenset}


class Types:
    """The named types of one interface, in the order in which WIT can read them."""

    def __init__(self) -> None:
        self.named: dict[str, Type] = {}
        self._identities: dict[str, Any] = {}
        self._under_way: list[Any] = []

    def of(self, annotation: Any, place: Place, hint: str) -> Type:
        """The WIT type of an annotation; `hint` names those that have no name in Python.

        Raises `ContractError` for what WIT cannot say.
        """
        origin, args = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is typing.Annotated:
            return self._annotated(args, place, hint)
        if origin is typing.Union or origin is types.UnionType:
            return self._union(annotation, args, place, hint)
        if origin is typing.Literal:
            return self._literal(annotation, args, place, hint)
        if origin in (typing.Required, typing.NotRequired) if hasattr(typing, "Required") else False:
            return self.of(args[0], place, hint)
        if isinstance(annotation, typing.NewType):
            return self.of(annotation.__supertype__, place, hint)
        if hasattr(annotation, "__value__") and hasattr(annotation, "__type_params__"):
            return self.of(annotation.__value__, place, hint)
        python = origin or annotation
        if python in SCALARS:
            return Scalar(SCALARS[python], python)
        if python in (bytes, bytearray):
            return Bytes()
        if python in LISTS or _is_sequence(python):
            if len(args) != 1:
                raise ContractError(place, f"`{show(annotation)}`, items of any type", "their type, such as `list[str]`")
            return List(self.of(args[0], place, f"{hint}-item"), LISTS.get(python, list))
        if python is tuple:
            if len(args) == 2 and args[1] is ...:
                return List(self.of(args[0], place, f"{hint}-item"), tuple)
            if not args or args == ((),):
                raise ContractError(place, f"`{show(annotation)}`, items of any type", "their types, such as `tuple[str, int]`")
            return Tuple([self.of(arg, place, f"{hint}-{index + 1}") for index, arg in enumerate(args)])
        if python is dict or _is_mapping(python):
            raise ContractError(
                place,
                f"`{show(annotation)}`",
                "a model, or a list of models with a key; the bindings for Python (componentize-py) have no maps yet",
            )
        for form in FORMATS:
            if python is form.python:
                return self._define(form.name, form.python, place, lambda name: Text(name, form))
        if isinstance(python, type) and issubclass(python, enum.Enum):
            return self._enum(python, place)
        if (members := members_of(python)) is not None:
            return self._record(python, members, place)
        raise ContractError(place, f"`{show(annotation)}`", _instead(python))

    def _define(self, name: str, identity: Any, place: Place, make: Any) -> Type:
        name = self.free(name, identity, place)
        if name not in self.named:
            made = make(name)
            self.named[name] = made
        return self.named[name]

    def free(self, name: str, identity: Any, place: Place) -> str:
        """That name, which is now the type's; or an error that another one has it."""
        other = self._identities.setdefault(name, identity)
        if other is not identity and other != identity:
            raise ContractError(
                place, f"`{show(identity)}` and `{show(other)}`, which are both `{name}` in WIT", "types with names that differ"
            )
        return name

    def _annotated(self, args: tuple[Any, ...], place: Place, hint: str) -> Type:
        of = args[0]
        for extra in args[1:]:
            if isinstance(extra, Named):
                named = extra
                return self._define(
                    named.name, named, place, lambda name: Alias(name, Scalar("string", str), named.docs, named.keywords)
                )
        inner = self.of(of, place, hint)
        docs, keywords = said(args[1:], inner, place)
        if not docs and not keywords:
            return inner
        # A rule has to stand somewhere: on a type of that name.
        return self._define(hint, (of, tuple(keywords), hint), place, lambda name: Alias(name, inner, docs, keywords))

    def _union(self, annotation: Any, args: tuple[Any, ...], place: Place, hint: str) -> Type:
        some = [arg for arg in args if arg is not type(None)]
        if len(some) == 1:
            inner = self.of(some[0], place, hint)
            if len(some) == len(args):
                return inner
            if isinstance(inner, Option):
                return inner
            return Option(inner)
        identity = ("union", tuple(some), hint)
        name = self.free(hint, identity, place)
        if name not in self.named:
            variant = Variant(name, f"One of {', '.join(show(arg) for arg in some)}.")
            for arg in some:
                inner = self.of(arg, place, f"{hint}-{_case_name(arg)}")
                variant.cases.append((_case_name(arg), inner, "", []))
            cases = [case[0] for case in variant.cases]
            if len(set(cases)) < len(cases):
                raise ContractError(place, f"`{show(annotation)}`, two cases called `{_twice(cases)}`", "types that can be told apart")
            self.named[name] = variant
        return self.named[name] if len(some) == len(args) else Option(self.named[name])

    def _literal(self, annotation: Any, args: tuple[Any, ...], place: Place, hint: str) -> Type:
        words = [arg for arg in args if arg is not None]
        _check_words(words, show(annotation), place)
        inner = self._define(hint, ("literal", tuple(words), hint), place, lambda name: Enum(name, words, words, ""))
        return inner if len(words) == len(args) else Option(inner)

    def _enum(self, python: type[enum.Enum], place: Place) -> Type:
        values = list(python)
        words = [value.value for value in values]
        _check_words(words, python.__name__, class_place(python))
        docs = own_docs(python)
        return self._define(kebab(python.__name__), python, place, lambda name: Enum(name, words, values, docs))

    def _record(self, python: Any, members: list[Member], place: Place) -> Type:
        identity = python
        name = self.free(kebab(python.__name__), identity, place)
        if name in self.named:
            return self.named[name]
        if python in self._under_way:
            raise ContractError(place, f"`{python.__name__}` within itself", "types that end; WIT has no recursive ones")
        self._under_way.append(python)
        config = getattr(python, "model_config", None) or {}
        if config.get("extra") in ("allow", "ignore"):
            found = f"`model_config` with `extra={config['extra']!r}`"
            raise ContractError(class_place(python), found, "it without that: a record has the members that it has, and others are refused")
        extra = config.get("json_schema_extra", {})
        record = Record(name, python, own_docs(python), [])
        self.fill(record, members, class_place(python))
        for example in extra.get("examples", []) if isinstance(extra, dict) else []:
            record.keywords.append(f"@example {json_text(record.json(example))}")
        self._under_way.pop()
        self.named[name] = record
        return record

    def fill(self, record: Record, members: list[Member], place: Place) -> None:
        """Gives the record its members."""
        if not members:
            raise ContractError(place, f"`{record.name}` without members", "at least one; WIT has no empty records")
        for member in members:
            at = member_place(record.python, member.name, place)
            at = at.within(f"member {member.name}") if at.subject else at
            infos = infos_of(member.annotation, member.info)
            alias = next((info.alias for info in infos if info.alias), None)
            of = without_infos(member.annotation)
            type = self.of(of, at, f"{record.name}-{kebab(member.name)}")
            docs, keywords = said(infos, type, at)
            keywords += default_keyword(member, type, at)
            json = alias or member.name
            record.members.append(Attribute(member, kebab(json), json, type, docs, keywords))
        names = [it.wit for it in record.members]
        if len(set(names)) < len(names):
            raise ContractError(place, f"two members that are `{_twice(names)}` in WIT", "names that differ")


def of_annotation(annotation: Any) -> Type:
    """The type of an annotation, outside of any contract."""
    return Types().of(annotation, class_place(annotation), "value")


def infos_of(annotation: Any, *more: Any) -> list[Any]:
    """What stands beside a type, outermost last."""
    found: list[Any] = []
    while typing.get_origin(annotation) is typing.Annotated:
        found = [it for it in annotation.__metadata__ if not isinstance(it, Named)] + found
        if any(isinstance(it, Named) for it in annotation.__metadata__):
            break
        annotation = annotation.__origin__
    return found + [it for it in more if it is not None]


def without_infos(annotation: Any) -> Any:
    """The type beside which they stand."""
    while typing.get_origin(annotation) is typing.Annotated:
        if any(isinstance(it, Named) for it in annotation.__metadata__):
            break
        annotation = annotation.__origin__
    return annotation


def said(infos: Any, type: Type, place: Place) -> tuple[str, list[str]]:
    """What the author says beside a type, as documentation and keywords of the reference."""
    docs: list[str] = []
    keywords: list[str] = []
    for info in infos:
        if isinstance(info, AfterValidator):
            raise ContractError(
                place, f"`{info.__class__.__name__}`, a rule in Python", "a rule that the document can have too, such as `pattern`; or the check in the function's body"
            )
        if isinstance(info, str):
            docs.append(info)
            continue
        if not isinstance(info, Info):
            continue
        for name in info.unsayable:
            raise ContractError(place, f"`{info}({name}=…)`", "it without that; a contract has no place for it")
        docs += [text.strip() for text in (info.title, info.description) if text]
        for name, bound in info.bounds.items():
            if bound is not None:
                keywords.append(f"@{name} {json_text(bound)}")
        unit = "Items" if isinstance(_in_option(type), List) else "Length"
        for name, count in ((f"min{unit}", info.min_length), (f"max{unit}", info.max_length)):
            if count is not None:
                keywords.append(f"@{name} {count}")
        if info.pattern is not None:
            keywords.append(f"@pattern {info.pattern}")
        for example in info.examples:
            keywords.append(f"@example {json_text(_json(type, example, place, 'example'))}")
        if info.deprecated:
            keywords.append("@deprecated")
    for text in docs:
        if any(line.lstrip().startswith("@") for line in text.splitlines()):
            raise ContractError(place, "a description with a line that begins with `@`", "text: such lines are keywords")
    return "\n\n".join(docs), keywords


def default_keyword(member: Member, type: Type, place: Place) -> list[str]:
    """`@default`, where a value is left out for one that the type does not tell."""
    value = member.value()
    if value is MISSING or (value is None and isinstance(type, Option)):
        return []
    return [f"@default {json_text(_json(type, value, place, 'default'))}"]


def _json(type: Type, value: Any, place: Place, what: str) -> Any:
    try:
        return type.json(value)
    except (TypeError, ValueError) as error:
        raise ContractError(place, f"a value for {what} that is not of its type: {error}", f"a value of `{type.name}`") from None


def json_text(value: Any) -> str:
    """JSON on one line, in which no `@` can be taken for a keyword's."""
    import json

    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("@", "\\u0040")


def _in_option(type: Type) -> Type:
    while isinstance(type, (Option, Alias)):
        type = type.some if isinstance(type, Option) else type.of
    return type


def members_of(python: Any) -> list[Member] | None:
    """The members of a model, dataclass or TypedDict; none of anything else."""
    if not isinstance(python, type):
        return None
    if issubclass(python, BaseModel):
        return list(python._members())
    if typing.is_typeddict(python):
        hints = typing.get_type_hints(python, include_extras=True)
        return [
            Member(name, hint if name in python.__required_keys__ else typing.Optional[hint])
            for name, hint in hints.items()
        ]
    if hasattr(python, "__dataclass_fields__"):
        import dataclasses

        hints = typing.get_type_hints(python, include_extras=True)
        members = []
        for field in dataclasses.fields(python):
            if not field.init:
                continue
            default = MISSING if field.default is dataclasses.MISSING else field.default
            factory = None if field.default_factory is dataclasses.MISSING else field.default_factory
            info = None
            if isinstance(default, Info):
                info, default, factory = default, default.default, default.default_factory
            members.append(Member(field.name, hints[field.name], default, factory, info))
        return members
    return None


def own_docs(python: Any) -> str:
    """A class's own docstring, without those that Python makes."""
    docs = python.__dict__.get("__doc__") or ""
    if docs.startswith(f"{python.__name__}(") or docs == "An enumeration.":
        return ""
    return clean(docs)


def clean(docs: str) -> str:
    """A docstring without its indentation; what follows a form feed is for readers of the source only, as in FastAPI."""
    lines = docs.split("\f")[0].expandtabs().strip("\n").splitlines()
    margin = min((len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()), default=0)
    lines = [line.strip() if index == 0 else line[margin:].rstrip() for index, line in enumerate(lines)]
    return "\n".join(lines).strip()


def class_place(python: Any) -> Place:
    """Where a class stands. Read from the source when an error needs it."""
    return _Source(python, None)


def member_place(python: Any, member: str, place: Place) -> Place:
    return _Source(python, member) if python is not dict else place


class _Source(Place):
    def __init__(self, python: Any, member: str | None) -> None:
        self.python, self.member = python, member
        self.parts: list[str] = []

    def within(self, part: str) -> Place:
        inner = _Source(self.python, self.member)
        inner.parts = [*self.parts, part]
        return inner

    @property
    def subject(self) -> str:  # type: ignore[override]
        return ", ".join([getattr(self.python, "__name__", str(self.python)), *self.parts])

    def __str__(self) -> str:
        from .source import class_line

        file, line = class_line(self.python, self.member)
        return f"{file}:{line}: {self.subject}"


def _is_sequence(python: Any) -> bool:
    import collections.abc as abc

    return python in (abc.Sequence, abc.Iterable, abc.Collection, abc.MutableSequence, abc.Set)


def _is_mapping(python: Any) -> bool:
    import collections.abc as abc

    return python in (abc.Mapping, abc.MutableMapping)


def _check_words(words: list[Any], subject: str, place: Place) -> None:
    for word in words:
        if not isinstance(word, str):
            raise ContractError(place, f"the value {word!r} in `{subject}`", "strings; the cases of a WIT enum are words")
        if not is_wit_name(word):
            expected = kebab(word)
            expected = f", such as {expected!r}" if is_wit_name(expected) else ""
            raise ContractError(
                place, f"the value {word!r} in `{subject}`", f"words of letters and digits with hyphens between them, as WIT spells cases{expected}"
            )


def _case_name(annotation: Any) -> str:
    annotation = without_infos(annotation)
    named = {str: "text", int: "integer", float: "number", bool: "boolean", bytes: "bytes"}
    python = typing.get_origin(annotation) or annotation
    if typing.get_origin(annotation) is typing.Annotated:
        return next(it.name for it in annotation.__metadata__ if isinstance(it, Named))
    return named.get(python) or kebab(getattr(python, "__name__", None) or str(python))


def _twice(names: list[str]) -> str:
    return next(name for name in names if names.count(name) > 1)


def show(annotation: Any) -> str:
    """An annotation as the author wrote it, about."""
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return annotation.__name__
    text = str(annotation)
    # Without the modules: `app.Item | None` is `Item | None` to its author.
    return re.sub(r"\b(?:[a-z_][a-z0-9_]*\.)+(?=[A-Za-z_])", "", text)


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 80 else f"{text[:77]}..."


def _instead(python: Any) -> str:
    name = getattr(python, "__name__", "")
    if python is typing.Any or python is object:
        return "a type; a contract has no value of any kind"
    if name == "Decimal":
        return "`float`, or `str` where every digit counts"
    if name == "complex":
        return "a model with two numbers"
    if "Response" in name or name == "Request":
        return "the value that is the answer, such as a model; the contract has no raw requests and responses. A plugin that needs them exports wasi:http"
    return "str, int, float, bool, bytes, list, set, tuple, datetime, date, time, timedelta, UUID, an Enum or Literal of words, a model, dataclass or TypedDict, or an option or union of these"
