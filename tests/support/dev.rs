//! `witapi dev` under test: at a terminal, or with its output in a pipe.

use std::{
    fs::File,
    io::{Read, Write},
    net::SocketAddr,
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd},
        unix::process::CommandExt,
    },
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use reqwest::Client;

use crate::{Answer, root, send, witapi};

/// How long a test waits for what a build comes before, on a machine that builds more than this.
const PATIENCE: Duration = Duration::from_secs(3 * crate::PATIENCE.as_secs());

/// A running `witapi dev`. Its process ends with it.
pub struct Dev {
    child: Child,
    /// The other end of its terminal.
    terminal: Option<File>,
    printed: Arc<Mutex<Vec<u8>>>,
    pub address: SocketAddr,
    client: Client,
}

impl Dev {
    /// Starts it in a terminal of its own, and waits until it listens.
    pub async fn at_a_terminal(project: &Path) -> Dev {
        let (mut master, mut slave) = (0, 0);
        // SAFETY: both numbers outlive the call; it takes no name, no settings and no size.
        let made =
            unsafe { libc::openpty(&mut master, &mut slave, std::ptr::null_mut(), std::ptr::null(), std::ptr::null()) };
        assert_eq!(made, 0, "there is no terminal");
        // SAFETY: `openpty` made them a moment ago, and nobody else has them.
        let (master, slave) = unsafe { (OwnedFd::from_raw_fd(master), OwnedFd::from_raw_fd(slave)) };
        let mut command = command(project);
        let number = slave.as_raw_fd();
        // SAFETY: `login_tty` makes only system calls, and the descriptor is open until the child was begun.
        unsafe {
            command.pre_exec(move || match libc::login_tty(number) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            })
        };
        let child = command.spawn().expect("the process");
        drop(slave);
        let terminal = File::from(master);
        let readers: Vec<Box<dyn Read + Send>> = vec![Box::new(terminal.try_clone().expect("a descriptor"))];
        Dev::begin(child, Some(terminal), readers).await
    }

    /// Starts it with its output in pipes, and waits until it listens.
    pub async fn in_a_pipe(project: &Path) -> Dev {
        Dev::by(command(project)).await
    }

    /// The same, where the system has no watches to give for files.
    pub async fn without_inotify(project: &Path) -> Dev {
        let dev = command(project);
        let mut apart = Command::new("unshare");
        apart.args(["-Ur", "sh", "-c", "echo 0 > /proc/sys/user/max_inotify_instances\nexec \"$@\"", "sh"]);
        apart.arg(dev.get_program()).args(dev.get_args()).stdin(Stdio::null());
        let variables = dev.get_envs().filter_map(|(name, value)| Some((name, value?)));
        apart.envs(variables);
        Dev::by(apart).await
    }

    /// The same, by a command of the test's own.
    pub async fn by(mut command: Command) -> Dev {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the process");
        let readers: Vec<Box<dyn Read + Send>> =
            vec![Box::new(child.stdout.take().expect("stdout")), Box::new(child.stderr.take().expect("stderr"))];
        Dev::begin(child, None, readers).await
    }

    async fn begin(child: Child, terminal: Option<File>, readers: Vec<Box<dyn Read + Send>>) -> Dev {
        let printed = Arc::new(Mutex::new(Vec::new()));
        for mut reader in readers {
            let printed = printed.clone();
            thread::spawn(move || {
                let mut bytes = [0; 4096];
                // A terminal whose other end is closed answers with an error.
                while let Ok(count @ 1..) = reader.read(&mut bytes) {
                    printed.lock().expect("what was printed").extend_from_slice(&bytes[..count]);
                }
            });
        }
        let client = Client::builder().timeout(PATIENCE).build().expect("a client");
        let mut dev = Dev { child, terminal, printed, address: ([127, 0, 0, 1], 0).into(), client };
        dev.wait_for("Listening on http://").await;
        let text = dev.printed();
        let address = text.split("Listening on http://").nth(1).and_then(|rest| rest.lines().next());
        dev.address = address.and_then(|address| address.trim().parse().ok()).expect("an address");
        dev
    }

    /// All that it printed so far, as it was printed.
    pub fn printed(&self) -> String {
        String::from_utf8_lossy(&self.printed.lock().expect("what was printed")).replace("\r\n", "\n")
    }

    /// Waits until `text` was printed.
    pub async fn wait_for(&self, text: &str) {
        self.wait_for_count(text, 1).await;
    }

    /// Waits until `text` was printed so many times.
    pub async fn wait_for_count(&self, text: &str, count: usize) {
        let began = Instant::now();
        while self.printed().matches(text).count() < count {
            assert!(began.elapsed() < PATIENCE, "no `{text}` in\n{}", self.printed());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        send(self.client.get(format!("http://{}{path}", self.address)).header("accept", "text/html, */*;q=0.5")).await
    }

    /// Waits until the answer's body holds `text`.
    pub async fn wait_for_answer(&self, path: &str, text: &str) -> Answer {
        let began = Instant::now();
        loop {
            let answer = self.get(path).await;
            if answer.text().contains(text) {
                return answer;
            }
            assert!(began.elapsed() < PATIENCE, "{path} answers {answer:?}\n{}", self.printed());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Presses Ctrl-C, and waits for the end.
    pub async fn interrupted(mut self) -> (ExitStatus, String) {
        self.terminal.as_mut().expect("a terminal").write_all(b"\x03").expect("to type");
        self.ended().await
    }

    /// Sends it SIGTERM, and waits for the end.
    pub async fn terminated(mut self) -> (ExitStatus, String) {
        // SAFETY: the process is this test's own child and was not waited for yet.
        let sent = unsafe { libc::kill(self.child.id() as i32, libc::SIGTERM) };
        assert_eq!(sent, 0, "the signal was not sent");
        self.ended().await
    }

    async fn ended(&mut self) -> (ExitStatus, String) {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a status") {
                return (status, self.printed());
            }
            assert!(began.elapsed() < PATIENCE, "it does not end:\n{}", self.printed());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(project: &Path) -> Command {
    let mut command = Command::new(witapi());
    command.arg("dev").arg(project).args(["--listen", "127.0.0.1:0"]).stdin(Stdio::null());
    command.env_remove("NO_COLOR").env("TERM", "xterm-256color");
    if std::env::var_os("WITAPI_TOOLS").is_none() {
        command.env("WITAPI_TOOLS", root().join("target/tools"));
    }
    command
}
