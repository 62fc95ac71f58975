//! The statements of the protocol page that no capture confirms, and the questions that it leaves open: each with an id
//! that stays, so that a study can be compared with another one. What the bytes say about them is judged in `judging.rs`.

/// How the protocol page puts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Reconstructed; the page marks it as assumed.
    Assumed,
    /// The page says that it does not know; the text is what the program takes for granted meanwhile.
    Open,
}

impl Standing {
    /// In one word, for lists and files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Assumed => "assumed",
            Self::Open => "open question",
        }
    }
}

/// One statement about the protocol that bytes can settle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Short, for the view: `A1`. Never given to another statement.
    pub number: &'static str,
    /// What it is called in files and in the code. Never given to another statement.
    pub id: &'static str,
    /// How sure the page is of it.
    pub standing: Standing,
    /// What is assumed.
    pub text: &'static str,
    /// The section of the protocol page.
    pub section: &'static str,
    /// What would settle it.
    pub settled_by: &'static str,
}

macro_rules! statements {
    ($($name:ident = $number:literal $id:literal $standing:ident $section:literal,
        $text:literal, $settled_by:literal;)+) => {
        $(
            #[doc = $text]
            pub const $name: Statement = Statement {
                number: $number,
                id: $id,
                standing: Standing::$standing,
                text: $text,
                section: $section,
                settled_by: $settled_by,
            };
        )+

        /// Every statement, in the order of their numbers.
        pub const STATEMENTS: &[Statement] = &[$($name,)+];
    };
}

statements! {
    ANNOUNCEMENT_UNASKED = "A1" "announcement-unasked" Assumed "Discover reply",
        "A unit that comes up sends a discover reply to UDP 3502 that nobody asked for",
        "a discover reply heard on UDP 3502 with no request in the 15 s before";
    ANNOUNCEMENT_BROADCAST = "A2" "announcement-broadcast" Assumed "Discover reply",
        "The announcement is a broadcast",
        "an unasked discover reply whose receiver is known, as in a capture by another program";
    ANNOUNCEMENT_SEQUENCE = "A3" "announcement-sequence" Open "Discover reply",
        "The sequence of an announcement means nothing",
        "announcements of one unit over several starts, side by side: a person has to compare them";
    MODEL_NUMBER = "A4" "model-number-is-sysobjectid-arc" Assumed "Discover reply",
        "The model number is the last arc of the unit's sysObjectID",
        "a discover reply with a model number from a unit that also answers SNMP";
    HOST_NAME_ENCODING = "A5" "host-name-encoding" Open "Discover reply",
        "The host name is UTF-8",
        "a host name with a letter outside ASCII";
    HOST_NAME_PADDING = "A6" "host-name-padding" Open "Discover reply",
        "A host name ends at the first NUL, and only NULs follow",
        "a host name field with a NUL in it";
    MODES_IPV6 = "A7" "modes-bits" Open "Discover reply",
        "Bit 0x04 of the supported modes says that the unit speaks IPv6",
        "replies of one unit with IPv6 on and off: the bit would come and go. A unit that speaks IPv6 without the bit \
         speaks against it";
    MODES_OTHERS = "A8" "modes-other-bits" Open "Discover reply",
        "The other bits of the supported modes mean nothing that is needed",
        "replies of units whose settings are known: a person has to compare them";
    DISCOVER_FIELD = "A9" "discover-field-1" Open "Discover request",
        "Field 1 of a discover request is always 01 08",
        "a discover request by another program with another value; what the value means is told by a unit that answers \
         differently to another one";
    ASSIGN_MODE = "A10" "assign-mode-variant" Open "Test-IP request and set-IP request",
        "Field 5 with bit 0x04 goes with a prefix length of one byte in field 3",
        "a test-IP or set-IP request by another program that has field 5, or one byte in field 3";
    SET_IP_BODY = "A11" "set-ip-body" Assumed "Messages",
        "A set-IP request has the fields of a test-IP request: MAC, address, mask and gateway",
        "a set-IP request with these fields after which the unit is heard with the new address; a request by another \
         program with other fields speaks against it";
    TEST_IP_REPLY_CODE = "A12" "test-ip-reply-code" Assumed "Messages",
        "A unit answers a test-IP request with message type 0x82",
        "a message of type 0x82 within 15 s of a test-IP request to this unit with the same sequence";
    SET_IP_REPLY_CODE = "A13" "set-ip-reply-code" Assumed "Messages",
        "A unit answers a set-IP request with message type 0x83",
        "a message of type 0x83 within 15 s of a set-IP request to this unit with the same sequence";
    SEQUENCE_ECHOED = "A14" "sequence-echoed" Assumed "Test-IP reply and set-IP reply",
        "A reply carries the sequence of its request",
        "replies to two requests with different sequences, or to one whose sequence is neither 0 nor 1";
    REPLY_FIELDS = "A15" "reply-fields" Assumed "Test-IP reply and set-IP reply",
        "A test-IP or set-IP reply has the unit's MAC in field 1 and one byte of status in field 2",
        "the fields of a message of type 0x82 or 0x83 from this unit";
    STATUS_ACCEPTED = "A16" "reply-status-accepted" Assumed "Test-IP reply and set-IP reply",
        "Status 0 says that the address was accepted",
        "a set-IP reply with status 0, after which the unit is heard with the new address; the old address a minute later \
         speaks against it";
    STATUS_VALUES = "A17" "reply-status-values" Assumed "Test-IP reply and set-IP reply",
        "Status 1 to 6 say why an address was not accepted, and there is no other status",
        "a status above 6, or an address that is taken after a status of 1 to 6, speaks against it; each of the six is \
         told by a request that is wrong in just that";
    TCP_STREAM = "A18" "tcp-stream" Assumed "Transport",
        "TCP 3502 carries the same messages as a stream",
        "a message from the unit by TCP that can be decoded";
    TCP_CONNECTS = "A19" "tcp-unit-connects" Assumed "Transport",
        "A unit connects by TCP and announces itself",
        "a discover reply by TCP that nobody asked for, from another port than 3502";
    REPLY_PORT = "A20" "reply-port" Open "Transport",
        "A unit answers to the port that asked",
        "a discover reply with the sequence of a request: at the asking port, or at the well-known one";
    REPLY_UNICAST = "A21" "reply-unicast" Open "Transport",
        "A unit answers a search by unicast",
        "a discover reply with the sequence of a request whose receiver is known, as in a capture by another program";
    IPV6_FIELDS = "A22" "ipv6-address-fields" Open "What a receiver does",
        "An address field of 16 bytes holds an IPv6 address",
        "a reply with such a field from a unit that sends from the same IPv6 address";
}
