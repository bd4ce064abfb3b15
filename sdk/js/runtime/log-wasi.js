// To the host's log, with its level.
import { log } from "wasi:logging/logging@0.1.0-draft";

export const write = (level, message) => log(level, "", message);
