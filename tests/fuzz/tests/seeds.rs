//! What was found once stays found: every committed seed goes through its target.

use std::{fs, path::Path};

use witapi_fuzz::TARGETS;

#[test]
fn every_seed_passes_its_target() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    for (name, target) in TARGETS {
        let files: Vec<_> = fs::read_dir(seeds.join(name)).expect("a folder of seeds").flatten().collect();
        assert!(!files.is_empty(), "{name} has no seeds");
        for file in files {
            println!("{}", file.path().display());
            target(&fs::read(file.path()).expect("a seed"));
        }
    }
    assert_eq!(fs::read_dir(&seeds).expect("the seeds").count(), TARGETS.len(), "a folder for each target");
}
