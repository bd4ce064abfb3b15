//! What `--help` of the commands ends with: examples, and how they end.

/// Of `witapi` itself.
pub(crate) const WITAPI: &str = "\
Examples:
  witapi new notes --lang python      create a plugin in the folder `notes`
  witapi build notes                  notes/notes.wasm
  witapi dev notes                    build and serve it, again whenever you save
  witapi test notes                   run its tests
  witapi serve notes/notes.wasm       on http://127.0.0.1:8080, documentation at /docs

Exit status:
  0  done
  1  failed, or a negative result: an operation returned an error, a test failed, a contract is broken
  2  wrong command line
  3  the input could not be read (call, test, inspect --diff): a file is missing or does not load

Environment:
  WITAPI_LOG    what to log, such as `debug` or `warn,guest=info`
  WITAPI_TOOLS  the folder for toolchains [default: witapi in the user's cache folder]
  NO_COLOR      no colours, even on a terminal

`witapi man` prints this as a man page, `witapi completions` a completion script for your shell.";

pub(crate) const SERVE: &str = "\
Examples:
  witapi serve                                      the folder `plugins`
  witapi serve notes.wasm                           one component
  witapi serve --listen 0.0.0.0:80 --data /var/lib/witapi --log-format json

SIGTERM and SIGINT stop the host once the requests in flight are done; a second signal stops it at once.

Exit status: 0 stopped by a signal · 1 could not start · 2 wrong command line";

pub(crate) const CONFIG: &str = "\
Examples:
  witapi config check                           witapi.toml in this folder
  witapi config check /etc/witapi/witapi.toml
  witapi config schema > witapi.schema.json     then `#:schema ./witapi.schema.json` as the file's first line

Exit status: 0 valid · 1 not valid, or the file cannot be read · 2 wrong command line";

pub(crate) const EMBED: &str = "\
Example:
  witapi embed notes.wasm --wit wit

Exit status: 0 done · 1 failed: the file is unchanged · 2 wrong command line";

pub(crate) const NEW: &str = "\
Examples:
  witapi new notes --lang rust
  witapi new shop --lang go --wit shop.wit      start from an existing contract

Exit status: 0 done · 1 failed · 2 wrong command line";

pub(crate) const BUILD: &str = "\
Examples:
  witapi build                                  the plugin of this folder: NAME.wasm
  witapi build notes --install                  and install what its toolchain lacks
  witapi build notes -o plugins/notes.wasm

Exit status: 0 built, or up to date · 1 not built: the message names the compiler, or what is missing · 2 wrong command line";

pub(crate) const DEV: &str = "\
Examples:
  witapi dev                                    the plugin of this folder, on http://127.0.0.1:8080
  witapi dev notes --listen 127.0.0.1:3000

When a build fails, the last version that built keeps serving.

Exit status: 0 stopped by a signal · 1 could not start · 2 wrong command line";

pub(crate) const COMPLETIONS: &str = "\
Examples:
  witapi completions bash > ~/.local/share/bash-completion/completions/witapi
  witapi completions zsh > ~/.zfunc/_witapi
  witapi completions fish > ~/.config/fish/completions/witapi.fish

Exit status: 0 done · 2 wrong command line";

pub(crate) const MAN: &str = "\
Examples:
  witapi man | man -l -
  witapi man test | man -l -
  witapi man -o ~/.local/share/man/man1

Exit status: 0 done · 1 failed · 2 wrong command line";
