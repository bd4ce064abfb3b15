import * as host from "witapi:host/request@0.1.0";

/** The facts of the HTTP request that the current call answers. */
export const request = {
  get id() {
    return host.id();
  },
  get method() {
    return host.method();
  },
  get route() {
    return host.route();
  },
  get target() {
    return host.target();
  },
  get headers() {
    return host.headers();
  },
  header(name) {
    return host.header(name);
  },
  get peer() {
    return host.peer();
  },
};
