# Prints the kernel's tables of `kinds` (tcp, udp, those with 4 or 6 behind them for one family, unix), each line after the table's name. Connections that begin or
# are over may be listed without being counted, so only the counted states end a table.
function count(kind, six,   file, line, parts, name) {
    file = six ? "/proc/net/sockstat6" : "/proc/net/sockstat"
    name = toupper(kind) (six ? "6" : "") ":"
    while ((getline line < file) > 0) {
        split(line, parts, " ")
        if (parts[1] == name) { close(file); return parts[3] + 0 }
    }
    close(file)
    # No such family; or a kernel without the counters, and then the whole table is read.
    return six ? 0 : -1
}
function show(kind, six,   table, file, line, fields, left) {
    table = kind (six ? "6" : "")
    file = "/proc/net/" table
    left = count(kind, six)
    if ((getline line < file) <= 0) { if (!six) { print "cannot read " file >"/dev/stderr"; exit 1 }; return }
    while (left != 0 && (getline line < file) > 0) {
        split(line, fields, " ")
        if (kind == "udp" || fields[4] == "0A" || fields[4] == "01") left--
        print table " " line
    }
    close(file)
}
BEGIN {
    n = split(kinds, kind, " ")
    for (i = 1; i <= n; i++) {
        family = kind[i] ~ /4$/ ? 4 : kind[i] ~ /6$/ ? 6 : 0
        if (kind[i] ~ /^(tcp|udp)/ && family != 6) show(substr(kind[i], 1, 3), 0)
        if (kind[i] ~ /^(tcp|udp)/ && family != 4) show(substr(kind[i], 1, 3), 1)
    }
    if (kinds ~ /unix/) {
        if ((getline line < "/proc/net/unix") <= 0) { print "cannot read /proc/net/unix" >"/dev/stderr"; exit 1 }
        while ((getline line < "/proc/net/unix") > 0) print "unix " line
    }
}
