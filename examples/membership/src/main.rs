//! The membership app's commands.

fn main() {}
