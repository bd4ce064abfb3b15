"""Python's names and WIT's: `read_item`, `ModelName` and `read-item`, `model-name`."""

from __future__ import annotations

import re

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+[0-9]*|[0-9]+")

# What WIT reads as something else unless `%` stands before it (component-model, WIT.md, "Keywords").
KEYWORDS = frozenset(
    """as async bool borrow char constructor enum error-context export f32 f64 flags from func future import include
    interface list map option own package record resource result s16 s32 s64 s8 static stream string tuple type u16
    u32 u64 u8 use variant with world""".split()
)

# How a host may spell a WIT name in JSON, in the order in which they are tried. The first is its default.
CASINGS = ("snake_case", "camelCase", "kebab-case")


def kebab(name: str) -> str:
    """As WIT spells it. Every word begins with a letter there, so digits join the word before them."""
    words: list[str] = []
    for word in _WORD.findall(name):
        if word[0].isdigit() and words:
            words[-1] += word
        else:
            words.append(word.lower())
    return "-".join(words)


def escaped(name: str) -> str:
    """As it stands in WIT's text."""
    return f"%{name}" if name in KEYWORDS else name


def is_wit_name(name: str) -> bool:
    return re.fullmatch(r"([a-z][a-z0-9]*|[A-Z][A-Z0-9]*)(-([a-z][a-z0-9]*|[A-Z][A-Z0-9]*))*", name) is not None


def cased(name: str, casing: str) -> str:
    """A WIT name in JSON."""
    words = name.split("-")
    if casing == "kebab-case":
        return name
    if casing == "camelCase":
        return words[0] + "".join(word[:1].upper() + word[1:] for word in words[1:])
    return "_".join(words)


def python_name(name: str) -> str:
    """A WIT name as componentize-py's bindings have it, of functions and modules."""
    import keyword

    name = name.replace("-", "_").lower()
    return f"{name}_" if keyword.iskeyword(name) else name


def python_class(name: str) -> str:
    """A WIT name as componentize-py's bindings have it, of classes."""
    import keyword

    name = "".join(word[:1].upper() + word[1:].lower() for word in name.split("-"))
    return f"{name}_" if keyword.iskeyword(name) else name
