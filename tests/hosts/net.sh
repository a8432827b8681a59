# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Hosts made of network namespaces on one machine. Needs root, and ip of iproute2.
#
#      host a                    host b                    host c
#    10.77.0.1                 10.77.0.2                 10.77.0.3
#   ┌─────────┐               ┌─────────┐               ┌─────────┐
#   │  eth0   │               │  eth0   │               │  eth0   │
#   └────┬────┘               └────┬────┘               └────┬────┘
#        │ veth                    │ veth                    │ veth
#   ┌────┴─────────────────────────┴─────────────────────────┴────┐
#   │  port_a                   port_b                    port_c  │
#   │                     switch: bridge br0                      │
#   └─────────────────────────────────────────────────────────────┘
#
# A cable is cut by setting the switch's port down: packets are lost without a word, as when
# somebody pulls it. What slows or loses packets sits at the switch's ports too, where neither host
# knows of it.

# hosts_up NAME...: makes them; prefix: the names of the namespaces begin with it.
prefix=${HOSTS_PREFIX:-tandem$$}
hosts_up() {
	local name n=0
	hosts=("$@")
	ip netns add "$prefix-switch" &&
		ip -n "$prefix-switch" link add br0 type bridge &&
		ip -n "$prefix-switch" link set br0 up || return
	for name; do
		n=$((n + 1))
		ip netns add "$prefix-$name" &&
			ip -n "$prefix-$name" link add eth0 type veth peer name "port_$name" netns "$prefix-switch" &&
			ip -n "$prefix-$name" addr add "10.77.0.$n/24" dev eth0 &&
			ip -n "$prefix-$name" link set lo up &&
			ip -n "$prefix-$name" link set eth0 up &&
			ip -n "$prefix-switch" link set "port_$name" master br0 up || return
	done
}
hosts_down() {
	local name
	for name in "${hosts[@]}" switch; do ip netns del "$prefix-$name" 2>/dev/null; done
}
hosts=()

# on HOST COMMAND...: there; only the network is another one.
on() {
	local name=$1
	shift
	nsenter --net="/run/netns/$prefix-$name" -- "$@"
}
unplug() { ip -n "$prefix-switch" link set "port_$1" down; }
plug() { ip -n "$prefix-switch" link set "port_$1" up; }
# slow HOST RATE: of what goes to the host; "off" ends it.
slow() {
	if [ "$2" = off ]; then
		ip netns exec "$prefix-switch" tc qdisc del dev "port_$1" root
	else
		ip netns exec "$prefix-switch" tc qdisc replace dev "port_$1" root tbf rate "$2" burst 32kb latency 200ms
	fi
}
# lossy HOST PERCENT: of what comes in at the host; "off" ends it.
lossy() {
	on "$1" nft delete table inet loss 2>/dev/null
	[ "$2" = off ] || on "$1" nft -f - <<-END
		table inet loss {
			chain in {
				type filter hook input priority 0;
				iifname "eth0" numgen random mod 100 < $2 drop
			}
		}
	END
}
