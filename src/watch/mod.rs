//! What is worth a look in the traffic of the watched ports. Values in, findings out; no sockets, no clock.
