//! What the doctor asks the system itself: settings of the kernel and of the firewall, read only.
//! On systems other than Linux there is nothing to read.

use std::path::PathBuf;

use crate::model::snapshot::RuleState;

/// The operating system, as far as advice differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Os {
    /// Linux.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
    /// Another one.
    #[default]
    Other,
}

impl Os {
    /// The one that this program runs on.
    pub const fn current() -> Self {
        if cfg!(target_os = "linux") {
            Self::Linux
        } else if cfg!(target_os = "macos") {
            Self::MacOs
        } else if cfg!(windows) {
            Self::Windows
        } else {
            Self::Other
        }
    }

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linux => "Linux",
            Self::MacOs => "macOS",
            Self::Windows => "Windows",
            Self::Other => std::env::consts::OS,
        }
    }
}

/// Linux's reverse-path filter of one interface: the larger of its own value and that of `all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RpFilter {
    /// 0: everything is let in.
    Off,
    /// 1: only senders that would be answered through the same interface.
    Strict,
    /// 2: only senders that some route leads to.
    Loose,
}

/// A firewall program of Linux that is known to be switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firewall {
    /// Ubuntu's and Debian's.
    Ufw,
    /// Fedora's.
    Firewalld,
}

/// What the system says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemChecks {
    /// Linux only: the filter of each interface, by its system name.
    pub rp_filter: Vec<(String, RpFilter)>,
    /// Whether there is a default route; `None` when that is not known.
    pub default_route: Option<bool>,
    /// The firewall that is switched on, when that can be seen.
    pub firewall: Option<Firewall>,
    /// The operating system.
    pub os: Os,
    /// This program's file, for a firewall rule.
    pub program: Option<PathBuf>,
    /// Why Rollcall cannot accept connections on TCP 3502. Filled in by the caller.
    pub own_tcp_error: Option<String>,
    /// Windows: how this program's firewall rules stand, when that was looked at. Filled in by the caller.
    pub rule: Option<RuleState>,
}

/// Looks at the system's settings for these interfaces. Reads a few small files.
pub fn look(interfaces: &[String]) -> SystemChecks {
    SystemChecks {
        rp_filter: interfaces
            .iter()
            .filter_map(|name| Some((name.clone(), rp_filter(name)?)))
            .collect(),
        default_route: default_route(),
        firewall: firewall(),
        os: Os::current(),
        program: std::env::current_exe().ok(),
        own_tcp_error: None,
        rule: None,
    }
}

#[cfg(target_os = "linux")]
fn rp_filter(interface: &str) -> Option<RpFilter> {
    // Names come from the system, but a path is made of them.
    if interface.is_empty() || interface.starts_with('.') || interface.contains('/') {
        return None;
    }
    let value = |name: &str| {
        let path = format!("/proc/sys/net/ipv4/conf/{name}/rp_filter");
        std::fs::read_to_string(path)
            .ok()?
            .trim()
            .parse::<u8>()
            .ok()
    };
    Some(larger_rp_filter(value("all")?, value(interface)?))
}

#[cfg(target_os = "linux")]
fn default_route() -> Option<bool> {
    let table = std::fs::read_to_string("/proc/net/route").ok()?;
    Some(has_default_route(&table))
}

#[cfg(target_os = "linux")]
fn firewall() -> Option<Firewall> {
    let ufw_is_on = std::fs::read_to_string("/etc/ufw/ufw.conf").is_ok_and(|text| {
        text.lines()
            .any(|line| line.trim().eq_ignore_ascii_case("ENABLED=yes"))
    });
    if ufw_is_on {
        return Some(Firewall::Ufw);
    }
    std::path::Path::new("/run/firewalld")
        .exists()
        .then_some(Firewall::Firewalld)
}

#[cfg(not(target_os = "linux"))]
fn rp_filter(_interface: &str) -> Option<RpFilter> {
    None
}

#[cfg(not(target_os = "linux"))]
fn default_route() -> Option<bool> {
    None
}

#[cfg(not(target_os = "linux"))]
fn firewall() -> Option<Firewall> {
    None
}

/// What the kernel goes by (trap T24).
#[cfg_attr(
    not(any(target_os = "linux", test)),
    expect(dead_code, reason = "Linux only")
)]
fn larger_rp_filter(all: u8, own: u8) -> RpFilter {
    match all.max(own) {
        0 => RpFilter::Off,
        1 => RpFilter::Strict,
        _ => RpFilter::Loose,
    }
}

/// Whether the kernel's table of IPv4 routes has one that leads everywhere.
#[cfg_attr(
    not(any(target_os = "linux", test)),
    expect(dead_code, reason = "Linux only")
)]
fn has_default_route(table: &str) -> bool {
    const UP: u16 = 0x1;
    const REJECT: u16 = 0x200;
    table.lines().skip(1).any(|line| {
        let columns: Vec<_> = line.split_ascii_whitespace().collect();
        let is_usable = columns
            .get(3)
            .and_then(|flags| u16::from_str_radix(flags, 16).ok())
            .is_some_and(|flags| flags & UP != 0 && flags & REJECT == 0);
        is_usable && columns.get(1) == Some(&"00000000") && columns.get(7) == Some(&"00000000")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_value_of_the_filter_counts() {
        assert_eq!(larger_rp_filter(0, 0), RpFilter::Off);
        assert_eq!(larger_rp_filter(1, 0), RpFilter::Strict);
        assert_eq!(larger_rp_filter(0, 1), RpFilter::Strict);
        assert_eq!(larger_rp_filter(1, 2), RpFilter::Loose);
        assert_eq!(larger_rp_filter(2, 1), RpFilter::Loose);
    }

    #[test]
    fn a_default_route_is_found_and_a_rejecting_one_is_none() {
        let head =
            "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
        let local = "eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
        let default = "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n";
        let rejecting = "*\t00000000\t00000000\t0200\t0\t0\t0\t00000000\t0\t0\t0\n";
        assert!(!has_default_route(&format!("{head}{local}")));
        assert!(has_default_route(&format!("{head}{local}{default}")));
        assert!(!has_default_route(&format!("{head}{rejecting}")));
        assert!(!has_default_route("damaged"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_cannot_lead_out_of_the_settings() {
        assert_eq!(rp_filter("../all"), None);
        assert_eq!(rp_filter(""), None);
        assert_eq!(rp_filter("no-such-interface"), None);
    }

    #[test]
    fn looking_works_on_every_system() {
        let checks = look(&["lo".to_owned()]);
        assert_eq!(checks.os, Os::current());
        assert_eq!(checks.default_route.is_some(), cfg!(target_os = "linux"));
    }
}
