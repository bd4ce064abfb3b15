// Text as UTF-8 and back, by what QuickJS has built in: `encodeURIComponent` makes UTF-8, and `unescape` bytes of it.

/** What is no text, a lone surrogate, becomes U+FFFD. */
export function encode(text) {
  const bytes = unescape(encodeURIComponent(text.toWellFormed()));
  return Uint8Array.from(bytes, (byte) => byte.charCodeAt(0));
}

/** Throws a `TypeError` if it is not UTF-8. */
export function decode(bytes) {
  let escaped = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    escaped += escape(String.fromCharCode.apply(null, bytes.subarray(at, at + 8192)));
  }
  try {
    // What `escape` leaves as it is, but `+` and `@` and the like, are letters and digits.
    return decodeURIComponent(escaped);
  } catch (error) {
    throw new TypeError("the bytes are not UTF-8", { cause: error });
  }
}
