//! What can be done with a capture that is replayed.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::CommandState;

/// The speeds that can be chosen: seconds of the capture in one second.
pub(in crate::app) const SPEEDS: [u32; 5] = [1, 10, 60, 600, 3_600];

/// An action on a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReplayCommand {
    /// Open a capture file.
    Open,
    /// Let it move on by itself, or stand still.
    PlayOrPause,
    /// Let it move on this fast: one of five speeds.
    Speed(u32),
    /// Type the time to go to.
    GoTo,
    /// A step back.
    Back,
    /// A step on.
    Forward,
    /// To its first datagram.
    ToStart,
    /// To its last datagram.
    ToEnd,
    /// Show how its units differ from those of the site.
    Compare,
    /// Copy these differences.
    CopyComparison,
    /// Go back to the site.
    Close,
}

impl ReplayCommand {
    /// Words, tooltip, picture.
    pub(super) const fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Open => (
                "Open capture…",
                "Replay a pcap or pcapng file as a read-only site",
                "▷",
            ),
            Self::PlayOrPause => (
                "Play or pause the replay",
                "Let the replay move on by itself, or hold it",
                "▷",
            ),
            Self::Speed(speed) => speed_words(speed),
            Self::GoTo => (
                "Go to a time of the replay",
                "Type a time: who was heard until then?",
                "▷",
            ),
            Self::Back => ("Replay: a step back", "A 200th of the capture back", "←"),
            Self::Forward => ("Replay: a step on", "A 200th of the capture on", "→"),
            Self::ToStart => ("Replay: to the start", "To its first datagram", "←"),
            Self::ToEnd => ("Replay: to the end", "To its last datagram", "→"),
            Self::Compare => (
                "Compare with the site…",
                "How the units of the replay differ from those of the site that was open before",
                "⇄",
            ),
            Self::CopyComparison => (
                "Copy comparison",
                "Copy how the replay differs from the site as text",
                "□",
            ),
            Self::Close => ("Close replay", "Go back to the site that was open", "✕"),
        }
    }

    /// The keys.
    pub(super) const fn shortcut(self) -> Option<KeyboardShortcut> {
        let shift = Modifiers {
            shift: true,
            ..Modifiers::COMMAND
        };
        match self {
            Self::Open => Some(KeyboardShortcut::new(shift, Key::R)),
            Self::PlayOrPause => Some(KeyboardShortcut::new(shift, Key::P)),
            Self::GoTo => Some(KeyboardShortcut::new(Modifiers::COMMAND, Key::G)),
            _ => None,
        }
    }

    /// Why the command is not possible just now; `None` when it is.
    pub(super) fn why_not(self, state: &CommandState<'_>) -> Option<&'static str> {
        let unless = |possible: bool, why: &'static str| (!possible).then_some(why);
        if self == Self::Open {
            return None;
        }
        let Some(replay) = state.snapshot.watching.replay.as_deref() else {
            return Some("No capture is replayed");
        };
        match self {
            Self::Open | Self::Close => None,
            Self::Compare | Self::CopyComparison => unless(
                replay.compared.is_some(),
                "There is nothing to compare with yet",
            ),
            Self::PlayOrPause
            | Self::Speed(_)
            | Self::GoTo
            | Self::Back
            | Self::Forward
            | Self::ToStart
            | Self::ToEnd => {
                unless(replay.reading.is_none(), "The capture is being read").or(unless(
                    replay.span.is_some(),
                    "Nothing in it went over the watched ports",
                ))
            }
        }
    }
}

const fn speed_words(speed: u32) -> (&'static str, &'static str, &'static str) {
    match speed {
        0 | 1 => ("Play at 1×", "As fast as it was", "▷"),
        2..=10 => ("Play at 10×", "10 s of the capture in one second", "▷"),
        11..=60 => ("Play at 60×", "A minute of the capture in one second", "▷"),
        61..=600 => ("Play at 600×", "10 min of the capture in one second", "▷"),
        _ => ("Play at 3600×", "An hour of the capture in one second", "▷"),
    }
}
