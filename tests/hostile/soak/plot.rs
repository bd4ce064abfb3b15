//! Samples as lines of small bars.

use witapi_tests::process::Usage;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What is drawn in a line, and its name.
type Line = (&'static str, fn(&Usage) -> u64);

/// One line for each of memory, descriptors and threads, from nothing to the most that was seen.
pub fn plot(before: &Usage, samples: &[Usage], after: &Usage) -> String {
    let lines: [Line; 3] =
        [("memory, MiB", |it| it.memory >> 10), ("descriptors", |it| it.descriptors), ("threads", |it| it.threads)];
    let mut text = format!("{:12} {:>7} {:>7} {:>7}\n", "", "before", "most", "after");
    for (name, of) in lines {
        let most = samples.iter().map(of).max().unwrap_or_default().max(1);
        let bars: String = samples.iter().map(|it| BARS[(of(it) * 7 / most) as usize]).collect();
        text.push_str(&format!("{name:12} {:7} {most:7} {:7} {bars}\n", of(before), of(after)));
    }
    text
}
