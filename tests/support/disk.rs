//! A small disk, which a test can fill: a file system in memory that only the hosts on it see.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::Setup;

/// Seen at a path of its own by the hosts that were started on it, and here by way of `/proc`.
pub struct Disk {
    at: TempDir,
    /// Keeps it mounted, in a namespace of its own.
    holder: Child,
    /// What a program needs to see it.
    enter: Vec<String>,
}

impl Disk {
    /// With room for that many MiB. It needs no rights but that of making a user namespace, or root's.
    pub fn of_mib(mib: u32) -> Disk {
        let at = tempfile::tempdir().expect("a folder");
        let mount =
            format!("mount -t tmpfs -o size={mib}m,mode=700 tmpfs \"$0\" && echo mounted && exec sleep infinity");
        let ways: [(&[&str], &[&str]); 2] =
            [(&[], &[]), (&["--user", "--map-root-user"], &["--user", "--preserve-credentials"])];
        for (own, entering) in ways {
            let mut holder = Command::new("unshare")
                .arg("--mount")
                .args(own)
                .args(["sh", "-c", &mount])
                .arg(at.path())
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .spawn()
                .expect("unshare");
            let mut line = String::new();
            let mut lines = BufReader::new(holder.stdout.take().expect("stdout"));
            lines.read_line(&mut line).expect("a line");
            if line == "mounted\n" {
                let target = format!("--target={}", holder.id());
                let enter = ["nsenter", target.as_str(), "--mount"].into_iter().chain(entering.iter().copied());
                return Disk { at, enter: enter.map(str::to_owned).collect(), holder };
            }
            holder.wait().expect("unshare to end");
        }
        panic!("neither root nor a user namespace can mount a file system here");
    }

    /// Where it is seen from here.
    pub fn path(&self) -> PathBuf {
        let inside = self.at.path().strip_prefix("/").expect("an absolute path");
        Path::new("/proc").join(self.holder.id().to_string()).join("root").join(inside)
    }

    /// Takes all that is left of it.
    pub fn fill(&self) {
        let mut filler = File::options().create(true).append(true).open(self.path().join("filler")).expect("a file");
        for block in [64 << 10, 4 << 10] {
            while filler.write_all(&vec![b'x'; block]).is_ok() {}
        }
    }

    /// Gives back what [`Disk::fill`] took.
    pub fn free(&self) {
        fs::remove_file(self.path().join("filler")).expect("to remove it");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

impl Setup {
    /// With its data on that disk.
    pub fn data_on(self, disk: &Disk) -> Setup {
        let at = disk.at.path().to_str().expect("a path").to_owned();
        self.run_by(disk.enter.clone()).argument("--data").argument(&at)
    }
}
