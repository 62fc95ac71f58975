//! Which interfaces the laptop has, what each is, and which of them are listened on when nobody chose.
//! No sockets here.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use netdev::interface::state::OperState;
use netdev::interface::types::InterfaceType;

use crate::model::identity::Mac;
use crate::model::network::{Choice, InterfaceKind, Link, Listening, Network};

/// Where the list of interfaces comes from.
#[derive(Clone, Debug)]
pub enum InterfaceSource {
    /// The system.
    System,
    /// A list that a test changes under way.
    Fixed(Arc<Mutex<Vec<Found>>>),
}

impl InterfaceSource {
    /// None at all: a replay listens to nothing.
    pub fn none() -> Self {
        Self::Fixed(Arc::default())
    }

    /// The interfaces as they are now.
    pub fn look(&self) -> Vec<Found> {
        match self {
            Self::System => netdev::get_interfaces().into_iter().map(found).collect(),
            Self::Fixed(list) => list.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

/// One interface as the system tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The system's name.
    pub name: Arc<str>,
    /// What a person knows it by, when it differs.
    pub friendly_name: Option<String>,
    /// The system's number of it.
    pub index: u32,
    /// What it is.
    pub kind: InterfaceKind,
    /// Its own MAC.
    pub mac: Option<Mac>,
    /// Whether there is a link.
    pub link: Link,
    /// Its IPv4 addresses, sorted.
    pub networks: Vec<Network>,
    /// Its IPv6 addresses: only to know our own questions by.
    pub ipv6: Vec<Ipv6Addr>,
}

impl Found {
    /// The loopback interface as every system has it.
    pub fn loopback() -> Self {
        Self {
            name: Arc::from("loopback"),
            friendly_name: None,
            index: 1,
            kind: InterfaceKind::Loopback,
            mac: None,
            link: Link::Up,
            networks: vec![Network {
                ip: Ipv4Addr::LOCALHOST,
                prefix_len: 8,
            }],
            ipv6: Vec::new(),
        }
    }

    /// The name to show.
    pub fn shown_name(&self) -> &str {
        self.friendly_name.as_deref().unwrap_or(&self.name)
    }

    /// Whether something may be plugged in: a system that does not say is believed to have a link.
    pub fn has_link(&self) -> bool {
        self.link != Link::Down
    }
}

/// What the settings and the command line say about interfaces.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// What a person chose, by system name.
    pub choices: HashMap<String, Choice>,
    /// When not empty, only these, by system or friendly name.
    pub only: Vec<String>,
    /// The demo: nothing but the loopback interface.
    pub loopback_only: bool,
}

impl Wishes {
    /// What a person chose for an interface.
    pub fn choice(&self, name: &str) -> Choice {
        self.choices.get(name).copied().unwrap_or(Choice::Default)
    }

    /// Whether the command line names an interface.
    pub fn names(&self, found: &Found) -> bool {
        self.only
            .iter()
            .any(|name| **name == *found.name || Some(name) == found.friendly_name.as_ref())
    }

    /// Whether an interface is listed at all: loopback only in the demo or by name.
    pub fn lists(&self, found: &Found) -> bool {
        let is_loopback = found.kind == InterfaceKind::Loopback;
        if self.loopback_only {
            is_loopback
        } else {
            !is_loopback || self.names(found)
        }
    }

    /// Whether an interface would be listened on if it had a link, and if not, why not.
    /// `all` are the interfaces that are listed.
    pub fn verdict(&self, found: &Found, all: &[Found]) -> Result<(), String> {
        if self.loopback_only {
            return Ok(());
        }
        if !self.only.is_empty() {
            return if self.names(found) {
                Ok(())
            } else {
                Err("Left out by --interface".to_owned())
            };
        }
        match (self.choice(&found.name), found.kind) {
            (Choice::Off, _) => Err("Switched off".to_owned()),
            (Choice::Default, InterfaceKind::PointToPoint) => {
                Err("Off: a point-to-point link has no broadcast".to_owned())
            }
            (Choice::Default, InterfaceKind::Virtual) if all.iter().any(is_real_with_link) => {
                Err("Off: it is virtual, and another interface has a link".to_owned())
            }
            (Choice::On | Choice::Default, _) => Ok(()),
        }
    }

    /// [`Self::verdict`] and the link together: what is to come of an interface.
    pub fn listening(&self, found: &Found, all: &[Found]) -> Listening {
        match self.verdict(found, all) {
            Err(why) => Listening::Off(why),
            Ok(()) if !found.has_link() => Listening::Off("No link".to_owned()),
            Ok(()) => Listening::On,
        }
    }
}

/// Whether an interface is reason enough to leave virtual ones off.
fn is_real_with_link(found: &Found) -> bool {
    found.has_link()
        && matches!(
            found.kind,
            InterfaceKind::Wired | InterfaceKind::Wireless | InterfaceKind::Other
        )
}

fn found(interface: netdev::Interface) -> Found {
    let kind = kind(&interface);
    let link = link(&interface);
    let mut networks: Vec<Network> = interface
        .ipv4
        .iter()
        .map(|net| Network {
            ip: net.addr(),
            prefix_len: net.prefix_len(),
        })
        .collect();
    networks.sort_unstable();
    networks.dedup();
    let mut ipv6 = interface.ipv6_addrs();
    ipv6.sort_unstable();
    Found {
        friendly_name: interface
            .friendly_name
            .filter(|name| *name != interface.name),
        name: Arc::from(interface.name),
        index: interface.index,
        kind,
        mac: interface.mac_addr.map(|mac| Mac::new(mac.octets())),
        link,
        networks,
        ipv6,
    }
}

fn link(interface: &netdev::Interface) -> Link {
    match interface.oper_state {
        OperState::Up => Link::Up,
        OperState::Down
        | OperState::LowerLayerDown
        | OperState::NotPresent
        | OperState::Dormant => Link::Down,
        // Drivers that do not report a state: loopback, tunnels, some USB adapters.
        OperState::Unknown | OperState::Testing => {
            if interface.is_up() {
                Link::Unknown
            } else {
                Link::Down
            }
        }
    }
}

fn kind(interface: &netdev::Interface) -> InterfaceKind {
    if interface.is_loopback() || interface.if_type == InterfaceType::Loopback {
        return InterfaceKind::Loopback;
    }
    let shown = [
        interface.friendly_name.as_deref(),
        interface.description.as_deref(),
    ];
    if has_virtual_name(&interface.name)
        || shown.into_iter().flatten().any(has_virtual_description)
        || has_virtual_driver(&interface.name)
    {
        return InterfaceKind::Virtual;
    }
    match interface.if_type {
        InterfaceType::Tunnel | InterfaceType::ProprietaryVirtual => InterfaceKind::Virtual,
        InterfaceType::Wireless80211 => InterfaceKind::Wireless,
        _ if interface.is_point_to_point() => InterfaceKind::PointToPoint,
        InterfaceType::Ppp | InterfaceType::Slip => InterfaceKind::PointToPoint,
        InterfaceType::Ethernet
        | InterfaceType::FastEthernetT
        | InterfaceType::FastEthernetFx
        | InterfaceType::GigabitEthernet
        | InterfaceType::Ethernet3Megabit => InterfaceKind::Wired,
        _ => InterfaceKind::Other,
    }
}

/// Names that Linux and macOS give to what software makes.
fn has_virtual_name(name: &str) -> bool {
    const PREFIXES: [&str; 20] = [
        "docker",
        "br-",
        "veth",
        "virbr",
        "vmnet",
        "vboxnet",
        "vnet",
        "tun",
        "tap",
        "wg",
        "utun",
        "zt",
        "tailscale",
        "podman",
        "cni",
        "flannel",
        "lxcbr",
        "lxdbr",
        "ifb",
        "dummy",
    ];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Words in the names and descriptions that Windows gives to what software makes.
fn has_virtual_description(text: &str) -> bool {
    const WORDS: [&str; 10] = [
        "hyper-v",
        "vethernet",
        "vmware",
        "virtualbox",
        "tap-windows",
        "wsl",
        "wintun",
        "wireguard",
        "openvpn",
        "npcap loopback",
    ];
    let text = text.to_lowercase();
    WORDS.iter().any(|word| text.contains(word))
}

/// Linux: a veth whatever its name, since containers call theirs eth0; a tunnel whatever its name.
/// Bonds, bridges and VLANs are software too, but they are somebody's real network.
fn has_virtual_driver(name: &str) -> bool {
    if !cfg!(target_os = "linux") {
        return false;
    }
    let folder = std::path::Path::new("/sys/class/net").join(name);
    if folder.join("tun_flags").exists() {
        return true;
    }
    let Ok(event) = std::fs::read_to_string(folder.join("uevent")) else {
        return false;
    };
    if let Some(kind) = event.lines().find_map(|line| line.strip_prefix("DEVTYPE=")) {
        return kind == "wireguard";
    }
    // A veth or a dummy has no device below it and no type of its own. Its peer's number does not tell: in
    // another namespace it may be the same.
    std::fs::canonicalize(&folder).is_ok_and(|device| device.starts_with("/sys/devices/virtual"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, kind: InterfaceKind, link: Link) -> Found {
        Found {
            name: Arc::from(name),
            kind,
            link,
            ..Found::loopback()
        }
    }

    fn on(wishes: &Wishes, all: &[Found]) -> Vec<String> {
        all.iter()
            .filter(|found| wishes.lists(found) && wishes.listening(found, all) == Listening::On)
            .map(|found| found.name.to_string())
            .collect()
    }

    #[test]
    fn virtual_interfaces_are_off_only_beside_a_real_link() {
        let wishes = Wishes::default();
        let docker = interface("docker0", InterfaceKind::Virtual, Link::Up);
        let cable = interface("eth0", InterfaceKind::Wired, Link::Up);
        let no_cable = interface("eth0", InterfaceKind::Wired, Link::Down);
        let veth = interface("nic0", InterfaceKind::Virtual, Link::Up);
        let lo = interface("lo", InterfaceKind::Loopback, Link::Unknown);
        assert_eq!(on(&wishes, &[docker.clone(), cable, lo.clone()]), ["eth0"]);
        assert_eq!(
            on(&wishes, &[docker.clone(), no_cable, lo]),
            ["docker0"],
            "the virtual switch may be the network"
        );
        assert_eq!(on(&wishes, &[docker, veth]), ["docker0", "nic0"]);
    }

    #[test]
    fn what_a_person_chose_wins() {
        let all = [
            interface("docker0", InterfaceKind::Virtual, Link::Up),
            interface("eth0", InterfaceKind::Wired, Link::Up),
            interface("ppp0", InterfaceKind::PointToPoint, Link::Up),
        ];
        let wishes = Wishes {
            choices: HashMap::from([
                ("docker0".to_owned(), Choice::On),
                ("eth0".to_owned(), Choice::Off),
            ]),
            ..Wishes::default()
        };
        assert_eq!(on(&wishes, &all), ["docker0"]);
    }

    #[test]
    fn the_command_line_and_the_demo_name_theirs() {
        let all = [
            interface("eth0", InterfaceKind::Wired, Link::Up),
            interface("eth1", InterfaceKind::Wired, Link::Up),
            interface("lo", InterfaceKind::Loopback, Link::Unknown),
        ];
        let mut wishes = Wishes {
            only: vec!["eth1".to_owned(), "lo".to_owned()],
            ..Wishes::default()
        };
        assert_eq!(on(&wishes, &all), ["eth1", "lo"]);
        wishes.loopback_only = true;
        assert_eq!(on(&wishes, &all), ["lo"]);
    }

    #[test]
    fn an_interface_without_link_says_so() {
        let eth = interface("eth0", InterfaceKind::Wired, Link::Down);
        assert_eq!(
            Wishes::default().listening(&eth, std::slice::from_ref(&eth)),
            Listening::Off("No link".to_owned())
        );
    }

    #[test]
    fn software_interfaces_are_known_by_name() {
        for name in [
            "docker0", "br-1f2e", "veth12ab", "wg0", "utun3", "tap0", "zt5u4",
        ] {
            assert!(has_virtual_name(name), "{name} is made by software");
        }
        for name in ["eth0", "enp3s0", "wlan0", "en0", "br0", "bond0"] {
            assert!(!has_virtual_name(name), "{name} may be the network");
        }
        assert!(has_virtual_description("Hyper-V Virtual Ethernet Adapter"));
        assert!(has_virtual_description("vEthernet (WSL)"));
        assert!(!has_virtual_description(
            "Intel(R) Ethernet Connection I219-LM"
        ));
    }

    #[test]
    fn the_system_lists_a_loopback_interface() {
        let found = InterfaceSource::System.look();
        assert!(
            found
                .iter()
                .any(|found| found.kind == InterfaceKind::Loopback),
            "every system has one: {found:?}"
        );
    }
}
