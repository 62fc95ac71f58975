//! Placeholder until the wire branch lands.
pub const PORT_INSTALL: u16 = 3502;
pub const PORT_MANAGEMENT: u16 = 3211;
use std::net::Ipv4Addr;
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Claimed {
    #[default]
    Absent,
    None,
    Ip(Ipv4Addr),
}
impl Claimed {
    pub const fn ip(self) -> Option<Ipv4Addr> {
        if let Self::Ip(ip) = self {
            Some(ip)
        } else {
            None
        }
    }
}
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remarks(u8);
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiscoverReply {
    pub model_number: Option<u16>,
    pub mac: Option<[u8; 6]>,
    pub ip: Claimed,
    pub mask: Claimed,
    pub gateway: Claimed,
    pub host_name: Option<String>,
    pub modes: Option<u8>,
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    NotAidp { asmp: bool },
}
impl Rejection {
    pub fn reason(&self) -> &'static str {
        "not-aidp"
    }
}
