//! Processes of this machine, found by what their command line names.

use std::{fs, process::Command};

use crate::{failure::Failure, run};

/// A process and its command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    /// Its id.
    pub(super) id: u32,
    /// Program and arguments, with spaces between them.
    pub(super) line: String,
}

/// The processes whose command line names `word`.
///
/// # Errors
/// A failure to list the processes at all.
pub(super) fn naming(word: &str) -> Result<Vec<Process>, Failure> {
    let mut all = match fs::read_dir("/proc/self") {
        Ok(_) => of_proc()?,
        Err(_) => of_ps(&run::quiet(run::command("ps").args(["-axo", "pid=,args="]))?),
    };
    all.retain(|process| process.line.contains(word));
    Ok(all)
}

/// Sends a signal, named without `SIG`.
///
/// # Errors
/// [`Failure::EndedWith`] if there is no such process.
pub(super) fn signal(id: u32, name: &str) -> Result<(), Failure> {
    run::quiet(Command::new("kill").args(["-s", name, &id.to_string()])).map(drop)
}

/// Linux; works in images that have no `ps`.
fn of_proc() -> Result<Vec<Process>, Failure> {
    let entries = fs::read_dir("/proc").map_err(Failure::file("/proc"))?;
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let processes = ids.filter_map(|id| {
        // A process may end between the listing and this line.
        let line = fs::read(format!("/proc/{id}/cmdline")).ok()?;
        Some(Process { id, line: String::from_utf8_lossy(&line).replace('\0', " ") })
    });
    Ok(processes.collect())
}

fn of_ps(listing: &str) -> Vec<Process> {
    let lines = listing.lines().filter_map(|line| line.trim_start().split_once(' '));
    let processes = lines.filter_map(|(id, line)| {
        Some(Process { id: id.parse().ok()?, line: line.trim_start().to_owned() })
    });
    processes.collect()
}

#[cfg(test)]
mod tests {
    use std::{io::Read as _, process::Stdio};

    use super::*;

    #[test]
    fn a_process_is_found_by_its_arguments_until_it_is_ended() {
        let word = format!("xtask-processes-{}", std::process::id());
        let mut child = Command::new("sh")
            .args(["-c", "echo up; read wait", &word])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Its command line is its own only once it runs.
        let mut up = [0; 3];
        child.stdout.take().unwrap().read_exact(&mut up).unwrap();
        assert!(naming(&word).unwrap().iter().any(|process| process.id == child.id()));
        signal(child.id(), "TERM").unwrap();
        assert!(!child.wait().unwrap().success());
        assert_eq!(naming(&word).unwrap(), []);
    }

    #[test]
    fn the_listing_of_ps_is_read() {
        let line = "postgres -D /x".to_owned();
        assert_eq!(of_ps("   12 postgres -D /x\nnonsense\n"), [Process { id: 12, line }]);
    }
}
