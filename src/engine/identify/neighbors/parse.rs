//! How each system writes its table of neighbors. By the shape of the lines, never by their words: Windows writes them
//! in the language of its user.
//!
//! All of them are compiled and tested on every system.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Neighbor;
use crate::model::identity::Mac;

/// The flag of an entry whose MAC is known (`ATF_COM` of the kernel).
const COMPLETE: u32 = 2;

/// Linux, `/proc/thread-self/net/arp`: address, type, flags, MAC, mask, interface.
#[cfg_attr(
    not(any(target_os = "linux", test)),
    expect(dead_code, reason = "another system's")
)]
pub(super) fn proc_net_arp(text: &str) -> Vec<Neighbor> {
    let neighbors = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let ip: Ipv4Addr = words.next()?.parse().ok()?;
        let flags = words.nth(1)?.strip_prefix("0x")?;
        let is_complete = u32::from_str_radix(flags, 16).ok()? & COMPLETE != 0;
        let mac = words.next().filter(|_| is_complete)?;
        neighbor(ip.into(), mac, words.nth(1))
    });
    neighbors.collect()
}

/// Linux, `ip -6 neigh`: the address, then words in pairs such as `dev eth0` and `lladdr 00:e0:86:12:34:56`, then flags
/// and the state. These words are keywords and not translated.
#[cfg_attr(
    not(any(target_os = "linux", test)),
    expect(dead_code, reason = "another system's")
)]
pub(super) fn ip_neigh(text: &str) -> Vec<Neighbor> {
    let neighbors = text.lines().filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let after = |word: &str| {
            let at = words.iter().position(|other| *other == word)?;
            words.get(at + 1).copied()
        };
        if words.contains(&"FAILED") || words.contains(&"INCOMPLETE") {
            return None;
        }
        let ip: Ipv6Addr = words.first()?.parse().ok()?;
        neighbor(ip.into(), after("lladdr")?, after("dev"))
    });
    neighbors.collect()
}

/// Windows, `arp -a` and `netsh interface ipv6 show neighbors`: an address and a MAC with dashes. The lines above each
/// group of `netsh` end with the number and the name of the interface: `Interface 4: Ethernet`.
#[cfg_attr(
    not(any(windows, test)),
    expect(dead_code, reason = "another system's")
)]
pub(super) fn windows(text: &str) -> Vec<Neighbor> {
    let mut interface = None;
    let mut neighbors = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let Some(first) = words.next() else {
            continue;
        };
        let Some(ip) = address(first) else {
            // The lines with the titles of the columns have no colon.
            if line.contains(':') {
                interface = interface_name(line);
            }
            continue;
        };
        let mac = words.next().filter(|word| word.matches('-').count() == 5);
        neighbors.extend(mac.and_then(|mac| neighbor(ip, mac, interface)));
    }
    neighbors
}

/// What stands after the number and the colon.
fn interface_name(line: &str) -> Option<&str> {
    let (before, name) = line.split_once(": ")?;
    // In French a space of another code page stands before the colon.
    let number = before.trim_end_matches(char::REPLACEMENT_CHARACTER);
    let number = number.split_whitespace().last()?;
    let name = name.trim();
    // `arp -a` has an address there, and no name.
    (number.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty()).then_some(name)
}

/// macOS, `arp -an`: `? (192.0.2.1) at 0:e0:86:12:34:56 on en0 …`.
#[cfg_attr(
    not(any(target_os = "macos", test)),
    expect(dead_code, reason = "another system's")
)]
pub(super) fn bsd_arp(text: &str) -> Vec<Neighbor> {
    let neighbors = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let ip = words.next()?.strip_prefix('(')?.strip_suffix(')')?;
        let ip: Ipv4Addr = ip.parse().ok()?;
        let mac = words.nth(1)?;
        neighbor(ip.into(), mac, words.nth(1))
    });
    neighbors.collect()
}

/// macOS, `ndp -an`: address, MAC, interface, and more.
#[cfg_attr(
    not(any(target_os = "macos", test)),
    expect(dead_code, reason = "another system's")
)]
pub(super) fn bsd_ndp(text: &str) -> Vec<Neighbor> {
    let neighbors = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let ip = address(words.next()?)?;
        neighbor(ip, words.next()?, words.next())
    });
    neighbors.collect()
}

/// An address, with or without its zone: `fe80::1%en0`.
fn address(word: &str) -> Option<IpAddr> {
    let ip = word.split_once('%').map_or(word, |(ip, _zone)| ip);
    ip.parse().ok()
}

/// Only what may be a unit: no group of many, and no MAC that is not one.
fn neighbor(ip: IpAddr, mac: &str, interface: Option<&str>) -> Option<Neighbor> {
    let mac = Mac::parse(mac).filter(|mac| mac.is_key())?;
    let is_one = !ip.is_multicast() && !ip.is_unspecified();
    is_one.then(|| Neighbor {
        ip,
        mac,
        interface: interface.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(parse: fn(&str) -> Vec<Neighbor>, text: &str, expected: &[(&str, &str, &str)]) {
        let found: Vec<_> = parse(text)
            .into_iter()
            .map(|neighbor| {
                (
                    neighbor.ip.to_string(),
                    neighbor.mac.to_string(),
                    neighbor.interface.unwrap_or_default(),
                )
            })
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(ip, mac, interface)| {
                ((*ip).to_owned(), (*mac).to_owned(), (*interface).to_owned())
            })
            .collect();
        assert_eq!(found, expected);
        // With the line ends of Windows it says the same, and cut anywhere it is still read without a panic.
        assert_eq!(parse(&text.replace('\n', "\r\n")), parse(text));
        for (cut, _) in text.char_indices() {
            parse(&text[..cut]);
            parse(&text[cut..]);
        }
    }

    #[test]
    fn linux_arp() {
        check(
            proc_net_arp,
            "IP address       HW type     Flags       HW address            Mask     Device\n\
             192.0.2.1        0x1         0x2         00:e0:86:12:34:56     *        eth0\n\
             192.0.2.2        0x1         0x0         00:00:00:00:00:00     *        eth0\n\
             192.0.2.3        0x1         0x6         00:60:2e:00:00:01     *        br-lan\n\
             192.0.2.4        0x1         0x0         00:e0:86:99:99:99     *        eth0\n",
            &[
                ("192.0.2.1", "00:e0:86:12:34:56", "eth0"),
                ("192.0.2.3", "00:60:2e:00:00:01", "br-lan"),
            ],
        );
    }

    #[test]
    fn linux_nd() {
        check(
            ip_neigh,
            "fe80::2e0:86ff:fe12:3456 dev eth0 lladdr 00:e0:86:12:34:56 router REACHABLE\n\
             2001:db8::9 dev wlan0  FAILED\n\
             2001:db8::7 dev wlan0 INCOMPLETE\n\
             fe80::5 dev eth0 lladdr 00:e0:86:00:00:05 used 0/0/0 probes 6 FAILED\n\
             fd00::1 dev eth1 lladdr 00:60:2e:00:00:01 STALE\n",
            &[
                ("fe80::2e0:86ff:fe12:3456", "00:e0:86:12:34:56", "eth0"),
                ("fd00::1", "00:60:2e:00:00:01", "eth1"),
            ],
        );
    }

    #[test]
    fn windows_arp_in_english_and_german() {
        let expected = [
            ("192.0.2.1", "00:e0:86:12:34:56", ""),
            ("10.0.0.7", "00:60:2e:00:00:01", ""),
        ];
        check(
            windows,
            "\nInterface: 192.0.2.50 --- 0x4\n\
             \x20 Internet Address      Physical Address      Type\n\
             \x20 192.0.2.1             00-e0-86-12-34-56     dynamic   \n\
             \x20 192.0.2.255           ff-ff-ff-ff-ff-ff     static    \n\
             \x20 224.0.0.22            01-00-5e-00-00-16     static    \n\
             \nInterface: 10.0.0.2 --- 0xb\n\
             \x20 Internet Address      Physical Address      Type\n\
             \x20 10.0.0.7              00-60-2e-00-00-01     dynamic   \n",
            &expected,
        );
        check(
            windows,
            "\nSchnittstelle: 192.0.2.50 --- 0x4\n\
             \x20 Internetadresse       Physische Adresse     Typ\n\
             \x20 192.0.2.1             00-e0-86-12-34-56     dynamisch \n\
             \x20 192.0.2.255           ff-ff-ff-ff-ff-ff     statisch  \n\
             \nSchnittstelle: 10.0.0.2 --- 0xb\n\
             \x20 Internetadresse       Physische Adresse     Typ\n\
             \x20 10.0.0.7              00-60-2e-00-00-01     dynamisch \n",
            &expected,
        );
    }

    #[test]
    fn windows_nd_in_english_and_french() {
        let expected = [
            (
                "fe80::2e0:86ff:fe12:3456",
                "00:e0:86:12:34:56",
                "Ethernet 2",
            ),
            ("2001:db8::1", "00:60:2e:00:00:01", "Ethernet 2"),
        ];
        check(
            windows,
            "\nInterface 1: Loopback Pseudo-Interface 1\n\n\n\
             Internet Address                              Physical Address   Type\n\
             --------------------------------------------  -----------------  -----------\n\
             ff02::16                                                         Permanent\n\
             \nInterface 4: Ethernet 2\n\n\n\
             Internet Address                              Physical Address   Type\n\
             --------------------------------------------  -----------------  -----------\n\
             fe80::2e0:86ff:fe12:3456                      00-e0-86-12-34-56  Reachable (Router)\n\
             fe80::9                                       Unreachable        Unreachable\n\
             2001:db8::1                                   00-60-2e-00-00-01  Stale\n\
             ff02::1                                       33-33-00-00-00-01  Permanent\n",
            &expected,
        );
        check(
            windows,
            "\nInterface 3\u{a0}: Ethernet 1\n\nInterface 4\u{fffd}: Ethernet 2\n\n\n\
             Adresse Internet                              Adresse physique   Type\n\
             --------------------------------------------  -----------------  -----------\n\
             fe80::2e0:86ff:fe12:3456                      00-e0-86-12-34-56  Joignable (Routeur)\n\
             fe80::9                                       Inaccessible       Inaccessible\n\
             2001:db8::1                                   00-60-2e-00-00-01  P\u{fffd}rim\u{fffd}\n",
            &expected,
        );
    }

    #[test]
    fn macos_arp() {
        check(
            bsd_arp,
            "? (192.0.2.1) at 0:e0:86:12:34:56 on en0 ifscope [ethernet]\n\
             ? (192.0.2.2) at (incomplete) on en0 ifscope [ethernet]\n\
             ? (192.0.2.255) at ff:ff:ff:ff:ff:ff on en0 ifscope [ethernet]\n\
             ? (224.0.0.251) at 1:0:5e:0:0:fb on en0 ifscope permanent [ethernet]\n\
             ? (10.0.0.7) at 0:60:2e:0:0:1 on en7 [ethernet]\n",
            &[
                ("192.0.2.1", "00:e0:86:12:34:56", "en0"),
                ("10.0.0.7", "00:60:2e:00:00:01", "en7"),
            ],
        );
    }

    #[test]
    fn macos_nd() {
        check(
            bsd_ndp,
            "Neighbor                                Linklayer Address  Netif Expire    St Flgs Prbs\n\
             ::1                                     (incomplete)         lo0 permanent R      \n\
             fe80::1%lo0                             (incomplete)         lo0 permanent R      \n\
             fe80::2e0:86ff:fe12:3456%en0            0:e0:86:12:34:56     en0 23h59m58s S  R   \n\
             2001:db8::1                             0:60:2e:0:0:1        en0 expired   N      \n",
            &[
                ("fe80::2e0:86ff:fe12:3456", "00:e0:86:12:34:56", "en0"),
                ("2001:db8::1", "00:60:2e:00:00:01", "en0"),
            ],
        );
    }
}
