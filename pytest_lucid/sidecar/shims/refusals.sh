# Programs that would tell about the sidecar, or that Python answers for: each says so, and what to ask instead.

_refuse() {
    echo "$1: the sidecar does not support ${2:-it}${3:+; ask $3}" >&2
    # Neither "no" nor "not found": cannot be executed.
    return 126
}

# Ends the whole command, whatever would follow from a "no"; not the session, in which plain commands run.
_refuse_at_once() {
    local number rest
    _refuse "$@"
    read -r number rest </proc/self/stat
    [ "$number" = $$ ] || exit 126
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

# Those that look for processes find the sidecar's, too.
_looking='fuser killall killall5 lsof pgrep pidof pkill pmap pstree pwdx'
for _name in $_looking; do
    eval "_$_name() { _refuse $_name 'looking for processes' host.process; }"
done
unset _name

# A program in a text of awk is started by a shell that is not this one, if by any.
_awk() {
    local word before=''
    for word; do
        case $before:$word in -f:* | *:-f?*) _refuse awk "a text from a file" "awk with the text itself"; return ;; esac
        before=$word
    done
    if printf '%s\n' "$@" | grep -qE "$_starting_in_awk"; then
        _refuse awk "starting a program" "the program by itself"
    else
        awk "$@"
    fi
}

_starting_in_awk='system[[:space:]]*\(|\|[[:space:]]*getline|printf?[^;}/|]*\|[^|]'
