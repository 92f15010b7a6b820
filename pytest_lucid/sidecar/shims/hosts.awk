# Prints the addresses that /etc/hosts gives the name $_key; names are the same in any case. Exits with 1 without one.
BEGIN { key = tolower(ENVIRON["_key"]) }
{
    sub(/#.*/, "")
    for (i = 2; i <= NF; i++) if (tolower($i) == key) { print $1; found = 1; break }
}
END { exit !found }
