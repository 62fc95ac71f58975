//! Where each system keeps its table. The programs are called by their full path: a search could begin in the folder of
//! this program, where downloads lie.

use super::{Neighbor, NeighborsError};

#[cfg(target_os = "linux")]
pub(super) fn ipv4() -> Result<Vec<Neighbor>, NeighborsError> {
    use std::io::Read;

    /// More than the largest table that a kernel has by default, many times over.
    const READ_BYTES: u64 = 16 * 1024 * 1024;
    let path = "/proc/thread-self/net/arp";
    let mut table = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(READ_BYTES).read_to_end(&mut table))
        .map_err(|source| NeighborsError::File { path, source })?;
    Ok(super::parse::proc_net_arp(&String::from_utf8_lossy(&table)))
}

#[cfg(target_os = "linux")]
pub(super) fn ipv6() -> Result<Vec<Neighbor>, NeighborsError> {
    let folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];
    let text = super::command::run_first(&folders, "ip", &["-6", "neigh", "show"])?;
    Ok(super::parse::ip_neigh(&text))
}

#[cfg(windows)]
pub(super) fn ipv4() -> Result<Vec<Neighbor>, NeighborsError> {
    let text = super::command::run(&system32("arp.exe"), &["-a"])?;
    Ok(super::parse::windows(&text))
}

#[cfg(windows)]
pub(super) fn ipv6() -> Result<Vec<Neighbor>, NeighborsError> {
    let args = ["interface", "ipv6", "show", "neighbors"];
    let text = super::command::run(&system32("netsh.exe"), &args)?;
    Ok(super::parse::windows(&text))
}

#[cfg(windows)]
fn system32(program: &str) -> std::path::PathBuf {
    let root = std::env::var_os("SystemRoot")
        .map(std::path::PathBuf::from)
        .filter(|root| root.is_absolute())
        .unwrap_or_else(|| std::path::PathBuf::from(r"C:\Windows"));
    root.join("System32").join(program)
}

#[cfg(target_os = "macos")]
pub(super) fn ipv4() -> Result<Vec<Neighbor>, NeighborsError> {
    let text = super::command::run_first(&["/usr/sbin"], "arp", &["-an"])?;
    Ok(super::parse::bsd_arp(&text))
}

#[cfg(target_os = "macos")]
pub(super) fn ipv6() -> Result<Vec<Neighbor>, NeighborsError> {
    let text = super::command::run_first(&["/usr/sbin"], "ndp", &["-an"])?;
    Ok(super::parse::bsd_ndp(&text))
}

#[cfg(not(any(target_os = "linux", windows, target_os = "macos")))]
pub(super) fn ipv4() -> Result<Vec<Neighbor>, NeighborsError> {
    Err(NeighborsError::Unsupported)
}

#[cfg(not(any(target_os = "linux", windows, target_os = "macos")))]
pub(super) fn ipv6() -> Result<Vec<Neighbor>, NeighborsError> {
    Err(NeighborsError::Unsupported)
}
