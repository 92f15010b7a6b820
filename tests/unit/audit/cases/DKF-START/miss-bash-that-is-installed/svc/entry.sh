#!/usr/bin/env bash
exec python -m http.server
