# The same programs by their other names: as an applet of busybox, or in a text for a shell of its own.

_busybox() {
    local applet=$1
    [ $# = 0 ] || shift
    case $applet in
        ash | sh) _sh "$@" ;;
        groups) _groups_of "$@" ;;
        cat | df | env | id | ip | ls | mount | nc | netstat | ping | ps | stat | test | top | which | whoami)
            "_$applet" "$@"
            ;;
        '') busybox ;;
        *) busybox "$applet" "$@" ;;
    esac
}

# Another shell would not know these definitions: a text for it is read by this one, apart.
_sh() (
    case $1 in
        -c)
            [ $# -gt 1 ] || { sh "$@"; return; }
            _text=$2
            shift 2
            # What comes next is the name of the shell.
            [ $# = 0 ] || shift
            eval "$_text"
            ;;
        *) sh "$@" ;;
    esac
)
