# Prints the entry of passwd, group or shadow with the name or number $_key; exits with 1 where there is none.
BEGIN { key = ENVIRON["_key"] "" }
key != "" && ($1 "" == key || (ENVIRON["_database"] != "shadow" && $3 "" == key)) {
    print
    found = 1
    exit
}
END { exit !found }
