#!/bin/busybox sh
# shellcheck shell=dash
# The first process of the guest: sets the scene, runs each step in its window, says on the second
# serial port what happened, and powers off.
/bin/busybox --install -s /bin/applets
export PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin:/bin/applets HOME=/root LC_ALL=C
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmp /tmp
mount -t tmpfs shm /dev/shm
exec </dev/null >/dev/ttyS0 2>&1

report() { echo "pkgafdo: $*" >/dev/ttyS1; }

# run NUMBER SECONDS: the prepared part outside the window, then the step inside it.
run() {
	mkdir -p /tmp/work
	cd /tmp/work || exit 1
	# shellcheck source=/dev/null
	if . "/steps/$1.prepare"; then
		timeout -s KILL "$2" /bin/window "$1" /bin/busybox sh "/steps/$1.script"
		report "step $1 $?"
	else
		report "unprepared $1 $?"
	fi
	cd /
	rm -rf /tmp/work
}

ip link set lo up
hostname guest
report "release $(uname -r)"
while read -r module; do
	insmod "/modules/$module.ko" || report "refused $module"
done </modules/order
while read -r name size _ _ _ address _; do
	report "module $name $size $address"
	for section in /sys/module/"$name"/sections/.*text*; do
		[ -f "$section" ] && report "section $name ${section##*/} $(cat "$section")"
	done
done </proc/modules
# shellcheck source=/dev/null
. /steps/all
report "done"
poweroff -f
