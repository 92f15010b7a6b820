# Files: whether the container has a program, permissions as its service has them, and what testinfra reads most.

# testinfra's modules look for these before they answer; the sidecar answers in their place.
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
        *) _starting command "$@" ;;
    esac
}

_which() {
    local code=0 program
    for program; do _find_program "$program" || code=1; done
    return $code
}

# In /proc, relative paths to `self` would be the sidecar. A command ends there, whatever follows: it would be asked for in
# another directory.
_cd() {
    \cd "$@" || return
    [ . -ef /proc ] || return 0
    \cd "$OLDPWD" || return
    _refuse_processes cd
    case $- in *i*) return 126 ;; esac
    exit 126
}

# Permissions as the service has them: this shell may read everything, the service may not.
_test() {
    local bit mode facts word
    case $#:$1:$2 in
        2:-r:*) bit=4 ;;
        2:-w:*) bit=2 ;;
        2:-x:*) bit=1 ;;
        3:*:=* | 3:*:!=* | 3:*:-?? | [01]:*) test "$@"; return ;;
        *)
            if [ "$1" = ! ]; then
                shift
                _test "$@"
                case $? in 0) return 1 ;; 1) return 0 ;; *) return 126 ;; esac
            fi
            case " $* " in
                *' -'[rwx]' '*) _refuse_at_once test "-r, -w, -x together with others" "each apart"; return ;;
            esac
            test "$@"
            return
            ;;
    esac
    [ -e "$2" ] || return 1
    facts=$(stat -Lc '0%a %u %g' -- "$2") || { echo "test: cannot read the mode of $2" >&2; return 2; }
    # shellcheck disable=SC2086 # three words
    set -- "$1" "$2" $facts
    if [ "$4" = "$_uid" ]; then mode=$(($3 >> 6)); else
        case " $_gid $_groups " in *" $5 "*) mode=$(($3 >> 3)) ;; *) mode=$(($3)) ;; esac
    fi
    # CAP_DAC_OVERRIDE is more than any mode, but for what nobody may execute; CAP_DAC_READ_SEARCH is to read.
    [ $((0x$_capabilities & 2)) != 0 ] && mode=$((mode | 6 | (($3 & 0111) != 0)))
    [ $((0x$_capabilities & 4)) != 0 ] && mode=$((mode | 4))
    [ -d "$2" ] && [ $((0x$_capabilities & 6)) != 0 ] && mode=$((mode | 1))
    [ $((mode & bit)) != 0 ] || return 1
    case $1 in
        -w) ! _mounted "$2" ro ;;
        -x) [ -d "$2" ] || ! _mounted "$2" noexec ;;
    esac
}

_bracket() {
    local count=$#
    while [ "$count" -gt 1 ]; do
        set -- "$@" "$1"
        shift
        count=$((count - 1))
    done
    [ "$1" = ']' ] || { echo "[: missing ]" >&2; return 2; }
    shift
    _test "$@"
}

# Whether the mount that holds a path has an option.
_mounted() {
    awk -v path="$(readlink -f -- "$1")/" -v option="$2" "$_awk_mounted" /proc/1/mountinfo
}

# One regular file is read by dd, which busybox runs without starting a program: that takes as long as all the rest.
_cat() {
    if [ $# = 2 ] && [ "$1" = -- ] && [ -f "$2" ]; then dd if="$2" bs=64k status=none; else cat "$@"; fi
}

# One fact, as testinfra asks for it, is written together with its end, so that the reader is woken once. Facts that
# hold a name are not: it may end with what the shell cuts off.
_stat() {
    case "$1 $2" in '-Lc %'[aGgsUuY]) ;; *) stat "$@"; return ;; esac
    local fact
    fact=$(stat "$@")
    set -- $?
    [ "$fact" ] && printf '%s\n' "$fact"
    return "$1"
}

# busybox does not know GNU's -q, which changes what a terminal cannot show. `host.file(…).listdir()` does not come here.
_ls() {
    local word first=1 below='' paths=''
    for word; do
        [ $first ] && set -- && first=
        case $word in
            -q) continue ;;
            -*R*) below=1 ;;
            -*) ;;
            *) paths=1 ;;
        esac
        set -- "$@" "$word"
    done
    [ $paths ] || set -- "$@" .
    for word; do
        if [ "$word" -ef /proc ] || { [ $below ] && [ "$word" -ef / ]; }; then
            _refuse_processes ls
            return
        fi
    done
    ls "$@"
}

# In all of /, there is /proc.
_du() {
    local word
    case " $* " in
        *' -'*[sx]*' '*) ;;
        *)
            for word in "$@" "$([ $# = 0 ] && echo .)"; do
                if [ "$word" -ef / ] || [ "$word" -ef /proc ]; then
                    _refuse_processes du
                    return
                fi
            done
            ;;
    esac
    du "$@"
}

_grep() {
    local word below='' words=0
    for word; do
        case $word in -*[rR]*) below=1 ;; -*) ;; *) words=$((words + 1)) ;; esac
    done
    if [ $below ]; then
        for word in "$@" "$([ $words = 1 ] && echo .)"; do
            if [ "$word" -ef / ] || [ "$word" -ef /proc ]; then
                _refuse_processes grep
                return
            fi
        done
    fi
    grep "$@"
}

# The names in a directory, with the one character between them that none can hold, in the order of their bytes, without
# those that begin with a dot. They are written at once: each write wakes everybody on the way to the reader. Exits with 2 where it cannot be listed, with 3 for what is no directory.
_names_in() (
    [ -d "$1" ] || { [ -e "$1" ] || [ -L "$1" ] && return 3; return 2; }
    cd -P -- "$1" && [ -r . ] || return 2
    set -- *
    [ "$#$1" != '1*' ] || [ -e '*' ] || [ -L '*' ] || return 0
    IFS=/
    printf %s "$*"
)

# Several files in one answer: the name of each, then its bytes. The names may hold wildcards.
_show() {
    local IFS=
    # shellcheck disable=SC2068 # wildcards are meant to be expanded
    head -v -c 67108864 -- $@ 2>/dev/null
    return 0
}

# The mounts of the first process: this shell belongs to another mount namespace.
_mount() {
    [ $# = 0 ] || { _refuse mount "options and arguments"; return; }
    awk '{ print $1 " on " $2 " type " $3 " (" $4 ")" }' /proc/1/mounts
}

# A line of databases wherever they have it, and what follows it; or all of the second file, which most likely has it.
# Wildcards in the other names are expanded. The checksums that distroless has beside each entry are left out: reading them
# takes longer than all the rest.
_entries() {
    local line=$1 file files='' IFS='
'
    [ -f "$2" ] && dd if="$2" bs=64k status=none && return
    shift 2
    # shellcheck disable=SC2068 # wildcards are meant to be expanded
    for file in $@; do
        case $file in *.md5sums) ;; *) [ -f "$file" ] && files="$files$IFS$file" ;; esac
    done
    [ "$files" ] || return 0
    # shellcheck disable=SC2086 # one word for each line
    grep -s -h -x -F -A 200 -- "$line" $files
    # Neither no such line nor no such file is an error; that no program could be started is one.
    [ $? -le 2 ]
}

_any_file() {
    local IFS= name
    # shellcheck disable=SC2068 # wildcards are meant to be expanded
    for name in $@; do [ -f "$name" ] && return 0; done
    return 1
}
