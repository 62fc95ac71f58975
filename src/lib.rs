//! Rollcall hears Avocent and Vertiv appliances announce themselves on port 3502, asks for those that do not, shows
//! who is present, and writes the inventory. A library with two thin binaries: `rollcall`, the window, and
//! `rollcall-cli`, the same engine without one.
//!
//! # The map
//!
//! Lowest first; each layer uses only those that `tests/layering.rs` lists for it.
//!
//! | layer | holds |
//! | --- | --- |
//! | [`wire`] | AIDP, bytes to meaning and back; hex dumps; what can be guessed of foreign bytes |
//! | [`model`] | units, sightings, facts, status, the registry with its undo, queries, snapshots |
//! | [`catalog`] | tables of products, and what a unit is by them |
//! | [`inventory`] | inventory files, bytes to rows and back |
//! | [`capture`] | pcap and pcapng files, bytes to datagrams and back |
//! | [`taught`] | decoders that a person teaches, for datagrams that are not AIDP |
//! | [`watch`] | what is worth a look in the traffic of the watched ports: findings |
//! | [`study`] | what the datagrams of one unit say about the open questions of the protocol |
//! | [`sim`] | a simulated fleet that speaks the protocol over real sockets |
//! | [`settings`], [`logging`] | what is remembered between starts; what happened |
//! | [`instance`] | a second start speaks to the open window |
//! | [`engine`] | sockets, timers, the site file, the doctor, the firewall rule, and the actor that owns the registry |
//! | [`app`] | the window |
//!
//! The rollout plan and address assignment (`plan`, `provision`) come with later versions; nothing of them is shown
//! until it works.
//!
//! # The way of a datagram
//!
//! ```text
//! unit --> engine::listener --wire::decode--> Sighting --bounded channel--> engine::actor: Registry::apply
//!               \-- not AIDP: kept raw as a Stray; when it tells of its sender, a Sighting as well
//! engine::identify asks a unit, newly heard or chosen --> Probed --> catalog::identify --> Registry::take_probed
//!               \-- something in a swept range that shows no sign of being a unit: kept apart, never among the units
//! listeners and whoever sends --> engine::recorder: the newest datagrams, traffic over time, the capture ring
//! actor: every item --> watch::Watcher: findings; a capture --> engine::replay --> the same items, at the capture's time
//! actor: at most ten times a second, when something changed: publish Arc<Snapshot>, wake the window
//!        within a second of a change: one transaction into the site file
//! app: newest snapshot --> model::query (a worker, cached by revision) --> the grid
//! a person --> UiCommand --> Command --> actor (edits, searches, files from the snapshot that was seen)
//! ```
//!
//! # What always holds
//!
//! Each with the test that guards it; a test checks that those exist.
//!
//! 1. Decoding never panics and never takes more than a small multiple of the datagram.
//!    Tests: `tests/wire_hostile.rs::every_single_bit_flip_of_every_vector_is_decoded_or_refused`,
//!    `tests/wire_hostile.rs::the_largest_datagram_decodes_within_the_memory_contract`.
//! 2. The pure layers never ask for the time. Test: `tests/layering.rs::every_layer_mentions_only_what_it_may`.
//! 3. Only the actor changes the registry; a snapshot never changes.
//!    Test: `tests/registry_scenarios.rs::a_snapshot_never_changes`.
//! 4. The engine compiles and works without a window.
//!    Tests: `tests/layering.rs::every_layer_mentions_only_what_it_may`,
//!    `tests/engine_session.rs::the_demo_fleet_is_heard_through_real_sockets`.
//! 5. A frame never waits for a socket, a file, a lock or another thread.
//!    Tests: `tests/layering.rs::every_layer_mentions_only_what_it_may`,
//!    `tests/ui_window.rs::a_large_site_is_sorted_off_the_frame`.
//! 6. Losing a datagram is counted and shown; a command is taken or handed back; a newer snapshot replaces an older one.
//!    Tests: `src/engine/handle.rs::a_command_is_taken_or_handed_back`,
//!    `src/engine/listener.rs::what_does_not_fit_is_counted`.
//! 7. Selection, focus and scroll follow the unit, not the row.
//!    Test: `tests/ui_window.rs::the_selection_follows_the_unit_when_rows_move`.
//! 8. Every action is a `UiCommand`, and no two shortcuts clash.
//!    Test: `src/app/command.rs::no_two_shortcuts_clash_on_any_system`.
//! 9. A unit that was heard is only taken out by a person, and that can be undone.
//!    Test: `tests/registry_scenarios.rs::every_scenario_plays_as_written`.
//! 10. An export writes what the person saw or leaves the old file; a crash loses at most the last second.
//!     Tests: `tests/engine_session.rs::an_export_holds_what_was_seen_when_it_was_asked_for`,
//!     `tests/site_file/crash.rs::a_killed_process_leaves_a_site_that_opens`.
//! 11. A bad row costs one row, a bad interface one interface, a bad datagram one counter.
//!     Tests: `tests/inventory_files.rs::every_bad_row_is_named_and_the_good_ones_are_taken`,
//!     `tests/engine_loopback.rs::one_failing_interface_does_not_stop_another`,
//!     `tests/engine_loopback.rs::bytes_that_are_no_message_are_kept_and_counted`.
//! 12. Memory is bounded whatever the network sends, and a limit that is reached is shown.
//!     Tests: `tests/registry_scenarios.rs::memory_stays_within_its_bounds`,
//!     `tests/registry_scenarios.rs::a_flood_is_one_line_and_nothing_of_it_is_saved`.
//! 13. An idle window draws nothing. Test: `tests/ui_window.rs::an_idle_window_draws_nothing`.
//! 14. A verdict is right or there is none: no MAC block and no typed name proves a product, and equal signs that
//!     differ leave it unknown. Tests: `tests/catalog.rs::every_scenario_is_judged_as_written`,
//!     `tests/catalog.rs::a_mac_block_alone_is_neither_a_product_nor_ours`.
//! 15. A probe only reads, ends in its time whatever the other side does, and has a place among 64: one probe of a unit
//!     at a time, but for the first questions by SNMP and on the ports of TLS and SSH, which go out together. The demo
//!     asks nobody but itself. Tests: `tests/engine_identify/bounds.rs::one_conversation_a_unit_and_64_in_all`,
//!     `tests/identify_probes.rs::who_sends_without_end_is_not_listened_to_without_end`,
//!     `tests/identify_snmp.rs::what_came_is_kept_when_the_time_is_over`,
//!     `tests/engine_demo.rs::nothing_of_the_demo_leaves_this_computer`.
//! 16. What answers at an address is taken for a unit by serial, MAC or keys, never by the address alone when anything
//!     speaks against it. Test: `tests/registry_scenarios.rs::every_scenario_plays_as_written`.
//!
//! 17. A situation on the watched ports is one finding, an ordinary hall is none, and what a person accepted stays
//!     accepted. Tests: `tests/watch_scenarios.rs::every_scenario_becomes_the_findings_that_it_names`,
//!     `tests/engine_watch.rs::findings_networks_and_the_capture_stay_with_the_site`.
//! 18. A capture that Rollcall writes says what its sockets saw and no more, and reads back as it was.
//!     Tests: `tests/capture_write.rs::what_is_written_is_read_back`,
//!     `src/engine/recorder/tests.rs::the_ring_is_bounded_and_lets_go_of_the_oldest`.
//! 19. A capture from anywhere is read or refused with the packet's number, in bounded memory; its replay asks nobody and
//!     changes nothing. Tests: `tests/capture_files.rs::every_truncation_gives_what_came_before`,
//!     `tests/engine_replay.rs::a_replay_changes_nothing_and_leads_back`.
//! 20. What a taught decoder read names the decoder, and is never what tells units apart but for the MAC.
//!     Test: `tests/engine_watch.rs::a_taught_decoder_makes_units_of_what_is_not_aidp`.
//!
//! # What is not known
//!
//! No capture of real AIDP traffic is public. The code depends on what the protocol page marks as assumed in these
//! places, and on no others: that a unit announces itself by an unasked discover reply on port 3502, that TCP 3502
//! carries the same messages as a stream, and the numbers and fields of the replies to test-IP and set-IP, which are
//! decoded and never acted on. Whatever else comes is kept as it came, and shown.

/// The program's name for folders, the window system and packages.
pub const APP_ID: &str = "rollcall";

/// The program's name where one must be unique in the world: the bundle of macOS, the metadata of software centers.
pub const BUNDLE_ID: &str = "app.rollcall.Rollcall";

pub mod app;
pub mod capture;
pub mod catalog;
pub mod engine;
pub mod instance;
pub mod inventory;
pub mod logging;
pub mod model;
pub mod settings;
pub mod sim;
pub mod study;
pub mod taught;
pub mod watch;
pub mod wire;
