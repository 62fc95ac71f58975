//! How fast datagrams from a real loopback socket come into the registry: received by the plane's listener, decoded,
//! handed over the channel and applied, beside a bare receive loop that only counts.
//!
//! Two measures, each with the same datagrams for both sides:
//!
//! - **Under a storm** (the bar: 70 %): one thread sends as fast as it can, and what counts is how many datagrams a
//!   second arrive at the end: in the counter of the bare loop, or in the registry. What is dropped on the way, by
//!   the kernel or by the listener, is not counted for either. The engine has the two worker threads that it has in
//!   the program and shares the machine with the sender, so where cores are few it pays for its second thread.
//! - **Cost of one datagram**: the sender fills the socket's buffer and rests; then one thread alone empties it.
//!   The sender has no part in the time, nothing is dropped, and no second core hides anything. It is no bar, since
//!   a loop that does nothing with a datagram costs next to nothing; it says where the time goes.

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
use rollcall::engine::listener::FromPlane;
use rollcall::engine::plane::{InterfaceSource, Item, Plane, PlaneConfig, Ports};
use rollcall::model::registry::{Limits, Registry};
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

/// A socket with the buffer that the plane's sockets have.
fn bare_socket() -> UdpSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).expect("a socket");
    socket
        .set_recv_buffer_size(RECEIVE_BUFFER_BYTES)
        .expect("a buffer");
    socket
        .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
        .expect("loopback has room");
    UdpSocket::from(socket)
}

/// Receives and counts.
fn count_bare(socket: &UdpSocket, count: u64) -> Duration {
    let mut buffer = vec![0; 65_535];
    let begin = Instant::now();
    for _ in 0..count {
        socket.recv_from(&mut buffer).expect("somebody sends");
    }
    begin.elapsed()
}

/// A loop that receives and counts, in a storm.
struct Bare {
    socket: UdpSocket,
    _sender: Sender,
}

impl Bare {
    fn new() -> Self {
        let socket = bare_socket();
        let sender = Sender::start(socket.local_addr().expect("it is bound"));
        Self {
            socket,
            _sender: sender,
        }
    }

    fn take(&mut self, count: u64) -> Duration {
        count_bare(&self.socket, count)
    }
}

/// What becomes of what was heard.
trait End: Send + 'static {
    fn take(&mut self, items: Vec<Item>);
}

/// Only counted: what the listener itself costs.
struct Counted;

impl End for Counted {
    fn take(&mut self, items: Vec<Item>) {
        drop(items);
    }
}

impl End for Registry {
    fn take(&mut self, items: Vec<Item>) {
        for item in items {
            match item {
                Item::Sighting(sighting) => {
                    self.apply(*sighting);
                }
                other => panic!("only replies are sent: {other:?}"),
            }
        }
    }
}

/// A registry that lets one sender bring every unit, as the demo's does.
fn registry() -> Registry {
    let limits = Limits {
        new_units_per_sec: NUM_UNITS,
        ..Limits::default()
    };
    Registry::new(limits, clock::now())
}

/// The plane's listener, and somebody who takes what it hands on.
struct Listened<E> {
    runtime: Runtime,
    heard: Option<(mpsc::Receiver<FromPlane>, E)>,
    port: u16,
    _plane: Plane,
}

impl<E: End> Listened<E> {
    fn new(runtime: Runtime, end: E) -> Self {
        // As many batches as wait in the program.
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
        Self {
            port: plane.interfaces()[0].sockets[0].port,
            runtime,
            heard: Some((heard, end)),
            _plane: plane,
        }
    }

    /// With the threads that the program has.
    fn threaded(end: E) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let builder = builder.worker_threads(2).enable_all();
        Self::new(builder.build().expect("a runtime"), end)
    }

    /// With one thread, which works only while it is waited for.
    fn resting(end: E) -> Self {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        Self::new(builder.enable_all().build().expect("a runtime"), end)
    }

    fn storm(&self) -> Sender {
        Sender::start((Ipv4Addr::LOCALHOST, self.port).into())
    }

    fn take(&mut self, count: u64) -> Duration {
        let (mut heard, mut end) = self.heard.take().expect("it comes back each time");
        let begin = Instant::now();
        // A task of the runtime, as the engine's actor is one.
        let task = self.runtime.spawn(async move {
            let mut num_heard = 0;
            while num_heard < count {
                match heard.recv().await {
                    Some(FromPlane::Heard(items)) => {
                        num_heard += items.len() as u64;
                        end.take(items);
                    }
                    Some(FromPlane::Say(_)) => {}
                    None => panic!("the plane ended"),
                }
            }
            (heard, end)
        });
        let back = self.runtime.block_on(task).expect("it does not panic");
        let taken = begin.elapsed();
        self.heard = Some(back);
        taken
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
        let mut listened = Listened::threaded(Counted);
        let _storm = listened.storm();
        group.bench_function("listener, decoded", |bencher| {
            bencher.iter_custom(|count| listened.take(count));
        });
    }
    {
        let mut listened = Listened::threaded(registry());
        let _storm = listened.storm();
        group.bench_function("listener, decoded, in the registry", |bencher| {
            bencher.iter_custom(|count| listened.take(count));
        });
    }
    group.finish();
}

/// The median of what `of` says of each round.
fn median(rounds: &[[f64; 3]], of: impl Fn(&[f64; 3]) -> f64) -> f64 {
    let mut figures: Vec<f64> = rounds.iter().map(of).collect();
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// All three in turns, so that what else the machine does hits each of them: the medians over the rounds.
fn storm(_: &mut Criterion) {
    const NUM_ROUNDS: usize = 9;
    const COUNT: u64 = 200_000;
    let mut rounds: Vec<[f64; 3]> = Vec::new();
    for _ in 0..NUM_ROUNDS {
        let bare = Bare::new().take(COUNT);
        let decoded = {
            let mut listened = Listened::threaded(Counted);
            let _storm = listened.storm();
            listened.take(COUNT)
        };
        let applied = {
            let mut listened = Listened::threaded(registry());
            let _storm = listened.storm();
            listened.take(COUNT)
        };
        rounds.push([bare, decoded, applied].map(|taken| COUNT as f64 / taken.as_secs_f64()));
    }
    println!(
        "ingest, under a storm: {:.0}/s into the registry, {:.0}/s decoded, {:.0}/s in a bare loop: \
         the registry has {:.0} % of a bare loop's rate (bar: 70 %), decoding alone {:.0} %",
        median(&rounds, |round| round[2]),
        median(&rounds, |round| round[1]),
        median(&rounds, |round| round[0]),
        median(&rounds, |round| 100.0 * round[2] / round[0]),
        median(&rounds, |round| 100.0 * round[1] / round[0]),
    );
}

/// What one datagram costs one thread, with the sender at rest.
fn cost(_: &mut Criterion) {
    const NUM_ROUNDS: usize = 9;
    const NUM_FILLS: u32 = 400;
    // Fits into the 208 KiB that Linux grants at the least, where a datagram costs 768 bytes.
    const FILL: u32 = 250;
    let replies: Vec<Vec<u8>> = (0..NUM_UNITS).map(reply).collect();
    let from = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has room");
    let fill = |nth: u32, port: u16| {
        for reply in replies
            .iter()
            .cycle()
            .skip((nth * FILL % NUM_UNITS) as usize)
            .take(FILL as usize)
        {
            from.send_to(reply, (Ipv4Addr::LOCALHOST, port))
                .expect("loopback takes it");
        }
    };
    let bare = bare_socket();
    let bare_port = bare.local_addr().expect("it is bound").port();
    let mut decoded = Listened::resting(Counted);
    let mut applied = Listened::resting(registry());
    let mut rounds: Vec<[f64; 3]> = Vec::new();
    for _ in 0..NUM_ROUNDS {
        let mut taken = [Duration::ZERO; 3];
        for nth in 0..NUM_FILLS {
            fill(nth, bare_port);
            taken[0] += count_bare(&bare, u64::from(FILL));
            fill(nth, decoded.port);
            taken[1] += decoded.take(u64::from(FILL));
            fill(nth, applied.port);
            taken[2] += applied.take(u64::from(FILL));
        }
        let num_datagrams = f64::from(NUM_FILLS * FILL);
        rounds.push(taken.map(|taken| taken.as_secs_f64() * 1e9 / num_datagrams));
    }
    println!(
        "ingest, cost of one datagram: {:.0} ns received only, {:.0} ns decoded and handed on, \
         {:.0} ns into the registry",
        median(&rounds, |round| round[0]),
        median(&rounds, |round| round[1]),
        median(&rounds, |round| round[2]),
    );
}

criterion_group!(benches, ingest, storm, cost);
criterion_main!(benches);
