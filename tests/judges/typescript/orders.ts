import { type Api, equal, value } from "./check.js";
import type { components } from "./schema.js";

type Order = components["schemas"]["Order"];

export async function orders(api: Api): Promise<void> {
  const hello = value("hello", await api.GET("/hello"));
  equal("the greeting", hello, { message: "Hello!" });

  const prices = value("prices", await api.GET("/orders/prices"));
  equal("the price of a cup", prices["cup-01"], 1250);

  const cup = value("a product", await api.GET("/orders/prices/{sku}", { params: { path: { sku: "cup-01" } } }));
  equal("the product's price", cup.price, 1250);
  const none = await api.GET("/orders/prices/{sku}", { params: { path: { sku: "cup-99" } } });
  equal("no such product", none.response.status, 404);
  equal("the kind of problem", none.error?.type, "/problems/none-found");

  const order: Order = {
    customer: {
      name: "Ada Lovelace",
      address: { street: "Ring 1", city: "Wien", postal_code: "1010", country: "austria" },
    },
    items: [{ sku: "cup-01", qty: 3 }],
    delivery: { tag: "express", val: 24 },
    packing: ["gift", "plastic-free"],
    discount: { tag: "percent", val: 10 },
    labels: { "cost-centre": "R&D" },
  };
  const priced = value("an order", await api.POST("/orders", { body: order }));
  equal("the cups", priced.lines[0]?.total, 3750);
  equal("the discount", priced.discount, 375);
  equal("the labels", priced.labels, { "cost-centre": "R&D" });

  const short = await api.POST("/orders", { body: { ...order, items: [{ sku: "cup-02", qty: 3 }] } });
  equal("the status of an order beyond the stock", short.response.status, 409);
  const problem = short.error;
  if (problem === undefined || !("error" in problem)) throw new Error("no error beyond the stock");
  // By its tag the union is one case, whose value has a type of its own.
  if (problem.error.tag !== "conflict") throw new Error(`found ${problem.error.tag}`);
  equal("what is short", problem.error.val[0]?.sku, "cup-02");
}
