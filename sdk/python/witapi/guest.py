"""The author's functions behind the bindings of componentize-py. Runs in the component only.

`bind` is what the generated module of `.witapi` calls: it gives that module a class for each interface of the
contract, as componentize-py looks for them.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

from .api import Error
from .contract import Argument, Contract, Function
from .errors import HTTPException
from .names import python_class, python_name


def serve(module: dict[str, Any], name: str, is_derived: bool) -> None:
    """Makes the module that componentize-py looks into: of an `API`, or of classes that the author wrote."""
    from . import log

    log.install()
    app = importlib.import_module("app")
    if is_derived:
        from .__main__ import contract_of

        bind(module, contract_of(app, name, os.path.dirname(app.__file__)))
    else:
        module.update({key: value for key, value in vars(app).items() if not key.startswith("__")})


def bind(module: dict[str, Any], contract: Contract) -> None:
    """Puts the classes of the contract's interfaces into a module."""
    for interface in contract.interfaces:
        bindings = importlib.import_module(f"wit_world.exports.{python_name(interface.name)}")
        for type in interface.types.named.values():
            type.bind(bindings)
        methods = {python_name(function.wit): _method(function) for function in interface.functions}
        name = python_class(interface.name)
        module[name] = builtin_type(name, (), methods)


builtin_type = type


def _method(function: Function) -> Any:
    from componentize_py_types import Err

    call = function.route.call
    is_coroutine = bool(call.__code__.co_flags & 0x80)  # inspect.CO_COROUTINE
    types = [param.type for param in function.params]

    def arguments(values: tuple[Any, ...]) -> dict[str, Any]:
        lifted = [type.lift(value) for type, value in zip(types, values)]
        return {argument.name: _argument(argument, lifted) for argument in function.arguments}

    def answer(value: Any) -> Any:
        if function.result is None:
            return None
        try:
            return function.result.lower(value)
        except TypeError as error:
            raise TypeError(f"{call.__name__} returned what its contract has not: {error}") from None

    def failure(error: Exception) -> Exception:
        if isinstance(error, HTTPException) and function.error is not None and not function.raises:
            return Err(function.error.lower(error))
        for index, kind in enumerate(function.raises):
            if type(error) is kind:
                payload = function.error.cases[index][1]
                case = function.error.binding[index]
                return Err(case() if payload is None else case(payload.lower(error)))
        return error

    if function.is_async:

        async def method(self: Any, *values: Any) -> Any:
            try:
                return answer(await call(**arguments(values)))
            except (HTTPException, Error) as error:
                raise failure(error) from None

    else:

        def method(self: Any, *values: Any) -> Any:
            try:
                value = call(**arguments(values))
                return answer(_finished(value) if is_coroutine else value)
            except (HTTPException, Error) as error:
                raise failure(error) from None

    return method


def _argument(argument: Argument, lifted: list[Any]) -> Any:
    if argument.record is not None:
        values = {it.member.name: lifted[index] for it, index in zip(argument.record.members, argument.params)}
        return argument.record._make(values)
    value = lifted[argument.params[0]]
    return value[argument.name] if argument.embedded else value


def _finished(coroutine: Any) -> Any:
    """The result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("the function waits for something, and its contract does not say so")
