//! bench_smoltcp WORK ARGUMENTS...: one side of some of the works of bench/work.h, by smoltcp over the TUN
//! device SMOLTCP_DEVICE, which must exist, as the address SMOLTCP_ADDRESS; what it prints is theirs. One
//! thread polls the interface and its one socket, which is how smoltcp is meant to be used.

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{wait, Medium, TunTapInterface};
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};
use std::os::unix::io::AsRawFd;
use std::time::Instant as Clock;

const PORT: u16 = 7000;
const BLOCK: usize = 256 * 1024;
const MESSAGE: usize = 64;
const WARM_UP: usize = 200;
/// More than the device's queue of 500 packets holds is lost there, which costs it more than it gains.
const RECEIVE_BUFFER: usize = 640 * 1024;
const SEND_BUFFER: usize = 2 * 1024 * 1024;

fn cpu_ns() -> f64 {
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
    let ns = |t: libc::timeval| t.tv_sec as f64 * 1e9 + t.tv_usec as f64 * 1e3;
    ns(usage.ru_utime) + ns(usage.ru_stime)
}

struct Stopwatch {
    wall: Clock,
    cpu: f64,
}

impl Stopwatch {
    fn start() -> Self {
        Stopwatch { cpu: cpu_ns(), wall: Clock::now() }
    }

    fn read_ns(&self) -> (f64, f64) {
        (self.wall.elapsed().as_nanos() as f64, cpu_ns() - self.cpu)
    }
}

/// What the kernel sends while the device is only about to come up is lost.
fn device_await(name: &str) {
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    let any = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0) };
    while unsafe { request.ifr_ifru.ifru_flags } & libc::IFF_RUNNING as libc::c_short == 0 {
        let result = unsafe { libc::ioctl(any, libc::SIOCGIFFLAGS as _, &mut request) };
        assert_eq!(result, 0, "cannot look at the device");
    }
    unsafe { libc::close(any) };
}

struct Stack {
    device: TunTapInterface,
    interface: Interface,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    spins: bool,
}

impl Stack {
    fn open() -> Self {
        let name = std::env::var("SMOLTCP_DEVICE").expect("SMOLTCP_DEVICE");
        let address = std::env::var("SMOLTCP_ADDRESS").expect("SMOLTCP_ADDRESS");
        let mut device = TunTapInterface::new(&name, Medium::Ip).expect("the device");
        device_await(&name);
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
        let mut interface = Interface::new(config, &mut device, Instant::now());
        let address: IpAddress = address.parse::<std::net::Ipv4Addr>().unwrap().into();
        interface.update_ip_addrs(|all| all.push(IpCidr::new(address, 24)).unwrap());
        let socket = tcp::Socket::new(
            tcp::SocketBuffer::new(vec![0; RECEIVE_BUFFER]),
            tcp::SocketBuffer::new(vec![0; SEND_BUFFER]),
        );
        let mut sockets = SocketSet::new(vec![]);
        let handle = sockets.add(socket);
        Stack { device, interface, sockets, handle, spins: false }
    }

    fn socket(&mut self) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(self.handle)
    }

    /// Serves the interface until `ready` gives something.
    fn until<T>(&mut self, ready: impl Fn(&mut tcp::Socket<'static>) -> Option<T>) -> T {
        loop {
            self.interface.poll(Instant::now(), &mut self.device, &mut self.sockets);
            if let Some(value) = ready(self.socket()) {
                return value;
            }
            let pause = match self.spins {
                true => Some(Duration::ZERO),
                false => self.interface.poll_delay(Instant::now(), &self.sockets),
            };
            if pause != Some(Duration::ZERO) {
                wait(self.device.as_raw_fd(), pause).expect("cannot wait");
            }
        }
    }

    fn connect(&mut self, host: &str) {
        let host: std::net::Ipv4Addr = host.parse().expect("an address");
        let ours = 40000 + (std::process::id() % 20000) as u16;
        let socket = self.sockets.get_mut::<tcp::Socket>(self.handle);
        socket.connect(self.interface.context(), (IpAddress::from(host), PORT), ours).unwrap();
        self.until(|socket| {
            assert!(socket.is_open(), "cannot connect");
            socket.may_send().then_some(())
        });
    }

    fn accept(&mut self) {
        self.socket().listen(PORT).unwrap();
        self.until(|socket| socket.may_send().then_some(()));
    }

    fn send(&mut self, bytes: &[u8]) -> usize {
        self.until(|socket| {
            assert!(socket.may_send(), "the connection broke");
            socket.can_send().then(|| socket.send_slice(bytes).unwrap())
        })
    }

    /// 0 at the end.
    fn receive(&mut self, bytes: *mut [u8]) -> usize {
        self.until(|socket| match socket.can_recv() {
            true => Some(socket.recv_slice(unsafe { &mut *bytes }).unwrap()),
            false => (!socket.may_recv()).then_some(0),
        })
    }

    /// Until the other side has all, its FIN is here, and ours is acknowledged.
    fn close(&mut self) {
        self.socket().close();
        self.until(|socket| match socket.state() {
            tcp::State::TimeWait | tcp::State::Closed => Some(()),
            _ => None,
        });
        self.interface.poll(Instant::now(), &mut self.device, &mut self.sockets);
    }
}

fn report_bulk(bytes: u64, watch: &Stopwatch) {
    let (wall, cpu) = watch.read_ns();
    println!("gbit={:.3} cpu={:.4} fair=1.000", 8.0 * bytes as f64 / wall, cpu / bytes as f64);
}

fn source(stack: &mut Stack, host: &str, bytes: u64) {
    let block = vec![b'x'; BLOCK];
    stack.connect(host);
    let watch = Stopwatch::start();
    let mut left = bytes;
    while left > 0 {
        left -= stack.send(&block[..BLOCK.min(left as usize)]) as u64;
    }
    stack.close();
    report_bulk(bytes, &watch);
}

fn sink(stack: &mut Stack) {
    let mut block = vec![0; BLOCK];
    stack.accept();
    let watch = Stopwatch::start();
    let mut bytes = 0;
    loop {
        match stack.receive(&mut block[..]) {
            0 => break,
            n => bytes += n as u64,
        }
    }
    report_bulk(bytes, &watch);
    stack.close();
}

fn ask(stack: &mut Stack, host: &str, count: usize) {
    let mut message = [0; MESSAGE];
    let mut took = Vec::with_capacity(count + WARM_UP);
    stack.connect(host);
    stack.socket().set_nagle_enabled(false);
    let mut all = Stopwatch::start();
    for i in 0..count + WARM_UP {
        if i == WARM_UP {
            all = Stopwatch::start();
        }
        let begun = Clock::now();
        assert_eq!(stack.send(&message), MESSAGE);
        let mut got = 0;
        while got < MESSAGE {
            match stack.receive(&mut message[got..]) {
                0 => panic!("no answer"),
                n => got += n,
            }
        }
        took.push(begun.elapsed().as_nanos() as f64 / 1e3);
    }
    let (_, cpu) = all.read_ns();
    took.drain(..WARM_UP);
    took.sort_by(f64::total_cmp);
    println!(
        "p50={:.2} p99={:.2} cpu={:.2}",
        took[count / 2],
        took[count - 1 - count / 100],
        cpu / count as f64 / 1e3
    );
    stack.close();
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut stack = Stack::open();
    match words[..] {
        ["source", host, "1", bytes] => source(&mut stack, host, bytes.parse().unwrap()),
        ["sink", "1"] => sink(&mut stack),
        ["ask", host, count, spins] => {
            stack.spins = spins != "0";
            ask(&mut stack, host, count.parse().unwrap());
        }
        _ => panic!("no such work here: {words:?}"),
    }
}
