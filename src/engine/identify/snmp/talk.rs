//! One socket to one unit: questions go out and are repeated once, answers are matched by their ids, everything else is
//! passed over and remembered. No more than one question's time is ever waited for.

use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::message::{Heard, Question, Reply, User, Voice, read_plain};
use crate::model::probing::Outcome;

/// The largest datagram of UDP fits.
const BUFFER_BYTES: usize = 65_535;

/// So many datagrams that answer nothing are read before the unit is given up.
const MAX_ODD: u32 = 2_000;

/// After so many exchanges without any answer, one after the other, the unit is taken to be gone.
const MAX_UNANSWERED: u32 = 2;

/// How often a user of v3 is told to ask again before it is given up: for the engine, for its time, and once more.
const MAX_AGAIN: u32 = 4;

/// After so many ids of an engine that are none, SNMP v3 is given up.
const MAX_NO_ENGINE: u32 = 3;

/// What such an engine is called.
const NO_ENGINE: &str = "its SNMP engine has no usable id";

/// How many communities are tried.
const MAX_COMMUNITIES: usize = 8;

/// A conversation.
#[derive(Debug)]
pub(super) struct Talk {
    socket: UdpSocket,
    buffer: Vec<u8>,
    next_id: i32,
    silence: Duration,
    /// How it went so far, beside the answers.
    pub(super) seen: Seen,
}

/// What came beside answers.
#[derive(Debug, Default)]
pub(super) struct Seen {
    is_closed: bool,
    odd: Option<&'static str>,
    num_odd: u32,
    num_unanswered: u32,
    refused: Option<&'static str>,
    unusable: Option<String>,
    failed: Option<String>,
}

impl Seen {
    /// How the probe ended when nothing was answered.
    pub(super) fn outcome(&self) -> Outcome {
        if let Some(why) = self.refused.or(self.odd) {
            Outcome::Garbled(why.to_owned())
        } else if self.is_closed {
            Outcome::Closed
        } else if let Some(why) = self.failed.as_ref().or(self.unusable.as_ref()) {
            Outcome::Failed(why.clone())
        } else {
            Outcome::Silent
        }
    }

    /// Whether nothing more is to be had.
    pub(super) fn is_over(&self) -> bool {
        self.is_closed
            || self.failed.is_some()
            || self.num_odd >= MAX_ODD
            || self.num_unanswered >= MAX_UNANSWERED
    }

    fn odd(&mut self, why: &'static str) {
        self.odd.get_or_insert(why);
        self.num_odd += 1;
    }
}

/// A question that is out.
struct Open {
    id: i32,
    voice: usize,
}

impl Talk {
    /// Opens the socket. Nothing is sent yet.
    pub(super) async fn open(to: SocketAddrV4, silence: Duration) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
        // Connected, so that only this unit is heard and a closed port is told of.
        socket.connect(to).await?;
        Ok(Self {
            socket,
            buffer: vec![0; BUFFER_BYTES],
            // Not to be guessed by others who send to the same port.
            next_id: (RandomState::new().hash_one(to) >> 34) as i32,
            silence,
            seen: Seen::default(),
        })
    }

    /// Tries every community at once, with v2c and then with v1, and takes the first that is answered. An agent of v1
    /// says nothing to v2c, and no agent says anything to a wrong community, so both cost time that they must share.
    pub(super) async fn meet(
        &mut self,
        communities: &[String],
        question: &Question,
        patience: Duration,
    ) -> Option<(Voice, Reply)> {
        let tried = &communities[..communities.len().min(MAX_COMMUNITIES)];
        let voices: Vec<Voice> = [false, true]
            .iter()
            .flat_map(|&is_v1| {
                tried.iter().map(move |community| Voice::Community {
                    is_v1,
                    community: community.clone(),
                })
            })
            .collect();
        let open: Vec<Open> = (0..voices.len())
            .map(|voice| Open {
                id: self.new_id(),
                voice,
            })
            .collect();
        let begin = Instant::now();
        // Four quarters: v2c, v1, and each once more.
        for quarter in 0..4_u32 {
            let is_v1_turn = quarter % 2 == 1;
            for (voice, open) in voices.iter().zip(&open) {
                if voice.has_bulk() != is_v1_turn {
                    self.ask(voice, open.id, question).await;
                }
            }
            let end = begin + patience * (quarter + 1) / 4;
            while !self.seen.is_over() {
                let Some(len) = self.receive(end).await else {
                    break;
                };
                match read_plain(&self.buffer[..len]) {
                    Ok(heard) => {
                        let found = open.iter().find(|open| {
                            open.id == heard.reply.id && voices[open.voice].is_of(&heard)
                        });
                        if heard.reply.is_denied {
                            self.seen.odd("the community may read nothing");
                            continue;
                        }
                        if let Some(found) = found {
                            return Some((voices[found.voice].clone(), heard.reply));
                        }
                        self.seen.odd("an answer to another question came");
                    }
                    Err(why) => self.seen.odd(why),
                }
            }
            if self.seen.is_over() {
                return None;
            }
        }
        None
    }

    /// Learns the unit's engine of SNMP v3. `None` when it tells none.
    pub(super) async fn greet(&mut self, user: User, patience: Duration) -> Option<Voice> {
        let id = self.new_id();
        let mut voice = Voice::User(user);
        let mut num_no_engine = 0;
        let begin = Instant::now();
        for half in 0..2_u32 {
            self.send(&User::write_greeting(id)).await;
            let end = begin + patience * (half + 1) / 2;
            while !self.seen.is_over() {
                let Some(len) = self.receive(end).await else {
                    break;
                };
                match self.read(&mut voice, len).await {
                    Heard::AskAgain => return Some(voice),
                    Heard::NoEngine => {
                        self.seen.odd(NO_ENGINE);
                        num_no_engine += 1;
                        if num_no_engine >= MAX_NO_ENGINE {
                            return None;
                        }
                    }
                    Heard::Odd(why) => self.seen.odd(why),
                    Heard::Refused(why) => {
                        self.seen.refused = Some(why);
                        return None;
                    }
                    // A greeting is answered by a report, never by values.
                    Heard::Reply(_) => self.seen.odd("an answer to another question came"),
                }
            }
        }
        None
    }

    /// Asks several questions at once and waits for their answers. Each is repeated once.
    pub(super) async fn exchange(
        &mut self,
        voice: &mut Voice,
        questions: &[Question],
    ) -> Vec<Option<Reply>> {
        let ids: Vec<i32> = questions.iter().map(|_| self.new_id()).collect();
        let mut replies: Vec<Option<Reply>> = questions.iter().map(|_| None).collect();
        let mut num_again = 0;
        let begin = Instant::now();
        for half in 0..2_u32 {
            self.ask_open(voice, &ids, questions, &replies).await;
            let end = begin + self.silence * (half + 1) / 2;
            while !self.seen.is_over() && replies.iter().any(Option::is_none) {
                let Some(len) = self.receive(end).await else {
                    break;
                };
                match self.read(voice, len).await {
                    Heard::Reply(reply) => match ids.iter().position(|id| *id == reply.id) {
                        Some(position) => replies[position] = Some(reply),
                        None => self.seen.odd("an answer to another question came"),
                    },
                    Heard::AskAgain if num_again < MAX_AGAIN => {
                        num_again += 1;
                        self.ask_open(voice, &ids, questions, &replies).await;
                    }
                    Heard::AskAgain => self.seen.odd("its SNMP engine changes its time"),
                    Heard::Refused(why) => {
                        self.seen.refused = Some(why);
                        return replies;
                    }
                    Heard::NoEngine => self.seen.odd(NO_ENGINE),
                    Heard::Odd(why) => self.seen.odd(why),
                }
            }
            if self.seen.is_over() || replies.iter().all(Option::is_some) {
                break;
            }
        }
        if replies.iter().any(Option::is_some) {
            self.seen.num_unanswered = 0;
        } else {
            self.seen.num_unanswered += 1;
        }
        replies
    }

    /// Remembers why a user of v3 is not let in; what the unit itself has said stays.
    pub(super) fn refuse(&mut self, why: &'static str) {
        self.seen.refused.get_or_insert(why);
    }

    /// Remembers why a user of v3 cannot even be tried.
    pub(super) fn skip(&mut self, why: String) {
        self.seen.unusable = Some(why);
    }

    async fn ask_open(
        &mut self,
        voice: &Voice,
        ids: &[i32],
        questions: &[Question],
        replies: &[Option<Reply>],
    ) {
        for ((id, question), reply) in ids.iter().zip(questions).zip(replies) {
            if reply.is_none() {
                self.ask(voice, *id, question).await;
            }
        }
    }

    async fn ask(&mut self, voice: &Voice, id: i32, question: &Question) {
        match voice.write(id, question) {
            Ok(datagram) => self.send(&datagram).await,
            // It cannot even be written, so no answer will come.
            Err(why) => self.refuse(why),
        }
    }

    async fn send(&mut self, datagram: &[u8]) {
        match self.socket.send(datagram).await {
            Ok(_) => {}
            // Told of an earlier datagram.
            Err(error) if is_refusal(&error) => self.seen.is_closed = true,
            Err(error) if error.kind() == io::ErrorKind::HostUnreachable => {}
            Err(error) => self.seen.failed = Some(error.kind().to_string()),
        }
    }

    /// The length of the next datagram; `None` when none comes in time, or none can come.
    async fn receive(&mut self, end: Instant) -> Option<usize> {
        loop {
            match timeout_at(end, self.socket.recv(&mut self.buffer)).await {
                Ok(Ok(len)) => return Some(len),
                Ok(Err(error)) if is_refusal(&error) => {
                    self.seen.is_closed = true;
                    return None;
                }
                // A router's word about an earlier datagram; it may be wrong, or about to change.
                Ok(Err(_)) => {
                    self.seen.num_odd += 1;
                    if self.seen.is_over() {
                        return None;
                    }
                }
                Err(_) => return None,
            }
        }
    }

    async fn read(&self, voice: &mut Voice, len: usize) -> Heard {
        let datagram = &self.buffer[..len];
        match voice {
            Voice::User(user) if user.is_new() => {
                let (mut met, copy) = (user.clone(), datagram.to_vec());
                // Passphrases become keys: milliseconds of hashing that must not hold up other sockets.
                let reading = tokio::task::spawn_blocking(move || {
                    let heard = met.read(&copy);
                    (met, heard)
                });
                match reading.await {
                    Ok((met, heard)) => {
                        *user = met;
                        heard
                    }
                    Err(_) => Heard::Odd("what came could not be read"),
                }
            }
            _ => voice.read(datagram),
        }
    }

    fn new_id(&mut self) -> i32 {
        self.next_id = self.next_id.wrapping_add(1) & i32::MAX;
        self.next_id
    }
}

/// Nobody listens on the port: ICMP port unreachable, as each system words it.
fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset
    )
}
