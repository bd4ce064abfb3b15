// To stderr, for worlds without `wasi:logging`. Every host of components has it.
import { getStderr } from "wasi:cli/stderr@0.2.12";
import { encode } from "./utf8.js";

// What `blocking-write-and-flush` of wasi:io takes at once.
const MOST = 4096;

export function write(level, message) {
  const bytes = encode(`${level === "info" ? "" : `${level}: `}${message}\n`);
  const stderr = getStderr();
  for (let at = 0; at < bytes.length; at += MOST) {
    stderr.blockingWriteAndFlush(bytes.subarray(at, at + MOST));
  }
}
