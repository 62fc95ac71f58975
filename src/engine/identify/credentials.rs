//! What is needed to be let in: the user of SNMP v3, kept in the operating system's keyring and nowhere else.

use std::fmt;

/// A passphrase. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// How messages of SNMP v3 are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum V3Auth {
    /// HMAC-SHA-96 (RFC 3414).
    Sha1,
    /// HMAC-SHA-2 with 256 bits (RFC 7860).
    #[default]
    Sha256,
}

/// A user of SNMP v3 at the level authPriv; the cipher is AES-128 (RFC 3826).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct V3User {
    /// The name.
    pub name: String,
    /// How messages are signed.
    pub auth: V3Auth,
    /// For signing, at least 8 characters.
    pub auth_pass: Secret,
    /// For the cipher, at least 8 characters.
    pub priv_pass: Secret,
}
