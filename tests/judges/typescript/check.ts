// What each file of calls shares: the client with its types, and how an answer is compared with what is wanted.
import type createClient from "openapi-fetch";
import type { paths } from "./schema.js";

export type Api = ReturnType<typeof createClient<paths>>;

/** Whether both are the same JSON, the order of members aside. */
function same(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const [left, right] = [Object.entries(a), new Map(Object.entries(b))];
  return left.length === right.size && left.every(([name, value]) => right.has(name) && same(value, right.get(name)));
}

export function equal<T>(what: string, found: T, wanted: NoInfer<T>): void {
  if (!same(found, wanted)) {
    throw new Error(`${what}: found ${JSON.stringify(found)}, wanted ${JSON.stringify(wanted)}`);
  }
}

/** The value of a success; anything else ends the program. */
export function value<T>(what: string, answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.data === undefined) {
    throw new Error(`${what}: ${answer.response.status} ${JSON.stringify(answer.error)}`);
  }
  return answer.data;
}
