// Calls every operation of the examples through the generated client, and prints each request with the status of its answer.
import createClient from "openapi-fetch";
import type { Api } from "./check.js";
import { greeter } from "./greeter.js";
import { orders } from "./orders.js";
import type { paths } from "./schema.js";
import { todos } from "./todos.js";
import { wordcount } from "./wordcount.js";

declare const process: { argv: string[] };

const baseUrl = process.argv[2];
if (baseUrl === undefined) throw new Error("wanted: the address of the host");
const api: Api = createClient<paths>({ baseUrl });
api.use({
  onResponse({ request, response }) {
    console.log(`${request.method} ${new URL(request.url).pathname} ${response.status}`);
  },
});

for (const calls of [greeter, orders, todos, wordcount]) await calls(api);
