//! The probes over TCP against servers that mean harm, or are only broken: each ends in time, keeps no more than its
//! bounds, and says what it met. On loopback, with our own servers.

#![expect(clippy::disallowed_methods, reason = "a test waits for its own future")]

use std::future::Future;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use asking::{LIMIT, SILENCE, ask_at, ask_port, clue};
use rollcall::engine::identify::ports::PortState;
use rollcall::engine::identify::{Ask, ProbePorts, Slots, http, ports, ssh, telnet, tls};
use rollcall::model::probing::{Answer, ClueKind, Outcome, Probe};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};

#[path = "support/asking.rs"]
mod asking;

/// What a probe may take beyond its limit: closing politely, and a busy machine.
const SLACK: Duration = Duration::from_secs(2);

/// The probes that connect and speak.
const TALKING: [Probe; 4] = [Probe::Tls, Probe::Http, Probe::Ssh, Probe::Telnet];

/// A server on loopback that ends with the test.
struct Server {
    port: u16,
    num_connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Does the same with every connection.
async fn serve<F>(talk: impl Fn(TcpStream) -> F + Send + 'static) -> Server
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("loopback has free ports");
    let port = listener.local_addr().expect("it is bound").port();
    let num_connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&num_connections);
    let accepting = tokio::spawn(async move {
        let mut talks = tokio::task::JoinSet::new();
        while let Ok((stream, _from)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            talks.spawn(talk(stream));
        }
    });
    Server {
        port,
        num_connections,
        task: accepting,
    }
}

/// Says this and then nothing, with the connection open.
async fn serve_bytes(bytes: impl Into<Vec<u8>>) -> Server {
    let bytes = bytes.into();
    serve(move |mut stream| {
        let bytes = bytes.clone();
        async move {
            stream.write_all(&bytes).await.ok();
            swallow(&mut stream).await;
        }
    })
    .await
}

/// Reads until the other side has closed.
async fn swallow(stream: &mut TcpStream) {
    let mut buffer = [0; 4096];
    while let Ok(1..) = stream.read(&mut buffer).await {}
}

/// Answers each request with the same bytes, and closes.
async fn serve_page(page: impl Into<Vec<u8>>) -> Server {
    let page = page.into();
    serve_pages(move |_path| page.clone()).await
}

/// Answers the request for a path, and closes.
async fn serve_pages(page: impl Fn(&str) -> Vec<u8> + Clone + Send + Sync + 'static) -> Server {
    serve(move |mut stream| {
        let page = page.clone();
        async move {
            let Some(path) = requested(&mut stream).await else {
                return;
            };
            stream.write_all(&page(&path)).await.ok();
            stream.shutdown().await.ok();
            swallow(&mut stream).await;
        }
    })
    .await
}

/// The path of a request; `None` for what is none, such as the hello of TLS.
async fn requested(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.ends_with(b"\r\n\r\n") {
        let num_bytes = stream.read(&mut buffer).await.ok().filter(|num| *num > 0)?;
        request.extend_from_slice(&buffer[..num_bytes]);
        if !request.starts_with(b"G") {
            return None;
        }
    }
    let request = String::from_utf8(request).ok()?;
    request.split(' ').nth(1).map(str::to_owned)
}

/// A port that refuses.
async fn closed_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("loopback has free ports");
    listener.local_addr().expect("it is bound").port()
}

/// Asks, and checks what holds for every answer.
async fn asked(probe: Probe, ask: &Ask) -> Answer {
    let asking = async {
        match probe {
            Probe::Tls => tls::ask(ask).await,
            Probe::Http => http::ask(ask).await,
            Probe::Ssh => ssh::ask(ask).await,
            Probe::Telnet => telnet::ask(ask).await,
            _ => ports::ask(ask).await,
        }
    };
    let answer = timeout(ask.limit + SLACK, asking)
        .await
        .unwrap_or_else(|_| panic!("{} does not end in time", probe.word()));
    assert_eq!(answer.probe, probe);
    assert!(answer.raw.bytes.len() <= 2048, "raw has its bound");
    assert!(
        answer.clues.iter().all(|clue| clue.kind.probe() == probe),
        "a probe brings its own clues only: {answer:?}"
    );
    assert_eq!(
        answer.outcome == Outcome::Answered,
        !answer.clues.is_empty(),
        "an answer is what has clues: {answer:?}"
    );
    answer
}

async fn asked_port(probe: Probe, port: u16) -> Answer {
    asked(probe, &ask_port(port)).await
}

fn why(answer: &Answer) -> &str {
    match &answer.outcome {
        Outcome::Garbled(why) => why,
        _ => panic!("it must be garbled: {answer:#?}"),
    }
}

// ---- every probe ----------------------------------------------------------------------------------------------------

#[tokio::test]
async fn who_accepts_and_stalls_is_silent() {
    let server = serve_bytes("").await;
    for probe in TALKING {
        assert_eq!(
            asked_port(probe, server.port).await.outcome,
            Outcome::Silent
        );
    }
    let answer = asked_port(Probe::Ports, server.port).await;
    let port = server.port.to_string();
    assert_eq!(clue(&answer, ClueKind::OpenPort), port);
}

#[tokio::test]
async fn who_refuses_is_closed() {
    let port = closed_port().await;
    for probe in TALKING {
        assert_eq!(asked_port(probe, port).await.outcome, Outcome::Closed);
    }
    let states = ports::try_ports(&ask_port(port), &[port]).await;
    assert_eq!(states, [(port, PortState::Closed)]);
}

#[tokio::test]
async fn who_closes_at_once_has_said_nothing() {
    let server = serve(|stream| async move { drop(stream) }).await;
    for probe in TALKING {
        let answer = asked_port(probe, server.port).await;
        assert!(!why(&answer).is_empty());
    }
}

#[tokio::test]
async fn who_sends_without_end_is_not_listened_to_without_end() {
    for (begin, endless) in [
        ("", "x"),
        ("", "\r\n"),
        ("HTTP/1.1 200 OK\r\n\r\n", "<a>"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "1\r\nx\r\n",
        ),
        ("HTTP/1.1 200 OK\r\n", "A: b\r\n"),
        ("", "HTTP/1.1 100 Continue\r\n\r\n"),
        ("SSH-2.0-x\r\n", "x"),
        ("SSH-2.0-x\r\n", "\0\0\0\x0c\x06\x02\0\0\0\x01x\0\0\0\0\0"),
        ("", "\u{16}\x03\x01\0\x01\0"),
        ("", "\x15\x03\x01\0\x02\x01\x70"),
    ] {
        let num_sent = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&num_sent);
        let server = serve(move |mut stream| {
            let counted = Arc::clone(&counted);
            let flood = endless.repeat(65_536 / endless.len());
            async move {
                stream.write_all(begin.as_bytes()).await.ok();
                while stream.write_all(flood.as_bytes()).await.is_ok()
                    && counted.fetch_add(flood.len() as u64, Ordering::Relaxed) < 1 << 30
                {
                }
            }
        })
        .await;
        for probe in TALKING {
            num_sent.store(0, Ordering::Relaxed);
            asked_port(probe, server.port).await;
            // What was read, and what lies in the buffers of the system: a few megabytes each way.
            let num_sent = num_sent.load(Ordering::Relaxed);
            assert!(
                num_sent < 64 << 20,
                "{} took {num_sent} bytes of {begin:?} and {endless:?}",
                probe.word()
            );
        }
    }
}

#[tokio::test]
async fn who_sends_a_byte_now_and_then_is_left_at_the_limit() {
    let server = serve(|mut stream| async move {
        let mut every = interval(SILENCE / 4);
        for byte in b"S".iter().chain(std::iter::repeat(&b'x')) {
            every.tick().await;
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
        }
    })
    .await;
    let ask = Ask {
        limit: SILENCE * 2,
        ..ask_port(server.port)
    };
    for probe in TALKING {
        let answer = asked(probe, &ask).await;
        assert_ne!(answer.outcome, Outcome::Silent, "{probe:?}: something came");
    }
}

#[tokio::test]
async fn random_bytes_are_garbled() {
    // Not random, so that a failure comes back: a few hundred beginnings of a long mixed sequence.
    let mut state = 1_u64;
    let mut next = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as u8
    };
    for _ in 0..8 {
        let bytes: Vec<u8> = (0..3000).map(|_| next()).collect();
        let server = serve(move |mut stream| {
            let bytes = bytes.clone();
            async move {
                stream.write_all(&bytes).await.ok();
                stream.shutdown().await.ok();
                swallow(&mut stream).await;
            }
        })
        .await;
        for probe in [Probe::Tls, Probe::Http, Probe::Ssh] {
            let answer = asked_port(probe, server.port).await;
            assert!(!why(&answer).is_empty());
        }
        asked_port(Probe::Telnet, server.port).await;
    }
}

#[tokio::test]
async fn a_probe_waits_for_a_place_and_gives_it_back() {
    let server = serve_bytes("login: ").await;
    let ask = Ask {
        slots: Slots::new(1),
        ..ask_port(server.port)
    };
    let place = ask.slots.take().await.expect("it is free");
    let other = ask.clone();
    let waiting = tokio::spawn(async move { telnet::ask(&other).await });
    // It has nothing to do but to wait, longer than it may take itself.
    tokio::task::yield_now().await;
    assert_eq!(server.num_connections.load(Ordering::Relaxed), 0);
    drop(place);
    let answer = waiting.await.expect("it ends");
    assert_eq!(clue(&answer, ClueKind::TelnetBanner), "login:");
    for probe in TALKING {
        asked(probe, &ask).await;
    }
    assert_eq!((ask.slots.num_open(), ask.slots.most_open()), (0, 1));
}

// ---- ports ----------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn ports_are_tried_together_and_within_their_places() {
    let server = serve_bytes("220 hello\r\n").await;
    let closed = closed_port().await;
    let mut all = vec![server.port; 20];
    all.extend([closed; 20]);
    let ask = ask_port(server.port);
    let states = ports::try_ports(&ask, &all).await;
    let mut expected = vec![(server.port, PortState::Open); 20];
    expected.extend(vec![(closed, PortState::Closed); 20]);
    assert_eq!(states, expected);
    assert_eq!((ask.slots.num_open(), ask.slots.most_open()), (0, 16));
}

#[tokio::test]
async fn each_port_is_asked_once() {
    let open = serve_bytes("").await;
    let closed = closed_port().await;
    let answer = asked(
        Probe::Ports,
        &ask_at(ProbePorts {
            snmp: 1,
            https: open.port,
            http: closed,
            ssh: open.port,
            telnet: closed,
            others: vec![closed, open.port],
        }),
    )
    .await;
    assert_eq!(answer.outcome, Outcome::Answered);
    assert_eq!(clue(&answer, ClueKind::OpenPort), open.port.to_string());
    assert_eq!(clue(&answer, ClueKind::ClosedPort), closed.to_string());
    assert_eq!(answer.clues.len(), 2);
}

// ---- web ------------------------------------------------------------------------------------------------------------

/// Asks by plain HTTP: TLS is refused there.
async fn page_of(server: &Server) -> Answer {
    let ask = ask_at(ProbePorts {
        https: closed_port().await,
        http: server.port,
        ..ProbePorts::default()
    });
    asked(Probe::Http, &ask).await
}

fn html(body: &str) -> Vec<u8> {
    format!("HTTP/1.0 200 OK\r\nServer: AEWS/1.0\r\n\r\n{body}").into_bytes()
}

fn redirect(to: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n").into_bytes()
}

#[tokio::test]
async fn a_page_of_an_old_server_is_read() {
    let server = serve_page(html("<title>Avocent AutoView 3050</title>")).await;
    let answer = page_of(&server).await;
    assert_eq!(clue(&answer, ClueKind::HttpTitle), "Avocent AutoView 3050");
    assert_eq!(clue(&answer, ClueKind::HttpServer), "AEWS/1.0");
    assert_eq!(clue(&answer, ClueKind::HttpStatus), "200");
    let url = format!("http://127.0.0.1:{}/", server.port);
    assert_eq!(clue(&answer, ClueKind::HttpUrl), url);
    assert_eq!(
        answer.clue(ClueKind::FaviconMd5),
        None,
        "a page in place of an icon is no icon"
    );
    assert!(answer.raw.bytes.starts_with(b"HTTP/1.0 200 OK\r\nServer"));
}

/// A server that accepts and sends a byte now and then.
async fn serve_drops() -> Server {
    serve(|mut stream| async move {
        let mut every = interval(SILENCE / 4);
        // The head of a record of TLS, and a handshake that does not end.
        for byte in [22, 3, 3, 0x3f, 0xff]
            .into_iter()
            .chain(std::iter::repeat(2))
        {
            every.tick().await;
            if stream.write_all(&[byte]).await.is_err() {
                return;
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_port_that_drips_does_not_hide_the_other() {
    let (dripping, page) = (
        serve_drops().await,
        serve_page(html("<title>x</title>")).await,
    );
    let ask = ask_at(ProbePorts {
        https: dripping.port,
        http: page.port,
        ..ProbePorts::default()
    });
    let answer = asked(Probe::Http, &ask).await;
    assert_eq!(clue(&answer, ClueKind::HttpTitle), "x");
    assert_eq!(dripping.num_connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn where_tls_was_asked_in_vain_the_web_is_not() {
    for (tls, num_connections) in [
        (Outcome::Silent, 0),
        (Outcome::Garbled("it is odd".to_owned()), 0),
        (Outcome::Answered, 1),
    ] {
        let (https, page) = (
            serve_bytes("").await,
            serve_page(html("<title>x</title>")).await,
        );
        let ask = ask_at(ProbePorts {
            https: https.port,
            http: page.port,
            ..ProbePorts::default()
        });
        let answer = http::ask_after(&ask, Some(&tls)).await;
        assert_eq!(clue(&answer, ClueKind::HttpTitle), "x");
        let num = https.num_connections.load(Ordering::Relaxed);
        assert_eq!(num, num_connections, "{tls:?}");
    }
}

#[tokio::test]
async fn an_icon_that_stalls_is_asked_for_once() {
    let num_icons = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&num_icons);
    let server = serve(move |mut stream| {
        let counted = Arc::clone(&counted);
        async move {
            while let Some(path) = requested(&mut stream).await {
                if path == "/favicon.ico" {
                    counted.fetch_add(1, Ordering::Relaxed);
                } else {
                    let page = b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n<title>x</title>";
                    stream.write_all(page).await.ok();
                }
            }
        }
    })
    .await;
    let answer = page_of(&server).await;
    assert_eq!(clue(&answer, ClueKind::HttpTitle), "x");
    assert_eq!(num_icons.load(Ordering::Relaxed), 1);
    assert_eq!(server.num_connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn pages_with_broken_heads_are_read() {
    for page in [
        // HTTP/0.9 has no head at all.
        "<html><title>x</title>",
        "HTTP/1.0 200\r\n\r\n<title>x</title>",
        "HTTP/1.1 200 OK\nServer: a\n\n<title>x</title>",
        "HTTP/1.1 200 OK\r\nbad header\r\nServer : a\r\n\r\n<title>x</title>",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n<title>x</title>",
        "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n<title>x</title>",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n<title>x</title>\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n<title>x</title>",
        "HTTP/1.1 401 Unauthorized\r\n\r\n<title>x</title>",
    ] {
        let server = serve_page(page).await;
        let answer = page_of(&server).await;
        assert_eq!(answer.clue(ClueKind::HttpTitle), Some("x"), "{page:?}");
    }
}

#[tokio::test]
async fn a_head_of_ten_megabytes_is_refused() {
    let mut page = b"HTTP/1.1 200 OK\r\nServer: ".to_vec();
    page.resize(10 << 20, b'x');
    page.extend(b"\r\n\r\n");
    let server = serve_page(page).await;
    assert!(why(&page_of(&server).await).contains("too large"));
}

#[tokio::test]
async fn redirects_end() {
    let server = serve_pages(|path| redirect(&format!("{path}x"))).await;
    let answer = page_of(&server).await;
    assert_eq!(clue(&answer, ClueKind::HttpStatus), "302");
    let redirects: Vec<_> = answer.clues(ClueKind::HttpRedirect).collect();
    assert_eq!(redirects, ["/x", "/xx", "/xxx", "/xxxx"]);
    assert_eq!(
        server.num_connections.load(Ordering::Relaxed),
        5,
        "the page, three redirects, the icon"
    );

    let server = serve_pages(|_path| redirect("/")).await;
    let answer = page_of(&server).await;
    assert_eq!(clue(&answer, ClueKind::HttpRedirect), "/");
    assert_eq!(server.num_connections.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn nobody_is_sent_to_another_machine() {
    let other = serve_page(html("<title>other</title>")).await;
    for to in [
        format!("http://127.0.0.2:{}/", other.port),
        format!("//localhost:{}/", other.port),
        "https://SwitchViewIP.Avocent.com/".to_owned(),
    ] {
        let by_head = serve_page(redirect(&to)).await;
        let refresh = format!("<meta http-equiv=refresh content='0; url={to}'>");
        let by_page = serve_page(html(&refresh)).await;
        for server in [by_head, by_page] {
            let answer = page_of(&server).await;
            assert_eq!(clue(&answer, ClueKind::HttpRedirect), to);
            assert_eq!(answer.clue(ClueKind::HttpTitle), None);
        }
    }
    assert_eq!(other.num_connections.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_page_that_sends_on_is_followed_and_the_icon_is_looked_at() {
    let server = serve_pages(|path| match path {
        "/" => html("<META HTTP-EQUIV=Refresh CONTENT='0; URL=sub/login.htm'>"),
        "/sub/login.htm" => html("<title>Log in</title><link rel=icon href=i.gif>"),
        "/sub/i.gif" => b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc".to_vec(),
        _ => b"HTTP/1.1 404 Not Found\r\n\r\n".to_vec(),
    })
    .await;
    let answer = page_of(&server).await;
    assert_eq!(clue(&answer, ClueKind::HttpTitle), "Log in");
    assert_eq!(clue(&answer, ClueKind::HttpRedirect), "sub/login.htm");
    let url = format!("http://127.0.0.1:{}/sub/login.htm", server.port);
    assert_eq!(clue(&answer, ClueKind::HttpUrl), url);
    // RFC 1321, appendix A.5.
    let digest = "900150983cd24fb0d6963f7d28e17f72";
    assert_eq!(clue(&answer, ClueKind::FaviconMd5), digest);
}

#[tokio::test]
async fn an_icon_that_is_not_whole_has_no_fingerprint() {
    for icon in [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc".to_vec(),
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc".to_vec(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec(),
        [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &vec![7; 65_537]].concat(),
    ] {
        let server = serve_pages(move |path| match path {
            "/favicon.ico" => icon.clone(),
            _ => html("<title>x</title>"),
        })
        .await;
        let answer = page_of(&server).await;
        assert_eq!(answer.clue(ClueKind::FaviconMd5), None);
        assert_eq!(clue(&answer, ClueKind::HttpTitle), "x");
    }
}

#[tokio::test]
async fn hostile_titles_are_kept_as_they_are_and_cut() {
    let title = format!("a\u{202e}b\u{1b}[31m{}", "x".repeat(10_000));
    let server = serve_page(html(&format!("<title>{title}</title>"))).await;
    let answer = page_of(&server).await;
    let told = clue(&answer, ClueKind::HttpTitle);
    assert!(told.starts_with("a\u{202e}b\u{1b}[31mxxx"), "{told:?}");
    assert_eq!(told.chars().count(), 256);
}

#[tokio::test]
async fn a_page_that_stalls_is_read_as_far_as_it_came() {
    let server = serve(|mut stream| async move {
        if requested(&mut stream).await.is_some() {
            let page = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n<title>slow</title>";
            stream.write_all(page).await.ok();
            swallow(&mut stream).await;
        }
    })
    .await;
    let answer = page_of(&server).await;
    assert_eq!(clue(&answer, ClueKind::HttpTitle), "slow");
}

#[tokio::test]
async fn connections_that_may_stay_open_are_used_again() {
    let server = serve(|mut stream| async move {
        while requested(&mut stream).await.is_some() {
            let page = b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n<title>x</title>";
            stream.write_all(page).await.ok();
        }
    })
    .await;
    let answer = page_of(&server).await;
    assert_eq!(clue(&answer, ClueKind::HttpTitle), "x");
    assert_eq!(server.num_connections.load(Ordering::Relaxed), 1);
}

// ---- TLS ------------------------------------------------------------------------------------------------------------

/// Refuses the library's hello, which comes with extensions that a hello of ours has not, and answers ours.
async fn serve_legacy(answer: Vec<u8>) -> Server {
    serve(move |mut stream| {
        let answer = answer.clone();
        async move {
            let mut buffer = [0; 4096];
            let num_bytes = stream.read(&mut buffer).await.unwrap_or_default();
            // The extension of TLS 1.3 that names its versions.
            let is_modern = buffer[..num_bytes]
                .windows(4)
                .any(|four| four == [0, 43, 0, 5]);
            let answer = if is_modern {
                vec![21, 3, 1, 0, 2, 2, 70]
            } else {
                answer
            };
            stream.write_all(&answer).await.ok();
            swallow(&mut stream).await;
        }
    })
    .await
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = (body.len() as u32).to_be_bytes();
    [&[kind], &len[1..], body].concat()
}

fn records(messages: &[u8], record_bytes: usize) -> Vec<u8> {
    let records = messages.chunks(record_bytes).flat_map(|piece| {
        let len = (piece.len() as u16).to_be_bytes();
        [&[22, 3, 1, len[0], len[1]], piece].concat()
    });
    records.collect()
}

/// A hello of TLS 1.0 with `TLS_RSA_WITH_3DES_EDE_CBC_SHA`, and a certificate.
fn legacy_flight(certificate: &[u8]) -> Vec<u8> {
    let hello = [&[3, 1][..], &[7; 32], &[0, 0, 0x0a, 0]].concat();
    let len = (certificate.len() as u32).to_be_bytes();
    let list_len = (certificate.len() as u32 + 3).to_be_bytes();
    let list = [&list_len[1..], &len[1..], certificate].concat();
    [message(2, &hello), message(11, &list), message(14, &[])].concat()
}

#[tokio::test]
async fn a_legacy_flight_is_read_however_it_is_cut() {
    // What OpenSSL's s_server sent with `-tls1` and a certificate of 512 bits.
    let recorded = include_bytes!("data/tls/tls10-rsa512.bin").to_vec();
    let cut_small = {
        let mut messages = Vec::new();
        let mut rest = &recorded[..];
        while let [22, _, _, high, low, after @ ..] = rest {
            let len = usize::from(u16::from_be_bytes([*high, *low]));
            messages.extend_from_slice(&after[..len]);
            rest = &after[len..];
        }
        records(&messages, 1)
    };
    let warned = [&[21, 3, 1, 0, 2, 1, 112], &recorded[..]].concat();
    for flight in [recorded, cut_small, warned] {
        let server = serve_legacy(flight).await;
        let answer = asked_port(Probe::Tls, server.port).await;
        assert_eq!(clue(&answer, ClueKind::TlsVersion), "TLS 1.0");
        assert_eq!(
            clue(&answer, ClueKind::LegacyTls),
            "TLS 1.0, TLS_RSA_WITH_AES_128_CBC_SHA"
        );
        assert_eq!(
            clue(&answer, ClueKind::CertSubject),
            "CN=avocent.com,OU=AESS,O=Avocent,L=Sunrise,ST=FL,C=US"
        );
        assert_eq!(clue(&answer, ClueKind::CertKey), "RSA 512");
        assert_eq!(
            clue(&answer, ClueKind::CertFingerprint),
            include_str!("data/tls/tls10-rsa512.sha256").trim()
        );
    }
}

#[tokio::test]
async fn a_weak_group_is_named() {
    // TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA of SSL 3.0, with a prime of 512 bits.
    let hello = [&[3, 0][..], &[7; 32], &[0, 0, 0x14, 0]].concat();
    let key_exchange = [&[0, 64][..], &[0xf1; 64], &[0, 1, 2, 0, 0]].concat();
    let flight = [
        message(2, &hello),
        message(11, &[0, 0, 3, 0, 0, 0]),
        message(12, &key_exchange),
        message(14, &[]),
    ]
    .concat();
    let server = serve_legacy(records(&flight, 100)).await;
    let answer = asked_port(Probe::Tls, server.port).await;
    assert_eq!(clue(&answer, ClueKind::TlsVersion), "SSL 3.0");
    assert_eq!(
        clue(&answer, ClueKind::LegacyTls),
        "SSL 3.0, TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA, 512-bit DH"
    );
}

#[tokio::test]
async fn weak_tls_1_2_is_not_called_legacy() {
    // TLS_DHE_RSA_WITH_AES_128_CBC_SHA with a prime of 1024 bits, which no current library takes.
    let hello = [&[3, 3][..], &[7; 32], &[0, 0, 0x33, 0]].concat();
    let key_exchange = [&[0, 128][..], &[0xf1; 128], &[0, 1, 2, 0, 0]].concat();
    let flight = [
        message(2, &hello),
        message(11, &[0, 0, 3, 0, 0, 0]),
        message(12, &key_exchange),
        message(14, &[]),
    ]
    .concat();
    let server = serve_legacy(records(&flight, 100)).await;
    let answer = asked_port(Probe::Tls, server.port).await;
    assert_eq!(clue(&answer, ClueKind::TlsVersion), "TLS 1.2");
    assert_eq!(answer.clue(ClueKind::LegacyTls), None);
    assert_eq!(
        clue(&answer, ClueKind::WeakTls),
        "TLS 1.2, TLS_DHE_RSA_WITH_AES_128_CBC_SHA, 1024-bit DH"
    );
}

#[tokio::test]
async fn a_broken_certificate_still_has_a_fingerprint() {
    for certificate in [
        &b""[..],
        b"not DER",
        &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        &[0x30; 3000],
    ] {
        let server = serve_legacy(records(&legacy_flight(certificate), 16_384)).await;
        let answer = asked_port(Probe::Tls, server.port).await;
        assert_eq!(
            clue(&answer, ClueKind::LegacyTls),
            "TLS 1.0, TLS_RSA_WITH_3DES_EDE_CBC_SHA"
        );
        assert_eq!(answer.clue(ClueKind::CertSubject), None);
        assert_eq!(clue(&answer, ClueKind::CertFingerprint).len(), 95);
    }
}

#[tokio::test]
async fn record_bombs_end_at_their_bound() {
    let huge_message = [&[2, 0xff, 0xff, 0xff][..], &vec![0; 60_000]].concat();
    let many = message(0, &[]).repeat(30_000);
    let endless_records = records(&vec![0; 200_000], 1);
    for flight in [
        records(&huge_message, 16_384),
        records(&many, 16_384),
        endless_records,
        vec![22, 3, 1, 0xff, 0xff, 0],
        [22, 3, 1, 0, 0].repeat(200_000),
    ] {
        let server = serve_legacy(flight).await;
        let answer = asked_port(Probe::Tls, server.port).await;
        assert!(why(&answer).contains("handshake failed"), "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_not_tls_is_named() {
    for (bytes, expected) in [
        (&b"HTTP/1.0 400 Bad Request\r\n\r\n"[..], "plain HTTP"),
        (b"<html><h1>400 Bad Request</h1></html>", "plain HTTP"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
        (&[0x80, 3, 0, 0, 1], "SSL 2.0"),
        (b"220 ftp ready\r\n", "not TLS"),
        (&[21, 3, 1, 0, 2, 2, 40], "handshake failed"),
    ] {
        let bytes = bytes.to_vec();
        let server = serve(move |mut stream| {
            let bytes = bytes.clone();
            async move {
                // An answer to the hello, as a confused server gives it.
                if !matches!(stream.read(&mut [0; 4096]).await, Ok(1..)) {
                    return;
                }
                stream.write_all(&bytes).await.ok();
                stream.shutdown().await.ok();
                swallow(&mut stream).await;
            }
        })
        .await;
        let answer = asked_port(Probe::Tls, server.port).await;
        assert!(why(&answer).contains(expected), "{answer:?}");
    }
}

// ---- SSH ------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn an_ssh_greeting_is_read_with_lines_before_it() {
    for greeting in [
        "SSH-2.0-RomSShell_4.31\r\n",
        "Authorized use only\r\n\r\nSSH-2.0-RomSShell_4.31\n",
    ] {
        let server = serve_bytes(greeting).await;
        let ask = Ask {
            limit: SILENCE * 2,
            ..ask_port(server.port)
        };
        let answer = asked(Probe::Ssh, &ask).await;
        assert_eq!(answer.outcome, Outcome::Answered);
        assert_eq!(clue(&answer, ClueKind::SshBanner), "SSH-2.0-RomSShell_4.31");
        assert_eq!(answer.clue(ClueKind::SshHostKey), None);
        assert_eq!(&answer.raw.bytes[..], greeting.as_bytes());
    }
}

#[tokio::test]
async fn what_is_no_ssh_greeting_is_garbled() {
    for greeting in [
        "220 ftp ready\r\n".repeat(40),
        "x".repeat(300),
        "no end of line".to_owned(),
    ] {
        let server = serve_bytes(greeting).await;
        let answer = asked_port(Probe::Ssh, server.port).await;
        assert!(!why(&answer).is_empty());
    }
}

#[tokio::test]
async fn what_was_said_before_the_end_is_told() {
    for (said, expected) in [
        (
            "Exceeded MaxStartups\r\n",
            "it said \"Exceeded MaxStartups\" and closed",
        ),
        (
            "Not now\r\n\r\nNot allowed",
            "it said \"Not allowed\" and closed",
        ),
        ("busy\u{1b}[2J", "it said \"busy\\u{1b}[2J\" and closed"),
        (" \r\n", "it closed the connection without a word"),
        ("", "it closed the connection without a word"),
    ] {
        let server = serve(move |mut stream| async move {
            stream.write_all(said.as_bytes()).await.ok();
            stream.shutdown().await.ok();
            swallow(&mut stream).await;
        })
        .await;
        let answer = asked_port(Probe::Ssh, server.port).await;
        assert_eq!(why(&answer), expected);
    }
}

#[tokio::test]
async fn who_greets_and_stalls_is_not_waited_for_to_the_limit() {
    let server = serve_bytes("SSH-2.0-x\r\n").await;
    let ask = Ask {
        limit: LIMIT * 5,
        ..ask_port(server.port)
    };
    let started = tokio::time::Instant::now();
    let answer = asked(Probe::Ssh, &ask).await;
    assert_eq!(clue(&answer, ClueKind::SshBanner), "SSH-2.0-x");
    let took = started.elapsed();
    let expected = Duration::from_secs(3);
    assert!(
        took >= expected && took < expected + SLACK,
        "it took {took:?}"
    );
}

#[tokio::test]
async fn an_ssh_greeting_that_is_too_long_is_cut() {
    let server = serve_bytes(format!("SSH-2.0-{}\r\n", "x".repeat(300))).await;
    let answer = asked_port(Probe::Ssh, server.port).await;
    assert_eq!(clue(&answer, ClueKind::SshBanner).len(), 255);
}

#[tokio::test]
async fn huge_and_broken_ssh_packets_cost_the_key_only() {
    let mut packets: Vec<Vec<u8>> = vec![
        vec![0xff; 64],
        [&[0, 0, 0x88, 0xb9][..], &[0; 70_000]].concat(),
        vec![0; 64],
        vec![0, 0, 0, 12, 200, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        // A KEXINIT that is cut.
        vec![0, 0, 0, 12, 4, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        // It disconnects.
        vec![0, 0, 0, 12, 4, 1, 0, 0, 0, 11, 0, 0, 0, 0, 0, 0],
    ];
    // As many as there may be of what says nothing, and more.
    packets.push([0, 0, 0, 12, 10, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].repeat(100));
    for packet in packets {
        let greeting = [&b"SSH-2.0-x\r\n"[..], &packet].concat();
        let server = serve_bytes(greeting).await;
        let started = tokio::time::Instant::now();
        let answer = asked_port(Probe::Ssh, server.port).await;
        assert_eq!(clue(&answer, ClueKind::SshBanner), "SSH-2.0-x");
        assert_eq!(answer.clue(ClueKind::SshHostKey), None);
        assert!(
            started.elapsed() < LIMIT,
            "what is broken is left at once: {packet:?}"
        );
    }
}

// ---- Telnet ---------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn the_prompt_comes_after_polite_refusals() {
    let server = serve(|mut stream| async move {
        let asks = b"\xff\xfd\x18\xff\xfb\x03";
        stream.write_all(asks).await.ok();
        let mut refusals = [0; 6];
        if stream.read_exact(&mut refusals).await.is_ok()
            && refusals == *b"\xff\xfc\x18\xff\xfe\x03"
        {
            stream.write_all(b"\r\nCyclades-TS\r\nlogin: ").await.ok();
        }
        swallow(&mut stream).await;
    })
    .await;
    let answer = asked_port(Probe::Telnet, server.port).await;
    assert_eq!(clue(&answer, ClueKind::TelnetBanner), "Cyclades-TS\nlogin:");
    assert_eq!(
        clue(&answer, ClueKind::TelnetOptions),
        "DO TERMINAL-TYPE, WILL SGA"
    );
    assert!(answer.raw.bytes.starts_with(b"\xff\xfd\x18"));
}
