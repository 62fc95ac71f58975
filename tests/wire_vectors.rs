//! Every row of the shared vectors decodes, or is refused, as the row says.

use rollcall::wire::{Claimed, Message, Rejection, Remark, decode, encode_raw};
use serde_json::{Value, json};

const VECTORS: &str = include_str!("data/vectors.json");

fn vectors() -> Vec<Value> {
    serde_json::from_str(VECTORS).expect("the vectors are a JSON list")
}

fn name_of(vector: &Value) -> &str {
    vector["name"].as_str().expect("every vector has a name")
}

fn bytes_of(vector: &Value) -> Vec<u8> {
    let hex = vector["hex"].as_str().expect("every vector has its bytes");
    assert_eq!(hex.len() % 2, 0, "whole bytes");
    (0..hex.len())
        .step_by(2)
        .map(|pos| u8::from_str_radix(&hex[pos..pos + 2], 16).expect("hex digits"))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

fn mac(mac: Option<[u8; 6]>) -> Value {
    mac.map_or(Value::Null, |mac| {
        let parts: Vec<String> = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        Value::String(parts.join(":"))
    })
}

fn ip(claimed: Claimed) -> Value {
    claimed.ip().map_or(Value::Null, |ip| json!(ip.to_string()))
}

/// What was decoded, in the words of the vectors.
fn outcome(bytes: &[u8]) -> Value {
    match decode(bytes) {
        Ok(decoded) => {
            let fields: Vec<Value> = decoded
                .frame
                .fields()
                .map(|field| json!({"type": field.kind, "hex": hex(field.value)}))
                .collect();
            let remarks: Vec<&str> = decoded.remarks.iter().map(Remark::as_str).collect();
            json!({
                "result": "message",
                "kind": decoded.frame.kind().label(),
                "type": decoded.frame.message_type(),
                "sequence": decoded.frame.sequence(),
                "fields": fields,
                "remarks": remarks,
            })
        }
        Err(rejection @ Rejection::NotAidp { .. }) => {
            json!({"result": "not-aidp", "reason": rejection.reason()})
        }
        Err(rejection) => json!({"result": "rejected", "reason": rejection.reason()}),
    }
}

fn facts(bytes: &[u8]) -> Option<Value> {
    let Message::DiscoverReply(reply) = decode(bytes).ok()?.message else {
        return None;
    };
    Some(json!({
        "model_number": reply.model_number,
        "mac": mac(reply.mac),
        "address": ip(reply.ip),
        "mask": ip(reply.mask),
        "gateway": ip(reply.gateway),
        "host_name": reply.host_name,
        "modes": reply.modes,
    }))
}

#[test]
fn every_vector_decodes_as_its_row_says() {
    let vectors = vectors();
    assert!(vectors.len() >= 34, "the copy of the vectors lost rows");
    for vector in &vectors {
        assert_eq!(
            outcome(&bytes_of(vector)),
            vector["expect"],
            "vector {:?}",
            name_of(vector)
        );
    }
}

#[test]
fn every_vector_with_facts_means_what_its_row_says() {
    let mut num_checked = 0;
    for vector in &vectors() {
        let Some(expected) = vector["facts"].as_object() else {
            continue;
        };
        let found = facts(&bytes_of(vector)).expect("facts are those of a discover reply");
        for (key, value) in expected {
            assert_eq!(
                found.get(key),
                Some(value),
                "fact {key:?} of vector {:?}",
                name_of(vector)
            );
            num_checked += 1;
        }
    }
    assert!(num_checked >= 28, "only {num_checked} facts were compared");
}

#[test]
fn the_first_of_a_repeated_field_is_what_the_reply_means() {
    let vectors = vectors();
    let repeated = vectors
        .iter()
        .find(|vector| name_of(vector).starts_with("repeated field"))
        .expect("the vectors have a repeated field");
    let found = facts(&bytes_of(repeated)).expect("a discover reply");
    assert_eq!(found["address"], "10.0.0.9");
}

#[test]
fn well_formed_vectors_encode_back_byte_for_byte() {
    let mut num_compared = 0;
    for vector in &vectors() {
        let bytes = bytes_of(vector);
        let Ok(decoded) = decode(&bytes) else {
            continue;
        };
        if !decoded.frame.remarks().is_empty() {
            continue;
        }
        let fields: Vec<(u8, &[u8])> = decoded.frame.fields().map(|f| (f.kind, f.value)).collect();
        let encoded = encode_raw(
            decoded.frame.sequence(),
            decoded.frame.message_type(),
            &fields,
        );
        assert_eq!(hex(&encoded), hex(&bytes), "vector {:?}", name_of(vector));
        num_compared += 1;
    }
    assert!(
        num_compared >= 18,
        "only {num_compared} vectors were compared"
    );
}

#[test]
fn refusals_name_the_offset_and_the_field() {
    for (name, field, offset) in [
        ("payload length absurd", None, 8),
        ("payload length two too large", None, 8),
        ("field length runs past the payload", Some(2), 17),
        ("field header cut short", Some(2), 17),
        ("wrong start byte", None, 0),
        ("12 bytes", None, 12),
    ] {
        let vectors = vectors();
        let vector = vectors
            .iter()
            .find(|vector| name_of(vector) == name)
            .expect("the vectors have this row");
        let bytes = bytes_of(vector);
        let rejection = decode(&bytes).expect_err("the row is refused");
        assert_eq!(rejection.field(), field, "vector {name:?}");
        assert_eq!(rejection.offset(), offset, "vector {name:?}");
        assert_eq!(rejection.hint(), None, "vector {name:?}");
    }
}

#[test]
fn asmp_is_recognized_and_nothing_else_is() {
    for vector in &vectors() {
        let bytes = bytes_of(vector);
        let hint = decode(&bytes).err().and_then(|rejection| rejection.hint());
        let expected = name_of(vector).starts_with("ASMP").then_some("asmp");
        assert_eq!(hint, expected, "vector {:?}", name_of(vector));
    }
}
