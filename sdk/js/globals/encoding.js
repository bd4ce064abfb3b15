export { TextDecoder, TextEncoder } from "@exodus/bytes/encoding-lite.js";
export { TextDecoder as "globalThis.TextDecoder", TextEncoder as "globalThis.TextEncoder" } from "@exodus/bytes/encoding-lite.js";
