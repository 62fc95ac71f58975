//! What `tasklist /V /FO CSV /NH` of Windows writes. Text in, values out.

/// The columns of the process id and of the user. Their order is the same in every language.
const PID_IDX: usize = 1;
const USER_IDX: usize = 6;

/// Whose a process is, as `DOMAIN\user`; `None` when this user may not know. What stands there instead differs from
/// language to language, but has no backslash.
pub(super) fn user_of(text: &str, pid: u32) -> Option<String> {
    let mut lines = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let pid = pid.to_string();
    let line = lines
        .records()
        .map_while(Result::ok)
        .find(|line| line.get(PID_IDX) == Some(&pid))?;
    let user = line.get(USER_IDX)?;
    user.contains('\\').then(|| user.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_read_in_every_language() {
        let text = "\"dsview, old.exe\",\"4711\",\"Console\",\"1\",\"12.345 K\",\"Wird ausgeführt\",\"HALL\\alice\",\"0:00:01\",\"a \"\"title\"\"\"\r\n\
            \"svchost.exe\",\"912\",\"Services\",\"0\",\"9,876 K\",\"Unknown\",\"N/A\",\"0:00:00\",\"N/A\"\r\n\
            \"lsass.exe\",\"913\",\"Services\",\"0\",\"9.876 K\",\"Unbekannt\",\"Nicht zutreffend\",\"0:00:00\",\"x\"\r\n";
        assert_eq!(user_of(text, 4_711).as_deref(), Some("HALL\\alice"));
        assert_eq!(user_of(text, 912), None);
        assert_eq!(user_of(text, 913), None);
        assert_eq!(user_of(text, 914), None);
        let none = "INFO: No tasks are running which match the specified criteria.\r\n";
        assert_eq!(user_of(none, 4_711), None);
    }
}
