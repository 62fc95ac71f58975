//! The rules as they are composed, looked for and changed, against a made-up Windows.

use std::sync::Mutex;

use super::*;
use crate::engine::command::Level;

const PROGRAM: &str = r"C:\Tools & Söhne\Rollcall (x64)\rollcall.exe";

/// The name of the rule that a dismissed prompt leaves: what the program's file calls itself.
const BLOCKING: &str = "Rollcall";

/// What the person or the system answers to the question for an administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Elevation {
    /// Yes: the elevated program does its work.
    Yes,
    /// No.
    No,
    /// It cannot be asked.
    Broken,
    /// The elevated program ends with this.
    Ends(i32),
}

/// A Windows with its rules: name and program of each, which allows unless its name says otherwise.
#[derive(Debug)]
struct Fake {
    program: PathBuf,
    rules: Mutex<Vec<(String, String)>>,
    elevation: Elevation,
    /// What changes something is refused, as a policy does.
    is_locked: bool,
    /// What the policy of a company adds by itself, whatever is deleted.
    is_blocking_always: bool,
    has_netsh: bool,
}

impl Fake {
    fn new(elevation: Elevation) -> Self {
        Self {
            program: PROGRAM.into(),
            rules: Mutex::default(),
            elevation,
            is_locked: false,
            is_blocking_always: false,
            has_netsh: true,
        }
    }

    fn with_rule(self, name: &str, program: &str) -> Self {
        self.rules().push((name.to_owned(), program.to_owned()));
        self
    }

    fn rules(&self) -> std::sync::MutexGuard<'_, Vec<(String, String)>> {
        self.rules.lock().expect("no test panics while it looks")
    }

    fn names(&self) -> Vec<String> {
        self.rules().iter().map(|(name, _)| name.clone()).collect()
    }
}

impl System for Fake {
    fn program(&self) -> io::Result<PathBuf> {
        Ok(self.program.clone())
    }

    fn netsh(&self, args: &[String]) -> io::Result<Answer> {
        if !self.has_netsh {
            return Err(io::ErrorKind::NotFound.into());
        }
        let value = |key: &str| {
            args.iter()
                .find_map(|arg| arg.strip_prefix(key)?.strip_prefix('='))
        };
        let name = value("name").expect("every call names a rule");
        let program = value("program");
        let mut rules = self.rules();
        let is_meant = |(rule, of): &(String, String)| {
            (name == "all" || rule == name) && program.is_none_or(|program| program == of)
        };
        let num_meant = rules.iter().filter(|rule| is_meant(rule)).count();
        let answer = |is_success, output: String| Answer {
            is_success,
            output: output.into_bytes(),
        };
        Ok(match args[2].as_str() {
            "show" if num_meant == 0 => answer(false, "No rules match.".to_owned()),
            "show" => {
                let shown = rules.iter().filter(|rule| is_meant(rule));
                let listed = |(name, program): &(String, String)| {
                    let action = if name == BLOCKING {
                        "Blocken"
                    } else {
                        "Zulassen"
                    };
                    format!(
                        "\r\nRegelname: {name}\r\n{}\r\nAktiviert: Ja\r\nProgramm: {program}\r\nAktion: {action}\r\n",
                        "-".repeat(70)
                    )
                };
                let lines: String = shown.map(listed).collect();
                answer(true, lines + "OK.\r\n\r\n")
            }
            _ if self.is_locked => answer(false, "Zugriff verweigert".to_owned()),
            "delete" => {
                rules.retain(|rule| {
                    !is_meant(rule) || (self.is_blocking_always && rule.0 == BLOCKING)
                });
                answer(num_meant > 0, String::new())
            }
            "add" => {
                let program = program.expect("a rule names a program").to_owned();
                rules.push((name.to_owned(), program));
                answer(true, "OK.".to_owned())
            }
            verb => panic!("{verb} is not asked of netsh"),
        })
    }

    fn start_elevated(&self, change: RuleChange) -> io::Result<Option<i32>> {
        match self.elevation {
            Elevation::Yes => Ok(Some(
                carry_out(self, change).map_or_else(|error| error.exit_code().into(), |()| 0),
            )),
            Elevation::No => Ok(None),
            Elevation::Broken => Err(io::Error::other("no such verb")),
            Elevation::Ends(code) => Ok(Some(code)),
        }
    }
}

#[test]
fn the_rules_are_composed_as_netsh_wants_them() {
    let words = add(&RULES[0], PROGRAM);
    assert_eq!(
        words,
        [
            "advfirewall",
            "firewall",
            "add",
            "rule",
            "name=Rollcall (UDP 3502, 3211)",
            "dir=in",
            "action=allow",
            r"program=C:\Tools & Söhne\Rollcall (x64)\rollcall.exe",
            "protocol=UDP",
            "localport=3502,3211",
            "profile=any",
            "enable=yes",
        ],
        "each is one argument, quoted by whoever starts the program"
    );
}

#[test]
fn what_is_typed_is_quoted_wherever_a_prompt_could_read_it_otherwise() {
    let line = line_for_administrator(Some(Path::new(PROGRAM)));
    let lines: Vec<&str> = line
        .split(" && ")
        .flat_map(|part| part.split(" & netsh"))
        .collect();
    assert_eq!(
        lines,
        [
            r#"netsh advfirewall firewall delete rule name=all dir=in program="C:\Tools & Söhne\Rollcall (x64)\rollcall.exe""#,
            r#" advfirewall firewall add rule name="Rollcall (UDP 3502, 3211)" dir=in action=allow program="C:\Tools & Söhne\Rollcall (x64)\rollcall.exe" protocol=UDP localport="3502,3211" profile=any enable=yes"#,
            r#"netsh advfirewall firewall add rule name="Rollcall (TCP 3502)" dir=in action=allow program="C:\Tools & Söhne\Rollcall (x64)\rollcall.exe" protocol=TCP localport=3502 profile=any enable=yes"#,
        ]
    );
    assert_eq!(
        line.matches('"').count() % 2,
        0,
        "every quote that is opened is closed"
    );
    let unknown = line_for_administrator(None);
    assert!(
        unknown.contains(r#"program="C:\…\rollcall.exe""#),
        "{unknown}"
    );
    assert!(
        !unknown.contains("delete"),
        "nothing is deleted of a program that is not known: {unknown}"
    );
}

#[test]
fn a_path_that_a_rule_cannot_name_is_refused() {
    for good in [
        r"C:\r.exe",
        r"d:\a b\100 %\$x`'^!\rollcall.exe",
        r"\\server\share\rollcall.exe",
    ] {
        assert_eq!(path_of(Path::new(good)).expect("it can be named"), good);
    }
    let verbatim = path_of(Path::new(r"\\?\C:\Tools\rollcall.exe"));
    assert_eq!(
        verbatim.expect("the prefix is taken off"),
        r"C:\Tools\rollcall.exe"
    );
    for bad in [
        "",
        "rollcall.exe",
        r"C:\",
        r"\\",
        r"\Tools\rollcall.exe",
        "C:\\a\" dir=out action=block name=\"b\\rollcall.exe",
        "C:\\a\nb\\rollcall.exe",
        "/usr/bin/rollcall",
    ] {
        assert!(path_of(Path::new(bad)).is_err(), "{bad:?}");
    }
}

#[test]
fn a_wrong_path_deletes_nothing() {
    let mut fake = Fake::new(Elevation::Yes).with_rule("Remote Desktop", "svchost.exe");
    fake.program = PathBuf::new();
    assert!(carry_out(&fake, RuleChange::Add).is_err());
    assert_eq!(fake.names(), ["Remote Desktop"]);
}

#[test]
fn a_yes_adds_both_rules_and_takes_out_what_blocked() {
    let fake = Fake::new(Elevation::Yes)
        .with_rule(BLOCKING, PROGRAM)
        .with_rule(RULES[0].name, r"C:\Old\rollcall.exe")
        .with_rule("Remote Desktop", "svchost.exe");
    assert_eq!(state(&fake), RuleState::Missing, "one of two is not enough");
    let (saying, state) = change(&fake, RuleChange::Add);
    assert_eq!((saying.level, state), (Level::Done, RuleState::Present));
    assert_eq!(
        fake.names(),
        ["Remote Desktop", RULES[0].name, RULES[1].name],
        "what a prompt left is gone, and so is the rule of a copy that was moved"
    );
    let again = change(&fake, RuleChange::Add);
    assert_eq!(again.1, RuleState::Present);
    assert_eq!(fake.names().len(), 3, "a rule is never there twice");
    let (saying, state) = change(&fake, RuleChange::Remove);
    assert_eq!((saying.level, state), (Level::Done, RuleState::Missing));
    assert_eq!(fake.names(), ["Remote Desktop"]);
}

#[test]
fn what_failed_is_said_with_the_line_for_an_administrator() {
    let locked = Fake {
        is_locked: true,
        ..Fake::new(Elevation::Yes)
    };
    let without_netsh = Fake {
        has_netsh: false,
        ..Fake::new(Elevation::Yes)
    };
    for (fake, why) in [
        (Fake::new(Elevation::No), "answered with no"),
        (
            Fake::new(Elevation::Broken),
            "could not be asked (no such verb)",
        ),
        (locked, "refused the change"),
        (without_netsh, "could not be started"),
        (Fake::new(Elevation::Ends(101)), "ended early"),
        (Fake::new(Elevation::Ends(0)), "shows nothing of it"),
    ] {
        let (saying, _) = change(&fake, RuleChange::Add);
        assert_eq!(saying.level, Level::Trouble, "{fake:?}");
        assert_eq!(saying.title, "The firewall rule was not added");
        let text = saying.text.expect("why is always said");
        assert!(text.contains(why), "{text:?} says {why:?}");
        let hint = saying.hint.expect("what to do is always said");
        assert!(hint.contains(&line_for_administrator(Some(Path::new(PROGRAM)))));
    }
}

#[test]
fn a_rule_that_goes_on_blocking_is_said() {
    let fake = Fake {
        is_blocking_always: true,
        ..Fake::new(Elevation::Yes)
    }
    .with_rule(BLOCKING, PROGRAM);
    let (saying, state) = change(&fake, RuleChange::Add);
    assert_eq!((saying.level, state), (Level::Trouble, RuleState::Blocked));
    let text = saying.text.expect("why is always said");
    assert!(text.contains("Another rule blocks"), "{text}");
}

#[test]
fn a_rule_that_stays_is_said() {
    let fake = Fake {
        is_locked: true,
        ..Fake::new(Elevation::Yes)
    }
    .with_rule(RULES[0].name, PROGRAM)
    .with_rule(RULES[1].name, PROGRAM);
    let (saying, state) = change(&fake, RuleChange::Remove);
    assert_eq!(state, RuleState::Present);
    assert_eq!(saying.title, "The firewall rule was not removed");
}

#[test]
fn how_the_rules_stand_is_told_without_changing_anything() {
    let both = |program: &str| {
        Fake::new(Elevation::No)
            .with_rule(RULES[0].name, program)
            .with_rule(RULES[1].name, program)
    };
    assert_eq!(state(&both(PROGRAM)), RuleState::Present);
    assert_eq!(
        state(&both(&PROGRAM.to_ascii_uppercase())),
        RuleState::Present
    );
    assert_eq!(state(&both(r"D:\rollcall.exe")), RuleState::OtherProgram);
    assert_eq!(
        state(&both(PROGRAM).with_rule(BLOCKING, PROGRAM)),
        RuleState::Blocked,
        "what blocks wins"
    );
    assert_eq!(
        state(&both(PROGRAM).with_rule(BLOCKING, r"D:\rollcall.exe")),
        RuleState::Present
    );
    assert_eq!(state(&Fake::new(Elevation::No)), RuleState::Missing);
    let without_netsh = Fake {
        has_netsh: false,
        ..both(PROGRAM)
    };
    assert_eq!(state(&without_netsh), RuleState::NotKnown);
}

#[test]
fn the_flag_has_two_words() {
    for change in [RuleChange::Add, RuleChange::Remove] {
        assert_eq!(change.word().parse(), Ok(change));
    }
    assert!("Add".parse::<RuleChange>().is_err());
}
