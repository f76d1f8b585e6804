// bench_gvisor WORK ARGUMENTS...: one side of the works of bench/work.h, in goroutines, as programs of Go
// do it; what it prints is theirs.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"sort"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

const (
	port    = 7000
	block   = 256 << 10
	message = 64
	warmUp  = 200
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func checkStack(err tcpip.Error) {
	if err != nil {
		check(fmt.Errorf("%s", err))
	}
}

type stopwatch struct {
	wall time.Time
	cpu  time.Duration
}

func cpuNow() time.Duration {
	var usage unix.Rusage
	check(unix.Getrusage(unix.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func start() stopwatch                              { return stopwatch{cpu: cpuNow(), wall: time.Now()} }
func (w stopwatch) read() (wall, cpu time.Duration) { return time.Since(w.wall), cpuNow() - w.cpu }

// ── Connections ──

func dial(s *stack.Stack, host string) *gonet.TCPConn {
	to := tcpip.FullAddress{NIC: nic, Addr: tcpip.Address(net.ParseIP(host).To4()), Port: port}
	for tries := 0; ; tries++ {
		c, err := gonet.DialTCP(s, to, ipv4.ProtocolNumber)
		if err == nil {
			return c
		}
		if tries == 100 {
			check(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func listen(s *stack.Stack) *gonet.TCPListener {
	l, err := gonet.ListenTCP(s, tcpip.FullAddress{NIC: nic, Port: port}, ipv4.ProtocolNumber)
	check(err)
	return l
}

func accept(l *gonet.TCPListener) net.Conn {
	c, err := l.Accept()
	check(err)
	return c
}

// ── The works ──

// Each flow in a goroutine of its own; `move` gives the bytes that it moved.
func bulk(conns []net.Conn, move func(net.Conn) int64) {
	var all sync.WaitGroup
	ended, bytes := make([]time.Duration, len(conns)), make([]int64, len(conns))
	watch := start()
	for i := range conns {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			bytes[i] = move(conns[i])
			ended[i], _ = watch.read()
		}(i)
	}
	all.Wait()
	wall, cpu := watch.read()
	var sum int64
	for _, n := range bytes {
		sum += n
	}
	sort.Slice(ended, func(i, j int) bool { return ended[i] < ended[j] })
	fmt.Printf("gbit=%.3f cpu=%.4f fair=%.3f\n", 8*float64(sum)/float64(wall),
		float64(cpu)/float64(sum), float64(ended[0])/float64(ended[len(ended)-1]))
	for _, c := range conns {
		c.Close()
	}
}

func source(s *stack.Stack, host string, flows, count int) {
	conns := make([]net.Conn, flows)
	for i := range conns {
		conns[i] = dial(s, host)
	}
	bytes := make([]byte, block)
	bulk(conns, func(c net.Conn) int64 {
		for left := count; left > 0; {
			part := bytes
			if left < block {
				part = bytes[:left]
			}
			n, err := c.Write(part)
			check(err)
			left -= n
		}
		check(c.(*gonet.TCPConn).CloseWrite())
		io.Copy(io.Discard, c) // the other side closes when it has all
		return int64(count)
	})
}

func sink(s *stack.Stack, flows int) {
	l := listen(s)
	conns := make([]net.Conn, flows)
	for i := range conns {
		conns[i] = accept(l)
	}
	bulk(conns, func(c net.Conn) int64 {
		bytes := make([]byte, block)
		for sum := int64(0); ; {
			n, err := c.Read(bytes)
			sum += int64(n)
			if err == io.EOF {
				return sum
			}
			check(err)
		}
	})
}

func ask(s *stack.Stack, host string, count int) {
	c, bytes := dial(s, host), make([]byte, message)
	took := make([]time.Duration, count)
	var all stopwatch
	for i := -warmUp; i < count; i++ {
		if i == 0 {
			all = start()
		}
		began := time.Now()
		_, err := c.Write(bytes)
		check(err)
		_, err = io.ReadFull(c, bytes)
		check(err)
		if i >= 0 {
			took[i] = time.Since(began)
		}
	}
	_, cpu := all.read()
	sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
	us := func(d time.Duration) float64 { return float64(d) / 1000 }
	fmt.Printf("p50=%.2f p99=%.2f cpu=%.2f\n", us(took[count/2]), us(took[count-1-count/100]), us(cpu)/float64(count))
	c.Close()
}

func call(s *stack.Stack, host string, count, together int) {
	var all sync.WaitGroup
	watch := start()
	for i := 0; i < together; i++ {
		all.Add(1)
		go func(calls int) {
			defer all.Done()
			bytes := make([]byte, message)
			for ; calls > 0; calls-- {
				c := dial(s, host)
				_, err := c.Write(bytes)
				check(err)
				_, err = io.ReadFull(c, bytes)
				check(err)
				c.Close()
			}
		}(count / together)
	}
	all.Wait()
	wall, cpu := watch.read()
	done := float64(count / together * together)
	fmt.Printf("calls=%.0f cpu=%.2f\n", done/wall.Seconds(), float64(cpu)/done/1000)
}

func resident() int64 {
	var pages int64
	file, err := os.Open("/proc/self/statm")
	check(err)
	fmt.Fscanf(file, "%d %d", new(int64), &pages)
	file.Close()
	return pages * int64(os.Getpagesize())
}

func idle(s *stack.Stack, host string, count int) {
	before := resident()
	for i := 0; i < count; i++ {
		dial(s, host)
	}
	fmt.Printf("bytes=%.0f\n", float64(resident()-before)/float64(count))
}

func main() {
	number := func(i int) int {
		n, err := strconv.Atoi(os.Args[i])
		check(err)
		return n
	}
	s := stackOpen()
	switch os.Args[1] {
	case "source":
		source(s, os.Args[2], number(3), number(4))
	case "sink":
		sink(s, number(2))
	case "ask":
		ask(s, os.Args[2], number(3))
	case "call":
		call(s, os.Args[2], number(3), number(4))
	case "idle":
		idle(s, os.Args[2], number(3))
	default:
		check(fmt.Errorf("no such work here: %s", os.Args[1]))
	}
	time.Sleep(50 * time.Millisecond) // the last acknowledgments
}
