#!/bin/sh
# Run a command until standard input ends, and meanwhile hold some sysctls at lower values.
#
#   keeper.sh SYSCTLS NOTES [NAME=MOST]... -- COMMAND [ARGUMENT]...
#
# SYSCTLS is the folder of the sysctls (/proc/sys), NAME a path below it, MOST the largest value that
# the command can work with: a larger one is lowered, all others stay as they are. NOTES is a folder
# that a reboot empties (/run/pkgafdo). It says what each value was, so that the next start puts back
# what a keeper left that was killed itself.
#
# Whoever started this holds the other end of standard input. However that process ends, the pipe closes:
# then the command gets SIGINT, and when it has ended the old values are put back.

set -u
umask 022
sysctls=$1
notes=$2
shift 2

# What ends us is the pipe alone; a Ctrl-C on the terminal reaches the command by itself.
trap '' INT TERM HUP QUIT PIPE

put_back() {
	for note in "$notes"/*.was; do
		[ -f "$note" ] || continue
		read -r name value <"$note"
		if printf '%s\n' "$value" >"$sysctls/$name"; then
			rm -f "$note"
			echo "keeper: $name is $value again" >&2
		fi
	done
}

hold() {
	# Not by read: it reads byte by byte, and sysctls give nothing after the first.
	now=$(cat "$sysctls/$1") || return
	[ "$now" -gt "$2" ] || return 0
	note=$notes/$(echo "$1" | tr / .)
	echo "$1 $now" >"$note.new" && mv "$note.new" "$note.was" || return
	printf '%s\n' "$2" >"$sysctls/$1" || return
	echo "keeper: $1 was $now, is $2 until the end" >&2
}

if mkdir -p "$notes" 2>/dev/null && [ -w "$notes" ]; then
	# Another keeper may be about to put its values back.
	exec 9>"$notes/lock"
	flock -w 60 9 || exit 75
	put_back
	while [ "$1" != -- ]; do
		hold "${1%%=*}" "${1#*=}" || echo "keeper: ${1%%=*} could not be changed" >&2
		shift
	done
fi
while [ "$1" != -- ]; do shift; done
shift

exec 3<&0
"$@" 3<&- 9>&- </dev/null &
command=$!
{
	while read -r _; do :; done <&3
	# More than once: a program that has just been started does not listen yet.
	while kill -INT "$command"; do sleep 1; done
} >/dev/null 2>&1 9>&- &
watcher=$!

wait "$command"
status=$?
kill -KILL "$watcher" 2>/dev/null
put_back
exit "$status"
