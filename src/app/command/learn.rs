//! What can be done about datagrams that nobody has explained: teach a decoder, study a unit.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::CommandState;

/// An action that learns from bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LearnCommand {
    /// Begin a decoder with the chosen datagram.
    Teach,
    /// Save the decoder.
    SaveDecoder,
    /// Copy the decoder as it would be in its file.
    CopyDecoder,
    /// Give the decoder up.
    CloseDecoder,
    /// Read the decoders' files again.
    ReloadDecoders,
    /// Show the folder of the decoders' files.
    OpenDecoderFolder,
    /// Gather what the datagrams of the selected unit say.
    Study,
    /// Write the study.
    SaveStudy,
    /// Go back from the study.
    CloseStudy,
}

impl LearnCommand {
    /// Words, tooltip, picture.
    pub(super) const fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Teach => (
                "Teach Rollcall to read this…",
                "Say what the bytes of the chosen datagram mean, for all that are like it",
                "✎",
            ),
            Self::SaveDecoder => (
                "Save decoder",
                "Write it into the folder of decoders and use it from now on",
                "↓",
            ),
            Self::CopyDecoder => (
                "Copy decoder as TOML",
                "Copy it as it would be in its file",
                "□",
            ),
            Self::CloseDecoder => ("Discard decoder", "Go back to the list without saving", "✕"),
            Self::ReloadDecoders => (
                "Read decoders again",
                "Read the files of taught decoders again",
                "↻",
            ),
            Self::OpenDecoderFolder => (
                "Open decoder folder",
                "Show where the files of taught decoders are",
                "▷",
            ),
            Self::Study => (
                "Study this unit…",
                "What the datagrams of the selected unit say about the open questions of the protocol",
                "◎",
            ),
            Self::SaveStudy => (
                "Save study…",
                "Write the study as a zip file that can be sent to the project",
                "↓",
            ),
            Self::CloseStudy => ("Close study", "Go back to the units", "✕"),
        }
    }

    /// The keys.
    pub(super) const fn shortcut(self) -> Option<KeyboardShortcut> {
        match self {
            Self::SaveDecoder => Some(KeyboardShortcut::new(Modifiers::COMMAND, Key::S)),
            Self::Teach => Some(KeyboardShortcut::new(Modifiers::COMMAND, Key::T)),
            _ => None,
        }
    }

    /// Why the command is not possible just now; `None` when it is.
    pub(super) fn why_not(self, state: &CommandState<'_>) -> Option<&'static str> {
        let unless = |possible: bool, why: &'static str| (!possible).then_some(why);
        match self {
            Self::Teach => unless(
                state.has_stray,
                "Choose a datagram in Diagnostics first that is not AIDP",
            ),
            Self::SaveDecoder => match state.teach {
                None => Some("No decoder is being taught"),
                Some(teach) => unless(
                    teach.problems.is_empty(),
                    "Something is not right yet: the page says what",
                ),
            },
            Self::CopyDecoder | Self::CloseDecoder => {
                unless(state.teach.is_some(), "No decoder is being taught")
            }
            Self::ReloadDecoders => None,
            Self::OpenDecoderFolder => unless(
                state.snapshot.watching.decoders.folder.is_some(),
                "There is no folder for decoders",
            ),
            Self::Study => unless(state.num_selected == 1, "Select one unit first"),
            Self::SaveStudy | Self::CloseStudy => {
                unless(state.has_study, "No unit was studied yet")
            }
        }
    }
}
