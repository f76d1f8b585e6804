#!/bin/sh
# What the scripts take for granted, said so that it holds on Linux as well: buffers of a known size, Reno,
# and none of what Linux does beside the RFCs.
sysctl -q net.ipv4.tcp_congestion_control=reno
sysctl -q net.ipv4.tcp_rmem="4096 131072 6291456" net.ipv4.tcp_wmem="4096 262144 4194304"
sysctl -q net.ipv4.tcp_syn_linear_timeouts=0
sysctl -q net.ipv4.tcp_comp_sack_nr=0
sysctl -q net.ipv4.tcp_rfc1337=1
