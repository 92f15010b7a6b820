#!/bin/sh
exec python3 -V
