//! What the doctor says of firewalls and permissions.

use std::path::Path;

use super::{Cause, DoctorInput, Findings, Firewall, Os, listened};
use crate::engine::firewall::line_for_administrator;
use crate::model::snapshot::{Check, FirewallState, Remedy, RuleState, Verdict};

/// The asking socket's port differs from start to start, so its answers are let in by the port that they come from.
const UFW: &str = "sudo ufw allow proto udp to any port 3502,3211 && sudo ufw allow proto udp from any port 3502,3211 && sudo ufw allow 3502/tcp";

const FIREWALLD: &str = "sudo firewall-cmd --add-port=3502/udp --add-port=3211/udp --add-port=3502/tcp \
                         --add-source-port=3502/udp --add-source-port=3211/udp";

/// The firewall of this computer, for the window.
pub(super) fn state(input: &DoctorInput<'_>) -> FirewallState {
    match (input.system.rule, input.system.firewall) {
        (Some(rule), _) => FirewallState::Rule(rule),
        (None, Some(Firewall::Ufw)) => FirewallState::On {
            name: "ufw",
            command: UFW,
        },
        (None, Some(Firewall::Firewalld)) => FirewallState::On {
            name: "firewalld",
            command: FIREWALLD,
        },
        (None, None) => FirewallState::NotSeen,
    }
}

/// Firewalls and permissions, of which only macOS and Windows keep quiet.
pub(super) fn permissions(input: &DoctorInput<'_>, findings: &mut Findings) {
    if !findings.is_silent || listened(input).next().is_none() {
        return;
    }
    match input.system.os {
        Os::Windows => windows(input, findings),
        Os::MacOs => findings.add(
            Cause::MacPermission,
            Verdict::Warning,
            None,
            "Nothing at all is heard although networks are listened on: macOS may deny Rollcall the \
             local network"
                .to_owned(),
            Some(
                "Switch Rollcall on in System Settings › Privacy & Security › Local Network, then \
                 start it again"
                    .to_owned(),
            ),
        ),
        Os::Linux => linux(input.system.firewall, findings),
        Os::Other => findings.add(
            Cause::Firewall,
            Verdict::Note,
            None,
            "A firewall on this computer may keep answers back".to_owned(),
            Some("Let UDP 3502 and 3211 in".to_owned()),
        ),
    }
}

fn windows(input: &DoctorInput<'_>, findings: &mut Findings) {
    if input.system.rule == Some(RuleState::Present) {
        findings.push(
            Cause::Firewall,
            Check {
                verdict: Verdict::Note,
                interface: None,
                what: "The firewall rule is there, but a company's policy may keep it from holding"
                    .to_owned(),
                hint: Some(
                    "Ask whoever manages this computer whether local firewall rules are let in"
                        .to_owned(),
                ),
                remedies: Vec::new(),
            },
        );
        return;
    }
    let line = line_for_administrator(input.system.program.as_deref());
    let mut remedies = vec![Remedy::Copy(line.clone())];
    if input.system.rule.is_some() {
        remedies.insert(0, Remedy::AllowFirewall);
    }
    findings.push(
        Cause::WindowsFirewall,
        Check {
            verdict: Verdict::Warning,
            interface: None,
            what: "Nothing at all is heard although networks are listened on: Windows Defender \
                   Firewall is the first suspect"
                .to_owned(),
            hint: Some(format!(
                "Allow Rollcall through the firewall. As an administrator, in a command prompt: \
                 {line}"
            )),
            remedies,
        },
    );
}

/// How the rules of Windows stand, for the list of what belongs to the installation.
pub(super) fn rule_check(rule: RuleState, program: Option<&Path>) -> Check {
    let line = line_for_administrator(program);
    let (verdict, what) = match rule {
        RuleState::Present => (
            Verdict::Good,
            "The firewall rule is there: Windows lets units reach Rollcall",
        ),
        RuleState::Blocked => (
            Verdict::Warning,
            "The firewall rule is there, but another one blocks this program and wins: a question of Windows that was \
             answered with no leaves such a rule",
        ),
        RuleState::OtherProgram => (
            Verdict::Warning,
            "The firewall rule names another file than this program, so announcements are dropped",
        ),
        RuleState::Missing => (
            Verdict::Warning,
            "There is no firewall rule: Windows lets answers in for three seconds after a search and drops announcements",
        ),
        RuleState::NotKnown => (
            Verdict::Note,
            "Windows does not tell whether there is a firewall rule for Rollcall",
        ),
    };
    let is_well = rule == RuleState::Present;
    Check {
        verdict,
        interface: None,
        what: what.to_owned(),
        hint: (!is_well).then(|| {
            format!("Allow Rollcall through the firewall. As an administrator, in a command prompt: {line}")
        }),
        remedies: if is_well {
            Vec::new()
        } else {
            vec![Remedy::AllowFirewall, Remedy::Copy(line)]
        },
    }
}

fn linux(firewall: Option<Firewall>, findings: &mut Findings) {
    let (verdict, what, hint, command) = match firewall {
        Some(Firewall::Ufw) => (
            Verdict::Warning,
            "The firewall ufw is on and may keep announcements and answers back",
            format!("Let them in with: {UFW}"),
            Some(UFW),
        ),
        Some(Firewall::Firewalld) => (
            Verdict::Warning,
            "The firewall firewalld is on and may keep announcements and answers back",
            format!("Let them in until the next start with: {FIREWALLD}"),
            Some(FIREWALLD),
        ),
        None => (
            Verdict::Note,
            "A firewall on this computer may keep announcements and answers back",
            format!("With ufw: {UFW}. With firewalld: {FIREWALLD}"),
            None,
        ),
    };
    let check = Check {
        verdict,
        interface: None,
        what: what.to_owned(),
        hint: Some(hint),
        remedies: command
            .map(|command| Remedy::Copy(command.to_owned()))
            .into_iter()
            .collect(),
    };
    findings.push(Cause::Firewall, check);
}
