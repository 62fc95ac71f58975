//! The words of every command: on its button, in its tooltip, and the small picture of the palette.

use super::UiCommand;

impl UiCommand {
    /// Words, tooltip, picture.
    pub(super) const fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::SearchNow => (
                "Search now",
                "Ask every chosen network who is there, three times",
                "◎",
            ),
            Self::StopSearch => (
                "Stop searching",
                "Ask nothing more, live search included",
                "□",
            ),
            Self::ToggleLiveSearch => (
                "Live search on or off",
                "Ask every chosen network every 15 s",
                "↻",
            ),
            Self::Sweep => (
                "Sweep a range…",
                "Ask address by address, also behind routers",
                "⇉",
            ),
            Self::StopSweep => ("Stop the sweep", "Ask no more addresses", "□"),
            Self::AskTcp => (
                "Ask over TCP 3502",
                "Ask the selected units over TCP, where UDP is blocked",
                "⇄",
            ),
            Self::Identify => (
                "Identify",
                "Ask the selected units by SNMP, TLS, web, SSH, Telnet and ports what they are",
                "◈",
            ),
            Self::IdentifyUnidentified => (
                "Identify all unidentified",
                "Ask every unit of which no product is known what it is",
                "◈",
            ),
            Self::IdentifyAll => (
                "Identify all units",
                "Ask every unit what it is, also where it is known already",
                "◈",
            ),
            Self::StopIdentify => (
                "Stop identifying",
                "Ask no more; what was learned stays",
                "□",
            ),
            Self::Import => (
                "Import…",
                "Read units from a CSV or JSON file into this site",
                "↓",
            ),
            Self::Export => ("Export…", "Write the inventory as CSV or JSON", "↑"),
            Self::ExportSelected => (
                "Export selected…",
                "Write only the selected units as CSV or JSON",
                "↑",
            ),
            Self::ExportTargets => (
                "Export targets…",
                "Write the serial ports of the selected units, else of those shown, as CSV",
                "↑",
            ),
            Self::CancelJob => (
                "Cancel import or export",
                "Stop; a file that is being replaced stays as it was",
                "□",
            ),
            Self::NewSite => ("New site…", "Begin an empty site file", "+"),
            Self::OpenSite => ("Open site…", "Open another site file", "▷"),
            Self::SaveSiteAs => (
                "Save site as…",
                "Save this site under another name and go on there",
                "↓",
            ),
            Self::StartDemo => (
                "Try the demo fleet",
                "24 simulated units in a throw-away site, on ports of their own",
                "◇",
            ),
            Self::EndDemo => ("End demo", "Go back to the site that was open", "□"),
            Self::Undo => ("Undo", "Take the last edit back", "←"),
            Self::Redo => ("Redo", "Do again what was taken back", "→"),
            Self::Rename => ("Rename…", "Give the selected unit a name", "✎"),
            Self::EditNote => ("Note…", "Note something on the selected unit", "✎"),
            Self::Forget => (
                "Forget…",
                "Take the selected units out of the site; undo brings them back",
                "✕",
            ),
            Self::AddUnit => (
                "Add unit by hand…",
                "Add a unit that you know of but that was not heard",
                "+",
            ),
            Self::SelectAll => ("Select all", "Select every unit that is shown", "☰"),
            Self::CopyRows => (
                "Copy rows",
                "Copy the selected rows as text, for a spreadsheet",
                "□",
            ),
            Self::CopyMac => ("Copy MAC", "Copy the MAC of the selected unit", "□"),
            Self::OpenWebPage => ("Open web page", "Open https:// at the unit's address", "▷"),
            Self::CopySsh => (
                "Copy SSH command",
                "Copy an ssh command for the unit's address",
                "□",
            ),
            Self::FocusFilter => ("Filter", "Go to the filter box", "▽"),
            Self::ClearFilter => ("Clear filter", "Show every unit again", "✕"),
            Self::Columns => ("Columns…", "Choose the columns of the grid", "☰"),
            Self::ResetColumns => (
                "Reset columns",
                "Columns, widths and order as they were at first",
                "↻",
            ),
            Self::TogglePanel => (
                "Show or hide the unit panel",
                "The panel with facts, answers and targets; over the grid where there is no room beside it",
                "◫",
            ),
            Self::ShowDiscover => ("Go to Discover", "The units of this site", "▷"),
            Self::ShowDiagnostics => (
                "Go to Diagnostics",
                "Datagrams that were not understood, and what was checked",
                "▷",
            ),
            Self::ShowActivity => ("Go to Activity", "What was done and what happened", "▷"),
            Self::ShowSettings => ("Settings", "Theme, zoom, networks, places", "⚙"),
            Self::Palette => ("Commands…", "Find and run any command", "☰"),
            Self::RunDoctor => (
                "Check the networks again",
                "Look at interfaces, ports and firewall again now",
                "✓",
            ),
            Self::CheckInstallation => (
                "Check the installation…",
                "Folders, version, firewall and networks: what is well and what is not",
                "✓",
            ),
            Self::AllowFirewall => (
                "Allow through the firewall…",
                "Replace every inbound rule of this program, also one that blocks, by the two it needs; Windows asks for an administrator",
                "◫",
            ),
            Self::RemoveFirewallRule => (
                "Remove the firewall rule…",
                "Take this program's rule out; Windows asks for an administrator",
                "✕",
            ),
            Self::SetV3User => (
                "SNMP v3 user…",
                "The user that SNMP v3 is asked with in this site; kept in the keyring of this computer",
                "◐",
            ),
            Self::RemoveV3User => (
                "Remove the SNMP v3 user",
                "Take this site's user out of the keyring; SNMP v3 is asked no more",
                "✕",
            ),
            Self::ReloadCatalog => (
                "Reload catalog",
                "Read your own files of products again",
                "↻",
            ),
            Self::OpenCatalogFolder => (
                "Open catalog folder",
                "Show where your own files of products are looked for",
                "▷",
            ),
            Self::ZoomIn => ("Zoom in", "Everything larger", "+"),
            Self::ZoomOut => ("Zoom out", "Everything smaller", "−"),
            Self::ZoomReset => ("Zoom to 100 %", "Everything at its normal size", "○"),
            Self::ThemeSystem => ("Theme as the system", "Follow the system's theme", "◐"),
            Self::ThemeLight => ("Light theme", "Dark words on light ground", "○"),
            Self::ThemeDark => ("Dark theme", "Light words on dark ground", "●"),
            Self::OpenLogFolder => ("Open log folder", "Show the log files", "▷"),
            Self::ResetWindow => ("Reset window", "Size and place as at the first start", "↻"),
            Self::About => ("About Rollcall", "Version, places and licenses", "◉"),
            Self::Licenses => (
                "Third-party licenses",
                "The licenses of everything that is in this program",
                "☰",
            ),
            Self::Watch(command) => command.words(),
            Self::Replay(command) => command.words(),
            Self::Learn(command) => command.words(),
            Self::Quit => ("Quit", "Save and close the window", "✕"),
        }
    }
}
