# Exits with 0 if the mount that holds `path` (ending in /) has `option`. Reads /proc/<pid>/mountinfo.
{
    place = $5 "/"
    sub("//", "/", place)
}
index(path, place) == 1 && length(place) >= best {
    best = length(place)
    found = index("," $6 ",", "," option ",")
}
END { exit !found }
