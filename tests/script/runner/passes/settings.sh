# settings.pkt runs this.
set -e
sysctl -q net.ipv4.tcp_timestamps=0
