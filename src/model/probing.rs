//! What asking a unit by standard means brought: one answer for each probe, with what it says in text, and the serial
//! ports that the unit told of. Values only; the probes themselves are the engine's, the verdict is the catalog's.

mod size;

use std::net::Ipv4Addr;

use super::sighting::{RawDatagram, Source, cut_text};
use super::time::Timestamp;

/// How many clues one answer keeps, so that no unit can fill the memory.
pub const CLUES_KEPT: usize = 64;

/// How many targets one unit keeps.
pub const TARGETS_KEPT: usize = 512;

/// A standard means of asking a unit what it is. In the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Probe {
    /// The operating system's table of neighbors (ARP, ND): gives the MAC of a unit in a local subnet.
    Neighbors,
    /// SNMP on UDP 161.
    Snmp,
    /// The TLS handshake on TCP 443.
    Tls,
    /// The web page on TCP 443 and 80.
    Http,
    /// The identification and the host key on TCP 22.
    Ssh,
    /// The first words on TCP 23.
    Telnet,
    /// Which TCP ports are open.
    Ports,
}

impl Probe {
    /// Every probe, in order.
    pub const ALL: [Self; 7] = [
        Self::Neighbors,
        Self::Snmp,
        Self::Tls,
        Self::Http,
        Self::Ssh,
        Self::Telnet,
        Self::Ports,
    ];

    /// The word in settings, files and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Neighbors => "neighbors",
            Self::Snmp => "snmp",
            Self::Tls => "tls",
            Self::Http => "http",
            Self::Ssh => "ssh",
            Self::Telnet => "telnet",
            Self::Ports => "ports",
        }
    }

    /// Reads [`Probe::word`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|probe| probe.word() == word)
    }

    /// The word on screen.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Neighbors => "Neighbors",
            Self::Snmp => "SNMP",
            Self::Tls => "TLS",
            Self::Http => "Web",
            Self::Ssh => "SSH",
            Self::Telnet => "Telnet",
            Self::Ports => "Ports",
        }
    }

    /// Where a fact comes from that this probe brought.
    pub const fn source(self) -> Source {
        match self {
            Self::Neighbors => Source::Neighbors,
            Self::Snmp => Source::Snmp,
            Self::Tls => Source::Tls,
            Self::Http => Source::Http,
            Self::Ssh => Source::Ssh,
            Self::Telnet => Source::Telnet,
            Self::Ports => Source::Ports,
        }
    }
}

/// How a probe ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It answered, and what it said is in the clues.
    Answered,
    /// Nothing came within the time.
    Silent,
    /// The port is closed.
    Closed,
    /// Something came, and it could not be used: why, one lower-case clause.
    Garbled(String),
    /// It could not be asked: why, one lower-case clause.
    Failed(String),
}

impl Outcome {
    /// The short word, as files and the command line have it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Silent => "silent",
            Self::Closed => "closed",
            Self::Garbled(_) => "garbled",
            Self::Failed(_) => "failed",
        }
    }

    /// Why, where there is more to say than the word.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Garbled(why) | Self::Failed(why) => Some(why),
            Self::Answered | Self::Silent | Self::Closed => None,
        }
    }

    /// Whether something is there: it answered, closed the port, or said what nobody understands.
    pub const fn is_somebody(&self) -> bool {
        matches!(self, Self::Answered | Self::Closed | Self::Garbled(_))
    }
}

macro_rules! clue_kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident, $probe:ident, $word:literal, $title:literal;)+) => {
        /// What one clue is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ClueKind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl ClueKind {
            /// Every kind, in order.
            pub const ALL: &[Self] = &[$(Self::$kind,)+];

            /// The word in files and on the command line.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$kind => $word,)+ }
            }

            /// The words on screen.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$kind => $title,)+ }
            }

            /// The probe that brings it.
            pub const fn probe(self) -> Probe {
                match self { $(Self::$kind => Probe::$probe,)+ }
            }
        }
    };
}

clue_kinds! {
    /// The MAC that the operating system resolved the address to: `00:e0:86:12:34:56`.
    NeighborMac, Neighbors, "neighbor_mac", "MAC (neighbor)";
    /// An IPv6 address of the same MAC in the operating system's table.
    NeighborIpv6, Neighbors, "neighbor_ipv6", "IPv6 neighbor";
    /// The version that answered: `v1`, `v2c`, `v3`.
    SnmpVersion, Snmp, "snmp_version", "SNMP version";
    /// It lets in whoever says a community that everybody knows: which, `public` or `private`. No other is kept.
    DefaultCommunity, Snmp, "default_community", "Default community";
    /// sysObjectID, as numbers with dots.
    ObjectId, Snmp, "object_id", "Object id";
    /// sysDescr.
    Description, Snmp, "description", "Description";
    /// sysName, or the family's own host name.
    SystemName, Snmp, "system_name", "System name";
    /// sysLocation.
    Location, Snmp, "location", "Location";
    /// The family's model.
    Model, Snmp, "model", "Model";
    /// The family's part number.
    PartNumber, Snmp, "part_number", "Part number";
    /// The family's serial number.
    Serial, Snmp, "serial", "Serial";
    /// The family's electronic id.
    ElectronicId, Snmp, "electronic_id", "Electronic id";
    /// The family's boot code version.
    BootCode, Snmp, "boot_code", "Boot code";
    /// The family's firmware version.
    Firmware, Snmp, "firmware", "Firmware";
    /// Who made it, where the family says so.
    Maker, Snmp, "maker", "Manufacturer";
    /// A MAC of one of its interfaces: `00:e0:86:12:34:56`.
    InterfaceMac, Snmp, "interface_mac", "MAC (SNMP)";
    /// Whether it takes its address by DHCP: `on`, `off`.
    Dhcp, Snmp, "dhcp", "DHCP";
    /// Whether it takes its address by `BootP`: `on`, `off`.
    Bootp, Snmp, "bootp", "BootP";
    /// It stopped answering before all its serial ports were read; the text says how many were.
    TargetsCut, Snmp, "targets_cut", "Serial ports read";
    /// The highest version that it speaks: `TLS 1.3`, `TLS 1.0`, `SSL 3.0`.
    TlsVersion, Tls, "tls_version", "TLS version";
    /// It speaks nothing of TLS 1.2 or above; the text says what was seen.
    LegacyTls, Tls, "legacy_tls", "Legacy TLS only";
    /// It speaks TLS 1.2, with nothing that current programs accept; the text says what was seen.
    WeakTls, Tls, "weak_tls", "Weak TLS 1.2 ciphers only";
    /// The certificate's subject: `CN=avocent.com,O=Avocent`.
    CertSubject, Tls, "cert_subject", "Certificate subject";
    /// The certificate's issuer.
    CertIssuer, Tls, "cert_issuer", "Certificate issuer";
    /// One more name or address that the certificate is for.
    CertName, Tls, "cert_name", "Certificate name";
    /// When the certificate becomes valid, RFC 3339 in UTC.
    CertFrom, Tls, "cert_from", "Certificate from";
    /// When the certificate expires, RFC 3339 in UTC; `no expiration` where it never does.
    CertUntil, Tls, "cert_until", "Certificate until";
    /// The key of the certificate: `RSA 1024`.
    CertKey, Tls, "cert_key", "Certificate key";
    /// SHA-256 of the certificate, pairs of hex digits with colons.
    CertFingerprint, Tls, "cert_sha256", "Certificate SHA-256";
    /// The address that answered: `https://192.0.2.1/`.
    HttpUrl, Http, "http_url", "Web address";
    /// The status code of the last page.
    HttpStatus, Http, "http_status", "Web status";
    /// The `Server` header.
    HttpServer, Http, "http_server", "Web server";
    /// Where it sends a browser, as the header says.
    HttpRedirect, Http, "http_redirect", "Web redirect";
    /// The page's title.
    HttpTitle, Http, "http_title", "Web page title";
    /// MD5 of the icon, hex digits.
    FaviconMd5, Http, "favicon_md5", "Web icon MD5";
    /// The identification line: `SSH-2.0-OpenSSH_9.2`.
    SshBanner, Ssh, "ssh_banner", "SSH identification";
    /// A host key: `ssh-ed25519 SHA256:…`.
    SshHostKey, Ssh, "ssh_host_key", "SSH host key";
    /// The first words, without the negotiation.
    TelnetBanner, Telnet, "telnet_banner", "Telnet greeting";
    /// What it negotiates: `DO ECHO, WILL SGA`.
    TelnetOptions, Telnet, "telnet_options", "Telnet options";
    /// An open TCP port, its number.
    OpenPort, Ports, "open_port", "Open port";
    /// A TCP port that refuses connections, its number.
    ClosedPort, Ports, "closed_port", "Closed port";
}

impl ClueKind {
    /// Reads [`ClueKind::word`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.word() == word)
    }
}

/// One thing that a unit said, in text. Hostile: cut here, and its control characters are to be shown as symbols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clue {
    /// What it is.
    pub kind: ClueKind,
    /// What was said, at most [`super::sighting::TEXT_KEPT_CHARS`] characters.
    pub text: String,
}

/// What one probe brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which probe.
    pub probe: Probe,
    /// When it ended.
    pub when: Timestamp,
    /// How long it took.
    pub took_millis: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// What was said, at most [`CLUES_KEPT`].
    pub clues: Vec<Clue>,
    /// What came, as it came: bytes of a banner, the head of a page, lines of SNMP values, a certificate.
    pub raw: RawDatagram,
}

impl Answer {
    /// An answer without clues yet.
    pub fn new(probe: Probe, outcome: Outcome, when: Timestamp) -> Self {
        Self {
            probe,
            when,
            took_millis: 0,
            outcome,
            clues: Vec::new(),
            raw: RawDatagram::keep(&[]),
        }
    }

    /// Adds a clue, cut, while there is room; nothing for an empty text.
    pub fn add(&mut self, kind: ClueKind, text: &str) {
        let text = text.trim();
        if !text.is_empty() && self.clues.len() < CLUES_KEPT {
            self.clues.push(Clue {
                kind,
                text: cut_text(text),
            });
        }
    }

    /// The first clue of a kind.
    pub fn clue(&self, kind: ClueKind) -> Option<&str> {
        self.clues
            .iter()
            .find(|clue| clue.kind == kind)
            .map(|clue| clue.text.as_str())
    }

    /// Every clue of a kind, in order.
    pub fn clues(&self, kind: ClueKind) -> impl Iterator<Item = &str> {
        self.clues
            .iter()
            .filter(move |clue| clue.kind == kind)
            .map(|clue| clue.text.as_str())
    }
}

/// A thing that hangs on a unit: the machine behind a serial port, as the unit tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The port's number, from 1.
    pub port: u32,
    /// What the unit calls the port: `ttyS1`.
    pub tty: String,
    /// The name that was given to it.
    pub name: String,
    /// Its status in words: `enabled`, `disabled`.
    pub status: String,
    /// Its speed in words, where the unit says so: `9600`.
    pub speed: String,
    /// Whether the machine behind it signals that it is there (DCD), where the unit says so.
    pub is_connected: Option<bool>,
}

/// Everything that probes brought of one unit, the newest answer of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probed {
    /// The address that was asked.
    pub ip: Ipv4Addr,
    /// When the last probe ended.
    pub when: Timestamp,
    /// At most one answer for each probe, in the order of [`Probe::ALL`].
    pub answers: Vec<Answer>,
    /// The targets, in the order of ports, at most [`TARGETS_KEPT`].
    pub targets: Vec<Target>,
}

impl Probed {
    /// What a probe brought; `None` when it was not asked.
    pub fn answer(&self, probe: Probe) -> Option<&Answer> {
        self.answers.iter().find(|answer| answer.probe == probe)
    }

    /// The first clue of a kind.
    pub fn clue(&self, kind: ClueKind) -> Option<&str> {
        self.answer(kind.probe())?.clue(kind)
    }

    /// This, with the answers of before to what was not answered now: nothing that is known is lost.
    #[must_use]
    pub fn over(mut self, before: Option<&Self>) -> Self {
        let Some(before) = before else {
            return self;
        };
        let is_answered = |answer: &&Answer| answer.outcome == Outcome::Answered;
        let is_kept = match self.answer(Probe::Snmp).filter(is_answered) {
            Some(snmp) => {
                let is_cut = snmp.clue(ClueKind::TargetsCut).is_some();
                is_cut && before.targets.len() > self.targets.len()
            }
            None => true,
        };
        if is_kept {
            self.targets.clone_from(&before.targets);
        }
        for old in &before.answers {
            let is_old = |answer: &Answer| answer.outcome == Outcome::Answered;
            match self.answers.iter_mut().find(|new| new.probe == old.probe) {
                Some(new) if !is_old(new) && is_old(old) => *new = old.clone(),
                Some(_) => {}
                None => self.answers.push(old.clone()),
            }
        }
        self.answers.sort_by_key(|answer| answer.probe);
        self
    }

    /// When the first probe of this round ended.
    pub fn started(&self) -> Timestamp {
        let first = self.answers.iter().map(|answer| answer.when).min();
        first.unwrap_or(self.when)
    }

    /// Whether nothing at all was there.
    pub fn is_silent(&self) -> bool {
        !self
            .answers
            .iter()
            .any(|answer| answer.outcome.is_somebody())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for probe in Probe::ALL {
            assert_eq!(Probe::from_word(probe.word()), Some(probe));
        }
        for kind in ClueKind::ALL {
            assert_eq!(ClueKind::from_word(kind.word()), Some(*kind));
        }
    }

    /// A unit that told of so many targets by SNMP, and whether the walk was cut.
    fn walked(num_targets: u32, outcome: Outcome, is_cut: bool) -> Probed {
        let when = Timestamp::from_millis(0);
        let mut snmp = Answer::new(Probe::Snmp, outcome, when);
        if is_cut {
            snmp.add(ClueKind::TargetsCut, "the rest did not answer in time");
        }
        let targets = (1..=num_targets).map(|port| Target {
            port,
            ..Target::default()
        });
        Probed {
            ip: Ipv4Addr::LOCALHOST,
            when,
            answers: vec![snmp],
            targets: targets.collect(),
        }
    }

    #[test]
    fn targets_are_replaced_only_by_a_whole_walk() {
        let before = walked(48, Outcome::Answered, false);
        for (new, expected) in [
            (walked(32, Outcome::Answered, false), 32),
            (walked(0, Outcome::Answered, false), 0),
            (walked(20, Outcome::Answered, true), 48),
            (walked(60, Outcome::Answered, true), 60),
            (walked(0, Outcome::Silent, false), 48),
        ] {
            let shown = format!("{new:?}");
            let all = new.over(Some(&before));
            assert_eq!(all.targets.len(), expected, "{shown}");
        }
        let unasked = Probed {
            answers: Vec::new(),
            ..walked(0, Outcome::Silent, false)
        };
        assert_eq!(unasked.over(Some(&before)).targets.len(), 48);
    }

    #[test]
    fn an_answer_keeps_no_more_than_its_bounds() {
        let mut answer = Answer::new(Probe::Ssh, Outcome::Answered, Timestamp::from_millis(0));
        for _ in 0..=CLUES_KEPT {
            answer.add(ClueKind::SshBanner, &"x".repeat(10_000));
        }
        answer.add(ClueKind::SshBanner, " ");
        assert_eq!(answer.clues.len(), CLUES_KEPT);
        assert!(
            answer
                .clues
                .iter()
                .all(|clue| clue.text.chars().count() <= 256)
        );
    }

    #[test]
    fn the_facts_of_a_unit_are_bounded_and_the_rest_goes() {
        let when = Timestamp::from_millis(0);
        let mut answer = Answer::new(Probe::Snmp, Outcome::Garbled("ü".repeat(200)), when);
        answer.raw = RawDatagram::keep(&[7; 900]);
        for _ in 0..9 {
            answer.add(ClueKind::Description, "long words");
            answer.add(ClueKind::Model, &"ü".repeat(200));
        }
        let probed = Probed {
            ip: Ipv4Addr::LOCALHOST,
            when,
            answers: vec![answer],
            targets: vec![Target::default()],
        };
        assert!(probed.has_more_than_facts() && probed.has_raw());
        let without_raw = probed.without_raw();
        assert_eq!(without_raw.num_bytes() + 900, probed.num_bytes());
        assert_eq!(without_raw.answers[0].raw.full_len, 900, "how long it was");
        let facts = without_raw.only_facts();
        assert!(!facts.has_more_than_facts());
        assert_eq!(facts.only_facts(), facts);
        assert_eq!(facts.answers[0].outcome.word(), "garbled");
        let texts = facts.answers[0].clues(ClueKind::Model);
        let lens: Vec<usize> = texts.map(str::len).collect();
        assert_eq!(lens, [127; 5], "five, cut between characters");
        assert!(facts.num_bytes() < 1_500);
    }
}
