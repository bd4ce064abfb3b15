"""Calls every operation of the examples through the generated client, and prints each request with the status of its answer."""

import sys

import httpx

from greeter import greeter
from orders import orders
from todos import todos
from witapi_client import Client
from wordcount import wordcount


def note(response: httpx.Response) -> None:
    print(response.request.method, response.request.url.raw_path.decode().split("?")[0], response.status_code)


client = Client(base_url=sys.argv[1], httpx_args={"event_hooks": {"response": [note]}}, raise_on_unexpected_status=True)
for calls in (greeter, orders, todos, wordcount):
    calls(client)
