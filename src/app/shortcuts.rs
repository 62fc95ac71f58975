//! Which command the keys of this frame mean: the longest chord first, and not while a text is typed.

use egui::{Context, Event, Key, KeyboardShortcut};

use super::command::UiCommand;

/// The command whose keys were pressed, taken out of the input so that nothing else sees them.
/// `enter_is_free` says that no button or menu waits for Enter.
pub(super) fn pressed(ctx: &Context, enter_is_free: bool) -> Option<UiCommand> {
    let typing = ctx.text_edit_focused();
    // What egui makes of Ctrl+C before it looks like keys (eframe translates it).
    if !typing && ctx.input_mut(take_copy) {
        return Some(UiCommand::CopyRows);
    }
    let os = ctx.os();
    let mut shortcuts: Vec<(KeyboardShortcut, UiCommand)> = UiCommand::ALL
        .into_iter()
        .chain([UiCommand::Quit])
        .flat_map(|command| {
            command
                .shortcut(os)
                .into_iter()
                .chain(command.other_shortcuts(os))
                .map(move |shortcut| (shortcut, command))
        })
        // While a text is typed, only keys that no text field knows.
        .filter(|(shortcut, _)| !typing || is_left_by_text(shortcut.logical_key))
        .filter(|(shortcut, _)| enter_is_free || shortcut.logical_key != Key::Enter)
        .collect();
    // Cmd+S would match Cmd+Shift+S when it is asked first (trap T18).
    shortcuts.sort_by_key(|(shortcut, _)| std::cmp::Reverse(num_modifiers(*shortcut)));
    ctx.input_mut(|input| {
        shortcuts
            .into_iter()
            .find(|(shortcut, _)| input.consume_shortcut(shortcut))
            .map(|(_, command)| command)
    })
}

fn take_copy(input: &mut egui::InputState) -> bool {
    let before = input.events.len();
    input.events.retain(|event| !matches!(event, Event::Copy));
    input.events.len() != before
}

fn num_modifiers(shortcut: KeyboardShortcut) -> u8 {
    let modifiers = shortcut.modifiers;
    u8::from(modifiers.alt)
        + u8::from(modifiers.shift)
        + u8::from(modifiers.ctrl || modifiers.command || modifiers.mac_cmd)
}

/// What text fields leave alone: they save nothing.
const fn is_left_by_text(key: Key) -> bool {
    matches!(key, Key::F2 | Key::F5 | Key::F6 | Key::S)
}
