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
        cat | df | env | id | ip | ls | mount | nc | netstat | ping | ps | stat | test | top | which | whoami)
            "_$applet" "$@"
            ;;
        '') busybox ;;
        *)
            case $_starters in
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
    printf '%s\n' "$@" | grep -qE "$_telling"
    # That it could not be looked for is no no.
    [ $? != 1 ]
}

# shellcheck disable=SC2016 # an expression
_telling='(^|[^[:alnum:]_.${-])(command|df|env|getent|groups|id|mount|netstat|ping|pip|ps|ss|test|top|ulimit|which|'
_telling="${_telling}whoami)([^[:alnum:]_.=-]|\$)|/proc/*([^/[:alnum:]]|\$)"

# The same, and /proc: the sidecar's own processes are in it.
_find() {
    local word paths=1 place=0
    for word; do
        place=$((place + 1))
        case $word in
            -exec | -execdir | -ok | -okdir)
                (shift $place && _tells_of_sidecar "$@") || break
                _refuse find "starting what may tell about the sidecar" "the program by itself"
                return
                ;;
            -* | '(' | '!') paths='' ;;
            *) [ $paths ] && [ "$word" -ef /proc ] && { _refuse_processes find; return; } ;;
        esac
    done
    find "$@"
}
