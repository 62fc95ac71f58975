//! Starts that meet: in threads here, in programs there.

use super::*;

fn meeting() -> (tempfile::TempDir, Meeting) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let meeting = Meeting::within(&folder.path().join("run"), ":0");
    (folder, meeting)
}

fn first(meeting: &Meeting) -> Doorbell {
    match find(meeting, &Request::default()) {
        Found::First(doorbell) => doorbell,
        other => panic!("{other:?}"),
    }
}

/// A later start in a thread of its own, as another program would be.
fn later(meeting: &Meeting, request: Request) -> std::thread::JoinHandle<Found> {
    let meeting = meeting.clone();
    std::thread::spawn(move || find(&meeting, &request))
}

/// Waits for the next ring as the window does: woken, then looking.
fn await_ring(doorbell: &Doorbell, wakes: &Receiver<()>) -> Request {
    wakes.recv_timeout(ANSWER_WITHIN).expect("it was woken");
    doorbell.next().expect("somebody rang")
}

fn woken(doorbell: &Doorbell) -> Receiver<()> {
    let (woken, wakes) = sync_channel(MAX_WAITING);
    doorbell.wake_with(move || {
        woken.try_send(()).ok();
    });
    wakes
}

#[test]
fn the_second_start_hands_its_site_to_the_first() {
    let (folder, meeting) = meeting();
    let doorbell = first(&meeting);
    let wakes = woken(&doorbell);
    let request = Request {
        open: Some(folder.path().join("Hall 2 – Süd.rollcall")),
    };
    let second = later(&meeting, request.clone());
    assert_eq!(await_ring(&doorbell, &wakes), request);
    let found = second.join().expect("it did not panic");
    assert!(matches!(found, Found::HandedOver), "{found:?}");
    assert_eq!(doorbell.next(), None);
}

#[test]
fn of_many_starts_at_once_one_is_the_first() {
    let (_folder, meeting) = meeting();
    // Left behind by an earlier program, as usual.
    fs::create_dir_all(meeting.lock.parent().expect("it has one")).expect("made");
    #[cfg(unix)]
    drop(std::os::unix::net::UnixListener::bind(&meeting.socket).expect("bound"));
    let starts: Vec<_> = (0..6)
        .map(|_| {
            let meeting = meeting.clone();
            std::thread::spawn(move || match find(&meeting, &Request::default()) {
                Found::First(doorbell) => {
                    let wakes = woken(&doorbell);
                    // Those that rang before the waker was there.
                    let mut num_heard = usize::from(doorbell.next().is_some());
                    while num_heard < 5 {
                        wakes.recv_timeout(PAUSE).ok();
                        while doorbell.next().is_some() {
                            num_heard += 1;
                        }
                    }
                    true
                }
                Found::HandedOver => false,
                Found::Alone(error) => panic!("{error}"),
            })
        })
        .collect();
    let num_first = starts
        .into_iter()
        .map(|start| start.join().expect("no start panicked"))
        .filter(|is_first| *is_first)
        .count();
    assert_eq!(num_first, 1);
}

#[test]
fn a_window_that_does_not_look_leaves_the_second_start_alone() {
    let (_folder, meeting) = meeting();
    let doorbell = first(&meeting);
    let found = find(&meeting, &Request::default());
    let Found::Alone(HandOverError::Answer(word)) = found else {
        panic!("{found:?}");
    };
    assert_eq!(word, BUSY);
    assert_eq!(
        doorbell.next(),
        None,
        "who has opened a window of its own is not heard twice"
    );
}

#[test]
fn a_start_while_the_window_closes_is_not_lost() {
    let (_folder, meeting) = meeting();
    let doorbell = first(&meeting);
    let wakes = woken(&doorbell);
    let name = name(&meeting).expect("a name");
    let second = std::thread::spawn(move || converse(name, b"{\"rollcall\":1,\"open\":null}\n"));
    wakes.recv_timeout(ANSWER_WITHIN).expect("it was woken");
    drop(doorbell);
    let answer = second.join().expect("it did not panic");
    assert_eq!(answer.ok().as_deref(), Some(CLOSING));
}

#[test]
fn what_is_no_request_is_not_taken_and_harms_nothing() {
    let (_folder, meeting) = meeting();
    let doorbell = first(&meeting);
    let too_long = vec![b'x'; 2 * MAX_LINE_BYTES as usize];
    let cases: [(&[u8], &[&str]); 5] = [
        (b"\n", &[NOT_UNDERSTOOD]),
        (b"{\"rollcall\":2}\n", &[OTHER_VERSION]),
        (b"{\"rollcall\":1,\"open\":7}\n", &[NOT_UNDERSTOOD]),
        (b"\xff\xfe\n", &[NOT_UNDERSTOOD]),
        // Hung up on.
        (&too_long, &[""]),
    ];
    for (line, words) in cases {
        let answer = converse(name(&meeting).expect("a name"), line).unwrap_or_default();
        assert!(
            words.contains(&answer.as_str()),
            "{answer:?} not in {words:?}"
        );
    }
    assert_eq!(doorbell.next(), None);
    let wakes = woken(&doorbell);
    let name = name(&meeting).expect("a name");
    let visitor = std::thread::spawn(move || {
        converse(name, b"{\"rollcall\":1,\"open\":\"no/whole/path\"}\n")
    });
    let request = await_ring(&doorbell, &wakes);
    assert_eq!(request, Request::default(), "shown, not opened");
    let answer = visitor.join().expect("it did not panic");
    assert_eq!(answer.ok().as_deref(), Some(TAKEN));
}

#[test]
fn visitors_that_say_nothing_do_not_take_the_bell_away() {
    let (_folder, meeting) = meeting();
    let doorbell = first(&meeting);
    let silent: Vec<_> = (0..MAX_CONVERSATIONS)
        .map(|_| Stream::connect(name(&meeting).expect("a name")).expect("connected"))
        .collect();
    let found = find(&meeting, &Request::default());
    assert!(
        matches!(found, Found::Alone(HandOverError::Silent)),
        "{found:?}"
    );
    drop(silent);
    let wakes = woken(&doorbell);
    let second = later(&meeting, Request::default());
    assert_eq!(await_ring(&doorbell, &wakes), Request::default());
    let found = second.join().expect("it did not panic");
    assert!(matches!(found, Found::HandedOver), "{found:?}");
}

#[test]
fn windows_on_other_displays_are_others() {
    let (folder, meeting) = meeting();
    let _here = first(&meeting);
    let elsewhere = Meeting::within(&folder.path().join("run"), ":1");
    let _there = first(&elsewhere);
}

#[cfg(unix)]
#[test]
fn where_no_socket_can_be_made_the_window_opens_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let meeting = Meeting::within(&folder.path().join("x".repeat(200)), ":0");
    let found = find(&meeting, &Request::default());
    assert!(matches!(found, Found::Alone(_)), "{found:?}");
}
