//! The first half of a key exchange, as far as the host key: what is offered, what both sides speak, and a public value
//! of ours. Nobody knows the secret that belongs to these values, and nobody needs it: the exchange is never finished.

use super::KEXINIT;
use super::packet::{Fields, push_string};

/// The client's first message in each of the methods below.
const KEX_INIT: u8 = 30;

/// The methods, the usual first: RFC 8731, RFC 5656, RFC 8268, RFC 4253. Not the group exchange, which takes two more
/// messages and has the unit search for a group.
const METHODS: [(&str, Exchange); 10] = [
    ("curve25519-sha256", Exchange::Curve25519),
    ("curve25519-sha256@libssh.org", Exchange::Curve25519),
    ("ecdh-sha2-nistp256", Exchange::P256),
    ("ecdh-sha2-nistp384", Exchange::P384),
    ("ecdh-sha2-nistp521", Exchange::P521),
    ("diffie-hellman-group14-sha256", Exchange::Group),
    ("diffie-hellman-group16-sha512", Exchange::Group),
    ("diffie-hellman-group18-sha512", Exchange::Group),
    ("diffie-hellman-group14-sha1", Exchange::Group),
    ("diffie-hellman-group1-sha1", Exchange::Group),
];

/// The modern key first: of several keys, a server shows the first that both know.
const HOST_KEYS: &str = "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,\
    rsa-sha2-512,rsa-sha2-256,ssh-rsa,ssh-dss";

/// Never used, but a server that finds none of its own here ends the exchange.
const CIPHERS: &str = "aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com,\
    chacha20-poly1305@openssh.com,aes128-cbc,aes192-cbc,aes256-cbc,rijndael-cbc@lysator.liu.se,3des-cbc,\
    blowfish-cbc,cast128-cbc,arcfour256,arcfour128,arcfour,des-cbc";

/// As with the ciphers.
const MACS: &str = "hmac-sha2-256,hmac-sha2-512,hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,\
    umac-64@openssh.com,umac-128@openssh.com,umac-64-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha1,\
    hmac-sha1-etm@openssh.com,hmac-sha1-96,hmac-md5,hmac-md5-96,hmac-ripemd160";

const COMPRESSIONS: &str = "none,zlib@openssh.com,zlib";

/// Which public value of ours a method takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exchange {
    Curve25519,
    P256,
    P384,
    P521,
    Group,
}

impl Exchange {
    /// The method that both speak: the first of ours that is in the server's KEXINIT, given without its number.
    pub(super) fn agreed(theirs: &[u8]) -> Option<Self> {
        let mut fields = Fields(theirs);
        fields.bytes(COOKIE.len())?;
        let methods = fields.string()?;
        let speaks = |method: &str| {
            methods
                .split(|byte| *byte == b',')
                .any(|theirs| theirs == method.as_bytes())
        };
        METHODS
            .iter()
            .find(|(method, _)| speaks(method))
            .map(|(_, exchange)| *exchange)
    }

    /// Our message with the public value.
    pub(super) fn init(self) -> Vec<u8> {
        let mut message = vec![KEX_INIT];
        match self {
            Self::Curve25519 => push_string(&mut message, &CURVE25519),
            Self::P256 => push_string(&mut message, &P256),
            Self::P384 => push_string(&mut message, &P384),
            Self::P521 => push_string(&mut message, &P521),
            Self::Group => {
                // A positive number whose first bit is set needs a zero before it (RFC 4251, section 5).
                let mut e = vec![0];
                e.extend(SQUARE);
                push_string(&mut message, &e);
            }
        }
        message
    }
}

/// Random in an exchange that is finished; here nothing depends on it.
const COOKIE: [u8; 16] = *b"rollcall looks  ";

/// Our side of the negotiation.
pub(super) fn our_kexinit() -> Vec<u8> {
    let mut message = vec![KEXINIT];
    message.extend(COOKIE);
    let methods = METHODS.map(|(method, _)| method).join(",");
    for names in [
        &methods,
        HOST_KEYS,
        CIPHERS,
        CIPHERS,
        MACS,
        MACS,
        COMPRESSIONS,
        COMPRESSIONS,
        "",
        "",
    ] {
        push_string(&mut message, names.as_bytes());
    }
    // No guess follows, and a reserved number.
    message.extend([0; 5]);
    message
}

/// The public value of a random key.
const CURVE25519: [u8; 32] = [
    0x93, 0x59, 0x20, 0x7c, 0xaa, 0x2d, 0x79, 0x7d, 0xe9, 0x38, 0xc8, 0x89, 0x42, 0xc5, 0x17, 0xdb,
    0x67, 0x7d, 0x8c, 0xa1, 0x16, 0x0a, 0x2a, 0x70, 0x1d, 0xb9, 0x36, 0xeb, 0x8a, 0x0b, 0x61, 0x0e,
];

/// A point of a random key, uncompressed.
const P256: [u8; 65] = [
    0x04, 0x4e, 0x8d, 0x7d, 0x80, 0xff, 0x14, 0x86, 0x7d, 0x0a, 0xfa, 0x4d, 0xe5, 0xec, 0x37, 0xc9,
    0xce, 0xb2, 0xe9, 0xaa, 0xa9, 0x21, 0x80, 0x94, 0x45, 0xe5, 0xb9, 0x81, 0x31, 0xf8, 0xec, 0x04,
    0x31, 0x0e, 0x5b, 0x6f, 0x3e, 0x49, 0x4f, 0xf5, 0xc6, 0x27, 0x80, 0x06, 0x4c, 0x9c, 0x51, 0x0a,
    0xe1, 0x02, 0x53, 0xeb, 0x27, 0x74, 0x85, 0xe9, 0xe8, 0xe9, 0x68, 0xb4, 0x17, 0xdb, 0x7f, 0x83,
    0x6c,
];

/// A point of a random key, uncompressed.
const P384: [u8; 97] = [
    0x04, 0xa7, 0x1d, 0x2f, 0x19, 0xca, 0x35, 0x07, 0x3e, 0xb4, 0xca, 0x86, 0xbc, 0x5f, 0xa4, 0xe5,
    0x8d, 0xb0, 0x4e, 0xf2, 0x34, 0xbb, 0xfd, 0x8b, 0xc6, 0x5e, 0x77, 0xe3, 0xb3, 0x72, 0xa9, 0x3f,
    0x3e, 0x33, 0xc2, 0x3b, 0xe6, 0x01, 0x92, 0x75, 0x9f, 0xef, 0xe9, 0x09, 0x3f, 0x35, 0xd8, 0x5c,
    0xbd, 0x7a, 0x2a, 0xb0, 0x4c, 0x05, 0x91, 0x88, 0x35, 0x9f, 0xc9, 0x89, 0x83, 0x54, 0xfe, 0x47,
    0x06, 0x58, 0x64, 0xe4, 0x5a, 0x27, 0xee, 0xef, 0x4d, 0xcd, 0xdd, 0xdf, 0x85, 0x26, 0x6e, 0xc8,
    0x2f, 0xa3, 0xa5, 0xfb, 0x33, 0x4b, 0x97, 0x0a, 0x9c, 0xd8, 0x86, 0x92, 0x81, 0x64, 0x40, 0x8c,
    0x50,
];

/// A point of a random key, uncompressed.
const P521: [u8; 133] = [
    0x04, 0x00, 0xa5, 0xd6, 0x8c, 0x38, 0xeb, 0x8f, 0x37, 0x4b, 0x38, 0xa7, 0xa5, 0xc3, 0x00, 0x7d,
    0x31, 0x38, 0x9f, 0x8c, 0xc1, 0x9f, 0x30, 0xfe, 0x76, 0x86, 0xb9, 0xbc, 0xc9, 0x96, 0xb9, 0x31,
    0x1e, 0x6d, 0x65, 0xbf, 0xe9, 0x68, 0x2d, 0x5d, 0x8a, 0x8e, 0x0e, 0x2f, 0xe5, 0x75, 0x1b, 0x27,
    0x31, 0xf6, 0x5b, 0x9e, 0x5b, 0xc5, 0x4d, 0xb2, 0x4a, 0x5e, 0x86, 0xd3, 0xaf, 0x5a, 0xcf, 0xbc,
    0x42, 0x32, 0x10, 0x00, 0xe8, 0x3a, 0xb3, 0xc7, 0xc6, 0x27, 0x0d, 0x42, 0xbf, 0x3d, 0x6b, 0x4d,
    0xf2, 0x90, 0xe2, 0xec, 0xcf, 0x52, 0x56, 0x4c, 0x9c, 0x4c, 0xc6, 0x13, 0xd3, 0x3c, 0xc7, 0x95,
    0x11, 0x6c, 0x60, 0xf5, 0xca, 0x7d, 0xe3, 0x5b, 0x8b, 0x17, 0x81, 0x32, 0xa3, 0x27, 0x9e, 0x17,
    0xc9, 0x8a, 0xbf, 0xe1, 0x35, 0x4d, 0xc1, 0x1c, 0x5e, 0x2e, 0x7b, 0xab, 0xf3, 0xe3, 0x17, 0xc8,
    0xdb, 0x7e, 0xf5, 0x65, 0x25,
];

/// The square of a random number: less than the prime of every group above, and in the subgroup that careful servers
/// ask for, since squares are in it whatever the prime.
const SQUARE: [u8; 125] = [
    0x82, 0x19, 0x91, 0x6e, 0x25, 0x70, 0x02, 0xaa, 0x57, 0x47, 0x8a, 0xc9, 0xd8, 0x36, 0xa6, 0x7e,
    0x6b, 0x3b, 0xee, 0xe9, 0x20, 0x69, 0xd1, 0x17, 0x2c, 0x91, 0x98, 0xda, 0x05, 0x0d, 0x19, 0x6e,
    0xdf, 0x8a, 0x81, 0xba, 0xea, 0xf7, 0x0f, 0xb1, 0x74, 0xdd, 0xe5, 0x3a, 0x2a, 0xc3, 0xb2, 0xd4,
    0x8e, 0x27, 0xae, 0xf1, 0x45, 0x8d, 0xd5, 0x31, 0x32, 0x0d, 0x66, 0x5d, 0xf4, 0xf3, 0x41, 0x61,
    0xc5, 0x3f, 0xe0, 0x16, 0xc1, 0x74, 0x9d, 0x57, 0x2b, 0xd3, 0xa0, 0xe8, 0x91, 0x09, 0x60, 0x3f,
    0x11, 0x43, 0xf9, 0x8a, 0xfb, 0xe2, 0xd3, 0xf7, 0x57, 0x13, 0x0d, 0x30, 0xab, 0xf8, 0x02, 0x9a,
    0xe3, 0xa2, 0xc1, 0x11, 0xa7, 0x9f, 0x9b, 0xe5, 0x55, 0x33, 0x31, 0xd1, 0x66, 0xea, 0xf6, 0x87,
    0xa7, 0x99, 0xd4, 0x63, 0x20, 0xfa, 0x3e, 0xcf, 0x1a, 0x92, 0xbf, 0xd8, 0x29,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn kexinit_with(methods: &str) -> Vec<u8> {
        let mut theirs = vec![9; COOKIE.len()];
        push_string(&mut theirs, methods.as_bytes());
        theirs
    }

    #[test]
    fn the_first_of_ours_that_they_speak_is_taken() {
        for (methods, expected) in [
            (
                "diffie-hellman-group1-sha1,curve25519-sha256",
                Some(Exchange::Curve25519),
            ),
            ("diffie-hellman-group1-sha1", Some(Exchange::Group)),
            ("diffie-hellman-group-exchange-sha1", None),
            ("ecdh-sha2-nistp2", None),
            ("", None),
        ] {
            assert_eq!(
                Exchange::agreed(&kexinit_with(methods)),
                expected,
                "{methods}"
            );
        }
        assert_eq!(Exchange::agreed(&[]), None);
        assert_eq!(Exchange::agreed(&[0xff; 40]), None);
    }

    #[test]
    fn our_own_offer_reads_back() {
        let offer = our_kexinit();
        assert_eq!(Exchange::agreed(&offer[1..]), Some(Exchange::Curve25519));
        let mut fields = Fields(&offer[17..]);
        for _ in 0..10 {
            let names = fields.string().expect("ten lists");
            assert!(!names.contains(&b' '), "a name has no spaces");
        }
        assert_eq!(fields.0.len(), 5);
    }

    #[test]
    fn the_number_of_a_group_is_positive() {
        let init = Exchange::Group.init();
        assert_eq!(init[..6], [KEX_INIT, 0, 0, 0, 126, 0]);
    }
}
