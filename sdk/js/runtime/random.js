// `crypto`, and a `Math.random` that is not the same in every request, as that of QuickJS is: its seed is of the build.
import { getRandomBytes } from "wasi:random/random@0.2.12";
import { isServing } from "./stage.js";

/** What `crypto.getRandomValues` fills at once (Web Cryptography API, section 10.1.1). */
const MOST = 65536;

function randomBytes(count) {
  if (!isServing()) {
    throw new Error(
      "there is no randomness while a plugin is built: what a module computes at its top level is the same in every " +
        "request; do it in a function that a request calls",
    );
  }
  return getRandomBytes(count);
}

export const crypto = {
  getRandomValues(array) {
    if (!ArrayBuffer.isView(array) || array instanceof DataView || /Float/.test(array.constructor.name)) {
      throw new TypeError("crypto.getRandomValues takes a typed array of integers");
    }
    if (array.byteLength > MOST) {
      throw new RangeError(`crypto.getRandomValues fills at most ${MOST} bytes at once, not ${array.byteLength}`);
    }
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(randomBytes(array.byteLength));
    return array;
  },

  // RFC 9562, section 5.4.
  randomUUID() {
    const bytes = randomBytes(16);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  },
};

const atBuild = Math.random;
let state;

// sfc32 of Chris Doty-Humphrey's PractRand, seeded by the first call of a request.
function next() {
  const sum = (((state[0] + state[1]) | 0) + state[3]) | 0;
  state[3] = (state[3] + 1) | 0;
  state[0] = state[1] ^ (state[1] >>> 9);
  state[1] = (state[2] + (state[2] << 3)) | 0;
  state[2] = (((state[2] << 21) | (state[2] >>> 11)) + sum) | 0;
  return sum >>> 0;
}

export function random() {
  if (!isServing()) {
    return atBuild();
  }
  if (state === undefined) {
    const seed = randomBytes(16);
    state = new Int32Array(seed.buffer.slice(seed.byteOffset, seed.byteOffset + 16));
    // Until every bit of the seed is in every word.
    for (let i = 0; i < 12; i++) next();
  }
  // 53 bits, as many as a number has below 1.
  return ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}
