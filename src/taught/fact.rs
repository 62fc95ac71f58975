//! The facts that a field can be, and how bytes are read as one.

use serde::Deserialize;

/// What a field says of the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fact {
    /// Its MAC.
    Mac,
    /// Its IP.
    Ip,
    /// Its subnet mask.
    Mask,
    /// Its gateway.
    Gateway,
    /// Its name.
    Name,
    /// Its model.
    Model,
    /// Its serial number.
    Serial,
    /// Its firmware version.
    Firmware,
}

impl Fact {
    /// Every fact, in order.
    pub const ALL: [Self; 8] = [
        Self::Mac,
        Self::Ip,
        Self::Mask,
        Self::Gateway,
        Self::Name,
        Self::Model,
        Self::Serial,
        Self::Firmware,
    ];

    /// The word in files and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mac => "mac",
            Self::Ip => "ip",
            Self::Mask => "mask",
            Self::Gateway => "gateway",
            Self::Name => "name",
            Self::Model => "model",
            Self::Serial => "serial",
            Self::Firmware => "firmware",
        }
    }

    /// As the window shows it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Mac => "MAC",
            Self::Ip => "IP",
            Self::Mask => "Mask",
            Self::Gateway => "Gateway",
            Self::Name => "Name",
            Self::Model => "Model",
            Self::Serial => "Serial",
            Self::Firmware => "Firmware",
        }
    }

    /// How its bytes can be read; the first is meant when a file does not say.
    pub const fn readings(self) -> &'static [ReadAs] {
        match self {
            Self::Mac | Self::Ip | Self::Mask | Self::Gateway => &[ReadAs::Bytes, ReadAs::Text],
            Self::Name | Self::Model | Self::Serial | Self::Firmware => {
                &[ReadAs::Text, ReadAs::Hex, ReadAs::Decimal, ReadAs::Bcd]
            }
        }
    }

    /// How many bytes it takes when it is read as bytes; `None` of a text.
    pub const fn num_bytes(self) -> Option<usize> {
        match self {
            Self::Mac => Some(6),
            Self::Ip | Self::Mask | Self::Gateway => Some(4),
            Self::Name | Self::Model | Self::Serial | Self::Firmware => None,
        }
    }
}

/// How bytes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReadAs {
    /// The octets of a MAC or an IP, in the order in which they are written.
    Bytes,
    /// Text: UTF-8, else Latin-1, up to a NUL, trimmed.
    Text,
    /// The hex digits of the bytes.
    Hex,
    /// An unsigned number of 1 to 8 bytes, in the decoder's byte order.
    Decimal,
    /// Two decimal digits a byte, the upper half first; halves of F at the end are filling.
    Bcd,
}

impl ReadAs {
    /// Every reading, in order.
    pub const ALL: [Self; 5] = [Self::Bytes, Self::Text, Self::Hex, Self::Decimal, Self::Bcd];

    /// The word in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Text => "text",
            Self::Hex => "hex",
            Self::Decimal => "decimal",
            Self::Bcd => "bcd",
        }
    }
}
