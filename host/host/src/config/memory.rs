//! How much memory the process may have: that of the machine, or of its control group if that has less.

use std::{fs, path::Path};

/// In bytes, where the system says nothing of it.
const UNKNOWN: u64 = 1 << 30;

/// Bytes of memory that the process may have.
pub(crate) fn of_process() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total(&text)).unwrap_or(UNKNOWN);
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    of_groups(&groups, Path::new("/sys/fs/cgroup")).map_or(machine, |group| group.min(machine))
}

/// `MemTotal` of `/proc/meminfo`.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1 << 10)
}

/// The least `memory.max` of the process's control group and those above it (Linux's control groups, version 2).
fn of_groups(groups: &str, root: &Path) -> Option<u64> {
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let max = |group: &Path| fs::read_to_string(group.join("memory.max")).ok()?.trim().parse::<u64>().ok();
    root.join(own).ancestors().take_while(|group| group.starts_with(root)).filter_map(max).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_what_meminfo_says() {
        assert_eq!(total("MemTotal:       24689764 kB\nMemFree:  1 kB\n"), Some(24_689_764 << 10));
        assert_eq!(total(""), None);
        assert!(of_process() > 1 << 20);
    }

    #[test]
    fn the_tightest_control_group_counts() {
        let root = std::env::temp_dir().join(format!("witapi-memory-{}", std::process::id()));
        let own = root.join("a/b");
        fs::create_dir_all(&own).expect("a folder");
        assert_eq!(of_groups("0::/a/b\n", &root), None);
        fs::write(own.join("memory.max"), "max\n").expect("a file");
        fs::write(root.join("a/memory.max"), "5000\n").expect("a file");
        assert_eq!(of_groups("1:cpu:/x\n0::/a/b\n", &root), Some(5000));
        fs::write(own.join("memory.max"), "4000\n").expect("a file");
        assert_eq!(of_groups("0::/a/b\n", &root), Some(4000));
        fs::remove_dir_all(&root).expect("to remove it");
    }
}
