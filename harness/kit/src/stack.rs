// SPDX-License-Identifier: GPL-2.0

//! The stack of a base: series that are assembled one on top of the other.
//!
//! Fixes are series of their own, in `fixes/<name>/` of the base's folder, and come first, in the
//! order of the line `fixes=` of its file `base`. The main series is in the folder itself. In the
//! checkout each ends with a branch: `fixes-<name>`, and `series` for all of them.

use crate::{
    base::Base,
    git::git,
    paths::Paths, //
};
use anyhow::{
    bail,
    ensure,
    Context,
    Result, //
};
use std::{
    fs,
    path::PathBuf, //
};

/// The branch of all series.
pub const TOP: &str = "series";

/// What the user calls the main series, and all series of fixes.
const MAIN: &str = "main";
const FIXES: &str = "fixes";

/// A series of the stack.
#[derive(Clone)]
pub struct Part {
    pub name: String,
    /// Its patches, the list of them, that of new files, and the cover letter.
    pub folder: PathBuf,
    /// Its end.
    pub branch: String,
    /// What it is on top of: the end of another one, or the base.
    pub below: String,
}

impl Part {
    /// Is it the series on top, which is no fix?
    pub fn is_main(&self) -> bool {
        self.branch == TOP
    }

    /// Its commits, as git names them.
    pub fn range(&self) -> String {
        format!("{}..{}", self.below, self.branch)
    }

    /// The names in its file `series`. One of fixes may have none yet.
    pub fn patches(&self) -> Result<Vec<String>> {
        let file = self.folder.join("series");
        if !self.is_main() && !file.exists() {
            return Ok(Vec::new());
        }
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;

        Ok(text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default().trim())
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect())
    }
}

/// All series of a base, from the bottom up.
pub fn all(base: &Base) -> Result<Vec<Part>> {
    let folder = base.folder.join(FIXES);
    let mut below = "base".to_owned();
    let mut parts = Vec::new();

    for entry in fs::read_dir(&folder).into_iter().flatten() {
        let name = entry?.file_name().to_string_lossy().into_owned();
        ensure!(
            base.fixes.contains(&name),
            "there is {}, but the line fixes= of {} does not name {name}: add it where it belongs \
             in the order, or remove the folder",
            folder.join(&name).display(),
            base.folder.join("base").display()
        );
    }
    for name in &base.fixes {
        let branch = format!("fixes-{name}");
        parts.push(Part {
            name: name.clone(),
            folder: folder.join(name),
            below: std::mem::replace(&mut below, branch.clone()),
            branch,
        });
    }
    parts.push(Part {
        name: MAIN.to_owned(),
        folder: base.folder.clone(),
        branch: TOP.to_owned(),
        below,
    });
    Ok(parts)
}

/// Has nobody committed a main series for a base yet?
pub fn has_no_series(base: &Base) -> Result<bool> {
    match all(base)?.last() {
        Some(main) => Ok(main.patches()?.is_empty()),
        None => Ok(true),
    }
}

/// May a series of fixes be called that?
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && ![MAIN, FIXES].contains(&name)
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// The series that the user asks for with `SERIES=`: one by its name, or all `fixes`.
pub fn select(base: &Base, asked: &str) -> Result<Vec<Part>> {
    let mut parts = all(base)?;
    let names: Vec<String> = parts.iter().map(|part| part.name.clone()).collect();

    if asked == FIXES {
        parts.retain(|part| !part.is_main());
        ensure!(
            !parts.is_empty(),
            "SERIES=fixes: there are no fixes for Linux {}",
            base.version
        );
    } else {
        parts.retain(|part| part.name == asked);
    }
    if parts.is_empty() {
        bail!(
            "SERIES={asked}: it is {FIXES} for all fixes, or one of {}",
            names.join(", ")
        );
    }
    Ok(parts)
}

/// Refuses branches that are not on top of each other.
pub fn check_order(paths: &Paths, parts: &[Part]) -> Result<()> {
    for part in parts {
        let is_below = git(&paths.checkout)
            .args(["merge-base", "--is-ancestor", &part.below, &part.branch])
            .output()?;
        ensure!(
            is_below.status.success(),
            "in {0} the branch {1} is not on top of {2}: 'git rebase --update-refs --onto {2} {3} \
             {TOP}' there puts all that was on top of {2} there again",
            paths.checkout.display(),
            part.branch,
            part.below,
            assembled(&part.below)
        );
    }
    Ok(())
}

/// Where git notes what a branch was when it was assembled or exported. Another branch than that has
/// commits which are nowhere else.
pub fn assembled(branch: &str) -> String {
    match branch {
        TOP => "refs/kit/assembled".to_owned(),
        _ => format!("refs/kit/assembled-{branch}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        all,
        check_order,
        is_name,
        select, //
    };
    use crate::scratch::Repository;

    fn repository(test: &str) -> Repository {
        let mut repository = Repository::new(test);

        repository.0.base.fixes = vec!["one".to_owned(), "two".to_owned()];
        repository
    }

    #[test]
    fn fixes_come_first_in_their_order() {
        let repository = repository("order");
        let ranges = |asked| -> Vec<String> {
            let parts = select(&repository.0.base, asked).unwrap();
            parts.iter().map(|part| part.range()).collect()
        };

        assert_eq!(ranges("fixes"), ["base..fixes-one", "fixes-one..fixes-two"]);
        assert_eq!(ranges("two"), ["fixes-one..fixes-two"]);
        assert_eq!(ranges("main"), ["fixes-two..series"]);
        let error = select(&repository.0.base, "three").err().unwrap();
        assert_eq!(
            error.to_string(),
            "SERIES=three: it is fixes for all fixes, or one of one, two, main"
        );
    }

    #[test]
    fn no_folder_is_left_out() {
        let repository = repository("left-out");
        repository.write("bases/4.2/fixes/two/series", "# none\n");
        let parts = all(&repository.0.base).unwrap();
        assert!(parts[0].patches().unwrap().is_empty());
        assert!(parts[1].patches().unwrap().is_empty());

        repository.write("bases/4.2/fixes/three/series", "");
        let error = all(&repository.0.base).err().unwrap().to_string();
        assert!(error.contains("does not name three"), "{error}");
    }

    #[test]
    fn names_can_be_those_of_branches() {
        assert!(is_name("maple_tree") && is_name("a-b2"));
        for wrong in ["", "main", "fixes", "a/b", "a b", ".."] {
            assert!(!is_name(wrong), "{wrong}");
        }
    }

    #[test]
    fn branches_are_on_top_of_each_other() {
        let repository = repository("on-top");
        repository.unpack(&[("mm/a.c", "1\n")]);
        for branch in ["fixes-one", "fixes-two", "series"] {
            repository.git(&["checkout", "-q", "-b", branch]);
            repository.git(&["commit", "-q", "--allow-empty", "-m", branch]);
        }
        let parts = all(&repository.0.base).unwrap();
        check_order(&repository.0, &parts).unwrap();

        repository.git(&["checkout", "-q", "fixes-one"]);
        repository.git(&["commit", "-q", "--allow-empty", "-m", "other"]);
        let error = check_order(&repository.0, &parts).unwrap_err().to_string();
        assert!(
            error.contains(
                "the branch fixes-two is not on top of fixes-one: 'git rebase --update-refs --onto \
                 fixes-one refs/kit/assembled-fixes-one series'"
            ),
            "{error}"
        );
    }
}
