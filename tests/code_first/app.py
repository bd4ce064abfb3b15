"""What the tutorial has not: each a function of its own."""

import logging
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Annotated, Literal, NotRequired, Optional, TypedDict
from uuid import UUID

from witapi import API, APIRouter, BaseModel, Body, Error, Field, Header, HTTPException, request, store

app = API(title="Everything", description="One of each.", version="1.2.3")
log = logging.getLogger("shop")


class Color(Enum):
    """A color."""

    RED = "red"
    DARK_BLUE = "dark-blue"


@dataclass
class Point:
    """A place."""

    x: float
    y: float = 0.5
    tags: list[str] = field(default_factory=list)


class Circle(BaseModel):
    center: Point
    radius: Annotated[float, Field(gt=0, description="In metres.")]


class Square(BaseModel):
    corner: Point
    side: float = Field(gt=0)


class Note(TypedDict):
    text: str
    author: NotRequired[str]


class OutOfStock(Error, status=409):
    """There are too few."""

    sku: str
    left: int = 0


class Closed(Error, status=503):
    """The shop is closed."""


@app.post("/echo")
def echo(
    color: Annotated[Color, Body()],
    shape: Circle | Square,
    note: Note,
    raw: Annotated[bytes, Body()],
    pair: Annotated[tuple[int, str], Body()],
    when: Annotated[datetime, Body()],
    size: Annotated[Literal["small", "large"], Body()] = "small",
    day: Annotated[Optional[date], Body()] = None,
    wait: Annotated[timedelta, Body()] = timedelta(minutes=90),
    ids: Annotated[frozenset[UUID], Body()] = frozenset(),
):
    assert isinstance(color, Color) and isinstance(shape, (Circle, Square)) and isinstance(when, datetime)
    assert isinstance(raw, bytes) and isinstance(wait, timedelta) and all(isinstance(it, UUID) for it in ids)
    assert isinstance(shape.center if isinstance(shape, Circle) else shape.corner, Point)
    return {
        "color": color,
        "shape": shape,
        "note": note,
        "raw": raw,
        "pair": pair,
        "when": when,
        "size": size,
        "day": day,
        "wait": wait,
        "ids": ids,
    }


@app.post("/order", raises=[OutOfStock, Closed], status_code=202)
def order(sku: Annotated[str, Body()], count: Annotated[int, Body(ge=1)]) -> int:
    """Order something

    Answers what is left.

    @example-that-is-none
    """
    if count > 100:
        raise Closed()
    if count > 10:
        raise OutOfStock(sku=sku, left=10)
    return 10 - count


@app.get("/fail/{status}")
def fail(status: int) -> str:
    _fail(status)
    return "never"


def _fail(status: int) -> None:
    raise HTTPException(status)


@app.get("/wrong")
def wrong() -> int:
    return "no number"  # type: ignore[return-value]


@app.get("/facts")
def facts(x_tenant: Annotated[str, Header(min_length=2)], tags: Annotated[Optional[list[str]], Header()] = None):
    return {"id": request.id(), "method": request.method(), "route": request.route(), "tenant": x_tenant, "tags": tags,
            "agent": request.header("User-Agent")}


@app.get("/log")
def write(words: str) -> None:
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
        log.log(level, "said %s at %d", words, level)


counters = APIRouter(prefix="/counters", tags=["counting"])


@counters.post("/{name}")
def count(name: str, by: Annotated[int, Body(embed=True)] = 1) -> int:
    kept = store.open()
    kept[f"of {name}"] = f"by {by}"
    return kept.increment(name, by)


@counters.get("/{name}")
def read_counter(name: str) -> Optional[int]:
    value = store.open().get(name)
    return None if value is None else int(value)


@counters.get("/")
def read_counters() -> list[str]:
    kept = store.open()
    return [f"{key}={value.decode()}" for key, value in kept.items() if key in kept]


@counters.delete("/{name}", status_code=204)
def delete_counter(name: str) -> None:
    kept = store.open()
    try:
        del kept[name]
    except KeyError:
        raise HTTPException(404, f"{name} was never counted") from None


app.include_router(counters)


async def double(number: int) -> int:
    return number * 2


@app.get("/twice")
async def twice(number: int, at: time = time(12)) -> int:
    assert isinstance(at, time)
    return await double(number)
