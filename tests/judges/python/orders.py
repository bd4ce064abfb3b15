from http import HTTPStatus

from check import equal, value
from witapi_client import Client
from witapi_client.api.orders import orders_price_of, orders_price_order, orders_prices
from witapi_client.api.orders_hello import orders_hello_say_hello
from witapi_client.models import (
    Address,
    Country,
    Customer,
    DeliveryExpress,
    DiscountPercent,
    HelloGreeting,
    Item,
    Order,
    OrderLabelsType0,
    OrdersErrorConflict,
    OrdersErrorProblem,
    OrdersPricesResponse200,
    PackingItem,
    PricedOrder,
    Problem,
    Product,
)


def orders(client: Client) -> None:
    hello = value("hello", orders_hello_say_hello.sync_detailed(client=client), HelloGreeting)
    equal("the greeting", hello.message, "Hello!")

    prices = value("prices", orders_prices.sync_detailed(client=client), OrdersPricesResponse200)
    equal("the price of a cup", prices["cup-01"], 1250)

    cup = value("a product", orders_price_of.sync_detailed("cup-01", client=client), Product)
    equal("the product's price", cup.price, 1250)
    none = orders_price_of.sync_detailed("cup-99", client=client)
    problem = value("no such product", none, Problem, HTTPStatus.NOT_FOUND)
    equal("the kind of problem", problem.type_, "/problems/none-found")

    labels = OrderLabelsType0()
    labels["cost-centre"] = "R&D"
    order = Order(
        customer=Customer(
            name="Ada Lovelace",
            address=Address(street="Ring 1", city="Wien", postal_code="1010", country=Country.AUSTRIA),
        ),
        items=[Item(sku="cup-01", qty=3)],
        delivery=DeliveryExpress(tag="express", val=24),
        packing=[PackingItem.GIFT, PackingItem.PLASTIC_FREE],
        discount=DiscountPercent(tag="percent", val=10),
        labels=labels,
    )
    priced = value("an order", orders_price_order.sync_detailed(client=client, body=order), PricedOrder)
    equal("the cups", priced.lines[0].total, 3750)
    equal("the discount", priced.discount, 375)
    equal("the labels", priced.labels.to_dict(), {"cost-centre": "R&D"})

    order.items = [Item(sku="cup-02", qty=3)]
    short = orders_price_order.sync_detailed(client=client, body=order)
    conflict = value("an order beyond the stock", short, OrdersErrorProblem, HTTPStatus.CONFLICT)
    # The tag decides which class the error is of.
    if not isinstance(conflict.error, OrdersErrorConflict):
        raise SystemExit(f"found {conflict.error!r}")
    equal("what is short", conflict.error.val[0].sku, "cup-02")
