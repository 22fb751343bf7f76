//! Keeps a server from outliving the process that started it.
//!
//! The server runs under a small shell whose input is a pipe from this process. The system closes
//! the pipe when this process ends, however it ends, and the shell then stops the server. Nothing
//! here depends on code of this process being run at its end.

use std::{
    fs::File,
    io,
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use super::{lock::Lock, poll::poll};

/// - The signal is repeated, because one that comes before the server has installed its handlers
///   is lost.
/// - Signals to the shell do not end it; that would leave the server alone.
/// - Descriptor 4 is the lock, which the server inherits and the watcher does not.
/// - The directory is removed only when the pipe was closed: after a server that ended by itself,
///   the process on the other end removes it, and may want to read it first.
const SCRIPT: &str = r#"
exec 3<&0 4>&1 1>&2 0</dev/null
stop=$1 rubbish=$2 closed=
shift 2
trap : HUP INT TERM
trap 'closed=yes' USR1
"$@" 3<&- &
server=$!
(
    trap '' HUP INT TERM USR1
    read -r line <&3
    kill -s USR1 $$
    while kill -s "$stop" "$server"; do sleep 1; done
) 4>&- 2>/dev/null &
watcher=$!
while
    wait "$server"
    status=$?
    [ "$status" -gt 128 ] && kill -0 "$server" 2>/dev/null
do :; done
kill -s KILL "$watcher"
[ -z "$closed" ] || [ -z "$rubbish" ] || rm -rf -- "$rubbish"
exit "$status"
"#;

/// How the server is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StopSignal {
    /// It disconnects clients and writes its data out.
    Fast,
    /// It ends at once; its data is not needed again.
    Immediate,
}

impl StopSignal {
    fn name(self) -> &'static str {
        match self {
            Self::Fast => "INT",
            Self::Immediate => "QUIT",
        }
    }
}

/// A running server with its supervising shell. Dropping it stops the server.
#[derive(Debug)]
pub(super) struct Supervisor {
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Supervisor {
    /// Runs `server` under the shell, which gets user, group and environment from `shell`, a
    /// command for `/bin/sh` without arguments. With a `rubbish` directory, that is removed when
    /// this process has ended and then the server.
    pub(super) fn spawn(
        mut shell: Command,
        server: &Command,
        stop: StopSignal,
        rubbish: Option<&std::path::Path>,
        lock: &Lock,
        log: &File,
    ) -> io::Result<Self> {
        shell.args(["-c", SCRIPT, "sh", stop.name()]);
        shell.arg(rubbish.map(|path| path.as_os_str()).unwrap_or_default());
        shell.arg(server.get_program()).args(server.get_args());
        shell.stdin(Stdio::piped()).stdout(lock.share()?).stderr(log.try_clone()?);
        let mut shell = shell.spawn()?;
        let pipe = shell.stdin.take();
        Ok(Self { shell, pipe })
    }

    /// Whether the server has ended.
    pub(super) fn has_ended(&mut self) -> io::Result<bool> {
        Ok(self.shell.try_wait()?.is_some())
    }

    /// Asks the server to end, without waiting for it.
    pub(super) fn ask_to_end(&mut self) {
        self.pipe = None;
    }

    /// Asks the server to end and waits; `false` when it had not ended by then. Blocks the thread.
    pub(super) fn end(&mut self, limit: Duration) -> io::Result<bool> {
        self.ask_to_end();
        let ended = poll(limit, || match self.has_ended() {
            Ok(false) => None,
            answer => Some(answer),
        });
        ended.unwrap_or(Ok(false))
    }
}
