#!/bin/sh
# Stands in for QEMU in tests: finds the console's file and the "kernel" among its arguments, and runs the latter.
while [ $# -gt 0 ]; do
    case "$1" in
    -kernel) kernel=$2 ;;
    file,id=console,path=*) console=${1#*path=} ;;
    esac
    shift
done
. "$kernel"
