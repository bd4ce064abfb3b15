//! What `--help` of the commands ends with: examples, and how they end.

/// Of `witapi` itself.
pub(crate) const WITAPI: &str = "\
Examples:
  witapi new notes --lang python      a plugin to begin with, in the folder `notes`
  witapi build notes                  notes/notes.wasm
  witapi dev notes                    build, serve, and again when a file is saved
  witapi test notes                   its tests
  witapi serve notes/notes.wasm       on http://127.0.0.1:8080, documentation at /docs

Exit status:
  0  done
  1  not done, or the answer is no: an operation answered with a problem, a test failed, a contract is broken
  2  the command line is wrong
  3  it could not be asked (call, test, inspect --diff): a file cannot be read or does not load

Environment:
  WITAPI_LOG    what is logged, such as `debug` or `warn,guest=info`
  WITAPI_TOOLS  the folder of toolchains [default: witapi in the user's cache folder]
  NO_COLOR      no colours, also on a terminal

`witapi man` prints this as a man page, `witapi completions` what a shell needs to complete commands.";

pub(crate) const SERVE: &str = "\
Examples:
  witapi serve                                      the folder `plugins`, and every change of it
  witapi serve notes.wasm                           one component
  witapi serve --listen 0.0.0.0:80 --data /var/lib/witapi --log-format json

SIGTERM and SIGINT end it when the requests in flight are answered.

Exit status: 0 it was asked to end · 1 it could not begin · 2 the command line is wrong";

pub(crate) const EMBED: &str = "\
Example:
  witapi embed notes.wasm --wit wit

Exit status: 0 done · 1 not done: the file is as it was · 2 the command line is wrong";

pub(crate) const NEW: &str = "\
Examples:
  witapi new notes --lang rust
  witapi new shop --lang go --wit shop.wit      begin with a contract that there is

Exit status: 0 done · 1 not done · 2 the command line is wrong";

pub(crate) const BUILD: &str = "\
Examples:
  witapi build                                  the plugin of this folder: NAME.wasm
  witapi build notes --install                  and install what is missing for it
  witapi build notes -o plugins/notes.wasm

Exit status: 0 built, or up to date · 1 not built: the compiler, or what is missing, is named · 2 the command line is wrong";

pub(crate) const DEV: &str = "\
Examples:
  witapi dev                                    the plugin of this folder, on http://127.0.0.1:8080
  witapi dev notes --listen 127.0.0.1:3000

It builds, serves, and does both again when a file is saved. A build that fails leaves the last one that did not.

Exit status: 0 it was asked to end · 1 it could not begin · 2 the command line is wrong";

pub(crate) const COMPLETIONS: &str = "\
Examples:
  witapi completions bash > ~/.local/share/bash-completion/completions/witapi
  witapi completions zsh > ~/.zfunc/_witapi
  witapi completions fish > ~/.config/fish/completions/witapi.fish

Exit status: 0 done · 2 the command line is wrong";

pub(crate) const MAN: &str = "\
Examples:
  witapi man | man -l -
  witapi man test | man -l -
  witapi man -o ~/.local/share/man/man1

Exit status: 0 done · 1 not done · 2 the command line is wrong";
