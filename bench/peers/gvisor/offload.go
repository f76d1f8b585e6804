// A TUN device with its offloads as gVisor's link endpoint. The package's own (link/fdbased) has them for
// packet sockets only.
package main

import (
	"encoding/binary"
	"sync"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/bufferv2"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/rawfile"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// What of linux/if_tun.h and linux/virtio_net.h is not in the unix package.
const (
	tunSums  = 1
	tunTSOv4 = 2

	virtioHeader = 10
	needsSum     = 1
	gsoTCPv4     = 1
)

type offloading struct {
	fd         int
	dispatcher stack.NetworkDispatcher
	reader     sync.WaitGroup
}

var _ stack.LinkEndpoint = (*offloading)(nil)
var _ stack.GSOEndpoint = (*offloading)(nil)

func (e *offloading) MTU() uint32                             { return mtu }
func (e *offloading) MaxHeaderLength() uint16                 { return 0 }
func (e *offloading) LinkAddress() tcpip.LinkAddress          { return "" }
func (e *offloading) IsAttached() bool                        { return e.dispatcher != nil }
func (e *offloading) Wait()                                   { e.reader.Wait() }
func (e *offloading) ARPHardwareType() header.ARPHardwareType { return header.ARPHardwareNone }
func (e *offloading) AddHeader(stack.PacketBufferPtr)         {}
func (e *offloading) GSOMaxSize() uint32                      { return gsoMost }
func (e *offloading) SupportedGSO() stack.SupportedGSO        { return stack.HostGSOSupported }
func (e *offloading) Capabilities() stack.LinkEndpointCapabilities {
	return stack.CapabilityRXChecksumOffload
}

// Reads until the program ends.
func (e *offloading) Attach(dispatcher stack.NetworkDispatcher) {
	if dispatcher == nil || e.dispatcher != nil {
		return
	}
	e.dispatcher = dispatcher
	e.reader.Add(1)
	go func() {
		defer e.reader.Done()
		e.read()
	}()
}

// ── Out ──

func virtioHeaderOf(pkt stack.PacketBufferPtr) []byte {
	var bytes [virtioHeader]byte
	gso := &pkt.GSOOptions
	if gso.Type == stack.GSONone {
		return bytes[:]
	}
	if gso.NeedsCsum {
		bytes[0] = needsSum
		binary.LittleEndian.PutUint16(bytes[6:], gso.L3HdrLen)
		binary.LittleEndian.PutUint16(bytes[8:], gso.CsumOffset)
	}
	if pkt.Data().Size() > int(gso.MSS) {
		bytes[1] = gsoTCPv4
		binary.LittleEndian.PutUint16(bytes[2:], uint16(pkt.HeaderSize()))
		binary.LittleEndian.PutUint16(bytes[4:], gso.MSS)
	}
	return bytes[:]
}

func (e *offloading) write(pkt stack.PacketBufferPtr) tcpip.Error {
	var room [16]unix.Iovec
	spans := rawfile.AppendIovecFromBytes(room[:0], virtioHeaderOf(pkt), rawfile.MaxIovs)
	for _, bytes := range pkt.AsSlices() {
		spans = rawfile.AppendIovecFromBytes(spans, bytes, rawfile.MaxIovs)
	}
	return rawfile.NonBlockingWriteIovec(e.fd, spans)
}

func (e *offloading) WritePackets(pkts stack.PacketBufferList) (int, tcpip.Error) {
	for i, pkt := range pkts.AsSlice() {
		if err := e.write(pkt); err != nil {
			return i, err
		}
	}
	return pkts.Len(), nil
}

// ── In ──

// Where a packet is read to: small ones take the first alone, and what is not taken stays for the next.
type place struct {
	virtio [virtioHeader]byte
	views  [2]*bufferv2.View
}

var placeSizes = [...]int{2048, 65536}

func (p *place) spans() []unix.Iovec {
	spans := []unix.Iovec{rawfile.IovecFromBytes(p.virtio[:])}
	for i, size := range placeSizes {
		if p.views[i] == nil {
			p.views[i] = bufferv2.NewViewSize(size)
		}
		spans = append(spans, rawfile.IovecFromBytes(p.views[i].AsSlice()))
	}
	return spans
}

func (p *place) take(length int) bufferv2.Buffer {
	var packet bufferv2.Buffer
	for i, size := range placeSizes {
		if length <= 0 {
			break
		}
		if length < size {
			p.views[i].CapLength(length)
		}
		packet.Append(p.views[i])
		p.views[i] = nil
		length -= size
	}
	return packet
}

func (e *offloading) read() {
	var p place
	stop, err := unix.Eventfd(0, 0) // never told to
	check(err)
	for {
		n, err := rawfile.BlockingReadvUntilStopped(stop, e.fd, p.spans())
		checkStack(err)
		if n <= virtioHeader {
			continue
		}
		pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: p.take(n - virtioHeader)})
		first, ok := pkt.Data().PullUp(1)
		if ok && header.IPVersion(first) == header.IPv4Version {
			e.dispatcher.DeliverNetworkPacket(header.IPv4ProtocolNumber, pkt)
		}
		pkt.DecRef()
	}
}
