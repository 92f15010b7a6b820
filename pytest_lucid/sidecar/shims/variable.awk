# Prints the value of the variable `name`, from lines NAME=VALUE. Exits with 1 where there is none.
$1 == name && index($0, "=") {
    print substr($0, length(name) + 2)
    found = 1
    exit
}
END { exit !found }
