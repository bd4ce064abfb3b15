"""The two endpoints in FastAPI, with models that have the rules of plugins/orders-rust/wit/orders.wit.

`async def`, as its documentation recommends for what waits for nothing; the result's type is the response model.
"""

from typing import Annotated, Literal

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, EmailStr, Field

Cents = Annotated[int, Field(ge=0, lt=2**64)]
Quantity = Annotated[int, Field(ge=1, lt=2**32)]


class Strict(BaseModel):
    """Unknown members are refused, and so is "3" where 3 is wanted."""

    model_config = ConfigDict(extra="forbid", strict=True)


Country = Literal["austria", "germany", "switzerland"]
PackingFlag = Literal["gift", "fragile", "plastic-free"]


class Address(Strict):
    street: str
    city: str
    postal_code: str
    country: Country


class Customer(Strict):
    name: str
    email: EmailStr | None = None
    address: Address


class Item(Strict):
    sku: str
    qty: Quantity


class Pickup(Strict):
    tag: Literal["pickup"]


class Standard(Strict):
    tag: Literal["standard"]


class Express(Strict):
    tag: Literal["express"]
    val: Annotated[int, Field(ge=1, le=255)]


class Percent(Strict):
    tag: Literal["percent"]
    val: Annotated[int, Field(ge=0, le=100)]


class Amount(Strict):
    tag: Literal["amount"]
    val: Cents


class Order(Strict):
    customer: Customer
    items: Annotated[list[Item], Field(min_length=1)]
    delivery: Annotated[Pickup | Standard | Express, Field(discriminator="tag")]
    packing: list[PackingFlag] | None = None
    discount: Annotated[Percent | Amount, Field(discriminator="tag")] | None = None
    labels: dict[str, str] | None = None


class Line(BaseModel):
    sku: str
    name: str
    qty: int
    price: int
    total: int


class PricedOrder(BaseModel):
    lines: list[Line]
    subtotal: int
    discount: int
    delivery: int
    tax: int
    total: int
    labels: dict[str, str]


class Greeting(BaseModel):
    message: str


PRODUCTS = {
    "book-01": ("The Component Book", 34_90, 120),
    "cup-01": ("Cup, blue", 12_50, 40),
    "cup-02": ("Cup, white", 11_90, 0),
    "pen-01": ("Pencil", 85, 5_000),
}
TAX_PER_MILLE = {"austria": 200, "germany": 190, "switzerland": 81}

app = FastAPI()


class Unpriced(Exception):
    """Why an order has no price."""

    def __init__(self, status, tag, val):
        self.status = status
        self.error = {"tag": tag, "val": val}


@app.exception_handler(Unpriced)
async def problem(_, reason: Unpriced):
    document = {
        "type": "/problems/operation-error",
        "title": "The operation returned an error",
        "status": reason.status,
        "error": reason.error,
    }
    return JSONResponse(document, reason.status, media_type="application/problem+json")


@app.get("/hello")
async def say_hello() -> Greeting:
    return Greeting(message="Hello!")


@app.post("/orders")
async def price_order(order: Order) -> PricedOrder:
    lines = priced(order.items)
    subtotal = sum(line.total for line in lines)
    discount = reduction(order.discount, subtotal)
    delivery = delivered(order.delivery) + (2_50 if "gift" in (order.packing or []) else 0)
    net = subtotal - discount + delivery
    tax = (net * TAX_PER_MILLE[order.customer.address.country] + 500) // 1000
    return PricedOrder(
        lines=lines, subtotal=subtotal, discount=discount, delivery=delivery, tax=tax, total=net + tax,
        labels=order.labels or {},
    )


def priced(items: list[Item]) -> list[Line]:
    lines, unknown, short = {}, [], []
    for item in items:
        if item.sku in lines:
            raise Unpriced(400, "invalid", f'"{item.sku}" is ordered twice')
        if item.sku not in PRODUCTS:
            unknown.append(item.sku)
            continue
        name, price, stock = PRODUCTS[item.sku]
        if item.qty > stock:
            short.append({"sku": item.sku, "wanted": item.qty, "stock": stock})
            continue
        lines[item.sku] = Line(sku=item.sku, name=name, qty=item.qty, price=price, total=price * item.qty)
    if unknown:
        raise Unpriced(422, "unprocessable", unknown)
    if short:
        raise Unpriced(409, "conflict", short)
    return list(lines.values())


def reduction(discount: Percent | Amount | None, subtotal: int) -> int:
    match discount:
        case None:
            return 0
        case Percent():
            return subtotal * discount.val // 100
        case Amount() if discount.val <= subtotal:
            return discount.val
    raise Unpriced(400, "invalid", "the discount is more than the items cost")


def delivered(delivery: Pickup | Standard | Express) -> int:
    match delivery:
        case Pickup():
            return 0
        case Standard():
            return 4_90
        case Express():
            return 9_90 + 50 * max(24 - delivery.val, 0)
