# Programs that would tell about the sidecar, or that Python answers for: each says so, and what to ask instead.

_refuse() {
    echo "$1: the sidecar does not support ${2:-it}${3:+; ask $3}" >&2
    # Neither "no" nor "not found": cannot be executed.
    return 126
}

# The names in /proc are of the sidecar's processes, too; `self` below it is the sidecar.
_refuse_processes() { _refuse "$1" "/proc itself" 'host.process, host.file("/proc").listdir(), or for /proc/1'; }

_df() { _refuse df "$*" "host.mount_point, or stat -f"; }
_dpkg_query() { _refuse dpkg-query "$*" "host.package"; }
_pip() { _refuse pip "$*" "host.pip"; }
_ps() { _refuse ps "$*" "host.process"; }
_ss() { _refuse ss "$*" "host.socket"; }
_netstat() { _refuse netstat "$*" "host.socket"; }
_top() { _refuse top "$*" "host.process"; }
