//! Changes of what is served: the one place where a catalog follows another.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use super::{Edit, FailedStep, Failure, Host, Loser, Precedence, Reason, Refusal};
use crate::{
    config::Compatible,
    contract::diff,
    log,
    plugin::{Listed, LoadError, load},
};

/// How many breaks of a contract are told of when a plugin is replaced.
const MAX_BREAKS: usize = 20;

/// Bytes of what a compiler says that are kept.
const MAX_REASON: usize = 64 << 10;

/// What is known of files by now, to become one catalog.
#[derive(Default)]
pub struct Change {
    /// What was loaded from these files is served no more. Requests in flight end as they began.
    pub gone: Vec<PathBuf>,
    /// Each serves from now on, in the place of its earlier version if there is one.
    pub loaded: Vec<Listed>,
    /// They did not load. What is serving goes on.
    pub failed: Vec<LoadError>,
    /// They hold what is serving, so that what was wrong with them meanwhile is no more.
    pub same: Vec<PathBuf>,
    /// Who comes first where two want the same.
    pub precedence: Precedence,
}

impl Change {
    pub fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.loaded.is_empty() && self.failed.is_empty() && self.same.is_empty()
    }
}

/// What became of a change.
#[derive(Default)]
pub struct Changed {
    /// Whose routes or names others have, or whose contracts are not compatible.
    pub refused: Vec<Refusal>,
    /// Whether routes or names are free that were not before.
    pub has_freed: bool,
}

impl Host {
    /// Serves `plugin` from now on, in the place of its earlier version if there is one.
    ///
    /// # Errors
    ///
    /// Another plugin has one of its routes, or another file its name; or it breaks its contract where that is not allowed.
    /// Nothing has changed then.
    pub fn serve(&self, plugin: Listed) -> Result<(), Refusal> {
        let change = Change { loaded: vec![plugin], ..Change::default() };
        self.follow(change, false).refused.pop().map_or(Ok(()), Err)
    }

    /// Notes that a file did not load. What is serving goes on.
    pub fn note_failure(&self, error: LoadError) {
        self.change(Change { failed: vec![error], ..Change::default() });
    }

    /// All of a change as one new catalog. With thousands of plugins it takes milliseconds, so it is not for async threads.
    pub fn change(&self, change: Change) -> Changed {
        self.follow(change, true)
    }

    /// The same, which notes of plugins that are refused why they are, or does not.
    fn follow(&self, change: Change, notes_refused: bool) -> Changed {
        let Change { gone, loaded, failed, same, precedence } = change;
        let mut changing = self.changing();
        let catalog = self.catalog();
        let mut edit = catalog.edit();
        let mut has_changed = false;
        for file in &gone {
            has_changed |= forget(&mut edit, file);
        }
        for file in &same {
            let Some(name) = load::name_of(file) else { continue };
            let has_failed = |name| edit.entries().get(name).is_some_and(|entry| entry.failure.is_some());
            if has_failed(name) {
                edit.forget_failure(name);
                tracing::info!(plugin = name, "the file matches the serving version again");
                has_changed = true;
            }
        }
        let (wanted, mut refused) = self.fit(&edit, loaded, precedence);
        let lost = edit.serve(&wanted, precedence, &self.loader);
        let is_lost = |plugin: &Arc<Listed>| lost.iter().any(|(other, _)| Arc::ptr_eq(other, plugin));
        let served: Vec<_> = wanted.into_iter().filter(|plugin| !is_lost(plugin)).collect();
        let lost = lost.into_iter().map(|(plugin, conflict): Loser| refusal(&plugin, Reason::Conflict(conflict)));
        refused.extend(lost);
        let refused_now = refused.iter().filter(|_| notes_refused);
        let refused_now = refused_now.map(|it| (&it.file, log::with_causes(it), log::with_causes(&it.reason)));
        // Who tries again and loses again is no news.
        let is_news = |(file, _, reason): &(&PathBuf, String, String)| {
            let before = edit.entries().get(&stem(file)).and_then(|entry| entry.failure.as_ref());
            before.is_none_or(|before| before.file != **file || before.reason != *reason)
        };
        let failed = failed.iter().map(|it| (&it.file, log::with_causes(it), log::with_causes(&it.cause)));
        let noteworthy: Vec<_> = refused_now.filter(is_news).chain(failed).collect();
        has_changed |= !served.is_empty() || !noteworthy.is_empty();
        for (file, text, reason) in noteworthy {
            // It quotes the file, whose words are nobody's but its author's.
            tracing::error!("not loaded: {}", log::printable_lines(&text));
            edit.fail(stem(file), noted(FailedStep::Load, file, reason));
        }
        if has_changed {
            self.publish(edit.finish(), &mut changing);
        }
        for plugin in &served {
            if plugin.is_awake() {
                self.loader.residents.woke(plugin);
            }
            let is_new = catalog.entries().get(plugin.name.as_ref()).is_none_or(|entry| entry.serving.is_none());
            tracing::info!(
                plugin = %plugin.name,
                operations = plugin.routes.len(),
                digest = &plugin.digest()[..12],
                ms = plugin.load_time.as_millis() as u64,
                "{}", if is_new { "loaded" } else { "replaced" }
            );
        }
        Changed { refused, has_freed: !gone.is_empty() || !served.is_empty() }
    }

    /// Those whose names are theirs and whose contracts are as their clients may expect, and what is wrong with the others.
    fn fit(&self, edit: &Edit, plugins: Vec<Listed>, precedence: Precedence) -> (Vec<Arc<Listed>>, Vec<Refusal>) {
        let (mut fit, mut refused) = (vec![], vec![]);
        let mut files: BTreeMap<Arc<str>, PathBuf> = BTreeMap::new();
        for plugin in plugins {
            let earlier = edit.entries().get(plugin.name.as_ref()).and_then(|entry| entry.serving.as_ref());
            let other = files.get(&plugin.name).or(earlier.map(|earlier| &earlier.file));
            let judged = match (other, earlier) {
                (Some(other), Some(earlier)) if *other == plugin.file => self.judge(earlier, &plugin),
                (Some(other), Some(earlier)) if precedence == Precedence::ByName && plugin.file < *other => {
                    // The other one's turn comes when this one goes.
                    let taken = Reason::NameTaken { other: plugin.file.clone() };
                    refused.push(refusal(earlier, taken));
                    Ok(())
                }
                (Some(other), _) if *other != plugin.file => Err(Reason::NameTaken { other: other.clone() }),
                _ => Ok(()),
            };
            match judged {
                Ok(()) => {
                    files.insert(plugin.name.clone(), plugin.file.clone());
                    fit.push(Arc::new(plugin));
                }
                Err(reason) => refused.push(refusal(&plugin, reason)),
            }
        }
        (fit, refused)
    }

    /// Says what a plugin's new version breaks for clients of its earlier one.
    ///
    /// # Errors
    ///
    /// It breaks something, and `compatible` is required.
    fn judge(&self, earlier: &Listed, plugin: &Listed) -> Result<(), Reason> {
        let compatible = self.config().plugin(&plugin.name).compatible;
        if compatible == Compatible::Off || earlier.digest == plugin.digest {
            return Ok(());
        }
        let (before, after) = (earlier.contract(&self.loader)?, plugin.contract(&self.loader)?);
        let breaks = diff::breaks(&before, &after);
        let (told, more) = breaks.split_at(breaks.len().min(MAX_BREAKS));
        let mut lines: Vec<String> =
            told.iter().map(|change| log::printable(&change.to_string()).into_owned()).collect();
        if !more.is_empty() {
            lines.push(format!("and {} more; `witapi inspect --diff OLD NEW` names all", more.len()));
        }
        if compatible == Compatible::Required && !breaks.is_empty() {
            return Err(Reason::Incompatible { plugin: plugin.name.to_string(), breaks: lines.join("\n") });
        }
        for line in lines {
            tracing::warn!(plugin = %plugin.name, "the new version breaks clients: {}", log::printable_lines(&line));
        }
        Ok(())
    }

    /// Notes that the plugin of that name could not be built into `file`. What is serving goes on.
    /// Of a very long reason the begin is kept.
    pub fn note_build_failure(&self, name: &str, file: &Path, reason: &str) {
        let mut changing = self.changing();
        let end = reason.floor_char_boundary(MAX_REASON);
        let rest = reason.len() - end;
        let more = if rest > 0 { format!("\n… {rest} bytes more") } else { String::new() };
        let catalog = self.catalog();
        let mut edit = catalog.edit();
        edit.fail(name.to_owned(), noted(FailedStep::Build, file, format!("{}{more}", &reason[..end])));
        self.publish(edit.finish(), &mut changing);
    }
}

/// Without what was loaded from `file`, or was wrong with it. Says whether there was something.
fn forget(edit: &mut Edit, file: &Path) -> bool {
    let name = stem(file);
    let Some(entry) = edit.entries().get(&name) else { return false };
    let is_serving = entry.serving.as_ref().is_some_and(|plugin| plugin.file == file);
    if is_serving || entry.serving.is_none() {
        tracing::info!(plugin = %log::printable(&name), "unloaded");
        edit.remove(&name);
    } else {
        // It was another file of that name, which never served.
        edit.forget_failure(&name);
    }
    true
}

fn refusal(plugin: &Listed, reason: Reason) -> Refusal {
    Refusal { file: plugin.file.clone(), reason }
}

fn noted(step: FailedStep, file: &Path, reason: String) -> Failure {
    Failure { step, file: file.to_owned(), reason, at: SystemTime::now() }
}

/// Under which name a file is listed, whether it is a plugin's name or not.
fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
}
