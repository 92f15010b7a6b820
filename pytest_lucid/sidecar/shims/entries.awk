# From grep's context: the lines from `line` on until an empty one.
$0 == line { printf "\036"; inside = 1 }
/^$/ || $0 == "--" { inside = 0 }
inside { print }
