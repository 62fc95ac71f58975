//! Logging as the whole program has it. One test in a process of its own, since it can be started only once.

use rollcall::logging;

#[test]
fn panics_and_other_crates_are_logged() {
    let root = tempfile::tempdir().expect("a temporary folder can be made");
    let started = logging::start(root.path());
    assert_eq!(started.trouble, None);
    let again = logging::start(root.path());
    assert!(again.trouble.is_some(), "a second start is said, not fatal");
    drop(again);

    logging::install_panic_hook();
    let worker = std::thread::Builder::new()
        .name("worker 7".to_owned())
        .spawn(|| panic!("what a day"))
        .expect("a thread can be started");
    assert!(worker.join().is_err(), "it panicked");
    log::error!(target: "rfd", "no portal");
    log::info!(target: "winit", "a window");

    assert_eq!(started.ring.take_dialog_errors(), ["no portal"]);
    let lines = started.ring.lines();
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    let [logging, panicked, dialog, window] = texts.as_slice() else {
        panic!("four lines: {texts:#?}");
    };
    assert!(logging.starts_with("logging to "), "{logging}");
    assert!(
        panicked.starts_with("thread \"worker 7\" panicked at tests")
            && panicked.contains("logging_start.rs:"),
        "the place of the panic is logged: {panicked}"
    );
    assert!(panicked.ends_with(": what a day"), "{panicked}");
    assert_eq!((*dialog, *window), ("rfd: no portal", "winit: a window"));
}
