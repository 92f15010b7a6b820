# The state of the session's shell: variables, directory and ids of the target's first process.

_target_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
_variables=

_export() {
    case ${1%%=*} in
        '' | [!a-zA-Z_]* | *[!a-zA-Z0-9_]*) return ;;
        PATH) _target_path=${1#PATH=} ;;
        # The shell's own.
        IFS | PPID | OPTIND | PS[124] | ENV) ;;
        *) export "${1?}" ;;
    esac
    _variables="$_variables ${1%%=*}"
}

# shellcheck disable=SC3045 # busybox has it since 1.35
while IFS= read -r -d '' _entry; do
    case $_entry in *=*) _export "$_entry" ;; esac
done </proc/1/environ
unset _entry
PATH=/proc/self/fd/9:$_target_path

while IFS=' 	' read -r _name _real _effective _rest; do
    case $_name in
        Umask:) umask "$_real" ;;
        Uid:) _uid=$_effective _ruid=$_real ;;
        Gid:) _gid=$_effective _rgid=$_real ;;
        Groups:) _groups="$_real $_effective $_rest" ;;
        CapEff:) _capabilities=$_real ;;
        CapBnd:) _first_bounds=$_real && break ;;
    esac
done </proc/1/status
# By this the processes of a sidecar are known, unless the first process may have started such ones, too.
while IFS=' 	' read -r _name _real; do
    case $_name in CapBnd:) _bounds=$_real && break ;; esac
done </proc/$$/status
unset _name _real _effective _rest

# Every child of this shell, what it adopted included. It is the nearest subreaper of all that a command starts, so a
# process that ran away (setsid, double fork) is here once its parent has ended.
_children=/proc/$$/task/$$/children

_list_children() {
    _left=
    if [ -r "$_children" ]; then
        read -r _left <"$_children"
        return
    fi
    local stat line
    for stat in /proc/[0-9]*/stat; do
        { read -r line <"$stat"; } 2>/dev/null || continue
        # The name may hold blanks and parentheses.
        case "${line##*) }" in [A-Za-z]" $$ "*) _left="$_left ${line%% *}" ;; esac
    done
}

# Ends what the last command left, and removes it from the process table, before the command's end is reported.
_sweep() {
    local code=$? tries=0 child
    _list_children
    while [ "$_left" ]; do
        for child in $_left; do kill -9 "$child"; done 2>/dev/null
        # Waits for every ended child, known or adopted, without a fork.
        jobs >/dev/null
        _list_children
        tries=$((tries + 1))
        [ $tries -lt 200 ] || usleep 5000
        [ $tries -lt 400 ] || { echo "sidecar: cannot end$_left" >&2 && return 125; }
    done
    return $code
}

# What a signal or the end of input interrupted must not become a child of the target's first process.
trap _sweep EXIT
