# The same programs by their other names: as an applet of busybox, in a text for a shell of its own, started by another.

_starters=' chpst chroot chrt envdir envuidgid flock ionice linux32 linux64 nice nohup nsenter setarch setpriv setsid'
_starters="$_starters setuidgid softlimit start-stop-daemon su taskset time timeout unshare watch xargs "

_busybox() {
    local applet=$1
    [ $# = 0 ] || shift
    case $applet in
        ash | sh) _sh "$@" ;;
        find) _find "$@" ;;
        groups) _groups_of "$@" ;;
        '[') _bracket "$@" ;;
        awk | cat | df | du | env | grep | id | ip | ls | mount | nc | netstat | ping | printenv | ps | stat | test)
            "_$applet" "$@"
            ;;
        top | which | whoami) "_$applet" "$@" ;;
        '') busybox ;;
        *)
            case " $_looking $_starters" in
                *" $applet "*" chpst "*) "_$applet" "$@" ;;
                *" $applet "*) _starting "$applet" "$@" ;;
                *) busybox "$applet" "$@" ;;
            esac
            ;;
    esac
}

# Another shell would not know these definitions: a text for it is read by this one, apart. One that comes from a file or
# from its input was not looked at.
_sh() (
    _options='' _text=''
    while [ $# != 0 ]; do
        case $1 in
            [-+]o) _options="$_options $1 ${2-}" && shift ;;
            --* | [-+]*[ils]*) _text='' && break ;;
            -c) _text=1 ;;
            -*c*) _text=1 _options="$_options ${1%%c*}${1#*c}" ;;
            [-+]*) _options="$_options $1" ;;
            *) break ;;
        esac
        [ $# = 0 ] || shift
    done
    [ $_text ] && [ $# != 0 ] || { _refuse sh "a text that is not given with -c" "host.run"; return; }
    _text=$1
    shift
    # What comes next is the name of the shell.
    [ $# = 0 ] || shift
    # In the background: where this shell's own end is tested, as before `||`, -e would not count in it.
    exec 7<&0
    (
        # shellcheck disable=SC2086 # options
        set $_options -- "$@"
        eval "$_text"
    ) <&7 7<&- &
    wait $!
)

# Programs that start another one: busybox takes its own, whose answer is about the sidecar. So does a program of the
# container, which would have the sidecar's rights.
_starting() {
    local starter=$1
    shift
    if _tells_of_sidecar "$@"; then
        _refuse "$starter" "starting what may tell about the sidecar ($*)" "the program by itself"
        return
    fi
    case $starter in
        command) command "$@" ;;
        *) "$starter" "$@" ;;
    esac
}

# Whether there may be such a program in these words, or in the text that they have for a shell; or /proc itself; or a
# shell whose text is not among them.
_tells_of_sidecar() {
    local word before=''
    for word in "$@" ''; do
        case ${before##*/}:$word in
            ash:-*c* | bash:-*c* | dash:-*c* | sh:-*c*) ;;
            ash:* | bash:* | dash:* | sh:*) return 0 ;;
        esac
        before=$word
    done
    # In all of /, there is /proc.
    case " $* " in
        *" / "*) case " $* " in *" du "* | *" find "* | *" grep -"*[rR]* | *" ls -"*R*) return 0 ;; esac ;;
    esac
    printf '%s\n' "$@" | grep -qE "$_telling"
    # That it could not be looked for is no no.
    [ $? != 1 ]
}

# shellcheck disable=SC2016 # an expression
_telling='(^|[^[:alnum:]_.${-])(command|df|env|getent|groups|id|mount|netstat|ping|pip|ps|ss|test|top|ulimit|which|'
_telling="${_telling}whoami|awk|printenv|fuser|killall5?|lsof|pgrep|pidof|pkill|pmap|pstree|pwdx)([^[:alnum:]_.=-]|\$)|/proc/*([^/[:alnum:]]|\$)"

# The same, and /proc: the sidecar's own processes are in it.
_find() {
    local word paths=1 place=0 root='' none=1
    for word; do
        place=$((place + 1))
        case $word in
            -exec | -execdir | -ok | -okdir)
                (shift $place && _tells_of_sidecar "$@") || break
                _refuse find "starting what may tell about the sidecar" "the program by itself"
                return
                ;;
            -[HLP]) ;;
            -* | '(' | '!') paths='' ;;
            *)
                [ $paths ] || continue
                none=''
                [ "$word" -ef /proc ] && { _refuse_processes find; return; }
                [ "$word" -ef / ] && root=1
                ;;
        esac
    done
    [ $none ] && [ . -ef /proc ] && { _refuse_processes find; return; }
    [ $none ] && [ . -ef / ] && root=1
    if [ $root ]; then _find_below_root "$@"; else find "$@"; fi
}

# All of /, without the processes of sidecars: each process below /proc is looked at on the way.
_find_below_root() {
    local word divide=0 count=0 total=$# print=-print open='(' close=')'
    for word; do
        case $word in
            -xdev | -mount) find "$@"; return ;;
            -depth | -delete | -follow | -L) _refuse find "$word where /proc is, too" "with -xdev"; return ;;
            -print | -print0 | -exec | -execdir | -ok | -okdir | -ls | -quit) print='' ;;
        esac
    done
    if [ $((0x$_first_bounds & 0x$_bounds)) = $((0x$_bounds)) ]; then
        _refuse find "/proc of a container whose processes look like its own" "with -xdev"
        return
    fi
    for word; do
        case $word in -[HP]) ;; -* | '(' | '!') break ;; esac
        divide=$((divide + 1))
    done
    [ $divide != $total ] || open='' close=''
    while true; do
        if [ $count = $divide ]; then
            set -- "$@" '(' -path '*/proc/[0-9]*' ! -path '*/proc/[0-9]*/*' \
                -exec grep -qs "^CapBnd:.$_bounds\$" '{}/status' ';' -prune ')' -o
            # Not where something is started: busybox forgets the last of `-exec … +` between parentheses.
            [ ! $print ] || set -- "$@" $open
        fi
        [ $count != $total ] || break
        set -- "$@" "$1"
        shift
        count=$((count + 1))
    done
    # shellcheck disable=SC2086 # words, or none
    find "$@" ${print:+$close $print}
}
