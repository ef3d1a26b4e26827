# Sourced by the other scripts. Installs Debian packages where that is ours to do, else says what to run.

on_debian_as_root() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null
}

apt_lock=.cache/apt.lock # for scripts that run side by side: apt refuses to fetch its lists twice at once
debian_lists_fresh=

debian_lists() {
    [ -n "$debian_lists_fresh" ] && return
    mkdir -p "${apt_lock%/*}"
    { flock 9; apt-get update -qq >&2 9>&-; } 9>"$apt_lock"
    debian_lists_fresh=yes
}

debian_install() { # packages...
    if ! on_debian_as_root; then
        {
            echo "Missing on this machine: $*. Install it and run this again, on Debian or Ubuntu with:"
            echo "    sudo apt-get update && sudo apt-get install --no-install-recommends $*"
        } >&2
        exit 3
    fi
    echo "Installing $* (Debian packages)" >&2
    debian_lists
    # A fresh machine's timer may be holding the package lock: wait for it rather than fail.
    local said
    {
        flock 9
        said=$(DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq \
            --no-install-recommends "$@" 2>&1 </dev/null 9>&-) || {
            echo "$said" >&2
            exit 1
        }
    } 9>"$apt_lock"
}
