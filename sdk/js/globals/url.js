import URL from "core-js-pure/actual/url/index.js";
import URLSearchParams from "core-js-pure/actual/url-search-params/index.js";

export { URL, URL as "globalThis.URL", URLSearchParams, URLSearchParams as "globalThis.URLSearchParams" };
