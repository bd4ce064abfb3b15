"""`API` → `Contract`: interfaces with functions and types, as WIT has them."""

from __future__ import annotations

import inspect
import re
import typing
from typing import Any, Iterator

from .api import API, APIRouter, Error, Route, error_members
from .errors import ContractError, Place
from .model import Member
from .names import CASINGS, cased, is_wit_name, kebab
from .params import MISSING, Info, Query
from .source import Sources, awaits
from .types import (
    Alias,
    Bytes,
    Enum,
    List,
    Option,
    Record,
    Scalar,
    Type,
    Types,
    Variant,
    clean,
    default_keyword,
    infos_of,
    members_of,
    own_docs,
    said,
    show,
    without_infos,
)


# What a module of Python or of this package needs of the host.
IMPORTS = (
    ("witapi.store", ["wasi:keyvalue/store@0.2.0-draft", "wasi:keyvalue/atomics@0.2.0-draft"]),
    ("logging", ["wasi:logging/logging@0.1.0-draft"]),
    ("witapi.request", ["witapi:host/request@0.1.0"]),
)


class Param:
    """A parameter in WIT."""

    def __init__(self, wit: str, json: str, type: Type, where: str, docs: str, keywords: list[str], place: Place) -> None:
        self.wit, self.json, self.type, self.where = wit, json, type, where
        self.docs, self.keywords, self.place = docs, keywords, place
        self.header: str | None = None


class Argument:
    """An argument of the author's function, and of which parameters it is made."""

    def __init__(self, name: str, params: list[int], record: Record | None = None, embedded: bool = False) -> None:
        self.name, self.params, self.record, self.embedded = name, params, record, embedded


class Function:
    """One route."""

    def __init__(self, route: Route, wit: str) -> None:
        self.route, self.wit = route, wit
        self.external_id = ""
        self.docs, self.keywords = "", list[str]()
        self.params: list[Param] = []
        self.arguments: list[Argument] = []
        self.result: Type | None = None
        self.error: Type | None = None
        self.raises: list[type[Error]] = []
        self.is_async = False


class Interface:
    """The functions of one router."""

    def __init__(self, name: str, docs: str) -> None:
        self.name, self.docs = name, docs
        self.types = Types()
        self.functions: list[Function] = []


class Contract:
    """What a module promises."""

    def __init__(self, name: str, api: API) -> None:
        self.name, self.api = name, api
        self.interfaces: list[Interface] = []
        self.casing = CASINGS[0]
        self.imports: list[str] = []


def derive(api: API, name: str, folder: str) -> Contract:
    """The contract of an `API`, whose sources are in `folder`; `name` is that of package and plugin.

    Raises an `ExceptionGroup`-like `Errors` with every `ContractError` that was found.
    """
    deriver = _Deriver(api, name, folder)
    contract = deriver.contract
    deriver.run()
    if deriver.errors:
        raise Errors(deriver.errors)
    return contract


class Errors(Exception):
    """All that is wrong with a module."""

    def __init__(self, errors: list[ContractError]) -> None:
        super().__init__("\n".join(dict.fromkeys(map(str, errors))))


class _Deriver:
    def __init__(self, api: API, name: str, folder: str) -> None:
        self.contract = Contract(name, api)
        self.errors: list[ContractError] = []
        self.sources = Sources(folder)
        self.spelt: list[tuple[str, str, Place]] = []
        self.patterns: dict[tuple[str, str], str] = {}

    def run(self) -> None:
        api = self.contract.api
        self.sources.read()
        for file, line, keyword in self.sources.refused:
            found = f"`HTTPException({keyword}=…)`"
            self.errors.append(ContractError(Place(file, line, "HTTPException"), found, "`status_code` and `detail` only"))
        place = api.place
        for option in api.others:
            self.errors.append(ContractError(place, f"`{type(api).__name__}({option}=…)`", "it without that; a contract has no place for it"))
        if not re.fullmatch(r"\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?", api.version):
            self.errors.append(ContractError(place, f"the version {api.version!r}", "one of three numbers, such as '1.0.0' (semver)"))
        self.router(api, self.contract.name, "", [], api.description)
        if not any(interface.functions for interface in self.contract.interfaces) and not self.errors:
            self.errors.append(ContractError(place, "no function with a route", "one at least, such as `@app.get(\"/\")`"))
        self.choose_casing()
        self.contract.imports = [name for module, names in IMPORTS for name in names if module in self.sources.imports]

    def router(self, router: APIRouter, name: str, prefix: str, tags: list[Any], docs: str) -> None:
        prefix = prefix + router.prefix
        tags = [*tags, *router.tags]
        if router.routes:
            if any(interface.name == name for interface in self.contract.interfaces):
                self.errors.append(ContractError(router.place, f"a second interface `{name}`", "routers in modules of different names"))
                return
            interface = Interface(name, docs)
            self.contract.interfaces.append(interface)
            for route in router.routes:
                try:
                    interface.functions.append(self.function(interface, route, prefix, tags))
                except ContractError as error:
                    self.errors.append(error)
        for included, at, more, place in router.included:
            # Of a module by its name; of the same module by what its paths begin with.
            own = kebab(included.prefix.rsplit("/", 1)[-1]) if included.module == self.contract.api.module else ""
            self.router(included, own or kebab(included.module.rsplit(".", 1)[-1]), prefix + at, [*tags, *more], "")

    def function(self, interface: Interface, route: Route, prefix: str, tags: list[Any]) -> Function:
        place, options = route.place, dict(route.options)
        wit = kebab(route.call.__name__)
        if not is_wit_name(wit):
            raise ContractError(place, f"the name `{route.call.__name__}`", "one with letters, which WIT can spell")
        if any(other.wit == wit for other in interface.functions):
            raise ContractError(place, f"a second function `{wit}`", "functions with names that differ")
        function = Function(route, wit)
        self.document(function, options, tags, place)
        path = prefix + route.path
        self.parameters(interface, function, path)
        self.result(interface, function, options)
        self.failure(interface, function, options)
        pattern = (route.method, re.sub(r"\{[^{}]*\}", "{}", path))
        if pattern in self.patterns:
            raise ContractError(place, f"`{route.method} {path}`, which {self.patterns[pattern]} has already", "one function for a route")
        self.patterns[pattern] = route.call.__name__
        function.external_id = f"{route.method} {path}{self.status(function, options)}"
        function.is_async = awaits(route.call)
        for option, value in options.items():
            if value is not None:
                raise ContractError(place, f"`{option}={value!r}`", "the route without it; a contract has no place for it")
        return function

    def document(self, function: Function, options: dict[str, Any], tags: list[Any], place: Place) -> None:
        summary, description = options.pop("summary", None), options.pop("description", None)
        if description is None:
            description = clean(function.route.call.__doc__ or "")
        words = function.route.call.__name__.replace("_", " ").strip().capitalize()
        if summary is None and not description:
            summary = words
        function.docs = "\n\n".join(text for text in (summary, clean(description or "")) if text)
        for tag in [*tags, *(options.pop("tags", None) or [])]:
            function.keywords.append(f"@tag {getattr(tag, 'value', tag)}")
        if options.pop("deprecated", None):
            function.keywords.append("@deprecated")

    def status(self, function: Function, options: dict[str, Any]) -> str:
        status = options.pop("status_code", None)
        place = function.route.place
        if status is not None and not (isinstance(status, int) and 200 <= status <= 299):
            raise ContractError(place, f"`status_code={status!r}`", "a number from 200 to 299; the status of a success")
        if status in (204, 205) and function.result is not None:
            raise ContractError(place, f"`status_code={status}` and an answer of type `{function.result.name}`", "an answer without a value: `-> None`")
        if status is not None:
            return f" {status}"
        # Where WIT's convention for the name would be 201, FastAPI's is 200.
        return " 200" if function.wit.split("-")[0] in ("create", "add") and function.result is not None else ""

    def parameters(self, interface: Interface, function: Function, path: str) -> None:
        route, place = function.route, function.route.place
        in_path = re.findall(r"\{([^{}]*)\}", path)
        for name in in_path:
            if ":" in name:
                raise ContractError(place, f"`{{{name}}}` in {path!r}", "a parameter that is one whole segment: `{name}`")
        for segment in path.split("/"):
            if "{" in segment and not re.fullmatch(r"\{[^{}]*\}", segment):
                raise ContractError(place, f"the segment {segment!r} in {path!r}", "a text, or one `{parameter}`")
        if not path.startswith("/"):
            raise ContractError(place, f"the path {path!r}", "one that begins with `/`")
        try:
            hints = typing.get_type_hints(route.call, include_extras=True)
        except NameError as error:
            raise ContractError(place, f"an annotation with a name that is not there: {error}", "names of this module") from None
        signature = inspect.signature(route.call)
        bodies: list[tuple[str, Any, list[Any], Any, Place]] = []
        for name, parameter in signature.parameters.items():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise ContractError(place, f"`{parameter}`", "parameters with names")
            at = place.within(f"parameter {name}")
            annotation = hints.get(name, str)
            if parameter.annotation is parameter.empty and name not in in_path and parameter.default not in (parameter.empty, None) and not isinstance(parameter.default, (str, Info)):
                annotation = type(parameter.default)
            default = MISSING if parameter.default is parameter.empty else parameter.default
            more = default if isinstance(default, Info) else None
            if type(default).__name__ == "Depends" or any(type(it).__name__ == "Depends" for it in infos_of(annotation)):
                raise ContractError(at, "`Depends`", "a call of that function in the body")
            default = more.default if more is not None else default
            infos = infos_of(annotation, more)
            of = without_infos(annotation)
            for info in infos:
                if isinstance(info, Info) and default is MISSING and info.default is not MISSING:
                    default = info.default
            where = next((info.where for info in infos if isinstance(info, Info) and info.where), None)
            if where in ("cookie", "form"):
                expected = "`witapi.request.header(\"cookie\")`" if where == "cookie" else "`Body()`: the host takes forms wherever it takes JSON"
                raise ContractError(at, f"`{where.capitalize()}()`", expected)
            if name in in_path and where not in (None, "path"):
                raise ContractError(at, f"`{where}` for what stands in the path {path!r}", "`Path()`, or another name")
            if where == "path" and name not in in_path and next((i.alias for i in infos if isinstance(i, Info) and i.alias), None) not in in_path:
                raise ContractError(at, f"`Path()`, and no `{{{name}}}` in {path!r}", "the parameter in the path")
            if where is None:
                where = "path" if name in in_path else "body" if _is_body(of) else "query"
            if where in ("query", "header") and (members := members_of(of)) is not None:
                self.flattened(interface, function, name, of, members, where, at)
            elif where == "body":
                bodies.append((name, of, infos, default, at))
            else:
                function.arguments.append(Argument(name, [len(function.params)]))
                function.params.append(self.parameter(interface, function, name, of, infos, default, where, at))
        self.bodies(interface, function, bodies)
        if bodies and route.method in ("GET", "DELETE"):
            raise ContractError(bodies[0][4], f"a body with {route.method}", "`post`, `put` or `patch`, or a parameter of the query (`Query()`)")
        names = {param.json for param in function.params} | {param.wit for param in function.params}
        for name in in_path:
            if name not in names:
                raise ContractError(place, f"`{{{name}}}` in {path!r}", "a parameter of that name")
        wits = [param.wit for param in function.params]
        if len(set(wits)) < len(wits):
            twice = next(wit for wit in wits if wits.count(wit) > 1)
            raise ContractError(place, f"two parameters that are `{twice}` in WIT", "names that differ")

    def parameter(
        self, interface: Interface, function: Function, name: str, of: Any, infos: list[Any], default: Any, where: str, place: Place
    ) -> Param:
        hint = f"{function.wit}-{kebab(name)}"
        type = interface.types.of(of, place, hint)
        if where in ("query", "header", "path") and not _is_word(type, where):
            expected = "a scalar, a text or an enum" + ("" if where == "path" else ", or an option or a list of one")
            raise ContractError(place, f"`{show(of)}` in the {where}", expected)
        docs, keywords = said(infos, type, place)
        if where == "path" and default is not MISSING:
            raise ContractError(place, "a default in the path", "none: a path always has all of its parameters")
        keywords += default_keyword(Member(name, of, default), type, place)
        docs = " ".join(docs.split())
        for keyword in keywords:
            if re.search(r"\s@\w", keyword):
                raise ContractError(place, f"`{keyword}`", "no `@` behind a space in it")
        if re.search(r"(^|\s)@\w", docs):
            raise ContractError(place, f"the description {docs!r}", "no `@` at the beginning of a word: that is a keyword's")
        alias = next((info.alias for info in infos if isinstance(info, Info) and info.alias), None)
        param = Param(kebab(alias or name), alias or name, type, where, docs, keywords, place)
        if not is_wit_name(param.wit):
            raise ContractError(place, f"the name {param.json!r}", "a name that WIT can spell: words of letters and digits")
        if where == "header":
            underscores = next((info.convert_underscores for info in infos if isinstance(info, Info)), True)
            param.header = (alias or (name.replace("_", "-") if underscores else name)).lower()
            param.wit = kebab(name)
        else:
            self.spelt.append((param.wit, param.json, place))
        return param

    def flattened(
        self, interface: Interface, function: Function, name: str, of: Any, members: list[Member], where: str, place: Place
    ) -> None:
        """A model in the query: each member is a parameter."""
        config = getattr(of, "model_config", None) or {}
        if config.get("extra"):
            found = f"`model_config` with `extra={config['extra']!r}` in the {where}"
            raise ContractError(place, found, "it without that: what is no parameter is passed over")
        record = Record(kebab(of.__name__), of, "", [])
        first = len(function.params)
        for member in members:
            infos = infos_of(member.annotation, member.info)
            at = place.within(f"member {member.name}")
            param = self.parameter(interface, function, member.name, without_infos(member.annotation), infos, member.value(), where, at)
            from .types import Attribute

            record.members.append(Attribute(member, param.wit, param.json, param.type, "", []))
            function.params.append(param)
        function.arguments.append(Argument(name, list(range(first, len(function.params))), record))

    def bodies(self, interface: Interface, function: Function, bodies: list[tuple[str, Any, list[Any], Any, Place]]) -> None:
        sole = len(bodies) == 1
        for name, of, infos, default, place in bodies:
            type = interface.types.of(of, place, f"{function.wit}-{kebab(name)}")
            embed = any(isinstance(info, Info) and info.embed for info in infos)
            whole = isinstance(type, (Record, Variant, List, Bytes)) or type.name.startswith("tuple<")
            if sole and not embed and isinstance(type, Option):
                raise ContractError(
                    place, f"`{show(of)}` as the whole body", "a body that is always there, `Body(embed=True)`, or a model of which every member has a default"
                )
            if sole and not embed and not whole:
                raise ContractError(place, f"`{show(of)}` as the whole body", "`Body(embed=True)`: a member of one object")
            docs, keywords = said(infos, type, place)
            keywords += default_keyword(Member(name, of, default), type, place)
            self.spelt.append((kebab(name), name, place))
            if sole and embed and whole:
                # A sole record would be the body itself: so it gets one around it.
                body = Record(interface.types.free(f"{function.wit}-body", (function.wit, "body"), place), dict, "", [])
                from .types import Attribute

                body.members.append(Attribute(Member(name, of, default), kebab(name), name, type, docs, keywords))
                interface.types.named[body.name] = body
                function.arguments.append(Argument(name, [len(function.params)], embedded=True))
                function.params.append(Param("body", "body", body, "body", "", [], place))
                continue
            function.arguments.append(Argument(name, [len(function.params)]))
            docs = " ".join(docs.split())
            function.params.append(Param(kebab(name), name, type, "body", docs, keywords, place))

    def result(self, interface: Interface, function: Function, options: dict[str, Any]) -> None:
        call, place = function.route.call, function.route.place
        if inspect.isgeneratorfunction(call) or inspect.isasyncgenfunction(call):
            raise ContractError(place, "`yield`", "`return` of a list")
        hints = typing.get_type_hints(call, include_extras=True)
        model = options.pop("response_model", MISSING)
        of = model if model not in (MISSING, None) else hints.get("return", MISSING)
        at = place.within("the answer")
        hint = f"{function.wit}-result"
        if of is MISSING or of is typing.Any:
            from .infer import returned

            signature = inspect.signature(call)
            params = {name: hints.get(name, str) for name in signature.parameters}
            shape = returned(call, params, place)
            function.result = self.shaped(interface, shape, at, hint)
        elif of is type(None) or of is None:
            function.result = None
        else:
            function.result = interface.types.of(without_infos(of), at, hint)
        for name in ("response_model_include", "response_model_exclude"):
            names = options.pop(name, None)
            if names is not None:
                function.result = self.part(interface, function, name, set(names), at)

    def part(self, interface: Interface, function: Function, option: str, names: set[str], place: Place) -> Type:
        """A model without some of its members."""
        whole = function.result
        if not isinstance(whole, Record):
            raise ContractError(place, f"`{option}` of what is no model", "it with a model")
        keep = [it for it in whole.members if (it.member.name in names) == (option == "response_model_include")]
        if not keep:
            raise ContractError(place, f"`{option}` that leaves nothing", "at least one member")
        name = interface.types.free(f"{function.wit}-result", (function.wit, "result"), place)
        record = Record(name, whole.python, whole.docs, [])
        record.members = keep
        interface.types.named[name] = record
        self.unused(interface, function, whole)
        return record

    def unused(self, interface: Interface, function: Function, record: Record) -> None:
        """Forgets a type that only stood for another one."""
        functions = [*interface.functions, function]
        used = {id(need) for it in functions for param in it.params for need in closure(param.type)}
        used |= {id(need) for it in interface.functions if it.result is not None for need in closure(it.result)}
        if id(record) not in used:
            interface.types.named.pop(record.name, None)
            interface.types._identities.pop(record.name, None)

    def shaped(self, interface: Interface, shape: Any, place: Place, hint: str) -> Type | None:
        """The type of what was read off the source."""
        from .infer import NONE, Dict, Optional, Seq

        if isinstance(shape, Dict):
            members = []
            record = Record(interface.types.free(hint, (hint,), place), dict, "", [])
            record.place = place
            from .types import Attribute

            if not shape.items:
                raise ContractError(place, "an empty dict", "members: WIT has no empty records; or `-> None`")
            for key, (inner, always) in shape.items.items():
                wit = kebab(key)
                if not is_wit_name(wit):
                    raise ContractError(place, f"the key {key!r}", "a name that WIT can spell: words of letters and digits")
                at = place.within(f"member {key}")
                type = self.shaped(interface, inner, at, f"{hint.removesuffix('-result')}-{wit}")
                if type is None:
                    raise ContractError(at, "`None` and nothing else", "`-> T` with a model that says what else it may be")
                if not always and not isinstance(type, Option):
                    type = Option(type)
                members.append(Attribute(Member(key, None), wit, key, type, "", []))
            record.members = members
            interface.types.named[record.name] = record
            return record
        if isinstance(shape, Optional):
            some = self.shaped(interface, shape.some, place, hint)
            return None if some is None else Option(some)
        if isinstance(shape, Seq):
            if shape.item is None:
                raise ContractError(place, "an empty list", "`-> list[T]`: what its items are cannot be read off the source")
            item = self.shaped(interface, shape.item, place, f"{hint.removesuffix('-result')}-item")
            if item is None:
                raise ContractError(place, "a list of `None`", "`-> list[T]`")
            return List(item, list)
        if shape is NONE:
            return None
        return interface.types.of(shape, place, hint)

    def failure(self, interface: Interface, function: Function, options: dict[str, Any]) -> None:
        place = function.route.place
        raises = list(options.pop("raises", None) or [])
        may_raise = self.sources.may_raise(function.route.call)
        if not raises:
            if may_raise:
                function.error = http_error(interface, place)
            return
        if may_raise:
            raise ContractError(place, "`raises=[…]`, and an `HTTPException` that it may raise", "one or the other: with a typed error every error has a type")
        at = place.within("raises")
        variant = Variant(interface.types.free(f"{function.wit}-error", (function.wit, "error"), at), "")
        for error in raises:
            if not (isinstance(error, type) and issubclass(error, Error)):
                raise ContractError(at, f"`{show(error)}`", "subclasses of `witapi.Error`")
            members = error_members(error)
            payload: Type | None = None
            if members:
                record = Record(interface.types.free(kebab(error.__name__), error, at), error, own_docs(error), [])
                if record.name not in interface.types.named:
                    interface.types.fill(record, members, at)
                    interface.types.named[record.name] = record
                payload = interface.types.named[record.name]
            variant.cases.append((kebab(error.__name__), payload, own_docs(error), [f"@status {error.status}"]))
        interface.types.named[variant.name] = variant
        function.error, function.raises = variant, raises

    def choose_casing(self) -> None:
        """The casing in which JSON has every name as the author wrote it."""
        spelt = list(self.spelt)
        for interface in self.contract.interfaces:
            for type in interface.types.named.values():
                if isinstance(type, Record):
                    for it in type.members:
                        spelt.append((it.wit, it.json, _member_of(type, it.json)))
        fits = [casing for casing in CASINGS if all(cased(wit, casing) == json for wit, json, _ in spelt)]
        if fits:
            self.contract.casing = fits[0]
            return
        for wit, json, place in spelt:
            if cased(wit, CASINGS[0]) != json:
                spellings = ", ".join(f"{cased(wit, casing)!r}" for casing in CASINGS)
                self.errors.append(
                    ContractError(place, f"the name {json!r}, which WIT has as `{wit}`", f"one casing in all of a plugin, here of {spellings}")
                )


def http_error(interface: Interface, place: Place) -> Type:
    """The error of functions that raise `HTTPException`."""
    name = interface.types.free("http-error", "HTTPException", place)
    if name not in interface.types.named:
        from .errors import HTTPException
        from .types import Attribute

        record = Record(name, HTTPException, "An error, as the function raised it.", [])
        status = Scalar("u16", int)
        record.members = [
            Attribute(Member("status_code", int), "status", "status", status, "The status of the answer.", []),
            Attribute(Member("detail", str), "detail", "detail", Scalar("string", str), "What is wrong.", []),
        ]
        interface.types.named[name] = record
    return interface.types.named[name]


def closure(type: Type) -> Iterator[Type]:
    """A type and all types in it."""
    yield type
    for need in type.needs():
        yield from closure(need)


def _member_of(record: Record, json: str) -> Place:
    from .types import class_place

    if record.python is dict:
        if record.place is not None:
            return record.place.within(f"member {json}")
        return Place("", 0, f"record {record.name}, member {json}")
    return class_place(record.python).within(f"member {json}")


def _is_body(of: Any) -> bool:
    """Whether FastAPI takes a parameter of that annotation from the body."""
    args = typing.get_args(of)
    if members_of(of) is not None or of in (dict, list, set, tuple, bytes):
        return True
    import types

    origin = typing.get_origin(of)
    if origin in (typing.Union, types.UnionType):
        return any(_is_body(without_infos(arg)) for arg in args if arg is not type(None))
    return origin in (list, set, frozenset, tuple, dict)


def _is_word(type: Type, where: str) -> bool:
    if where != "path":
        if isinstance(type, Option):
            type = type.some
        if isinstance(type, List):
            type = type.item
    while isinstance(type, Alias):
        type = type.of
    return isinstance(type, (Scalar, Bytes, Enum))


__all__ = ["Contract", "Errors", "derive", "Query"]
