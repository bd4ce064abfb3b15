"""Where things stand in the author's source, for messages. Nothing of it runs in a component."""

from __future__ import annotations

import ast
import os
import sys
from typing import Any


def shown(file: str) -> str:
    """A path as the author would write it."""
    relative = os.path.relpath(file)
    return file if relative.startswith("..") else relative


def class_line(python: Any, member: str | None) -> tuple[str, int]:
    """File and line of a class, or of one of its members."""
    module = sys.modules.get(getattr(python, "__module__", ""), None)
    file = getattr(module, "__file__", None)
    if file is None:
        return "?", 0
    try:
        with open(file, encoding="utf-8") as source:
            tree = ast.parse(source.read())
    except (OSError, SyntaxError):
        return shown(file), 0
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == python.__name__:
            for line in node.body:
                target = line.target if isinstance(line, ast.AnnAssign) else None
                if isinstance(target, ast.Name) and target.id == member:
                    return shown(file), line.lineno
            return shown(file), node.lineno
    return shown(file), 0


class Sources:
    """The functions of the author's modules: which names each one uses, and what else their text tells."""

    def __init__(self, folder: str) -> None:
        self.uses: dict[str, set[str]] = {}
        self.imports: set[str] = set()
        self.exceptions = {"HTTPException"}
        self.refused: list[tuple[str, int, str]] = []
        self._read: set[str] = set()
        self.folder = os.path.abspath(folder)

    def read(self) -> None:
        """Reads the modules that are loaded by now."""
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if not isinstance(file, str) or not os.path.abspath(file).startswith(self.folder + os.sep) or file in self._read:
                continue
            self._read.add(file)
            with open(file, encoding="utf-8") as source:
                self._module(ast.parse(source.read()), file)

    def _module(self, tree: ast.Module, file: str) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                self.imports.update(it.name for it in node.names)
            if isinstance(node, ast.ImportFrom):
                self.imports.update({node.module or "", *(f"{node.module}.{it.name}" for it in node.names)})
                self.exceptions.update(it.asname for it in node.names if it.name == "HTTPException" and it.asname)
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self.uses.setdefault(node.name, set()).update(_names(node))
            if isinstance(node, ast.ClassDef):
                # Who makes an instance runs its `__init__`.
                self.uses.setdefault(node.name, set()).update(_names(node))
            if isinstance(node, ast.Call) and _called(node) in self.exceptions:
                for keyword in node.keywords:
                    if keyword.arg not in ("status_code", "detail", None):
                        self.refused.append((shown(file), node.lineno, keyword.arg))

    def may_raise(self, call: Any) -> bool:
        """Whether a function names `HTTPException`, or whatever it may call does, by the names that they use."""
        seen: set[str] = set()
        rest = list(_names_of_code(call.__code__))
        while rest:
            name = rest.pop()
            if name in self.exceptions:
                return True
            if name not in seen:
                seen.add(name)
                rest.extend(self.uses.get(name, ()))
        return False


def _names_of_code(code: Any) -> set[str]:
    """The names of globals and attributes in a function and in those within it."""
    within = [_names_of_code(it) for it in code.co_consts if hasattr(it, "co_names")]
    return {*code.co_names, *code.co_freevars}.union(*within)


def _names(node: ast.AST) -> set[str]:
    names = {it.id for it in ast.walk(node) if isinstance(it, ast.Name)}
    return names | {it.attr for it in ast.walk(node) if isinstance(it, ast.Attribute)}


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""


def awaits(call: Any) -> bool:
    """Whether a coroutine function waits for anything, so that it has to be `async` in WIT too."""
    import inspect
    import textwrap

    if not inspect.iscoroutinefunction(call):
        return False
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(call)))
    except (OSError, SyntaxError):
        return True
    waiting = (ast.Await, ast.AsyncFor, ast.AsyncWith)
    return any(isinstance(node, waiting) or (isinstance(node, ast.comprehension) and node.is_async) for node in ast.walk(tree))
