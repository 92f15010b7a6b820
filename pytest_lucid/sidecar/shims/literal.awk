# Prints the address that the line is, as glibc reads one: IPv6, or IPv4 in one to four decimal, octal or hexadecimal
# parts, the last of which fills all bytes that are left. Exits with 1 for a name.
function value(text,   base, digits, i, digit, sum) {
    base = text ~ /^0[xX]/ ? 16 : text ~ /^0./ ? 8 : 10
    digits = tolower(base == 16 ? substr(text, 3) : text)
    if (digits == "") return base == 16 ? 0 : -1
    for (i = 1; i <= length(digits); i++) {
        digit = index("0123456789abcdef", substr(digits, i, 1)) - 1
        if (digit < 0 || digit >= base) return -1
        sum = sum * base + digit
    }
    return sum
}
/:/ {
    if ($0 ~ /^[0-9a-fA-F:.]+(%[a-zA-Z0-9_.-]+)?$/) { print; found = 1 }
    exit
}
/^[0-9a-fA-FxX.]+$/ && /^[0-9]/ {
    n = split($0, part, ".")
    if (n > 4) exit
    for (i = 1; i <= n; i++) {
        number = value(part[i])
        # busybox's awk may be built without powers.
        for (limit = 256; i == n && n + bytes < 4; bytes++) limit *= 256
        if (number < 0 || number >= limit) exit
        total = total * 256 + number
        if (i == n) total = (total - number) / 256 * limit + number
    }
    printf "%d.%d.%d.%d\n", int(total / 16777216), int(total / 65536) % 256, int(total / 256) % 256, total % 256
    found = 1
}
END { exit !found }
