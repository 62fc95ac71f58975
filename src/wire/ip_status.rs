//! What a unit answers to a new IP: the values of one field, in words. All of them are assumed.

use std::fmt;

/// What a unit says to a new IP. All values are assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IpStatus {
    /// It would take it, or has taken it.
    Accepted,
    /// Another host has the IP.
    IpInUse,
    /// It cannot take the IP.
    BadIp,
    /// It cannot take the subnet mask.
    BadMask,
    /// It cannot take the default gateway.
    BadGateway,
    /// It does not support the mode.
    ModeNotSupported,
    /// It will not.
    Refused,
    /// Any other value, kept as it came.
    Unknown(u8),
}

impl IpStatus {
    /// The value of the field.
    pub const fn code(self) -> u8 {
        match self {
            Self::Accepted => 0,
            Self::IpInUse => 1,
            Self::BadIp => 2,
            Self::BadMask => 3,
            Self::BadGateway => 4,
            Self::ModeNotSupported => 5,
            Self::Refused => 6,
            Self::Unknown(code) => code,
        }
    }
}

impl From<u8> for IpStatus {
    fn from(code: u8) -> Self {
        match code {
            0 => Self::Accepted,
            1 => Self::IpInUse,
            2 => Self::BadIp,
            3 => Self::BadMask,
            4 => Self::BadGateway,
            5 => Self::ModeNotSupported,
            6 => Self::Refused,
            code => Self::Unknown(code),
        }
    }
}

impl fmt::Display for IpStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepted => "accepted",
            Self::IpInUse => "address in use",
            Self::BadIp => "bad address",
            Self::BadMask => "bad mask",
            Self::BadGateway => "bad gateway",
            Self::ModeNotSupported => "mode not supported",
            Self::Refused => "refused",
            Self::Unknown(code) => return write!(f, "unknown status {code}"),
        })
    }
}
