#!/bin/zsh
echo
