#!/bin/sh
# shellcheck shell=dash
# What virtme-ng's guest runs, as root, in the folder that it shares with the host: makes the user's folders
# writable, runs the user's command in window 1, and says in the file `report` what happened.
share=${0%/*}
report() { echo "pkgafdo: $*" >>"$share/report"; }

# layer FOLDER: what the host has there, with changes that stay in the guest's memory. The guest's init may
# have laid an empty file system over it.
layer() {
	layers=$(mktemp -d /run/layers.XXXXXX)
	mkdir "$layers/lower" "$layers/upper" "$layers/work"
	mkdir -p "$1" || return
	mount --bind "/run/host$1" "$layers/lower" || return
	chmod --reference="$layers/lower" "$layers/upper"
	chown --reference="$layers/lower" "$layers/upper"
	mount -t overlay overlay -o "lowerdir=$layers/lower,upperdir=$layers/upper,workdir=$layers/work" "$1"
}

writable() {
	layer "$1" || report "unwritable $1"
}

# Where the modules lie: those that were loaded since the last time.
known=" "
report_modules() {
	while read -r name size _ _ _ address _; do
		case $known in *" $name "*) continue ;; esac
		known="$known$name "
		report "module $name $size $address"
		for section in /sys/module/"$name"/sections/.*text*; do
			[ -f "$section" ] && report "section $name ${section##*/} $(cat "$section")"
		done
	done </proc/modules
}

mkdir -p /run/host
mount --bind / /run/host
ip link set lo up 2>/dev/null
mount -t tmpfs -o mode=1777 tmp /tmp
modules=/lib/modules/$(uname -r)
if [ -L "$modules" ] && [ ! -e "$modules" ]; then
	ln -sfn "/run/host$(readlink "$modules")" "$modules"
fi
folder=/ stream=
# Sets these, calls writable, and defines run(), which is the command as the user.
# shellcheck source=/dev/null
. "$share/order"
report "release $(uname -r)"
report_modules
if cd "$folder"; then
	report begun
	if [ -n "$stream" ]; then
		run </dev/null >"$stream" 2>"$share/output"
	else
		run </dev/null >"$share/output" 2>&1
	fi
	report "step 1 $?"
fi
report_modules
report "done"
