//! What the system says of a host's process, and of the tests' own.

use std::fs;

use crate::{Host, PATIENCE};

/// What a process has at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Resident memory, in KiB.
    pub memory: u64,
    /// The most that was resident at one time so far, in KiB.
    pub peak: u64,
    pub descriptors: u64,
    pub threads: u64,
}

impl Host {
    pub fn usage(&self) -> Usage {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("the process's status");
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line of that name");
            line.trim().trim_end_matches(" kB").parse().expect("a number")
        };
        Usage {
            memory: number("VmRSS:"),
            peak: number("VmHWM:"),
            descriptors: fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("its descriptors").count() as u64,
            threads: number("Threads:"),
        }
    }

    /// Waits until it has closed all but so many descriptors.
    pub async fn closes_all_but(&self, descriptors: u64) {
        let began = std::time::Instant::now();
        loop {
            let now = self.usage().descriptors;
            if now <= descriptors {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{now} descriptors are open, and {descriptors} were before");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

/// Lets this process, and those that it starts, have as many files open as the system lets it. Says how many that is.
pub fn raise_open_files() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls get a pointer to a structure that lives until they return.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit), 0);
        limit.rlim_cur = limit.rlim_max;
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &limit), 0);
    }
    limit.rlim_cur
}
