# Users and groups: those of the target's files; without a name, those of its first process.

_env() {
    case "$*" in
        -0) _environment ;;
        '') _environment | tr '\0' '\n' ;;
        *) _starting env "$@" ;;
    esac
}

# This shell's own has the toolbox in PATH, and more.
_printenv() {
    local name code=0
    [ $# != 0 ] || { _environment | tr '\0' '\n'; return; }
    for name; do _environment | tr '\0' '\n' | awk -F= -v name="$name" "$_awk_variable" || code=1; done
    return $code
}

_environment() {
    if [ "$_overwritten" ]; then
        echo "env: the first process overwrote its environment; these are the variables of the container" >&2
        printf '%s\0' "$_overwritten" | tr '\036' '\0'
    else
        cat /proc/1/environ
    fi
}

_id() {
    local number name text=
    case "$*" in
        -u) echo "$_uid" ;;
        -g) echo "$_gid" ;;
        -ru | -ur) echo "$_ruid" ;;
        -rg | -gr) echo "$_rgid" ;;
        -un | -nu) _name_of passwd "$_uid" ;;
        -gn | -ng) _name_of group "$_gid" ;;
        -G) _own_groups ;;
        -Gn | -nG) for number in $(_own_groups); do text="$text $(_name_of group "$number")"; done; echo "${text# }" ;;
        '')
            for number in $(_own_groups); do text="$text,$number$(_in_brackets group "$number")"; done
            echo "uid=$_uid$(_in_brackets passwd "$_uid") gid=$_gid$(_in_brackets group "$_gid") groups=${text#,}"
            ;;
        *) id "$@" ;;
    esac
}

_own_groups() {
    local number all=$_gid
    for number in $_groups; do case " $all " in *" $number "*) ;; *) all="$all $number" ;; esac; done
    echo "$all"
}

_in_brackets() {
    local name
    name=$(_name_of "$1" "$2") && echo "($name)"
}

_groups_of() { if [ $# = 0 ]; then _id -Gn; else id -Gn "$@"; fi; }

_whoami() { _name_of passwd "$_uid"; }

_name_of() {
    local name password number rest
    [ -r "/etc/$1" ] && while IFS=: read -r name password number rest; do
        [ "$number" = "$2" ] && echo "$name" && return 0
    done <"/etc/$1"
    echo "$2"
    return 1
}

_getent() {
    local database=$1 key code=0
    shift
    case $database in
        passwd | group | shadow)
            [ -r "/etc/$database" ] || { [ $# = 0 ] && return 0 || return 2; }
            [ $# = 0 ] && { cat "/etc/$database"; return; }
            # By the environment: awk reads backslashes in -v as escapes.
            for key; do
                _key=$key _database=$database awk -F: "$_awk_entry" "/etc/$database" || code=2
            done
            return $code
            ;;
        ahosts | ahostsv4 | ahostsv6 | hosts)
            for key; do _resolve "$database" "$key" || code=$?; done
            return $code
            ;;
        *) echo "Unknown database: $database" >&2; return 1 ;;
    esac
}

# The limits of the first process; `ulimit` of this shell has those of the sidecar.
_ulimit() { _refuse ulimit "anything; read /proc/1/limits"; }
