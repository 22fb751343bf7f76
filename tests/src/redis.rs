//! A real Redis server that keeps nothing.
//!
//! - It listens on 127.0.0.1 only, asks for a password and writes no file.
//! - It can be killed and started again at the same address, and be stopped in its tracks, as a
//!   machine or a network does it that is lost.
//!
//! ```
//! use saas_tests::redis::Redis;
//!
//! # fn main() -> std::io::Result<()> {
//! let mut redis = Redis::start()?;
//! let url = redis.url();
//! redis.kill()?;
//! redis.restart()?;
//! assert_eq!(redis.url().expose_secret(), url.expose_secret());
//! # Ok(())
//! # }
//! # use secrecy::ExposeSecret;
//! ```

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Error, ErrorKind, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use secrecy::SecretString;
use tempfile::TempDir;
use uuid::Uuid;

/// How often the server is asked whether it answers, and with what pause.
const ASK: (u32, Duration) = (1000, Duration::from_millis(10));

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub struct Redis {
    child: Child,
    port: u16,
    password: Uuid,
    dir: TempDir,
}

impl Redis {
    /// Starts a server on a free port and waits until it answers. Blocks the thread for some
    /// milliseconds.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when `redis-server` is not installed, [`ErrorKind::Other`] with its
    /// log when it ends or does not answer, and what the system says about files and processes.
    pub fn start() -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("saas-redis-").tempdir()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let password = Uuid::new_v4();
        let child = spawn(dir.path(), port, password)?;
        let mut redis = Self { child, port, password, dir };
        redis.wait()?;
        Ok(redis)
    }

    /// The address, with the password.
    #[must_use]
    pub fn url(&self) -> SecretString {
        format!("redis://:{}@127.0.0.1:{}", self.password, self.port).into()
    }

    /// Kills the server: its connections break, and new ones are refused.
    ///
    /// # Errors
    /// What the system says.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Starts the server again, at the same address, after it was killed.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn restart(&mut self) -> io::Result<()> {
        self.child = spawn(self.dir.path(), self.port, self.password)?;
        self.wait()
    }

    /// Stops the server in its tracks: its connections stay open, and nothing answers.
    ///
    /// # Errors
    /// [`ErrorKind::Other`] when the signal cannot be sent.
    pub fn freeze(&self) -> io::Result<()> {
        self.signal("-STOP")
    }

    /// Lets a server that was [frozen](Self::freeze) go on.
    ///
    /// # Errors
    /// [`ErrorKind::Other`] when the signal cannot be sent.
    pub fn thaw(&self) -> io::Result<()> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> io::Result<()> {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status()?;
        if status.success() { Ok(()) } else { Err(Error::other(format!("`kill {signal}` failed"))) }
    }

    fn wait(&mut self) -> io::Result<()> {
        for _ in 0..ASK.0 {
            if self.child.try_wait()?.is_some() {
                break;
            }
            if self.answers().unwrap_or_default() {
                return Ok(());
            }
            thread::sleep(ASK.1);
        }
        let log = fs::read_to_string(self.dir.path().join("log"))?;
        Err(Error::other(format!("`redis-server` does not answer; its log says:\n{log}")))
    }

    fn answers(&self) -> io::Result<bool> {
        let answers = ask(self.port, &format!("AUTH {}\r\nPING\r\n", self.password), 2)?;
        Ok(answers == ["+OK", "+PONG"])
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have been killed before, which is as good.
        drop(self.kill());
    }
}

fn spawn(dir: &Path, port: u16, password: Uuid) -> io::Result<Child> {
    let log = File::options().create(true).append(true).open(dir.join("log"))?;
    let mut command = Command::new("redis-server");
    // The settings go in by a pipe, so that the list of processes does not show the password.
    command.arg("-").current_dir(dir).stdin(Stdio::piped());
    command.stdout(log.try_clone()?).stderr(log);
    let mut child = command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            let text =
                "`redis-server` was not found; install it with `apt-get install redis-server`";
            Error::new(ErrorKind::NotFound, text)
        }
        _ => error,
    })?;
    let settings = format!(
        "bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave \"\"\nappendonly no\n\
         daemonize no\n"
    );
    let mut input = child.stdin.take().ok_or_else(|| Error::other("the process has no input"))?;
    input.write_all(settings.as_bytes())?;
    Ok(child)
}

/// Sends text over a connection of its own and reads so many lines.
fn ask(port: u16, text: &str, lines: usize) -> io::Result<Vec<String>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(text.as_bytes())?;
    BufReader::new(stream).lines().take(lines).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_answers_only_those_who_know_the_password() {
        let redis = Redis::start().unwrap();
        assert!(redis.answers().unwrap());
        let refused = ask(redis.port, "PING\r\n", 1).unwrap();
        assert!(refused[0].starts_with("-NOAUTH"), "{refused:?}");
    }

    #[test]
    fn a_killed_server_comes_back_at_its_address() {
        let mut redis = Redis::start().unwrap();
        redis.kill().unwrap();
        assert!(redis.answers().is_err());
        redis.restart().unwrap();
        assert!(redis.answers().unwrap());
    }

    #[test]
    fn a_frozen_server_keeps_its_connections_and_answers_when_it_goes_on() {
        let redis = Redis::start().unwrap();
        redis.freeze().unwrap();
        assert!(redis.answers().is_err());
        redis.thaw().unwrap();
        assert!(redis.answers().unwrap());
    }

    #[test]
    fn a_dropped_server_is_gone() {
        let redis = Redis::start().unwrap();
        let (port, dir) = (redis.port, redis.dir.path().to_owned());
        drop(redis);
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
        assert!(!dir.exists());
    }
}
