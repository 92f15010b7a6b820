# The network: connecting, and what the kernel's tables hold.

# busybox's ip knows neither JSON nor `ls`; `host.interface` does not come here for JSON.
_ip() {
    local word first=1
    for word; do
        [ $first ] && set -- && first=
        case $word in
            -4 | -6 | -0 | -f | -f[a-z]* | -o | -oneline | --oneline) set -- "$@" "$word" ;;
            -*) _refuse ip "$word"; return ;;
            ls) set -- "$@" list ;;
            *) set -- "$@" "$word" ;;
        esac
    done
    case "$1 $2" in
        'netns '*) _refuse ip netns; return ;;
    esac
    ip "$@"
}

# Without CAP_NET_RAW every answer would be that nothing can be reached; an error is not mistaken for one.
_ping() {
    echo "ping: the sidecar may not send ICMP packets; ask whether a port is reachable" >&2
    return 126
}

# Only connecting is asked of it; busybox has no -z, but runs a program once connected.
_nc() {
    local word first=1 zero=
    for word; do
        [ $first ] && set -- && first=
        case $word in -z) zero=1 ;; *) set -- "$@" "$word" ;; esac
    done
    if [ $zero ]; then nc "$@" -e true; else nc "$@"; fi
}

# The lines of /proc/net/NAME, as many as the namespace has sockets: behind the last one, the kernel walks the tables of
# all namespaces, which takes milliseconds.
_sockets() {
    awk -v kinds="$*" "$_awk_sockets"
}

# What the kernel tells over netlink, by the program that Python has brought; without it, an exit code.
_ask_kernel() { [ -x "/proc/self/fd/9/../run/$1" ] && "/proc/self/fd/9/../run/$1"; }

# Whether a connection to an address and port is taken: 0 yes, 1 no.
_connects() { nc -w 1 "$1" "$2" -e true 2>/dev/null; }
