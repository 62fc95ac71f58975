//! Agents of SNMP on loopback: good ones, and ones that nobody would want.

use std::net::Ipv4Addr;

use tokio::net::UdpSocket;

use crate::ber::{self, Asked, GET_BULK, GET_NEXT, Recording, arcs};

/// An agent: what it answers to each datagram, in datagrams. Ends with the test's runtime.
pub(crate) async fn agent(mut answer: impl FnMut(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> u16 {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a port on loopback");
    let port = socket.local_addr().expect("it is bound").port();
    tokio::spawn(async move {
        let mut buffer = vec![0; 65_535];
        while let Ok((len, from)) = socket.recv_from(&mut buffer).await {
            for datagram in answer(&buffer[..len]) {
                socket.send_to(&datagram, from).await.ok();
                // The other side may read before its buffer is full.
                tokio::task::yield_now().await;
            }
        }
    });
    port
}

/// An agent of v1 and v2c for one community.
pub(crate) async fn good_agent(recording: Recording, community: &'static str) -> u16 {
    agent(move |datagram| match ber::read(datagram) {
        Some(asked) if asked.community == community.as_bytes() => vec![recording.answer(&asked)],
        _ => Vec::new(),
    })
    .await
}

/// An agent whose answers are good but for what `hostile` does first.
pub(crate) async fn bent_agent(
    recording: Recording,
    mut hostile: impl FnMut(&Asked) -> Option<Vec<Vec<u8>>> + Send + 'static,
) -> u16 {
    agent(move |datagram| {
        let Some(asked) = ber::read(datagram) else {
            return Vec::new();
        };
        hostile(&asked).unwrap_or_else(|| vec![recording.answer(&asked)])
    })
    .await
}

/// Answers with ever higher rows of whatever column was asked for.
pub(crate) fn endless(asked: &Asked) -> Option<Vec<Vec<u8>>> {
    if !matches!(asked.kind, GET_NEXT | GET_BULK) {
        return None;
    }
    // The entry has the arcs up to 10418.26.2.3.2.1, then come the column and the row.
    let entry_len = arcs("1.3.6.1.4.1.10418.26.2.3.2.1").len();
    let mut values = Vec::new();
    for row in 1..=asked.repetitions.max(1) {
        for name in &asked.oids {
            let mut next = name.clone();
            if next.len() <= entry_len + 1 {
                next.push(0);
            }
            *next.last_mut()? += row as u32;
            values.push((next, ber::integer(1)));
        }
    }
    Some(vec![asked.reply(&values)])
}

/// An agent of v3 that reports `counter` to everything that is signed.
pub(crate) async fn reporting_agent(counter: u32, also: Option<Recording>) -> u16 {
    const ENGINE: &[u8] = b"\x80\x00\x1f\x88\x04unit";
    const UNKNOWN_ENGINE: u32 = 4;
    agent(move |datagram| {
        if let (Some(recording), Some(asked)) = (&also, ber::read(datagram)) {
            return vec![recording.answer(&asked)];
        }
        let Some(id) = ber::v3_id(datagram) else {
            return Vec::new();
        };
        let is_met = ber::v3_engine_id(datagram).is_some_and(|id| !id.is_empty());
        let report = if is_met { counter } else { UNKNOWN_ENGINE };
        // A greeting that is answered twice must not be taken for a refusal.
        let num = if report == UNKNOWN_ENGINE { 2 } else { 1 };
        vec![ber::v3_report(id, ENGINE, 7, report); num]
    })
    .await
}
