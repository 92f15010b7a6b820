#!/usr/bin/env bash
# The path that people know; the suite is what validates. Arguments are pytest's, e.g. --lucid-host local.
set -eu
cd "$(dirname "$0")/../.."
if [ "$#" -eq 0 ]; then
    set -- --lucid-host local
fi
exec python3 -m pytest "$@"
