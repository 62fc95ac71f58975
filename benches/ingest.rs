//! How fast a listener takes in datagrams from a real loopback socket, beside a bare receive loop that
//! only counts. The same sender, as fast as it can, for both.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench reads the clock, waits and prints"
)]

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rollcall::engine::clock;
use rollcall::engine::plane::{FromPlane, InterfaceSource, Plane, PlaneConfig, Ports};
use rollcall::wire::{Claimed, DiscoverReply};
use socket2::{Domain, Socket, Type};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

/// Units that send in turn.
const NUM_UNITS: u32 = 1_000;

/// The buffer that the listener asks for: the bare loop gets the same.
const RECEIVE_BUFFER_BYTES: usize = 8 << 20;

/// Sends replies of many units as fast as it can, until dropped.
struct Sender {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sender {
    fn start(to: SocketAddr) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let thread = std::thread::Builder::new()
            .name("bench-sender".to_owned())
            .spawn(move || {
                let replies: Vec<Vec<u8>> = (0..NUM_UNITS).map(reply).collect();
                let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has room");
                for reply in replies.iter().cycle() {
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    // A full buffer on the other side is what this is about.
                    let _ = socket.send_to(reply, to);
                }
            })
            .expect("a thread can be started");
        Self {
            is_over,
            thread: Some(thread),
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn reply(unit: u32) -> Vec<u8> {
    let [_, a, b, c] = unit.to_be_bytes();
    DiscoverReply {
        model_number: Some(14),
        mac: Some([0x00, 0xe0, 0x86, a, b, c]),
        ip: Claimed::Ip([10, a, b, c].into()),
        mask: Claimed::Ip([255, 0, 0, 0].into()),
        gateway: Claimed::Ip([10, 0, 0, 1].into()),
        host_name: Some(format!("acs-{unit:05}")),
        modes: Some(4),
    }
    .emit(1)
}

/// A loop that receives and counts.
struct Bare {
    socket: UdpSocket,
    _sender: Sender,
}

impl Bare {
    fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).expect("a socket");
        socket
            .set_recv_buffer_size(RECEIVE_BUFFER_BYTES)
            .expect("a buffer");
        socket
            .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
            .expect("loopback has room");
        let socket = UdpSocket::from(socket);
        let sender = Sender::start(socket.local_addr().expect("it is bound"));
        Self {
            socket,
            _sender: sender,
        }
    }

    fn take(&mut self, count: u64) -> Duration {
        let mut buffer = vec![0; 65_535];
        let begin = Instant::now();
        for _ in 0..count {
            self.socket.recv_from(&mut buffer).expect("somebody sends");
        }
        begin.elapsed()
    }
}

/// The plane's listener with somebody who counts what it hands on.
struct Listened {
    runtime: Runtime,
    heard: mpsc::Receiver<FromPlane>,
    _plane: Plane,
    _sender: Sender,
}

impl Listened {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let (out, heard) = mpsc::channel(64);
        let plane = runtime.block_on(async {
            let config = PlaneConfig {
                ports: Ports {
                    listen: [0, 0],
                    ask: [9, 9],
                },
                source: InterfaceSource::System,
                loopback_only: true,
                live_search: false,
                ..PlaneConfig::default()
            };
            Plane::start(config, out, clock::now())
        });
        let port = plane.interfaces()[0].sockets[0].port;
        let sender = Sender::start((Ipv4Addr::LOCALHOST, port).into());
        Self {
            runtime,
            heard,
            _plane: plane,
            _sender: sender,
        }
    }

    fn take(&mut self, count: u64) -> Duration {
        let heard = &mut self.heard;
        let begin = Instant::now();
        self.runtime.block_on(async {
            let mut num_heard = 0;
            while num_heard < count {
                match heard.recv().await {
                    Some(FromPlane::Heard(items)) => num_heard += items.len() as u64,
                    Some(FromPlane::Say(_)) => {}
                    None => panic!("the plane ended"),
                }
            }
        });
        begin.elapsed()
    }
}

fn ingest(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ingest");
    group.throughput(Throughput::Elements(1));
    group.measurement_time(Duration::from_secs(4));
    {
        let mut bare = Bare::new();
        group.bench_function("bare receive loop", |bencher| {
            bencher.iter_custom(|count| bare.take(count));
        });
    }
    {
        let mut listened = Listened::new();
        group.bench_function("listener, decoded", |bencher| {
            bencher.iter_custom(|count| listened.take(count));
        });
    }
    group.finish();
    ratio();
}

/// Both in turns, so that what else the machine does hits both: the median ratio of the rounds.
fn ratio() {
    const NUM_ROUNDS: usize = 7;
    const COUNT: u64 = 100_000;
    let mut ratios: Vec<f64> = (0..NUM_ROUNDS)
        .map(|_| {
            let bare = Bare::new().take(COUNT);
            let listened = Listened::new().take(COUNT);
            bare.as_secs_f64() / listened.as_secs_f64()
        })
        .collect();
    ratios.sort_unstable_by(f64::total_cmp);
    println!(
        "ingest: the listener takes in {:.0} % of the rate of a bare receive loop (bar: 70 %)",
        ratios[NUM_ROUNDS / 2] * 100.0
    );
}

criterion_group!(benches, ingest);
criterion_main!(benches);
