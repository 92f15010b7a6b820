# What the session's shell knows beyond busybox. It runs in the target's root, as /proc/self/fd/9/busybox, and reads.
#
# Aliases stand for functions, so that inside the functions the same words still mean busybox. Answers are about the
# target: its first process, its mounts, its packages, its programs.

# The second word says that a success wrote no error, so that the end need not be told there: each line costs a wait.
_end() {
    local code=$?
    [ "$code$2" = 0silent ] || printf "\036$1 $code\n" >&2
    printf "\036$1 $code\n"
}

_target_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
while IFS= read -r -d '' _entry; do
    case $_entry in
        PATH=*) _target_path=${_entry#PATH=} ;;
        IFS=* | PPID=* | OPTIND=* | PS[124]=* | ENV=*) ;;
        *=*) case ${_entry%%=*} in '' | [!a-zA-Z_]* | *[!a-zA-Z0-9_]*) ;; *) export "$_entry" ;; esac ;;
    esac
done </proc/1/environ
unset _entry
PATH=/proc/self/fd/9:$_target_path

# The ids of the service, read once: uid, gid and all groups of the target's first process.
while IFS=' 	' read -r _name _real _effective _rest; do
    case $_name in
        Uid:) _uid=$_effective ;;
        Gid:) _gid=$_effective ;;
        Groups:) _groups="$_real $_effective $_rest"; break ;;
    esac
done </proc/1/status
unset _name _real _effective _rest

# Whether the container has a program. What testinfra's own modules look for is there as well: it works here.
_find_program() {
    local directory
    case $1 in
        */*) [ -f "$1" ] && [ -x "$1" ] && echo "$1" && return 0 ;;
        *)
            local IFS=:
            for directory in $_target_path; do
                [ -f "$directory/$1" ] && [ -x "$directory/$1" ] && echo "$directory/$1" && return 0
            done
            ;;
    esac
    case $1 in
        command | ip | nc | ss | sysctl) echo "$1" ;;
        *) return 1 ;;
    esac
}

_command() {
    case $1 in
        -v) _find_program "$2" ;;
        *) command "$@" ;;
    esac
}

_which() {
    local code=0 program
    for program; do _find_program "$program" || code=1; done
    return $code
}

# Permissions as the service has them: this shell may read everything, the service may not.
_test() {
    local bit mode
    case $1 in
        -r) bit=4 ;;
        -w) bit=2 ;;
        -x) bit=1 ;;
        *) test "$@"; return ;;
    esac
    [ $# = 2 ] && [ -e "$2" ] || return 1
    set -- "$1" "$2" $(stat -Lc '0%a %u %g' -- "$2")
    if [ "$4" = "$_uid" ]; then mode=$(($3 >> 6)); else
        case " $_gid $_groups " in *" $5 "*) mode=$(($3 >> 3)) ;; *) mode=$(($3)) ;; esac
    fi
    [ "$_uid" = 0 ] && [ $((bit != 1 || $3 & 0111)) != 0 ] && mode=7
    [ $((mode & bit)) != 0 ] || return 1
    case $1 in
        -w) ! _mounted "$2" ro ;;
        -x) [ -d "$2" ] || ! _mounted "$2" noexec ;;
    esac
}

# Whether what holds a path is mounted with an option.
_mounted() {
    awk -v path="$(readlink -f -- "$1")/" -v option="$2" '
        { place = $5 "/"; sub("//", "/", place) }
        index(path, place) == 1 && length(place) >= best { best = length(place); found = index("," $6 ",", "," option ",") }
        END { exit !found }' /proc/1/mountinfo
}

# This shell's own mounts are those of another namespace, and cannot be seen from here. What testinfra asks for, one
# regular file, is told by dd: busybox runs it without starting a program, which is as long as all the rest of a command.
_cat() {
    case "$*" in
        *mounts* | *mountinfo* | */etc/mtab*) ;;
        *)
            if [ $# = 2 ] && [ "$1" = -- ] && [ -f "$2" ]; then dd if="$2" bs=64k status=none; else cat "$@"; fi
            return
            ;;
    esac
    local word first=1
    for word; do
        [ $first ] && set -- && first=
        case $word in
            /proc/mounts | /proc/self/mounts | /etc/mtab) word=/proc/1/mounts ;;
            /proc/self/mountinfo) word=/proc/1/mountinfo ;;
        esac
        set -- "$@" "$word"
    done
    cat "$@"
}

# What testinfra asks for, one fact, is told in one piece with its end, so that what waits for them is woken once. Facts
# that hold a name are not: it may end with what the shell cuts off.
_stat() {
    case "$1 $2" in '-Lc %'[aGgsUuY]) ;; *) stat "$@"; return ;; esac
    local fact
    fact=$(stat "$@")
    set -- $?
    [ "$fact" ] && printf '%s\n' "$fact"
    return $1
}

_env() {
    case "$*" in
        -0) cat /proc/1/environ ;;
        '') tr '\0' '\n' </proc/1/environ ;;
        *) env "$@" ;;
    esac
}

# What testinfra asks for, the names in one directory, is told without starting a program, which is as long as all the
# rest of a command. GNU's -q changes only what a terminal could not show.
_ls() {
    local word first=1
    if [ "$#$1$2$3" = 4-1-q-- ] && [ -d "$4" ] && [ -r "$4" ] && [ -x "$4" ]; then
        for word in "$4"/*; do [ -e "$word" ] || [ -L "$word" ] && printf '%s\n' "${word##*/}"; done
        return 0
    fi
    for word; do
        [ $first ] && set -- && first=
        case $word in -q) ;; *) set -- "$@" "$word" ;; esac
    done
    ls "$@"
}

# Without a name, the user is the one that the service runs as.
_id() {
    case "$*" in
        -u | -ru) echo "$_uid" ;;
        -g | -rg) echo "$_gid" ;;
        -un | -nu) _name_of passwd "$_uid" ;;
        -gn | -ng) _name_of group "$_gid" ;;
        '') id "$(_name_of passwd "$_uid")" 2>/dev/null || echo "uid=$_uid gid=$_gid" ;;
        *) id "$@" ;;
    esac
}

_whoami() { _name_of passwd "$_uid"; }

_name_of() {
    local name password number rest
    while IFS=: read -r name password number rest; do
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
            [ -r /etc/$database ] || { [ $# = 0 ] && return 0 || return 2; }
            [ $# = 0 ] && { cat /etc/$database; return; }
            for key; do
                awk -F: -v key="$key" -v byid="$database" \
                    '$1 == key || (byid != "shadow" && $3 == key) { print; found = 1; exit } END { exit !found }' \
                    /etc/$database || code=2
            done
            return $code
            ;;
        ahosts | ahostsv4 | ahostsv6 | hosts)
            for key; do _resolve $database "$key" || code=2; done
            return $code
            ;;
        *) echo "Unknown database: $database" >&2; return 1 ;;
    esac
}

# Addresses of a name, from the target's files and the name servers of its network, in glibc's form.
_resolve() {
    local found addresses address
    found=$(
        case $2 in
            *:* | *[0-9].*[0-9].*[0-9].*[0-9])
                case $2 in *[!0-9a-fA-F:.]*) ;; *) echo "$2"; exit ;; esac ;;
        esac
        awk -v name="$2" '{ sub(/#.*/, ""); for (i = 2; i <= NF; i++) if ($i == name) { print $1; n = 1 } } END { exit !n }' \
            /etc/hosts && exit
        case $1 in ahostsv4) set -- "$2" -type=a ;; *) set -- "$2" -type=a -type=aaaa ;; esac
        name=$1
        shift
        nslookup "$@" "$name" 2>/dev/null | awk '/^Name:/ { named = 1 } named && /^Address/ { print $NF }'
    )
    case $1 in
        ahostsv4) addresses=$(echo "$found" | grep -v : ) ;;
        ahostsv6)
            addresses=$(echo "$found" | grep :)
            # As glibc does: a name without IPv6 addresses is told with its IPv4 ones, mapped.
            [ "$addresses" ] || addresses=$(echo "$found" | awk 'NF { print "::ffff:" $1 }')
            ;;
        *) addresses=$found ;;
    esac
    [ "$addresses" ] || return 2
    for address in $addresses; do
        case $1 in
            hosts) printf '%-15s %s\n' "$address" "$2" ;;
            *) printf '%-15s STREAM %s\n%-15s DGRAM  \n%-15s RAW    \n' "$address" "$2" "$address" "$address" ;;
        esac
    done
}

# busybox's ip knows neither JSON nor `ls`.
_ip() {
    local word first=1 json=
    for word; do
        [ $first ] && set -- && first=
        case $word in
            --json | -json | -j) json=1 ;;
            ls) set -- "$@" list ;;
            *) set -- "$@" "$word" ;;
        esac
    done
    case "$json $* " in
        '1 '*'link show '* | '1 '*'link list '*) ip -o "$@" | awk "$_link_json" ;;
        '1 '*'route '*) ip "$@" | awk -v device="$(_after dev "$@")" "$_route_json" ;;
        *) ip "$@" || return 1 ;;
    esac
}

_after() {
    local word=$1
    shift
    while [ $# -gt 1 ]; do
        [ "$1" = "$word" ] && echo "$2" && return
        shift
    done
}

_link_json='
function field(name, value) { printf ",\"%s\":%s", name, value }
function text(name, value) { field(name, "\"" value "\"") }
BEGIN { printf "[" }
{
    number = $1; sub(":", "", number); name = $2; sub(/:$/, "", name)
    peer = ""; at = index(name, "@")
    if (at) { peer = substr(name, at + 1); name = substr(name, 1, at - 1) }
    flags = $3; gsub(/[<>]/, "", flags); gsub(",", "\",\"", flags)
    printf "%s{\"ifindex\":%s", (NR > 1 ? "," : ""), number
    if (peer ~ /^if[0-9]+$/) field("link_index", substr(peer, 3))
    text("ifname", name); printf ",\"flags\":[\"%s\"]", flags
    type = ""
    for (i = 4; i <= NF; i++) {
        if ($i == "mtu") field("mtu", $(i + 1))
        else if ($i == "qdisc") text("qdisc", $(i + 1))
        else if ($i == "qlen") field("txqlen", $(i + 1) + 0)
        else if ($i == "brd") text("broadcast", $(i + 1))
        else if ($i ~ /link\//) { type = $i; sub(/.*link\//, "", type); text("link_type", type); text("address", $(i + 1)) }
    }
    state = "UNKNOWN"; file = "/sys/class/net/" name "/operstate"
    if ((getline line < file) > 0) state = toupper(line)
    close(file)
    text("operstate", state); text("linkmode", "DEFAULT"); text("group", "default")
    printf "}"
}
END { print "]" }'

_route_json='
BEGIN { printf "[" }
NF {
    printf "%s{\"dst\":\"%s\"", n++ ? "," : "", $1
    named = 0
    for (i = 2; i < NF; i++) {
        if ($i == "via") printf ",\"gateway\":\"%s\"", $(i + 1)
        else if ($i == "dev") { named = 1; if (device == "") printf ",\"dev\":\"%s\"", $(i + 1) }
        else if ($i == "proto") printf ",\"protocol\":\"%s\"", $(i + 1)
        else if ($i == "scope") printf ",\"scope\":\"%s\"", $(i + 1)
        else if ($i == "src") printf ",\"prefsrc\":\"%s\"", $(i + 1)
        else if ($i == "metric") printf ",\"metric\":%s", $(i + 1)
    }
    printf ",\"flags\":[]}"
}
END { print "]" }'

# Without CAP_NET_RAW every answer would be that nothing can be reached; an error is not mistaken for one.
_ping() {
    echo "ping: the sidecar may not send ICMP packets; ask whether a port is reachable" >&2
    return 126
}

# Connecting is all that is asked of it; busybox has no -z, but runs a program once connected.
_nc() {
    local word first=1 zero=
    for word; do
        [ $first ] && set -- && first=
        case $word in -z) zero=1 ;; *) set -- "$@" "$word" ;; esac
    done
    if [ $zero ]; then nc "$@" -e true; else nc "$@"; fi
}

# The packages of Debian's status file, or of the files into which distroless splits it.
_dpkg_query() {
    local format name code=0 files
    [ "$1" = -f ] && [ "$3" = -W ] && format=$2 || { echo "dpkg-query: only -f FORMAT -W NAME... works here" >&2; return 2; }
    shift 3
    files=$(find /var/lib/dpkg/status /var/lib/dpkg/status.d -type f ! -name '*.md5sums' 2>/dev/null)
    [ "$files" ] || { echo "dpkg-query: no package database" >&2; return 2; }
    for name; do
        awk -v wanted="$name" -v format="$format" "$_package" $files && continue
        echo "dpkg-query: no packages found matching $name" >&2
        code=1
    done
    return $code
}

_package='
function flush(   key) {
    if (!done && fields["Package"] == wanted) {
        if (!("Status" in fields)) fields["Status"] = "install ok installed"
        for (key in fields) while (at = index(format, "${" key "}"))
            format = substr(format, 1, at - 1) fields[key] substr(format, at + length(key) + 3)
        gsub(/\$\{[^}]*\}/, "", format); gsub(/\\n/, "\n", format)
        printf "%s", format
        done = 1
    }
    split("", fields)
}
FNR == 1 || /^$/ { flush() }
/^[A-Za-z-]+:/ { key = $0; sub(/:.*/, "", key); value = $0; sub(/^[^:]*: */, "", value); fields[key] = value }
END { flush(); exit !done }'

# The Python packages that the service can import, read from their metadata; nothing of the target is executed.
_distributions() {
    local directory entry program=
    IFS= read -r -d '' program </proc/1/cmdline
    {
        [ "$PYTHONPATH" ] && { local IFS=:; for directory in $PYTHONPATH; do echo "$directory"; done; }
        case $program in
            */bin/*) for directory in "${program%/bin/*}"/lib/python3*/site-packages; do echo "$directory"; done ;;
        esac
        [ -f "${program%/bin/*}/pyvenv.cfg" ] ||
            for directory in /usr/local/lib/python3*/dist-packages /usr/lib/python3/dist-packages; do echo "$directory"; done
    } | while IFS= read -r directory; do
        for entry in "$directory"/*.dist-info/METADATA "$directory"/*.egg-info/PKG-INFO; do
            [ -f "$entry" ] && echo "$entry"
        done
    done
}

_pip() {
    local action=$1 files
    shift
    files=$(_distributions)
    case $action in
        show) awk -v wanted="$1" "$_pip_read"'END { if (!shown) { print "WARNING: Package(s) not found: " wanted >"/dev/stderr"; exit 1 } }' $files /dev/null ;;
        list) awk -v list=1 "$_pip_read"'END { print "[" all "]" }' $files /dev/null ;;
        *) echo "pip: only show and list work here" >&2; return 2 ;;
    esac
}

_pip_read='
function normal(name) { name = tolower(name); gsub(/[-_.]+/, "-", name); return name }
FNR == 1 { head = 1; name = "" }
/^$/ { head = 0 }
head && /^Name: / { name = $2 }
head && /^Version: / {
    if (list && !(normal(name) in seen)) all = all (all ? ", " : "") "{\"name\": \"" name "\", \"version\": \"" $2 "\"}"
    else if (!list && !shown && normal(name) == normal(wanted)) { print "Name: " name; print "Version: " $2; shown = 1 }
    seen[normal(name)] = 1
}'

# Sockets as ss tells them, read from the network namespace's own tables.
_ss() {
    local word kinds= listening= all= netid=0
    for word; do
        case $word in
            -n | --numeric) ;;
            -l | --listening) listening=1 ;;
            -a | --all) all=1 ;;
            -t | --tcp) kinds="$kinds tcp" ;;
            -u | --udp) kinds="$kinds udp" ;;
            -x | --unix) kinds="$kinds unix" ;;
            *) echo "ss: $word does not work here" >&2; return 255 ;;
        esac
    done
    case $kinds in '' | *unix* | *' '*' '*) netid=1 ;; esac
    kinds="${kinds:- tcp udp unix}"
    word=$_sockets
    case $kinds in *tcp* | *udp*) word=$word$_sockets_inet ;; esac
    case $kinds in *unix*) word=$word$_sockets_unix ;; esac
    set -- awk -v kinds="$kinds" -v listening="$listening" -v all="$all" -v netid=$netid "$word"
    word=0
    case $kinds in *tcp*) [ -r /proc/net/sockstat6 ] && read -r _ _ word </proc/net/sockstat6 ;; esac
    if [ "$word" = 0 ]; then "$@"; else _both_families "$@"; fi
}

# The kernel's tables do not tell whether a socket of IPv6 takes IPv4, too: it does if it can be reached that way. Each
# socket, known by its inode, is tried once.
_both_families() {
    local rows line port inode code IFS=$_newline
    rows=$("$@")
    code=$?
    set -f
    for line in $rows; do
        case $line in
            *"LISTEN 0 0 :::"*)
                port=${line#*:::}
                port=${port%% *}
                inode=${line##* }
                line=${line% *}
                case "$_four $_six_only " in
                    *" $inode "*) ;;
                    *)
                        if nc -w 1 127.0.0.1 "$port" -e true 2>/dev/null; then _four="$_four $inode"
                        else _six_only="$_six_only $inode"; fi
                        ;;
                esac
                case "$_four " in *" $inode "*) line="${line%%:::*}*:$port *:*" ;; esac
                ;;
        esac
        printf '%s\n' "$line"
    done
    set +f
    return $code
}
_four=
_six_only=

# Only what is needed for the kinds that were asked for: reading this takes longer than running it.
_sockets='
function row(id, state, local_, peer) { print (netid ? id " " : "") state " 0 0 " local_ " " peer }
BEGIN { print (netid ? "Netid " : "") "State Recv-Q Send-Q Local Address:Port Peer Address:Port" }'

_sockets_inet='
function hex(digits,   i, value) {
    for (i = 1; i <= length(digits); i++) value = value * 16 + index("0123456789ABCDEF", substr(digits, i, 1)) - 1
    return value
}
function octet(word, i) { return hex(substr(word, i * 2 - 1, 2)) }
function ipv4(word) { return octet(word, big ? 1 : 4) "." octet(word, big ? 2 : 3) "." octet(word, big ? 3 : 2) "." octet(word, big ? 4 : 1) }
function swapped(word) { return big ? word : substr(word, 7, 2) substr(word, 5, 2) substr(word, 3, 2) substr(word, 1, 2) }
function ipv6(word,   i, all_, group, best, length_, run, text) {
    if (substr(word, 1, 16) == "0000000000000000" && swapped(substr(word, 17, 8)) == "0000FFFF") return "::ffff:" ipv4(substr(word, 25))
    for (i = 0; i < 4; i++) all_ = all_ swapped(substr(word, i * 8 + 1, 8))
    best = 0; length_ = 1
    for (i = 1; i <= 8; i++) {
        group[i] = tolower(substr(all_, i * 4 - 3, 4)); sub(/^0+/, "", group[i])
        run = group[i] == "" ? run + 1 : 0
        if (run > length_) { length_ = run; best = i - run + 1 }
    }
    for (i = 1; i <= 8; i++) {
        if (i == best) { text = text "::"; i += length_ - 1 }
        else text = text (text == "" || text ~ /:$/ ? "" : ":") (group[i] == "" ? "0" : group[i])
    }
    return text
}
function address(end_, six) {
    split(end_, half, ":")
    return (six ? ipv6(half[1]) : ipv4(half[1])) ":" (half[2] == "0000" ? "*" : hex(half[2]))
}
# Ask for no more lines than there are sockets: behind the last one, the kernel walks the tables of all namespaces.
function inuse(kind, six,   file, line, parts, name) {
    file = six ? "/proc/net/sockstat6" : "/proc/net/sockstat"
    name = toupper(kind) (six ? "6" : "") ":"
    while ((getline line < file) > 0) { split(line, parts, " "); if (parts[1] == name) { close(file); return parts[3] + 0 } }
    close(file)
    return six ? 0 : -1
}
function inet(kind, six,   file, line, f, left, state, server, here) {
    file = "/proc/net/" kind (six ? "6" : "")
    left = inuse(kind, six)
    if ((getline line < file) <= 0) { if (!six) { print "ss: cannot read " file >"/dev/stderr"; exit 1 }; return }
    while (left != 0 && (getline line < file) > 0) {
        split(line, f, " ")
        # Connections that are only beginning, or over, may be listed without being counted.
        if (f[4] == "0A" || f[4] == "01") left--
        state = f[4] == "0A" ? "LISTEN" : f[4] == "01" ? "ESTAB" : f[4] == "07" ? "UNCONN" : f[4] == "06" ? "TIME-WAIT" : "OTHER"
        server = state == "LISTEN" || (state == "UNCONN" && kind == "udp")
        if (all || (listening ? server : state == "ESTAB")) {
            here = address(f[2], six)
            row(kind, state, here, address(f[3], six) (six && state == "LISTEN" && here ~ /^:::/ ? " " f[10] : ""))
        }
    }
    close(file)
}
BEGIN {
    # Addresses are words of the machine: little-endian but on a few.
    big = 0
    if (kinds ~ /tcp/) { inet("tcp", 0); inet("tcp", 1) }
    if (kinds ~ /udp/) { inet("udp", 0); inet("udp", 1) }
}'

_sockets_unix='
BEGIN {
    if ((getline line < "/proc/net/unix") <= 0) { print "ss: cannot read /proc/net/unix" >"/dev/stderr"; exit 1 }
    while ((getline line < "/proc/net/unix") > 0) {
        n = split(line, f, " ")
        if (f[5] == "0002") id = "u_dgr"; else if (f[5] == "0005") id = "u_seq"; else id = "u_str"
        state = substr(f[4], 4, 1) == "1" ? "LISTEN" : f[6] == "03" ? "ESTAB" : "UNCONN"
        path = n >= 8 ? f[8] : "*"
        if (all || (listening ? state == "LISTEN" || state == "UNCONN" : state == "ESTAB")) row(id, state, path, path " * " f[7])
    }
}'

# Processes as procps tells them; those of this sidecar, and of others, are none of the container's.
_ps() {
    local fields= pids= process rows= header= row=
    while [ $# -gt 0 ]; do
        case $1 in
            -A | -e | -ww | -Aww | -w | a | ax | aux | -ef) ;;
            -o) fields="$fields,$2"; shift ;;
            -p) pids=",$2,"; shift ;;
            *) echo "ps: $1 does not work here" >&2; return 1 ;;
        esac
        shift
    done
    _ps_columns "${fields:-,pid,user,args}" || return
    for process in /proc/[0-9]*; do
        [ $process/ns/mnt -ef /proc/self/ns/mnt ] && continue
        process=${process#/proc/}
        case "$pids" in '' | *,$process,*) ;; *) continue ;; esac
        [ -r /proc/$process/cmdline ] || continue
        rows="$rows$process $(tr '\0\n' '  ' </proc/$process/cmdline)$_newline"
    done
    _rows=$rows awk -v own="$_cgroup" -v boot="$_boot" -v memory="$_memory" -v header="$header" "$_processes
        print ${row#,} }
        $_processes_names"
}

# The columns as awk's expressions, so that only what was asked for is parsed and read.
_ps_columns() {
    local IFS=, field
    for field in ${1#,}; do
        field=${field%%:*}
        header="$header $field"
        case $field in
            pid) field=pid ;;
            ppid) field='f[2]' ;;
            pgid | pgrp) field='f[3]' ;;
            sid | sess | session) field='f[4]' ;;
            stat | state | s) field='f[1]' ;;
            comm | ucmd | ucomm) field=comm ;;
            args | cmd | command) field='(args == "" ? "[" comm "]" : args)' ;;
            uid | euid) field='id("Uid:", 3)' ;;
            ruid) field='id("Uid:", 2)' ;;
            gid | egid) field='id("Gid:", 3)' ;;
            rgid) field='id("Gid:", 2)' ;;
            user | euser | uname) field='named("passwd", id("Uid:", 3))' ;;
            ruser) field='named("passwd", id("Uid:", 2))' ;;
            group | egroup) field='named("group", id("Gid:", 3))' ;;
            rgroup) field='named("group", id("Gid:", 2))' ;;
            ni | nice) field='f[17]' ;;
            pri) field='(39 - f[16])' ;;
            nlwp | thcount) field='f[18]' ;;
            vsz | vsize) field='int(f[21] / 1024)' ;;
            rss | rssize) field='(f[22] * 4)' ;;
            tty | tt | tname) field='(f[5] == 0 ? "?" : f[5])' ;;
            time | cputime) field='clock(int((f[12] + f[13]) / 100))' ;;
            etimes) field='elapsed()' ;;
            lstart) field='strftime("%a %b %e %H:%M:%S %Y", int(boot + f[20] / 100))' ;;
            pcpu | %cpu) field='sprintf("%.1f", elapsed() > 0 ? (f[12] + f[13]) / elapsed() : 0)' ;;
            pmem | %mem) field='sprintf("%.1f", f[22] * 400 / memory)' ;;
            *) echo "error: unknown user-defined format specifier \"$field\"" >&2; return 1 ;;
        esac
        row="$row,$field"
    done
}

_processes='
function first(file,   line) { getline line < file; close(file); return line }
function whole(file,   text, line) { while ((getline line < file) > 0) text = text line ";"; close(file); return text }
function elapsed(   up) { split(first("/proc/uptime"), up, " "); return int(up[1] - f[20] / 100) }
BEGIN { print toupper(substr(header, 2)); n = split(ENVIRON["_rows"], rows, "\n"); for (r = 1; r < n; r++) show(rows[r]) }
function show(args) {
    pid = args; sub(/ .*/, "", pid); sub(/^[0-9]+ /, "", args); sub(/ +$/, "", args)
    stat = first("/proc/" pid "/stat")
    if (stat == "" || whole("/proc/" pid "/cgroup") != own) return
    at = length(stat); while (substr(stat, at, 1) != ")") at--
    comm = substr(stat, index(stat, "(") + 1, at - index(stat, "(") - 1)
    split(substr(stat, at + 2), f, " ")'

_processes_names='
function id(key, column,   file, line, ids) {
    file = "/proc/" pid "/status"
    while ((getline line < file) > 0) if (index(line, key) == 1) { split(line, ids, "[ \t]+"); break }
    close(file)
    return ids[column]
}
function named(database, number,   file, line, entry) {
    file = "/etc/" database
    while ((getline line < file) > 0) { split(line, entry, ":"); if (entry[3] == number) { close(file); return entry[1] } }
    close(file)
    return number
}
function clock(seconds,   days) {
    days = int(seconds / 86400)
    return (days ? days "-" : "") sprintf("%02d:%02d:%02d", int(seconds % 86400 / 3600), int(seconds % 3600 / 60), seconds % 60)
}'

_newline='
'

# What the processes are measured against; it does not change while the target lives.
_cgroup=$(awk '{ printf "%s;", $0 }' /proc/1/cgroup)
_boot=$(awk '$1 == "btime" { print $2 }' /proc/stat)
_memory=$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)

alias cat=_cat command=_command dpkg-query=_dpkg_query env=_env getent=_getent id=_id ip=_ip ls=_ls nc=_nc ping=_ping
alias pip=_pip ps=_ps ss=_ss stat=_stat test=_test which=_which whoami=_whoami
