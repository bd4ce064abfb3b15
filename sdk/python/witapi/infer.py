"""What a function without a return annotation returns, read off its source.

A FastAPI author leaves the annotation off as often as not: `return {"item_id": item_id, "q": q}`. A contract needs
the type, so it is taken from the source where the source tells it: displays, parameters, models, and what is done to
a `dict` before it is returned. Where it does not, the author is asked for the annotation. Nothing is guessed.

Runs beside the author, never in a component, which gets what was found in a table (`Shape.table`).
"""

from __future__ import annotations

import ast
import datetime
import inspect
import textwrap
import types
import typing
from typing import Any

from .errors import ContractError, Place
from .types import members_of, show, without_infos


class Dict:
    """A `dict` with known keys: each with what it holds, and whether it is always there."""

    def __init__(self, items: dict[str, tuple[Any, bool]]) -> None:
        self.items = items

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Dict) and self.items == other.items

    def __hash__(self) -> int:
        return hash(tuple(self.items))


class Seq:
    """A list; `item` is `None` for one that is empty."""

    def __init__(self, item: Any) -> None:
        self.item = item

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Seq) and self.item == other.item

    def __hash__(self) -> int:
        return hash(Seq)


class Unknown:
    """What the source does not tell, and why."""

    def __init__(self, why: str) -> None:
        self.why = why


NONE = type(None)


def returned(call: Any, params: dict[str, Any], place: Place) -> Any:
    """The shape of what `call` returns: an annotation, a `Dict`, a `Seq`, or `None` for nothing.

    Raises `ContractError` where the source does not tell.
    """
    try:
        source = textwrap.dedent(inspect.getsource(call))
        tree = ast.parse(source).body[0]
    except (OSError, SyntaxError, TypeError):
        raise ContractError(place, "no return annotation, and no source", "`-> T`") from None
    first = call.__code__.co_firstlineno
    reader = _Reader(call.__globals__, params)
    reader.block(tree.body, reader.params.copy())
    found = reader.returns
    if not found:
        return NONE
    shape = None
    for line, one in found:
        shape = one if shape is None else _join(shape, one)
        if isinstance(shape, Unknown):
            at = place.at(first + line - 1)
            raise ContractError(at, f"no return annotation, and what it returns cannot be read off the source: {shape.why}", "`-> T` with a model or another type, or `response_model`")
    return shape


class _Reader:
    """Reads a function's body, with what each variable holds."""

    def __init__(self, names: dict[str, Any], params: dict[str, Any]) -> None:
        self.names = names
        self.params = {name: without_infos(annotation) for name, annotation in params.items()}
        self.returns: list[tuple[int, Any]] = []

    def block(self, body: list[ast.stmt], env: dict[str, Any]) -> bool:
        """Whether the end of the block is reached."""
        for line in body:
            if not self.line(line, env):
                return False
        return True

    def line(self, line: ast.stmt, env: dict[str, Any]) -> bool:
        if isinstance(line, ast.Return):
            self.returns.append((line.lineno, NONE if line.value is None else self.value(line.value, env)))
            return False
        if isinstance(line, ast.Raise):
            return False
        if isinstance(line, ast.If):
            then, other = dict(env), dict(env)
            _narrow(line.test, then, other)
            branches = [at_end for at_end in (then if self.block(line.body, then) else None, other if self.block(line.orelse, other) else None) if at_end is not None]
            return _merge(env, branches)
        if isinstance(line, (ast.For, ast.AsyncFor, ast.While)):
            inside = dict(env)
            if not isinstance(line, ast.While):
                self.assign(line.target, _item(self.value(line.iter, env)), inside)
            self.block(line.body, inside)
            return _merge(env, [dict(env), inside])
        if isinstance(line, (ast.With, ast.AsyncWith)):
            for item in line.items:
                if item.optional_vars is not None:
                    self.assign(item.optional_vars, Unknown(f"`{ast.unparse(item.context_expr)}`"), env)
            return self.block(line.body, env)
        if isinstance(line, ast.Try):
            tried = dict(env)
            ends = [tried] if self.block([*line.body, *line.orelse], tried) else []
            for handler in line.handlers:
                handled = dict(env)
                if handler.name:
                    handled[handler.name] = Unknown(f"the exception `{handler.name}`")
                if self.block(handler.body, handled):
                    ends.append(handled)
            return _merge(env, ends) and self.block(line.finalbody, env)
        if isinstance(line, ast.Assign):
            value = self.value(line.value, env)
            for target in line.targets:
                self.assign(target, value, env)
        elif isinstance(line, ast.AnnAssign) and line.value is not None:
            self.assign(line.target, self.annotation(line.annotation), env)
        elif isinstance(line, ast.AugAssign):
            self.assign(line.target, self.value(ast.BinOp(_load(line.target), line.op, line.value), env), env)
        elif isinstance(line, ast.Expr):
            self.effect(line.value, env)
        return True

    def annotation(self, node: ast.expr) -> Any:
        try:
            return without_infos(eval(ast.unparse(node), self.names))  # noqa: S307 - the author's own annotation
        except Exception:
            return Unknown(f"the annotation `{ast.unparse(node)}`")

    def assign(self, target: ast.expr, value: Any, env: dict[str, Any]) -> None:
        if isinstance(target, ast.Name):
            env[target.id] = value
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and isinstance(target.slice, ast.Constant):
            holder, key = env.get(target.value.id), target.slice.value
            if isinstance(holder, Dict) and isinstance(key, str):
                env[target.value.id] = Dict({**holder.items, key: (value, True)})
        elif isinstance(target, (ast.Tuple, ast.List)):
            parts = typing.get_args(value) if typing.get_origin(value) is tuple else ()
            for index, part in enumerate(target.elts):
                self.assign(part, parts[index] if index < len(parts) else Unknown(f"`{ast.unparse(target)}`"), env)

    def effect(self, node: ast.expr, env: dict[str, Any]) -> None:
        """What a call does to a `dict` or list that a variable holds."""
        if isinstance(node, ast.Await):
            node = node.value
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)):
            return
        name, method = node.func.value.id, node.func.attr
        holder = env.get(name)
        if isinstance(holder, Dict) and method == "update":
            more = self.value(node.args[0], env) if node.args else Dict({})
            if not isinstance(more, Dict):
                env[name] = more if isinstance(more, Unknown) else Unknown(f"`{ast.unparse(node)}`")
                return
            items = dict(holder.items)
            for key, (value, always) in more.items.items():
                items[key] = (value, True) if always else (_join(items[key][0], value), items[key][1]) if key in items else (value, False)
            for keyword in node.keywords:
                if keyword.arg is not None:
                    items[keyword.arg] = (self.value(keyword.value, env), True)
            env[name] = Dict(items)
        elif isinstance(holder, Dict) and method in ("pop", "clear", "popitem", "setdefault"):
            key = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
            if method == "pop" and key in holder.items:
                env[name] = Dict({other: it for other, it in holder.items.items() if other != key})
            else:
                env[name] = Unknown(f"`{ast.unparse(node)}`")
        elif isinstance(holder, Seq) and method == "append" and node.args:
            item = self.value(node.args[0], env)
            env[name] = Seq(item if holder.item is None else _join(holder.item, item))

    def value(self, node: ast.expr, env: dict[str, Any]) -> Any:
        """What an expression is."""
        unknown = Unknown(f"`{ast.unparse(node)}`")
        if isinstance(node, ast.Await):
            return self.value(node.value, env)
        if isinstance(node, ast.Constant):
            return type(node.value)
        if isinstance(node, ast.JoinedStr):
            return str
        if isinstance(node, ast.Name):
            return self.named(node.id, env)
        if isinstance(node, ast.Dict):
            return self.display(node, env)
        if isinstance(node, (ast.List, ast.Set)):
            return self.joined([self.value(item, env) for item in node.elts])
        if isinstance(node, ast.ListComp) and len(node.generators) == 1:
            inside = dict(env)
            self.assign(node.generators[0].target, _item(self.value(node.generators[0].iter, env)), inside)
            return Seq(self.value(node.elt, inside))
        if isinstance(node, ast.Tuple):
            parts = [self.annotated(self.value(item, env)) for item in node.elts]
            return unknown if any(isinstance(part, Unknown) for part in parts) else tuple[tuple(parts)]
        if isinstance(node, ast.IfExp):
            then, other = dict(env), dict(env)
            _narrow(node.test, then, other)
            return _join(self.value(node.body, then), self.value(node.orelse, other))
        if isinstance(node, ast.BoolOp):
            return _all([self.value(part, env) for part in node.values])
        if isinstance(node, (ast.Compare,)) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
            return bool
        if isinstance(node, ast.UnaryOp):
            return self.value(node.operand, env)
        if isinstance(node, ast.BinOp):
            return self.operation(node, env)
        if isinstance(node, ast.Attribute):
            return _attribute(self.value(node.value, env), node.attr) or unknown
        if isinstance(node, ast.Subscript):
            return self.subscript(node, env)
        if isinstance(node, ast.Call):
            return self.call(node, env)
        return unknown

    def annotated(self, shape: Any) -> Any:
        return Unknown("a tuple with a dict in it") if isinstance(shape, (Dict, Seq)) else shape

    def joined(self, items: list[Any]) -> Any:
        item = _all(items) if items else None
        return item if isinstance(item, Unknown) else Seq(item)

    def named(self, name: str, env: dict[str, Any]) -> Any:
        if name in env:
            return env[name]
        if name in self.names:
            return of_value(self.names[name], name)
        return Unknown(f"`{name}`")

    def display(self, node: ast.Dict, env: dict[str, Any]) -> Any:
        items: dict[str, tuple[Any, bool]] = {}
        for key, value in zip(node.keys, node.values):
            shape = self.value(value, env)
            if key is None:
                if isinstance(shape, Dict):
                    items.update(shape.items)
                else:
                    return shape if isinstance(shape, Unknown) else Unknown(f"`**{ast.unparse(value)}`")
            elif isinstance(key, ast.Constant) and isinstance(key.value, str):
                items[key.value] = (shape, True)
            else:
                return Unknown(f"the key `{ast.unparse(key)}`")
        for shape, _ in items.values():
            if isinstance(shape, Unknown):
                return shape
        return Dict(items)

    def operation(self, node: ast.BinOp, env: dict[str, Any]) -> Any:
        left, right = (_some(self.value(side, env)) for side in (node.left, node.right))
        for side in (left, right):
            if isinstance(side, Unknown):
                return side
        if left is str and isinstance(node.op, (ast.Mod, ast.Mult)) or (left is str and right is str):
            return str
        if {left, right} <= {int, float, bool}:
            return float if float in (left, right) or isinstance(node.op, ast.Div) else int
        pair = (left, right)
        moment, span = datetime.datetime, datetime.timedelta
        if pair in ((moment, span), (span, moment)):
            return moment
        if pair == (moment, moment) or pair == (span, span):
            return span
        if isinstance(left, Seq) and isinstance(right, Seq):
            return _join(left, right)
        if isinstance(left, Dict) and isinstance(right, Dict) and isinstance(node.op, ast.BitOr):
            return Dict({**left.items, **right.items})
        return Unknown(f"`{ast.unparse(node)}`")

    def subscript(self, node: ast.Subscript, env: dict[str, Any]) -> Any:
        holder = self.value(node.value, env)
        if isinstance(holder, Unknown):
            return holder
        if isinstance(node.slice, ast.Slice):
            return holder if isinstance(holder, Seq) or holder in (str, bytes) or typing.get_origin(holder) is list else Unknown(f"`{ast.unparse(node)}`")
        if isinstance(holder, Dict):
            if isinstance(node.slice, ast.Constant) and node.slice.value in holder.items:
                return holder.items[node.slice.value][0]
            # A table: whatever the key, one of its values.
            return _all([shape for shape, _ in holder.items.values()]) if holder.items else Unknown(f"`{ast.unparse(node)}`")
        return _item(holder, f"`{ast.unparse(node)}`")

    def call(self, node: ast.Call, env: dict[str, Any]) -> Any:
        unknown = Unknown(f"`{ast.unparse(node)}`")
        if isinstance(node.func, ast.Attribute):
            holder = self.value(node.func.value, env)
            method = node.func.attr
            if method in ("model_dump", "dict") and not node.keywords and (members := _members(holder)) is not None:
                return Dict({member.name: (_dumped(without_infos(member.annotation)), True) for member in members})
            if method in ("model_copy", "copy") and (isinstance(holder, (Dict, Seq)) or _members(holder) is not None):
                return holder
            if isinstance(holder, Dict) and method == "get" and node.args:
                found = self.subscript(ast.Subscript(node.func.value, node.args[0], ast.Load()), env)
                return _join(found, self.value(node.args[1], env) if len(node.args) > 1 else NONE)
            if isinstance(holder, Dict) and method == "values":
                return self.joined([shape for shape, _ in holder.items.values()])
            if isinstance(holder, Dict) and method == "keys":
                return Seq(str)
            if holder is str:
                return {"split": Seq(str), "splitlines": Seq(str), "encode": bytes, "count": int, "find": int, "index": int}.get(method) or (bool if method.startswith(("is", "starts", "ends")) else str)
        called = None
        if isinstance(node.func, ast.Name) and node.func.id not in env:
            import builtins

            called = self.names.get(node.func.id, getattr(builtins, node.func.id, None))
        elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            owner = self.names.get(node.func.value.id)
            if isinstance(owner, (type, types.ModuleType)) and node.func.value.id not in env:
                called = getattr(owner, node.func.attr, None)
        if called in (str, int, float, bool, bytes):
            return called
        if called in (len, hash, ord):
            return int
        if called in (list, sorted) and node.args:
            return self.value(node.args[0], env) if isinstance(self.value(node.args[0], env), Seq) else unknown
        if called is dict and not node.args:
            return Dict({keyword.arg: (self.value(keyword.value, env), True) for keyword in node.keywords if keyword.arg})
        if isinstance(called, type) and members_of(called) is not None:
            return called
        if isinstance(called, (types.FunctionType, types.BuiltinFunctionType, types.MethodType)):
            try:
                found = typing.get_type_hints(called, include_extras=True).get("return", unknown)
            except Exception:
                return unknown
            return unknown if found is typing.Any or isinstance(found, typing.TypeVar) else without_infos(found)
        if called is datetime.datetime.now or called is datetime.datetime.utcnow:
            return datetime.datetime
        return unknown


def of_value(value: Any, name: str) -> Any:
    """The shape of a value that the module has."""
    if value is None or isinstance(value, (bool, int, float, str, bytes, datetime.date, datetime.timedelta)):
        return type(value)
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return Dict({key: (of_value(item, f"{name}[{key!r}]"), True) for key, item in value.items()})
    if isinstance(value, (list, set, frozenset)):
        return Seq(_all([of_value(item, f"an item of {name}") for item in value]) if value else None)
    if members_of(type(value)) is not None:
        return type(value)
    return Unknown(f"`{name}`, a value of type `{type(value).__name__}`")


def _members(shape: Any) -> Any:
    return members_of(shape) if isinstance(shape, type) else None


def _dumped(annotation: Any) -> Any:
    """What `model_dump` makes of a member: models become dicts, of which the shape stays the model's."""
    return annotation


def _load(target: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(target), mode="eval").body


def _some(shape: Any) -> Any:
    """Without `None`, in arithmetic: with it, it would have failed."""
    if typing.get_origin(shape) in (typing.Union, types.UnionType):
        rest = [arg for arg in typing.get_args(shape) if arg is not NONE]
        return rest[0] if len(rest) == 1 else shape
    return shape


def _narrow(test: ast.expr, then: dict[str, Any], other: dict[str, Any]) -> None:
    """`if x:`, `if x is None:`, `if x is not None:` of a variable that may be `None`."""
    if isinstance(test, ast.Name) and test.id in then:
        then[test.id] = _some(then[test.id])
    elif isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id in then and len(test.ops) == 1:
        is_none = isinstance(test.comparators[0], ast.Constant) and test.comparators[0].value is None
        branch = then if isinstance(test.ops[0], (ast.IsNot, ast.NotEq)) else other
        if is_none:
            branch[test.left.id] = _some(branch[test.left.id])


def _merge(env: dict[str, Any], branches: list[dict[str, Any]]) -> bool:
    """Joins what variables hold at the ends of branches; whether any end is reached."""
    if not branches:
        return False
    names = set().union(*branches)
    env.clear()
    for name in names:
        held = [branch[name] for branch in branches if name in branch]
        env[name] = held[0] if all(one is held[0] for one in held) else _all(held)
    return True


def _all(shapes: list[Any]) -> Any:
    joined = shapes[0]
    for shape in shapes[1:]:
        joined = _join(joined, shape)
    return joined


def _join(one: Any, other: Any) -> Any:
    """What is one or the other."""
    for shape in (one, other):
        if isinstance(shape, Unknown):
            return shape
    if isinstance(one, Dict) and isinstance(other, Dict):
        items = {}
        for key in [*one.items, *(key for key in other.items if key not in one.items)]:
            if key in one.items and key in other.items:
                joined = _join(one.items[key][0], other.items[key][0])
                if isinstance(joined, Unknown):
                    return Unknown(f"{joined.why}, under {key!r}")
                items[key] = (joined, one.items[key][1] and other.items[key][1])
            else:
                items[key] = ((one.items.get(key) or other.items[key])[0], False)
        return Dict(items)
    if isinstance(one, Seq) and isinstance(other, Seq):
        if one.item is None or other.item is None:
            return other if one.item is None else one
        item = _join(one.item, other.item)
        return item if isinstance(item, Unknown) else Seq(item)
    if isinstance(one, Optional) or isinstance(other, Optional):
        inner = _join(one.some if isinstance(one, Optional) else one, other.some if isinstance(other, Optional) else other)
        return inner if isinstance(inner, Unknown) else Optional(inner) if isinstance(inner, (Dict, Seq)) else inner
    if isinstance(one, (Dict, Seq)) or isinstance(other, (Dict, Seq)):
        if NONE in (one, other):
            return Optional(other if one is NONE else one)
        return Unknown(f"{_name(one)} here and {_name(other)} there")
    if one == other:
        return one
    if {one, other} == {int, float}:
        return float
    if NONE in (one, other):
        return typing.Optional[other if one is NONE else one]
    some = {arg for shape in (one, other) for arg in (typing.get_args(shape) if typing.get_origin(shape) in (typing.Union, types.UnionType) else (shape,))}
    rest = some - {NONE}
    if rest == {int, float}:
        rest = {float}
    if len(rest) == 1:
        return typing.Optional[rest.pop()] if NONE in some else rest.pop()
    return Unknown(f"{_name(one)} here and {_name(other)} there")


class Optional:
    """A `Dict` or `Seq` or `None`."""

    def __init__(self, some: Any) -> None:
        self.some = some

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Optional) and self.some == other.some

    def __hash__(self) -> int:
        return hash(Optional)


def _name(shape: Any) -> str:
    return "a dict" if isinstance(shape, Dict) else "a list" if isinstance(shape, Seq) else "a dict or list or None" if isinstance(shape, Optional) else f"`{show(shape)}`"


def _item(shape: Any, what: str = "an item") -> Any:
    if isinstance(shape, Unknown):
        return shape
    if isinstance(shape, Seq) and shape.item is not None:
        return shape.item
    if shape is str:
        return str
    if typing.get_origin(shape) in (list, set, frozenset) and typing.get_args(shape):
        return without_infos(typing.get_args(shape)[0])
    return Unknown(f"{what} of {_name(shape)}")


def _attribute(shape: Any, name: str) -> Any:
    if isinstance(shape, Unknown):
        return shape
    import enum

    if isinstance(shape, type) and issubclass(shape, enum.Enum):
        return str if name in ("value", "name") else shape if name in shape.__members__ else None
    for member in _members(shape) or ():
        if member.name == name:
            return without_infos(member.annotation)
    return None


