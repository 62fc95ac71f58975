//! What it means that a question could not be sent.

use std::io;

/// Whether the same send may work in a moment: buffers are full, or the system reports here what
/// became of an earlier datagram.
pub(in crate::engine) fn is_passing(error: &io::Error) -> bool {
    // ENOBUFS has no kind of its own: Linux, the BSDs and macOS, Windows.
    const NO_BUFFERS: [i32; 3] = [105, 55, 10_055];
    let is_no_buffers = error
        .raw_os_error()
        .is_some_and(|code| NO_BUFFERS.contains(&code) && code == NO_BUFFERS[this_system()]);
    is_no_buffers
        || matches!(
            error.kind(),
            io::ErrorKind::WouldBlock
                | io::ErrorKind::Interrupted
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionRefused
        )
}

/// Whether the system says that ARP found nobody: the answer to the question, not a failure.
pub(super) fn is_nobody_there(error: &io::Error) -> bool {
    // EHOSTDOWN has no kind of its own either.
    const HOST_DOWN: [i32; 3] = [112, 64, 10_064];
    error.raw_os_error() == Some(HOST_DOWN[this_system()])
}

/// The place of this system in tables of error numbers.
const fn this_system() -> usize {
    if cfg!(windows) {
        2
    } else if cfg!(target_os = "linux") {
        0
    } else {
        1
    }
}

/// What a person is told.
pub(super) fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NetworkUnreachable => "no network leads there".to_owned(),
        io::ErrorKind::HostUnreachable if cfg!(target_os = "macos") => {
            "no way leads there, or macOS denies Rollcall the local network \
             (System Settings › Privacy & Security › Local Network)"
                .to_owned()
        }
        io::ErrorKind::HostUnreachable => "no way leads there".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "the system does not let Rollcall send there (a firewall rule may be the reason)"
                .to_owned()
        }
        _ => format!("the system says {:?}", error.to_string()),
    }
}
