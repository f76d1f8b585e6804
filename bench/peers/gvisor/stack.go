// gVisor's netstack as Debian packages it, over a TUN device, with its offloads (offload.go) or without, or
// over a packet socket on a veth device, with its offloads, as gVisor itself runs it.
package main

import (
	"net"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/fdbased"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

const (
	nic        = 1
	mtu        = 1500
	gsoMost    = 65536
	bufferMost = 16 << 20
)

func tunOpen(name string, flags uint16) int {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK, 0)
	check(err)
	var request [40]byte
	copy(request[:15], name)
	*(*uint16)(unsafe.Pointer(&request[16])) = unix.IFF_TUN | unix.IFF_NO_PI | flags
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TUNSETIFF, uintptr(unsafe.Pointer(&request[0])))
	if errno != 0 {
		check(errno)
	}
	tunAwait(name)
	return fd
}

// What the kernel sends while the device is only about to come up is lost.
func tunAwait(name string) {
	any, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	check(err)
	defer unix.Close(any)
	var request [40]byte
	copy(request[:15], name)
	flags := (*uint16)(unsafe.Pointer(&request[16]))
	for *flags&unix.IFF_RUNNING == 0 {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(any), unix.SIOCGIFFLAGS, uintptr(unsafe.Pointer(&request[0])))
		if errno != 0 {
			check(errno)
		}
	}
}

// A packet socket on the device, with the header that tells of offloads.
func packetOpen(link *net.Interface) int {
	protocol := uint16(unix.ETH_P_ALL)<<8 | uint16(unix.ETH_P_ALL)>>8
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, int(protocol))
	check(err)
	check(unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1))
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bufferMost)
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, bufferMost)
	check(unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: link.Index}))
	return fd
}

// By the environment: GVISOR_TUN, GVISOR_TUN_OFFLOADS or GVISOR_VETH is the device's name.
func linkOpen() stack.LinkEndpoint {
	if name := os.Getenv("GVISOR_TUN_OFFLOADS"); name != "" {
		fd := tunOpen(name, unix.IFF_VNET_HDR)
		check(unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, tunSums|tunTSOv4))
		return &offloading{fd: fd}
	}
	options := fdbased.Options{MTU: mtu}
	if name := os.Getenv("GVISOR_VETH"); name != "" {
		link, err := net.InterfaceByName(name)
		check(err)
		options.FDs = []int{packetOpen(link)}
		options.EthernetHeader = true
		// An address of its own, beside the device's: the kernel there does not take these packets.
		options.Address = tcpip.LinkAddress("\x02\x00\x00\x00\x00\x03")
		options.GSOMaxSize = gsoMost
		options.RXChecksumOffload = true
		options.PacketDispatchMode = fdbased.RecvMMsg
	} else {
		options.FDs = []int{tunOpen(os.Getenv("GVISOR_TUN"), 0)}
	}
	endpoint, err := fdbased.New(&options)
	check(err)
	return endpoint
}

// GVISOR_ADDRESS is ours.
func stackOpen() *stack.Stack {
	s := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, arp.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
	})
	checkStack(s.CreateNIC(nic, linkOpen()))
	address := tcpip.Address(net.ParseIP(os.Getenv("GVISOR_ADDRESS")).To4())
	checkStack(s.AddProtocolAddress(nic, tcpip.ProtocolAddress{
		Protocol:          ipv4.ProtocolNumber,
		AddressWithPrefix: tcpip.AddressWithPrefix{Address: address, PrefixLen: 24},
	}, stack.AddressProperties{}))
	s.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: nic}})

	// What gVisor's users set, and RACK off: it walks the whole window with each acknowledgment.
	sack, recovery := tcpip.TCPSACKEnabled(true), tcpip.TCPRecovery(0)
	send := tcpip.TCPSendBufferSizeRangeOption{Min: 4096, Default: 4 << 20, Max: bufferMost}
	receive := tcpip.TCPReceiveBufferSizeRangeOption{Min: 4096, Default: 4 << 20, Max: bufferMost}
	checkStack(s.SetTransportProtocolOption(tcp.ProtocolNumber, &sack))
	checkStack(s.SetTransportProtocolOption(tcp.ProtocolNumber, &recovery))
	checkStack(s.SetTransportProtocolOption(tcp.ProtocolNumber, &send))
	checkStack(s.SetTransportProtocolOption(tcp.ProtocolNumber, &receive))
	return s
}
