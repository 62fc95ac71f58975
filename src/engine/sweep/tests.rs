//! The sweep on a clock that moves only when everybody waits, with a network that is made up.

#![expect(
    clippy::disallowed_methods,
    reason = "a test's runtime is entered by blocking on it"
)]

use std::collections::{BTreeMap, HashMap};

use super::pace::UNRESOLVED_FOR;
use super::*;

/// What left, with the time since the start.
#[derive(Clone, Copy, Debug)]
struct Left {
    when: Instant,
    to: SocketAddrV4,
    sequence: u16,
}

type Log = Arc<Mutex<Vec<Left>>>;

/// What the made-up network does with a question: the number of questions that left, and the address.
type Behavior = Box<dyn Fn(usize, SocketAddrV4) -> AskResult + Send>;

struct FakeNet {
    log: Log,
    networks: Vec<Network>,
    max_waiting: usize,
    behavior: Behavior,
}

impl Asker for FakeNet {
    fn networks(&self) -> Vec<Network> {
        self.networks.clone()
    }

    fn max_waiting(&self) -> usize {
        self.max_waiting
    }

    fn try_ask(&self, to: SocketAddrV4, sequence: u16) -> AskResult {
        let mut log = self.log.lock().expect("no test panics while it asks");
        let result = (self.behavior)(log.len(), to);
        if matches!(result, AskResult::Sent) {
            log.push(Left {
                when: Instant::now(),
                to,
                sequence,
            });
        }
        result
    }
}

struct Case {
    text: &'static str,
    per_sec: u32,
    ports: Vec<u16>,
    networks: Vec<Network>,
    max_waiting: usize,
    behavior: Behavior,
}

impl Case {
    fn routed(text: &'static str) -> Self {
        Self {
            text,
            per_sec: DEFAULT_PER_SEC,
            ports: vec![3502],
            networks: Vec::new(),
            max_waiting: 1_024,
            behavior: Box::new(|_, _| AskResult::Sent),
        }
    }

    fn local(text: &'static str, ip: [u8; 4], prefix_len: u8) -> Self {
        Self {
            networks: vec![Network {
                ip: ip.into(),
                prefix_len,
            }],
            ..Self::routed(text)
        }
    }

    fn start(self) -> (Sweep, Log) {
        let log = Log::default();
        let ranges = Ranges::parse(self.text).expect("the case's ranges are readable");
        let mut plan = SweepPlan::new(ranges, self.text.to_owned(), 7, Timestamp::default());
        plan.per_sec = self.per_sec;
        plan.ports = self.ports;
        let asker = FakeNet {
            log: Arc::clone(&log),
            networks: self.networks,
            max_waiting: self.max_waiting,
            behavior: self.behavior,
        };
        (start(plan, asker), log)
    }
}

/// Waits for the end; the clock is paused, so this takes no time.
async fn end_of(sweep: &Sweep) -> SweepState {
    let longest = Duration::from_hours(24);
    tokio::time::timeout(longest, async {
        while !sweep.is_over() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("every sweep ends");
    sweep.state()
}

fn taken(log: &Log) -> Vec<Left> {
    log.lock().expect("no test panics while it asks").clone()
}

/// The most datagrams that left within any `window`.
fn most_within(log: &[Left], window: Duration) -> usize {
    let mut begin = 0;
    let mut most = 0;
    for (idx, left) in log.iter().enumerate() {
        while left.when - log[begin].when >= window {
            begin += 1;
        }
        most = most.max(idx - begin + 1);
    }
    most
}

/// The most different addresses that were asked within any 3 s: what ARP has open at once when
/// nobody is there.
fn most_unresolved(log: &[Left]) -> usize {
    let mut open: HashMap<Ipv4Addr, Instant> = HashMap::new();
    let mut begin = 0;
    let mut most = 0;
    for left in log {
        open.insert(*left.to.ip(), left.when);
        while left.when - log[begin].when >= UNRESOLVED_FOR {
            let gone = log[begin];
            if open.get(gone.to.ip()) == Some(&gone.when) {
                open.remove(gone.to.ip());
            }
            begin += 1;
        }
        most = most.max(open.len());
    }
    most
}

#[tokio::test(start_paused = true)]
async fn every_address_is_asked_twice_on_every_port_with_time_between() {
    let mut case = Case::routed("10.0.0.0/24 10.9.0.1");
    case.ports = vec![3502, 3211];
    let (sweep, log) = case.start();
    let state = end_of(&sweep).await;
    assert_eq!(state.ended, Some(SweepEnd::Done));
    assert_eq!(state.num_ips, 255);
    assert_eq!(state.num_questions, 255 * 4);
    assert_eq!(state.num_asked, 255 * 4);
    let mut asked: BTreeMap<SocketAddrV4, Vec<Left>> = BTreeMap::new();
    for left in taken(&log) {
        asked.entry(left.to).or_default().push(left);
    }
    assert_eq!(asked.len(), 255 * 2);
    for passes in asked.values() {
        let [first, second] = passes[..] else {
            panic!("{} questions to one port", passes.len());
        };
        assert_eq!((first.sequence, second.sequence), (7, 8));
        assert!(
            second.when - first.when >= Duration::from_millis(2_500),
            "the passes are too close: {:?}",
            second.when - first.when
        );
    }
}

#[tokio::test(start_paused = true)]
async fn routed_ranges_keep_the_pace() {
    for per_sec in [1, 50, 500, 10_000] {
        let mut case = Case::routed(if per_sec == 1 {
            "10.0.0.1-9"
        } else {
            "10.0.0.0/22"
        });
        case.per_sec = per_sec;
        let (sweep, log) = case.start();
        let state = end_of(&sweep).await;
        assert_eq!(state.ended, Some(SweepEnd::Done));
        let log = taken(&log);
        let most = most_within(&log, Duration::from_secs(1));
        let slack = 1 + per_sec as usize / 50;
        assert!(
            most <= per_sec as usize + slack,
            "{most} within a second at {per_sec}/s"
        );
        if per_sec == 500 {
            let first_pass = log[log.len() / 2 - 1].when - log[0].when;
            assert!(
                first_pass < Duration::from_millis(2_100),
                "1,022 questions took {first_pass:?}: the pace is not used"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pace_out_of_bounds_is_brought_within() {
    for (per_sec, at_most) in [(0, 2), (1_000_000, 10_201)] {
        let mut case = Case::routed("10.0.0.0/20");
        case.per_sec = per_sec;
        let (sweep, log) = case.start();
        tokio::time::sleep(Duration::from_millis(990)).await;
        sweep.cancel();
        end_of(&sweep).await;
        let most = most_within(&taken(&log), Duration::from_secs(1));
        assert!(
            (1..=at_most).contains(&most),
            "{most} left within a second when {per_sec} was wanted"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn never_more_than_256_local_addresses_are_unresolved() {
    let mut case = Case::local("10.0.0.0/21", [10, 0, 0, 5], 21);
    case.per_sec = MAX_PER_SEC;
    case.ports = vec![3502, 3211];
    let (sweep, log) = case.start();
    let state = end_of(&sweep).await;
    assert_eq!(state.ended, Some(SweepEnd::Done));
    assert_eq!(
        state.num_ips, 2_045,
        "the laptop's own address is not asked"
    );
    assert_eq!(state.num_asked, 2_045 * 4);
    let log = taken(&log);
    let most = most_unresolved(&log);
    assert!(most <= MAX_UNRESOLVED, "{most} were unresolved at once");
    assert!(
        most > MAX_UNRESOLVED - 10,
        "only {most} were: needlessly slow"
    );
}

#[tokio::test(start_paused = true)]
async fn the_sockets_buffer_is_not_filled_with_questions_that_wait_for_arp() {
    let mut case = Case::local("10.0.0.0/23", [10, 0, 0, 5], 23);
    case.ports = vec![3502, 3211];
    case.max_waiting = 192;
    let (sweep, log) = case.start();
    assert_eq!(end_of(&sweep).await.ended, Some(SweepEnd::Done));
    let most = most_within(&taken(&log), UNRESOLVED_FOR);
    assert!(most <= 192, "{most} questions waited at once");
}

#[tokio::test(start_paused = true)]
async fn an_address_that_answers_makes_room_for_the_next() {
    let mut case = Case::local("10.0.0.0/21", [10, 0, 0, 5], 21);
    case.per_sec = MAX_PER_SEC;
    let (sweep, log) = case.start();
    let mut num_told = 0;
    let began = Instant::now();
    while !sweep.is_over() {
        tokio::time::sleep(Duration::from_millis(5)).await;
        for left in &taken(&log)[num_told..] {
            sweep.answered(*left.to.ip());
            num_told += 1;
        }
    }
    let state = sweep.state();
    assert_eq!(state.num_answered, 2_045);
    assert_eq!(state.num_asked, 2_045 * 2);
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "2,045 units that answer took {:?}",
        began.elapsed()
    );
    assert!(sweep.unanswered().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_send_that_would_block_is_tried_again_and_not_counted() {
    let num_tries = Arc::new(AtomicTries::default());
    let tries = Arc::clone(&num_tries);
    let mut case = Case::routed("10.0.0.1-50");
    case.behavior = Box::new(move |_, _| match tries.next() % 3 {
        0 => AskResult::WouldBlock,
        1 => AskResult::Failed(io::ErrorKind::WouldBlock.into()),
        _ => AskResult::Sent,
    });
    let (sweep, log) = case.start();
    let state = end_of(&sweep).await;
    assert_eq!(state.ended, Some(SweepEnd::Done));
    assert_eq!(state.num_asked, 100);
    assert_eq!(taken(&log).len(), 100, "asked counts what left");
    assert_eq!(num_tries.next(), 300);
}

/// Counts the tries.
#[derive(Default)]
struct AtomicTries(std::sync::atomic::AtomicUsize);

impl AtomicTries {
    fn next(&self) -> usize {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }
}

#[tokio::test(start_paused = true)]
async fn a_network_that_takes_nothing_ends_the_sweep() {
    let mut case = Case::routed("10.0.0.0/24");
    case.behavior = Box::new(|num_left, _| {
        if num_left < 10 {
            AskResult::Sent
        } else {
            AskResult::WouldBlock
        }
    });
    let (sweep, _log) = case.start();
    let state = end_of(&sweep).await;
    assert_eq!(state.num_asked, 10);
    let Some(SweepEnd::Failed(why)) = state.ended else {
        panic!("it ended with {:?}", state.ended);
    };
    assert!(why.contains("30 s"), "{why}");
    assert!(sweep.for_tcp(true).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_is_said_and_costs_only_itself() {
    let mut case = Case::routed("10.0.0.1-10 10.1.0.1-10");
    case.behavior = Box::new(|_, to| {
        if to.ip().octets()[1] == 1 {
            AskResult::Failed(io::ErrorKind::NetworkUnreachable.into())
        } else {
            AskResult::Sent
        }
    });
    let (sweep, _log) = case.start();
    let state = end_of(&sweep).await;
    assert_eq!(state.num_asked, 20);
    assert_eq!(
        state.ended,
        Some(SweepEnd::Failed(
            "20 of 40 questions could not be sent: no network leads there".to_owned()
        ))
    );
    assert_eq!(sweep.for_tcp(false).len(), 20, "TCP may get there");
}

#[tokio::test(start_paused = true)]
async fn cancel_stops_at_once_wherever_the_sweep_is() {
    // While it asks, while 256 addresses are unresolved, while it waits for the last answers.
    for after_millis in [1, 200, 2_000, 3_900, 6_200] {
        let case = Case::local("10.0.0.0/23", [10, 0, 0, 5], 23);
        let (sweep, log) = case.start();
        tokio::time::sleep(Duration::from_millis(after_millis)).await;
        assert_eq!(sweep.state().ended, None, "after {after_millis} ms");
        sweep.cancel();
        let before = taken(&log).len();
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert!(taken(&log).len() <= before + 1);
        assert_eq!(
            sweep.state().ended,
            Some(SweepEnd::Canceled),
            "after {after_millis} ms"
        );
        assert!(
            sweep.for_tcp(true).is_empty(),
            "TCP is not tried after a cancel"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_handle_ends_the_asking() {
    let (sweep, log) = Case::routed("10.0.0.0/24").start();
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(sweep);
    tokio::task::yield_now().await;
    let before = taken(&log).len();
    assert!(before > 0);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(taken(&log).len(), before);
}

#[tokio::test(start_paused = true)]
async fn answers_count_once_and_only_from_addresses_that_were_asked() {
    let (sweep, _log) = Case::routed("10.0.0.1-4").start();
    for ip in [
        [10, 0, 0, 2],
        [10, 0, 0, 2],
        [10, 0, 0, 9],
        [192, 168, 0, 1],
    ] {
        sweep.answered(ip.into());
    }
    let state = end_of(&sweep).await;
    assert_eq!(state.num_answered, 1);
    let unanswered = [[10, 0, 0, 1], [10, 0, 0, 3], [10, 0, 0, 4]].map(Ipv4Addr::from);
    assert_eq!(sweep.unanswered(), unanswered);
    assert_eq!(sweep.for_tcp(false), unanswered);
}

#[tokio::test(start_paused = true)]
async fn tcp_after_a_large_sweep_is_only_tried_when_wanted() {
    let mut case = Case::routed("10.0.0.0-10.0.16.0");
    case.per_sec = MAX_PER_SEC;
    let (sweep, _log) = case.start();
    let state = end_of(&sweep).await;
    assert_eq!(state.num_ips, TCP_AFTER_SWEEP_MAX_IPS + 1);
    assert!(sweep.for_tcp(false).is_empty());
    assert_eq!(sweep.for_tcp(true).len(), 4_097);
}

#[tokio::test(start_paused = true)]
async fn rate_and_time_left_are_told() {
    let (sweep, _log) = Case::routed("10.0.0.0/20").start();
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(6)).await;
    let state = sweep.state();
    assert!(
        (480..=510).contains(&state.per_sec),
        "{} questions a second are shown",
        state.per_sec
    );
    let left_secs = state.left_secs.expect("it can be told after 6 s");
    end_of(&sweep).await;
    let actual_secs = began.elapsed().as_secs() - 6;
    assert!(
        left_secs.abs_diff(actual_secs) <= 2,
        "{left_secs} s were foretold and {actual_secs} s were needed"
    );
    let over = sweep.state();
    assert_eq!((over.per_sec, over.left_secs), (0, None));
}

#[tokio::test(start_paused = true)]
async fn answers_to_the_last_question_are_waited_for() {
    let (sweep, log) = Case::routed("10.0.0.1").start();
    end_of(&sweep).await;
    let last = taken(&log).last().expect("two questions left").when;
    assert!(last.elapsed() >= Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn an_empty_plan_ends_at_once() {
    // The only address is the laptop's own.
    let (sweep, log) = Case::local("10.0.0.5", [10, 0, 0, 5], 24).start();
    let state = end_of(&sweep).await;
    assert_eq!((state.num_ips, state.num_asked), (0, 0));
    assert_eq!(state.ended, Some(SweepEnd::Done));
    assert!(taken(&log).is_empty());
}

#[test]
fn broadcast_addresses_of_local_subnets_are_left_out() {
    let ranges = Ranges::parse("10.0.0.0-10.0.1.255").expect("readable");
    let network = Network {
        ip: [10, 0, 0, 5].into(),
        prefix_len: 24,
    };
    let rest = without_own(ranges, &[network]);
    for left_out in [[10, 0, 0, 0], [10, 0, 0, 5], [10, 0, 0, 255]] {
        assert!(!rest.contains(left_out.into()), "{left_out:?}");
    }
    assert_eq!(rest.num_ips(), 509);
}
