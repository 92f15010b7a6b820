# Addresses of names, in glibc's form, from the target's files and the name servers of its network.

_resolve() {
    local found addresses address
    found=$(_addresses_of "$1" "$2") || { [ $? = 3 ] && return 3 || return 2; }
    case $1 in
        ahostsv4) addresses=$(echo "$found" | grep -v :) ;;
        ahostsv6)
            addresses=$(echo "$found" | grep :)
            # As glibc does: a name without IPv6 addresses has its IPv4 ones, mapped.
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

# Exits with 1 for a name without addresses, with 3 where no name server answered.
_addresses_of() {
    local answer kinds='-type=a -type=aaaa'
    [ "$2" ] || return 1
    printf '%s\n' "$2" | awk "$_awk_literal" && return
    [ ! -r /etc/hosts ] || _key=$2 awk "$_awk_hosts" /etc/hosts && return
    case $2 in *[!a-zA-Z0-9._-]*) return 1 ;; esac
    [ "$1" != ahostsv4 ] || kinds=-type=a
    # shellcheck disable=SC2086 # options
    answer=$(nslookup $kinds "$2" 2>&1)
    case $answer in
        *"timed out"* | *"no servers could be reached"*)
            echo "getent: no name server answered for $2" >&2
            return 3
            ;;
    esac
    echo "$answer" | awk '/^Name:/ { named = 1 } named && /^Address/ { print $NF; n = 1 } END { exit !n }'
}
