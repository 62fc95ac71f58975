//! The sweep on a clock that tests move on, with a network that is made up.
