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
