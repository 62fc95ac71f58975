//! Any bytes: decode, meaning, names, guesses, and the way back to bytes.
//!
//! Run with `RUSTC_BOOTSTRAP=1 cargo fuzz run decode` from the project's folder; the sanitizer
//! flags are unstable, hence the variable on a stable compiler.

#![no_main]

use std::net::Ipv4Addr;

use libfuzzer_sys::fuzz_target;
use wire::{
    Frame, Guess, MAX_HINTS, MAX_SPANS, MAX_STREAM_PAYLOAD_BYTES, Message, StreamLen, annotate,
    decode, encode_raw, guess, hex_rows, stream_len,
};

// The layer itself, not the crate: it needs nothing but thiserror, and the window's dependencies
// would take longer to build under instrumentation than the run takes.
#[expect(
    dead_code,
    unused_imports,
    reason = "the target calls only part of the layer"
)]
#[path = "../../src/wire/mod.rs"]
mod wire;

fuzz_target!(|bytes: &[u8]| {
    let decoded = decode(bytes);
    let view = Frame::new_checked(bytes);
    match &decoded {
        Ok(decoded) => {
            assert_eq!(view, Ok(decoded.frame));
            assert_eq!(Message::from_frame(&decoded.frame), decoded.message);
            reencode(bytes, decoded.frame);
            reemit(&decoded.message);
        }
        Err(rejection) => {
            assert_eq!(view, Err(*rejection));
            assert!(rejection.offset() <= bytes.len());
            assert!(!rejection.to_string().is_empty());
        }
    }
    stream(bytes, view.ok());
    around(bytes);
});

fn reencode(bytes: &[u8], frame: Frame<'_>) {
    let fields: Vec<(u8, &[u8])> = frame.fields().map(|f| (f.kind, f.value)).collect();
    let encoded = encode_raw(frame.sequence(), frame.message_type(), &fields);
    if frame.remarks().is_empty() {
        assert_eq!(encoded, bytes);
    }
    let again = Frame::new_checked(&encoded).expect("what is written is well-formed");
    assert!(again.remarks().is_empty());
    assert!(again.fields().map(|f| (f.kind, f.value)).eq(fields));
}

fn reemit(message: &Message) {
    let emitted = match message {
        Message::DiscoverReply(reply) => reply.emit(9),
        Message::TestIpRequest(request) | Message::SetIpRequest(request) => {
            request.emit(message.kind(), 9)
        }
        Message::TestIpReply(reply) | Message::SetIpReply(reply) => reply.emit(message.kind(), 9),
        Message::DiscoverRequest | Message::Other(_) => return,
    };
    let again = decode(&emitted).expect("what is written is well-formed");
    assert!(again.remarks.is_empty());
    // A Latin-1 name may double, and then be longer than a field can hold: it is cut.
    let is_cut = matches!(message, Message::DiscoverReply(reply)
        if reply.host_name.as_ref().is_some_and(|name| name.len() > usize::from(u16::MAX)));
    assert!(is_cut || &again.message == message);
}

fn stream(bytes: &[u8], frame: Option<Frame<'_>>) {
    match (stream_len(bytes), frame) {
        (Ok(StreamLen::HeaderIncomplete), frame) => assert!(bytes.len() < 12 && frame.is_none()),
        (Ok(StreamLen::Whole(len_bytes)), Some(frame)) => assert_eq!(len_bytes, frame.total_len()),
        (Ok(StreamLen::Whole(len_bytes)), None) => {
            assert!(len_bytes <= MAX_STREAM_PAYLOAD_BYTES as usize + 13);
        }
        (Err(_), Some(frame)) => {
            assert!(frame.payload_len() > MAX_STREAM_PAYLOAD_BYTES as usize);
        }
        (Err(_), None) => {}
    }
}

/// Names and guesses. The sender is taken from the bytes, so that it is found now and then.
fn around(bytes: &[u8]) {
    let spans = annotate(bytes);
    assert!(spans.len() <= MAX_SPANS);
    let mut pos = 0;
    for span in spans {
        assert_eq!(span.range.start, pos);
        assert!(span.range.end > pos && !span.label.is_empty());
        pos = span.range.end;
    }
    assert_eq!(pos, bytes.len());

    let dumped: usize = hex_rows(bytes, wire::RowWidth::Sixteen)
        .map(|row| row.to_string().len().min(row.bytes.len()))
        .sum();
    assert_eq!(dumped, bytes.len());

    let sender_mac = bytes.last_chunk().copied();
    let sender_ip = bytes.last_chunk::<4>().copied().map(Ipv4Addr::from);
    let hints = guess(bytes, sender_mac, sender_ip);
    assert!(hints.len() <= MAX_HINTS);
    for hint in hints {
        let found = &bytes[hint.offset..hint.offset + hint.len];
        match hint.what {
            Guess::SenderMac => assert_eq!(Some(found), sender_mac.as_ref().map(|mac| &mac[..])),
            Guess::SenderIp => {
                assert_eq!(found, sender_ip.map(|ip| ip.octets()).unwrap_or_default())
            }
            Guess::Text(text) => assert!(found.starts_with(text.as_bytes())),
        }
    }
}
