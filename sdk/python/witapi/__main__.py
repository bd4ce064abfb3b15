"""`python -m witapi derive APP.py --name NAME`: the WIT of a module, on stdout.

What `witapi build` runs. Exit status 1, and a line for each thing that WIT cannot say, if there is any.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from typing import Any

from .api import API
from .contract import Contract, Errors, derive
from .errors import ContractError, Place


def load(file: str, name: str) -> Contract:
    """The contract of the module in that file: of the one `API` that is a global of it."""
    folder, module = os.path.split(os.path.abspath(file))
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    loaded = importlib.import_module(module.removesuffix(".py"))
    return contract_of(loaded, name, folder)


def contract_of(loaded: Any, name: str, folder: str) -> Contract:
    """The contract of a module, whose sources are in `folder`."""
    apis = {id(value): value for value in vars(loaded).values() if isinstance(value, API)}
    if len(apis) != 1:
        file = getattr(loaded, "__file__", None) or "app.py"
        found = f"{len(apis)} instances of `API`" if apis else "no instance of `API`"
        expected = "one, `app = API()`; or a contract in the folder `wit`, and classes that do what it says"
        raise ContractError(Place(file, 1, "module"), found, expected)
    return derive(next(iter(apis.values())), name, folder)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m witapi", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("derive", help="print the WIT of a module")
    command.add_argument("file", help="the module, such as src/app.py")
    command.add_argument("--name", required=True, help="the plugin's name, in WIT's spelling")
    options = parser.parse_args()
    from .wit import text

    try:
        contract = load(options.file, options.name)
    except (Errors, ContractError) as error:
        print(error, file=sys.stderr)
        return 1
    except Exception:
        # In the author's own module, most likely: from there on, as Python shows it.
        kind, error, trace = sys.exc_info()
        while trace is not None and not trace.tb_frame.f_code.co_filename.startswith(os.path.dirname(os.path.abspath(options.file))):
            trace = trace.tb_next
        traceback.print_exception(kind, error, trace)
        return 1
    sys.stdout.write(text(contract, options.file))
    return 0


if __name__ == "__main__":
    sys.exit(main())
