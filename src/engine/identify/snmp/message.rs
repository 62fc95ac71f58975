//! Questions as bytes and bytes as answers. Reading, signing and ciphers are snmp2's; the frame around a list of
//! object ids is written by hand in `frame`. snmp2's own session is not used: it gives up at the first answer to another
//! question, repeats nothing, and has no time limit.

use std::panic::{AssertUnwindSafe, catch_unwind};

use snmp2::snmp::{ERRSTATUS_AUTHORIZATIONERROR, ERRSTATUS_NOACCESS};
use snmp2::v3::{Auth, AuthErrorKind, AuthProtocol, Cipher, Security};
use snmp2::{AsnReader, Error, MessageType, Pdu, Version, asn1};

use super::super::credentials::{V3Auth, V3User, V3UserError};
use super::frame::{write_plain, write_unsigned};
use super::values::{Oid, Value};

/// RFC 3411 §5: an engine id has 5 to 32 octets. A longer one would not fit into what is sent back.
const ENGINE_ID_BYTES: std::ops::RangeInclusive<usize> = 5..=32;

/// How many values of one answer are looked at.
const MAX_VALUES: usize = 512;

/// The reports of RFC 3414 §5 lie below this.
const USM_STATS: &[u32] = &[1, 3, 6, 1, 6, 3, 15, 1, 1];

/// What is asked.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// How.
    pub(super) kind: QuestionKind,
    /// For what.
    pub(super) oids: Vec<Oid>,
}

/// The kinds of questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QuestionKind {
    /// Exactly these.
    Get,
    /// What comes after each of these.
    GetNext,
    /// So many that come after each of these.
    GetBulk(u32),
}

/// Who asks.
#[derive(Clone, Debug)]
pub(super) enum Voice {
    /// SNMP v1 and v2c.
    Community {
        /// Which of the two.
        is_v1: bool,
        /// The community. It crosses the network in clear anyway.
        community: String,
    },
    /// SNMP v3.
    User(User),
}

/// A user of SNMP v3 with the state of the conversation. Its `Debug` says nothing of what is inside.
#[derive(Clone)]
pub(super) struct User(Box<Security>);

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("User(…)")
    }
}

/// What a datagram was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// An answer.
    Reply(Reply),
    /// SNMP v3: the unit's engine, or its time, is known now: ask again.
    AskAgain,
    /// SNMP v3: this user may not, and why.
    Refused(&'static str),
    /// SNMP v3: the unit's engine has an id that is none.
    NoEngine,
    /// Nothing that can be used, and why.
    Odd(&'static str),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// Of which question.
    pub(super) id: i32,
    /// Whether the unit says that it could not; v1 has no other way to say that an object is missing.
    pub(super) is_error: bool,
    /// Whether it says that whoever asked may not.
    pub(super) is_denied: bool,
    /// What it says.
    pub(super) values: Vec<(Oid, Value)>,
}

impl Voice {
    /// As the clue has it.
    pub(super) fn version_word(&self) -> &'static str {
        match self {
            Self::Community { is_v1: true, .. } => "v1",
            Self::Community { is_v1: false, .. } => "v2c",
            Self::User(_) => "v3",
        }
    }

    /// The community, when it is one that everybody knows. No other ever leaves this module.
    pub(super) fn default_community(&self) -> Option<&'static str> {
        match self {
            Self::Community { community, .. } => ["public", "private"]
                .into_iter()
                .find(|known| community == known),
            Self::User(_) => None,
        }
    }

    /// Whether many values can be asked for at once.
    pub(super) fn has_bulk(&self) -> bool {
        !matches!(self, Self::Community { is_v1: true, .. })
    }

    /// The question as a datagram.
    pub(super) fn write(&self, id: i32, question: &Question) -> Result<Vec<u8>, &'static str> {
        match self {
            Self::Community { is_v1, community } => Ok(write_plain(
                i64::from(!is_v1),
                community.as_bytes(),
                id,
                question,
            )),
            Self::User(user) => user.write(id, question),
        }
    }

    /// Whether an answer is to this voice.
    pub(super) fn is_of(&self, heard: &PlainReply) -> bool {
        match self {
            Self::Community { is_v1, community } => heard.is_for(*is_v1, community),
            Self::User(_) => false,
        }
    }

    /// What a datagram says to this voice.
    pub(super) fn read(&mut self, datagram: &[u8]) -> Heard {
        match self {
            Self::Community { is_v1, community } => match read_plain(datagram) {
                Ok(heard) if heard.is_for(*is_v1, community) => Heard::Reply(heard.reply),
                Ok(_) => Heard::Odd("an answer to another question came"),
                Err(why) => Heard::Odd(why),
            },
            Self::User(user) => user.read(datagram),
        }
    }
}

/// What a datagram of v1 or v2c holds.
#[derive(Debug)]
pub(super) struct PlainReply {
    /// The version that it says it has.
    pub(super) version: Version,
    /// The community that it says it is for.
    pub(super) community: Vec<u8>,
    /// What it says.
    pub(super) reply: Reply,
}

impl PlainReply {
    fn is_for(&self, is_v1: bool, community: &str) -> bool {
        let version = if is_v1 { Version::V1 } else { Version::V2C };
        self.version == version && self.community == community.as_bytes()
    }
}

/// Reads a datagram of v1 or v2c.
pub(super) fn read_plain(datagram: &[u8]) -> Result<PlainReply, &'static str> {
    guarded(|| {
        let pdu = Pdu::from_bytes(datagram).map_err(|error| words(&error))?;
        Ok(PlainReply {
            version: pdu.version().map_err(|error| words(&error))?,
            community: pdu.community.to_vec(),
            reply: take(&pdu).ok_or("what came is no answer")?,
        })
    })
    .unwrap_or(Err(UNREADABLE))
}

impl User {
    /// A user who has not met the unit yet. The user is checked: snmp2 panics at an empty passphrase.
    pub(super) fn new(user: &V3User) -> Result<Self, V3UserError> {
        user.check()?;
        let protocol = match user.auth {
            V3Auth::Sha1 => AuthProtocol::Sha1,
            V3Auth::Sha256 => AuthProtocol::Sha256,
        };
        let security = Security::new(user.name.as_bytes(), user.auth_pass.0.as_bytes())
            .with_auth_protocol(protocol)
            .with_auth(Auth::AuthPriv {
                cipher: Cipher::Aes128,
                privacy_password: user.priv_pass.0.as_bytes().to_vec(),
            });
        Ok(Self(Box::new(security)))
    }

    /// Whether the unit's engine is not known yet.
    pub(super) fn is_new(&self) -> bool {
        self.0.engine_id().is_empty()
    }

    /// The question for the unit's engine id (RFC 3414 §4).
    pub(super) fn write_greeting(id: i32) -> Vec<u8> {
        let nothing = Question {
            kind: QuestionKind::Get,
            oids: Vec::new(),
        };
        write_unsigned(&[], id, &nothing)
    }

    fn write(&self, id: i32, question: &Question) -> Result<Vec<u8>, &'static str> {
        // snmp2 builds no message for a socket of ours, but it signs and ciphers one that it has read.
        let engine_id = self.0.engine_id();
        let unsigned = write_unsigned(engine_id, id, question);
        let signed = guarded(|| {
            let mut reader = nobody(engine_id)?;
            let pdu = Pdu::from_bytes_with_security(&unsigned, Some(&mut reader))?;
            pdu.to_bytes_with_security(Some(&self.0))
        });
        match signed {
            Some(Ok(datagram)) => Ok(datagram),
            // Its engine tells a time that no message can carry.
            Some(Err(_)) | None => Err("its SNMP engine has no usable time"),
        }
    }

    /// Reads an answer. At the first one, two passphrases become keys, which takes milliseconds: not on a thread that
    /// serves sockets.
    pub(super) fn read(&mut self, datagram: &[u8]) -> Heard {
        // snmp2 blanks the signature in the bytes that it is given while it checks it, behind a shared reference: it
        // gets a copy that nobody else looks at.
        let copy = datagram.to_vec();
        // Looked at before keys are made for it, which is work that anybody could make us do.
        if self.is_new() {
            match guarded(|| engine_id_len(&copy)) {
                Some(Ok(len)) if ENGINE_ID_BYTES.contains(&len) => {}
                Some(Ok(_)) => return Heard::NoEngine,
                Some(Err(error)) => return Heard::Odd(words(&error)),
                None => return Heard::Odd(UNREADABLE),
            }
        }
        let read = guarded(|| {
            Pdu::from_bytes_with_security(&copy, Some(&mut self.0)).map(|pdu| take(&pdu))
        });
        if !ENGINE_ID_BYTES.contains(&self.0.engine_id().len()) {
            self.0.reset_engine_id();
            return Heard::NoEngine;
        }
        match read {
            Some(Ok(Some(reply))) => Heard::Reply(reply),
            // The time of the unit is taken over, also where it was too far off to be accepted.
            Some(Err(
                Error::AuthUpdated | Error::AuthFailure(AuthErrorKind::EngineTimeMismatch),
            )) => Heard::AskAgain,
            Some(Err(Error::AuthFailure(AuthErrorKind::NotAuthenticated))) => self.report(datagram),
            Some(Err(Error::AuthFailure(AuthErrorKind::SignatureMismatch))) => {
                Heard::Odd("an answer with a wrong signature came")
            }
            Some(Err(Error::AuthFailure(AuthErrorKind::EngineIdMismatch))) => {
                Heard::Odd("an answer of another SNMP engine came")
            }
            Some(Err(error)) => Heard::Odd(words(&error)),
            Some(Ok(None)) => Heard::Odd("what came is no answer"),
            None => Heard::Odd(UNREADABLE),
        }
    }

    /// What a report says that nobody has signed.
    fn report(&self, datagram: &[u8]) -> Heard {
        let copy = datagram.to_vec();
        let stat = guarded(|| -> Result<Option<u32>, Error> {
            let mut reader = nobody(self.0.engine_id())?;
            // The first reading takes over the engine's time, the second has nothing left to take over.
            Pdu::from_bytes_with_security(&copy, Some(&mut reader)).ok();
            let pdu = Pdu::from_bytes_with_security(&copy, Some(&mut reader))?;
            let root = Oid::new(USM_STATS);
            Ok(pdu
                .varbinds
                .clone()
                .next()
                .and_then(|(name, _)| Oid::decode(name.as_bytes()))
                .and_then(|name| name.after(&root).map(|rest| rest[0])))
        });
        match stat {
            Some(Ok(Some(1))) => Heard::Refused(
                "the user or passphrase is refused: this user may not sign and encrypt",
            ),
            Some(Ok(Some(3))) => Heard::Refused("the user or passphrase is refused: no such user"),
            Some(Ok(Some(5))) => {
                Heard::Refused("the user or passphrase is refused: the signature is wrong")
            }
            Some(Ok(Some(6))) => {
                Heard::Refused("the user or passphrase is refused: the encryption is wrong")
            }
            // A greeting that was repeated is answered twice.
            _ => Heard::Odd("an SNMP v3 report without a use came"),
        }
    }
}

const UNREADABLE: &str = "what came could not be read";

/// Somebody without rights, to read what is not signed.
fn nobody(engine_id: &[u8]) -> Result<Security, Error> {
    Security::new(b"", b"")
        .with_auth(Auth::NoAuthNoPriv)
        .with_engine_id(engine_id)
}

/// How long the id is of the engine that a message of v3 names as its own.
fn engine_id_len(datagram: &[u8]) -> Result<usize, Error> {
    let content = AsnReader::from_bytes(datagram).read_raw(asn1::TYPE_SEQUENCE)?;
    let mut content = AsnReader::from_bytes(content);
    if content.read_asn_integer()? != Version::V3 as i64 {
        return Err(Error::UnsupportedVersion);
    }
    content.read_raw(asn1::TYPE_SEQUENCE)?;
    let security = content.read_asn_octetstring()?;
    let security = AsnReader::from_bytes(security).read_raw(asn1::TYPE_SEQUENCE)?;
    let engine_id = AsnReader::from_bytes(security).read_asn_octetstring()?;
    Ok(engine_id.len())
}

/// Runs what reads foreign bytes. snmp2 has sums that can overflow; a datagram must not end the task.
fn guarded<T>(read: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).ok()
}

fn take(pdu: &Pdu<'_>) -> Option<Reply> {
    if pdu.message_type != MessageType::Response {
        return None;
    }
    Some(Reply {
        id: pdu.req_id,
        is_error: pdu.error_status != 0,
        is_denied: [ERRSTATUS_NOACCESS, ERRSTATUS_AUTHORIZATIONERROR].contains(&pdu.error_status),
        values: pdu
            .varbinds
            .clone()
            .take(MAX_VALUES)
            .map_while(|(name, value)| Some((Oid::decode(name.as_bytes())?, Value::take(&value))))
            .collect(),
    })
}

fn words(error: &Error) -> &'static str {
    match error {
        Error::UnsupportedVersion => "it answers in an unknown version of SNMP",
        Error::AuthFailure(_) => "an SNMP v3 answer that does not fit came",
        _ => "what came is broken SNMP",
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::credentials::Secret;
    use super::super::frame::{integer, tlv};
    use super::*;

    fn question() -> Question {
        Question {
            kind: QuestionKind::GetBulk(10),
            oids: vec![Oid::enterprise(&[10418, 26, 2, 3, 2, 1, 4])],
        }
    }

    fn user(auth: V3Auth) -> User {
        User::new(&V3User {
            name: "rollout".to_owned(),
            auth,
            auth_pass: Secret("authentic words".to_owned()),
            priv_pass: Secret("private words".to_owned()),
        })
        .expect("a good user")
    }

    /// A report that tells an engine.
    fn met(auth: V3Auth) -> User {
        let mut user = user(auth);
        let greeting = write_unsigned(b"\x80\x00\x1f\x88\x04unit", 1, &question());
        assert_eq!(user.read(&greeting), Heard::AskAgain);
        user
    }

    fn answer(version: i64) -> Vec<u8> {
        let names = tlv(
            0x30,
            &[
                tlv(0x06, &Oid::enterprise(&[10418, 26, 2, 1, 4, 0]).encode()),
                tlv(0x04, b"0520098231"),
            ]
            .concat(),
        );
        let pdu = [integer(300), integer(0), integer(0), tlv(0x30, &names)];
        let content = [
            integer(version),
            tlv(0x04, b"public"),
            tlv(0xa2, &pdu.concat()),
        ];
        tlv(0x30, &content.concat())
    }

    #[test]
    fn a_question_reads_as_it_was_meant() {
        for is_v1 in [true, false] {
            let voice = Voice::Community {
                is_v1,
                community: "public".to_owned(),
            };
            let datagram = voice.write(77, &question()).expect("nothing to sign");
            let pdu = Pdu::from_bytes(&datagram).expect("a good message");
            assert_eq!(pdu.message_type, MessageType::GetBulkRequest);
            assert_eq!((pdu.req_id, pdu.error_status, pdu.error_index), (77, 0, 10));
            assert_eq!(pdu.version() == Ok(Version::V1), is_v1);
            let (name, _) = pdu.varbinds.clone().next().expect("one object");
            assert_eq!(
                Oid::decode(name.as_bytes()).as_ref(),
                question().oids.first()
            );
        }
    }

    #[test]
    fn what_is_signed_is_read_by_the_same_user_and_no_other() {
        for auth in [V3Auth::Sha1, V3Auth::Sha256] {
            let mut asker = met(auth);
            let datagram = asker.write(77, &question()).expect("its engine is known");
            let readable = String::from_utf8_lossy(&datagram).into_owned();
            assert!(readable.contains("rollout") && !readable.contains("words"));
            let mut own = *asker.0.clone();
            own = own.with_engine_boots_and_time(1, 1);
            // Boots 0 are refused by RFC 3414; a unit's own are never 0.
            let signed = User(Box::new(own.clone())).write(77, &question());
            let signed = signed.expect("its engine is known");
            let pdu = Pdu::from_bytes_with_security(&signed, Some(&mut own)).expect("its own");
            assert_eq!(pdu.req_id, 77);
            let mut other = met(auth);
            *other.0 = other.0.clone().with_engine_boots_and_time(1, 1);
            let mut forged = signed.clone();
            *forged.last_mut().expect("it has bytes") ^= 1;
            assert!(matches!(other.read(&forged), Heard::Odd(_)));
            assert!(matches!(
                asker.read(&signed),
                Heard::AskAgain | Heard::Odd(_)
            ));
        }
    }

    #[test]
    fn an_engine_id_of_another_length_makes_no_keys() {
        for (len, expected) in [
            (0, Heard::NoEngine),
            (4, Heard::NoEngine),
            (5, Heard::AskAgain),
            (32, Heard::AskAgain),
            (33, Heard::NoEngine),
            (60_000, Heard::NoEngine),
        ] {
            let mut user = user(V3Auth::Sha256);
            let report = write_unsigned(&vec![0x80; len], 1, &question());
            assert_eq!(engine_id_len(&report), Ok(len));
            assert_eq!(user.read(&report), expected, "{len} octets");
            assert_eq!(user.is_new(), expected == Heard::NoEngine);
        }
    }

    #[test]
    fn no_cut_and_no_flipped_bit_of_an_answer_does_harm() {
        let met = met(V3Auth::Sha1);
        let signed = met.write(5, &question()).expect("its engine is known");
        for whole in [answer(0), answer(1), signed] {
            for len in 0..whole.len() {
                let mut user = met.clone();
                assert!(!matches!(user.read(&whole[..len]), Heard::Reply(_)));
                read_plain(&whole[..len]).ok();
            }
            for position in 0..whole.len() {
                for bit in 0..8 {
                    let mut flipped = whole.clone();
                    flipped[position] ^= 1 << bit;
                    met.clone().read(&flipped);
                    if let Ok(heard) = read_plain(&flipped) {
                        assert!(heard.reply.values.len() <= 1);
                    }
                }
            }
        }
    }

    #[test]
    fn an_answer_is_read_whole() {
        let heard = read_plain(&answer(1)).expect("a good answer");
        assert_eq!(heard.reply.id, 300);
        assert!(!heard.reply.is_error);
        let (name, value) = &heard.reply.values[0];
        assert_eq!(name.to_string(), "1.3.6.1.4.1.10418.26.2.1.4.0");
        assert_eq!(value.text().as_deref(), Some("0520098231"));
    }

    #[test]
    fn a_user_says_nothing_of_itself() {
        let printed = format!("{:?}", Voice::User(user(V3Auth::Sha256)));
        assert_eq!(printed, "User(User(…))");
    }
}
