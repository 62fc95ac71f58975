//! What the datagrams of one unit say about the open questions of the protocol. No files, no clock.
