"""`Contract` → the text of its WIT. The same contract is the same text, byte for byte."""

from __future__ import annotations

from .contract import Contract, Function, Interface
from .names import escaped
from .types import Alias, Enum, Record, Type, Variant

FIRST_LINE = "// Derived from {source} by `witapi build`: edit that, not this."


def text(contract: Contract, source: str) -> str:
    """The WIT of a contract that was derived from that file."""
    api, name = contract.api, escaped(contract.name)
    blocks = [FIRST_LINE.format(source=source)]
    keywords = [] if contract.casing == "snake_case" else [f"@json {contract.casing}"]
    said = "\n\n".join(part for part in (api.title, api.summary, api.description) if part)
    head = _docs(said, keywords, "")
    blocks.append(f"{head}package app:{name}@{api.version};")
    blocks += [_interface(interface) for interface in contract.interfaces]
    imports = "".join(f"    import {name};\n" for name in contract.imports)
    exports = "".join(f"    export {escaped(interface.name)};\n" for interface in contract.interfaces)
    gap = "\n" if imports else ""
    blocks.append(f"world plugin {{\n{imports}{gap}{exports}}}")
    return "\n\n".join(blocks) + "\n"


def _interface(interface: Interface) -> str:
    items = [_type(type) for type in interface.types.named.values()]
    items += [_function(function) for function in interface.functions]
    body = "\n\n".join(item for item in items if item)
    return f"{_docs(interface.docs, [], '')}interface {escaped(interface.name)} {{\n{body}\n}}"


def _type(type: Type) -> str:
    indent, inner = "    ", "        "
    name = escaped(type.name)
    if isinstance(type, Alias):
        return f"{_docs(type.docs, type.keywords, indent)}{indent}type {name} = {_name(type.of)};"
    if isinstance(type, Enum):
        cases = "".join(f"{inner}{escaped(case)},\n" for case in type.cases)
        return f"{_docs(type.docs, [], indent)}{indent}enum {name} {{\n{cases}{indent}}}"
    if isinstance(type, Variant):
        cases = ""
        for case, payload, docs, keywords in type.cases:
            value = "" if payload is None else f"({_name(payload)})"
            cases += f"{_docs(docs, keywords, inner)}{inner}{escaped(case)}{value},\n"
        return f"{_docs(type.docs, [], indent)}{indent}variant {name} {{\n{cases}{indent}}}"
    if isinstance(type, Record):
        members = ""
        for it in type.members:
            members += f"{_docs(it.docs, it.keywords, inner)}{inner}{escaped(it.wit)}: {_name(it.type)},\n"
        return f"{_docs(type.docs, type.keywords, indent)}{indent}record {name} {{\n{members}{indent}}}"
    return ""


def _function(function: Function) -> str:
    indent = "    "
    keywords = []
    for param in function.params:
        said = [part for part in (param.docs, *param.keywords) if part]
        if said:
            keywords.append(" ".join([f"@param {param.wit}", *said]))
        if param.header is not None:
            keywords.append(f"@header {param.header} {param.wit}")
        elif param.where == "query" and function.route.method not in ("GET", "DELETE"):
            keywords.append(f"@query {param.wit}")
    params = ", ".join(f"{escaped(param.wit)}: {_name(param.type)}" for param in function.params)
    result = _name(function.result) if function.result is not None else ""
    if function.error is not None:
        result = f"result<{result or '_'}, {_name(function.error)}>"
    arrow = f" -> {result}" if result else ""
    head = "async func" if function.is_async else "func"
    external = f'{indent}@external-id("{function.external_id}")\n'
    docs = _docs(function.docs, [*keywords, *function.keywords], indent)
    return f"{docs}{external}{indent}{escaped(function.wit)}: {head}({params}){arrow};"


def _name(type: Type) -> str:
    """A type where it is used: its names escaped, however deep."""
    from .types import Bytes, List, Option, Scalar, Tuple

    if isinstance(type, (Scalar, Bytes)):
        return type.name
    if isinstance(type, Option):
        return f"option<{_name(type.some)}>"
    if isinstance(type, List):
        return f"list<{_name(type.item)}>"
    if isinstance(type, Tuple):
        return f"tuple<{', '.join(_name(item) for item in type.items)}>"
    return escaped(type.name)


def _docs(docs: str, keywords: list[str], indent: str) -> str:
    lines = docs.splitlines()
    if lines and keywords and len(lines) > 1:
        lines.append("")
    lines += keywords
    return "".join(f"{indent}/// {line}".rstrip() + "\n" for line in lines)
