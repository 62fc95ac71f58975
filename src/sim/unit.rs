//! One simulated unit: what it is, what it says of itself, and what it thinks of a new IP.
//! When and where to it is sent: `fleet.rs`.

use std::net::Ipv4Addr;

use crate::model::identity::Mac;
use crate::model::network::{Network, mask_to_prefix};
use crate::wire::{Claimed, DiscoverReply, IpRequest, IpStatus};

/// What comes after the end of the message of [`Behavior::TrailingBytes`].
const TRAILING: [u8; 4] = *b"\x00\x00\x0d\x0a";

/// How long [`Behavior::LateReply`] takes to answer.
pub(super) const LATE_MILLIS: u64 = 1_200;

/// How many searches [`Behavior::SilentLater`] answers.
pub(super) const ANSWERED_ASKS: u64 = 2;

/// The one thing that is particular about a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Behavior {
    /// Nothing: it has an address of its own and answers at once.
    Configured,
    /// It has no address yet.
    WithoutIp,
    /// It still has the address of another network.
    ForeignSubnet,
    /// Another unit claims the same address.
    DuplicateIp,
    /// It takes 1.2 s to answer.
    LateReply,
    /// It says everything twice.
    DoubledReply,
    /// It answers everybody on the well-known port instead of the one who asked.
    BroadcastReply,
    /// Bytes follow the end of its messages.
    TrailingBytes,
    /// It answers two searches and then no more.
    SilentLater,
    /// It comes up 2 to 4 s after the fleet was started, announces itself, and answers from then on.
    BootsNow,
}

impl Behavior {
    /// Every behavior.
    pub const ALL: [Self; 10] = [
        Self::Configured,
        Self::WithoutIp,
        Self::ForeignSubnet,
        Self::DuplicateIp,
        Self::LateReply,
        Self::DoubledReply,
        Self::BroadcastReply,
        Self::TrailingBytes,
        Self::SilentLater,
        Self::BootsNow,
    ];

    /// The word on the command line and in its output.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::WithoutIp => "without-ip",
            Self::ForeignSubnet => "foreign-subnet",
            Self::DuplicateIp => "duplicate-ip",
            Self::LateReply => "late-reply",
            Self::DoubledReply => "doubled-reply",
            Self::BroadcastReply => "broadcast-reply",
            Self::TrailingBytes => "trailing-bytes",
            Self::SilentLater => "silent-later",
            Self::BootsNow => "boots-now",
        }
    }

    /// Reads [`Behavior::word`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|behavior| behavior.word() == word)
    }
}

/// A simulated unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimUnit {
    /// Its host name, when it says one.
    pub name: Option<String>,
    /// The product that it plays. The discovery protocol has no word for it: only the factory name and the model number
    /// come from it there.
    pub model: &'static str,
    /// Field 1 of its reply.
    pub model_number: u16,
    /// Field 2 of its reply, and what test-IP and set-IP requests mean it by.
    pub mac: Mac,
    /// Its address and subnet, when it has one.
    pub network: Option<Network>,
    /// Its default gateway, when it has one.
    pub gateway: Option<Ipv4Addr>,
    /// What is particular about it.
    pub behavior: Behavior,
    /// When it is up, in milliseconds after the start of the fleet. 0: it has been up for long.
    pub boot_millis: u64,
}

impl SimUnit {
    /// Its discover reply as bytes; an announcement is one with the sequence 0.
    pub fn discover_reply(&self, sequence: u16) -> Vec<u8> {
        let stated = |ip: Option<Ipv4Addr>| ip.map_or(Claimed::None, Claimed::from);
        let reply = DiscoverReply {
            model_number: Some(self.model_number),
            mac: Some(self.mac.octets()),
            ip: stated(self.network.map(|network| network.ip)),
            mask: stated(self.network.map(Network::mask)),
            gateway: stated(self.gateway),
            host_name: self.name.clone(),
            modes: Some(1),
        };
        self.finished(reply.emit(sequence))
    }

    /// Its name where it must say one: the one that it was given, or the one from the factory.
    pub(super) fn told_name(&self) -> String {
        self.name
            .clone()
            .unwrap_or_else(|| factory_name(self.model, self.mac))
    }

    /// A message as this unit sends it.
    pub(super) fn finished(&self, mut message: Vec<u8>) -> Vec<u8> {
        if self.behavior == Behavior::TrailingBytes {
            message.extend(TRAILING);
        }
        message
    }

    /// Whether a test-IP or set-IP request is for this unit. Those for others are ignored.
    pub(super) fn is_meant(&self, request: &IpRequest) -> bool {
        request.mac == Some(self.mac.octets())
    }

    /// Takes a new address.
    pub(super) const fn take(&mut self, new: NewIp) {
        self.network = Some(new.network);
        self.gateway = new.gateway;
    }
}

/// The name that a unit has before anybody gave it one.
pub(super) fn factory_name(model: &str, mac: Mac) -> String {
    let [.., high, low] = mac.octets();
    format!("{model}-{high:02x}{low:02x}")
}

/// An address that a unit could take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NewIp {
    pub(super) network: Network,
    pub(super) gateway: Option<Ipv4Addr>,
}

/// Judges a new address as a unit would. `is_in_use` says whether another host has the IP.
pub(super) fn judge(
    request: &IpRequest,
    is_in_use: impl FnOnce(Ipv4Addr) -> bool,
) -> Result<NewIp, IpStatus> {
    if request.mode.is_some() || request.prefix_len.is_some() {
        return Err(IpStatus::ModeNotSupported);
    }
    let ip = request
        .ip
        .ip()
        .filter(|ip| is_host(*ip))
        .ok_or(IpStatus::BadIp)?;
    let prefix_len = request
        .mask
        .ip()
        .and_then(mask_to_prefix)
        .ok_or(IpStatus::BadMask)?;
    let network = Network { ip, prefix_len };
    if network.broadcast() == Some(ip) {
        return Err(IpStatus::BadIp);
    }
    let gateway = request.gateway.ip();
    if gateway.is_some_and(|gateway| !network.contains(gateway) || gateway == ip) {
        return Err(IpStatus::BadGateway);
    }
    if is_in_use(ip) {
        return Err(IpStatus::IpInUse);
    }
    Ok(NewIp { network, gateway })
}

const fn is_host(ip: Ipv4Addr) -> bool {
    !ip.is_unspecified() && !ip.is_broadcast() && !ip.is_multicast() && !ip.is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Message, Remark, decode};

    fn unit(behavior: Behavior) -> SimUnit {
        SimUnit {
            name: Some("fra2-b-r07-kvm1".to_owned()),
            model: "MPU2032DAC",
            model_number: 10,
            mac: Mac::new([0x00, 0xe0, 0x86, 0x12, 0x34, 0x56]),
            network: Some(Network {
                ip: [10, 20, 4, 17].into(),
                prefix_len: 24,
            }),
            gateway: Some([10, 20, 4, 1].into()),
            behavior,
            boot_millis: 0,
        }
    }

    fn request(ip: [u8; 4], mask: [u8; 4], gateway: [u8; 4]) -> IpRequest {
        IpRequest {
            mac: Some(unit(Behavior::Configured).mac.octets()),
            ip: Ipv4Addr::from(ip).into(),
            mask: Ipv4Addr::from(mask).into(),
            gateway: Ipv4Addr::from(gateway).into(),
            ..IpRequest::default()
        }
    }

    #[test]
    fn a_reply_says_what_the_unit_is() {
        let bytes = unit(Behavior::Configured).discover_reply(7);
        let decoded = decode(&bytes).expect("the unit speaks AIDP");
        assert!(decoded.remarks.is_empty(), "nothing is odd about it");
        assert_eq!(decoded.frame.sequence(), 7);
        let Message::DiscoverReply(reply) = decoded.message else {
            panic!("a discover reply, not {:?}", decoded.message);
        };
        assert_eq!(reply.mac, Some([0x00, 0xe0, 0x86, 0x12, 0x34, 0x56]));
        assert_eq!(reply.ip, Claimed::Ip([10, 20, 4, 17].into()));
        assert_eq!(reply.mask, Claimed::Ip([255, 255, 255, 0].into()));
        assert_eq!(reply.gateway, Claimed::Ip([10, 20, 4, 1].into()));
        assert_eq!(reply.host_name.as_deref(), Some("fra2-b-r07-kvm1"));
        assert_eq!(reply.model_number, Some(10));
    }

    #[test]
    fn no_address_is_said_to_be_none() {
        let mut fresh = unit(Behavior::WithoutIp);
        fresh.network = None;
        fresh.gateway = None;
        let bytes = fresh.discover_reply(1);
        let Message::DiscoverReply(reply) = decode(&bytes).expect("AIDP").message else {
            panic!("a discover reply");
        };
        assert_eq!(
            (reply.ip, reply.mask, reply.gateway),
            (Claimed::None, Claimed::None, Claimed::None)
        );
    }

    #[test]
    fn trailing_bytes_earn_their_remark() {
        let bytes = unit(Behavior::TrailingBytes).discover_reply(1);
        let decoded = decode(&bytes).expect("trailing bytes are accepted");
        assert!(decoded.remarks.contains(Remark::TrailingBytes));
    }

    #[test]
    fn a_new_ip_is_judged_as_a_unit_would() {
        const MASK: [u8; 4] = [255, 255, 255, 0];
        const GATEWAY: [u8; 4] = [10, 20, 4, 1];
        for (ip, mask, gateway, expected) in [
            ([10, 20, 4, 99], MASK, GATEWAY, None),
            ([10, 20, 4, 99], MASK, [0; 4], None),
            ([10, 20, 4, 50], MASK, GATEWAY, Some(IpStatus::IpInUse)),
            ([0; 4], MASK, GATEWAY, Some(IpStatus::BadIp)),
            ([255; 4], MASK, GATEWAY, Some(IpStatus::BadIp)),
            ([224, 0, 0, 1], MASK, [0; 4], Some(IpStatus::BadIp)),
            ([127, 0, 0, 2], MASK, [0; 4], Some(IpStatus::BadIp)),
            ([10, 20, 4, 255], MASK, GATEWAY, Some(IpStatus::BadIp)),
            ([10, 20, 4, 99], [0; 4], GATEWAY, Some(IpStatus::BadMask)),
            (
                [10, 20, 4, 99],
                [255, 0, 255, 0],
                GATEWAY,
                Some(IpStatus::BadMask),
            ),
            (
                [10, 20, 4, 99],
                MASK,
                [10, 20, 5, 1],
                Some(IpStatus::BadGateway),
            ),
        ] {
            let judged = judge(&request(ip, mask, gateway), |ip| {
                ip == Ipv4Addr::new(10, 20, 4, 50)
            });
            assert_eq!(judged.err(), expected, "{ip:?} {mask:?} {gateway:?}");
        }
        let variant = IpRequest {
            mode: Some(4),
            ..request([10, 20, 4, 99], MASK, GATEWAY)
        };
        assert_eq!(judge(&variant, |_| false), Err(IpStatus::ModeNotSupported));
    }

    #[test]
    fn words_read_back() {
        for behavior in Behavior::ALL {
            assert_eq!(Behavior::from_word(behavior.word()), Some(behavior));
        }
        assert_eq!(Behavior::from_word("sleepy"), None);
    }
}
