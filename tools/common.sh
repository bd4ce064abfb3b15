# What the scripts of this folder share. Sourced by them, from anywhere; leaves the current folder as it was.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=$root/target/tools

say() { echo "$(basename "$0"): $*" >&2; }
die() { say "error: $*"; exit 1; }

# Debian's packages, as root or through a sudo that asks nothing.
apt_install() {
    local command="apt-get install -y --no-install-recommends $*" sudo=
    command -v apt-get >/dev/null || die "needs the Debian packages '$*', or their like on this system"
    if [ "$(id -u)" != 0 ]; then
        sudo=sudo
        sudo -n true 2>/dev/null || die "run this as root, then this script again:  $command"
    fi
    say "$command"
    # The package lists may be missing or old: read them anew only if the first try fails.
    DEBIAN_FRONTEND=noninteractive $sudo $command >"$tools/apt.log" 2>&1 ||
        { $sudo apt-get update >"$tools/apt.log" 2>&1 &&
            DEBIAN_FRONTEND=noninteractive $sudo $command >>"$tools/apt.log" 2>&1; } ||
        die "that failed, see $tools/apt.log"
}

# Installs what the package.json in folder $1 names, at the versions of its lock file, into target/tools/$2.
npm_install() {
    local wanted=$1/package-lock.json into=$tools/$2
    # The copy is made last: it says that just this list is installed.
    cmp -s "$wanted" "$into/installed" && return
    command -v npm >/dev/null || die "there is no npm; install Node.js 20 or newer"
    say "installing ${1#"$root/"}/package.json into target/tools/$2"
    mkdir -p "$into"
    cp "$1/package.json" "$wanted" "$root/tools/.npmrc" "$into/"
    # Not `npm ci`: it refuses a lock file without the optional packages of every platform, and not every registry has them all.
    (cd "$into" && npm install --no-progress) >"$tools/npm.log" 2>&1 || die "npm install failed, see $tools/npm.log"
    cp "$wanted" "$into/installed"
}

# Makes a Python environment in folder $1 with what file $2 lists; what follows are options of pip. It holds its own path, so it is made
# anew where the folder was moved.
venv_install() {
    local venv=$1 list=$2 log=$tools/pip.log
    shift 2
    # Written last: it says that just this list is installed here.
    local stamp; stamp=$(echo "$venv"; cat "$list")
    [ "$(cat "$venv/installed" 2>/dev/null)" = "$stamp" ] && return
    command -v python3 >/dev/null || die "there is no python3; on Debian: apt-get install python3-venv"
    say "installing ${list#"$root/"} into ${venv#"$root/"}"
    mkdir -p "$tools"
    rm -rf "$venv"
    python3 -m venv "$venv" >"$log" 2>&1 || die "python3 -m venv failed, see $log; on Debian: apt-get install python3-venv"
    "$venv/bin/pip" install --disable-pip-version-check "$@" -r "$list" >>"$log" 2>&1 || die "pip install failed, see $log"
    echo "$stamp" >"$venv/installed"
}

# Where programs of crates.io are, and the versions that are taken.
cargo_tools=$tools/cargo/bin
declare -A cargo_versions=(
    [cargo-cyclonedx]=0.5.9
    [cargo-deb]=3.8.0
    [cargo-deny]=0.20.2
    [mdbook]=0.5.4
)

# Installs a program of crates.io.
cargo_install() {
    local version=${cargo_versions[$1]} installed=$tools/cargo/installed
    mkdir -p "$installed"
    [ -e "$installed/$1-$version" ] && return
    say "installing $1 $version into target/tools/cargo"
    local features=()
    [ "$1" != mdbook ] || features=(--no-default-features --features search)
    cargo install --quiet --locked --root "$tools/cargo" "$1@$version" "${features[@]}" >"$tools/cargo.log" 2>&1 ||
        die "that failed, see $tools/cargo.log"
    rm -f "$installed/$1-"*
    touch "$installed/$1-$version"
}
