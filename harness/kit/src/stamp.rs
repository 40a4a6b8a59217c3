// SPDX-License-Identifier: GPL-2.0

//! What the stack was assembled of last, so that it is not assembled again while that is the same.

use crate::{
    git,
    maintainers,
    new_files,
    paths::{
        write_whole,
        Paths, //
    },
    stack::Part, //
};
use anyhow::{
    Context,
    Result, //
};
use std::{
    fs,
    path::{
        Path,
        PathBuf, //
    }, //
};

/// How it is assembled, which may change as well.
const HOW: &str = concat!(
    include_str!("assemble.rs"),
    include_str!("maintainers.rs"),
    include_str!("patch.rs"),
    include_str!("stack.rs")
);

/// A number for the content of all that the series is assembled of.
pub struct Stamp {
    file: PathBuf,
    inputs: String,
}

impl Stamp {
    /// `base` is the commit of the base.
    pub fn of(paths: &Paths, base: &str, parts: &[Part]) -> Result<Self> {
        let mut inputs = Inputs::default();

        inputs.add("how", HOW);
        inputs.add("base", base);
        for part in parts {
            inputs.add("part", &part.branch);
            for name in part.patches()? {
                inputs.add_file(&name, &part.folder.join(&name))?;
            }
            for name in ["series", "new-files"] {
                let file = part.folder.join(name);
                if file.is_file() {
                    inputs.add_file(name, &file)?;
                }
            }
        }
        let maintainers = maintainers::home(paths);
        if maintainers.is_file() {
            inputs.add_file("maintainers", &maintainers)?;
        }
        for path in new_files::found(paths)? {
            inputs.add_file(&path, &new_files::home(paths, &path)?)?;
        }
        Ok(Stamp {
            file: paths.work.join("series.stamp"),
            inputs: git::number(&inputs.0)?,
        })
    }

    /// Was the series assembled of the same?
    pub fn is_valid(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|known| known == self.inputs)
    }

    /// Forgets what it was assembled of.
    pub fn remove(&self) -> Result<()> {
        if self.file.exists() {
            fs::remove_file(&self.file)
                .with_context(|| format!("cannot remove {}", self.file.display()))?;
        }
        Ok(())
    }

    /// Says that it has been assembled of this.
    pub fn write(&self) -> Result<()> {
        write_whole(&self.file, &self.inputs)
    }
}

/// Texts with their names, one after the other.
#[derive(Default)]
struct Inputs(Vec<u8>);

impl Inputs {
    fn add(&mut self, name: &str, text: impl AsRef<[u8]>) {
        let text = text.as_ref();

        // With its length no text can be taken for the next one's name.
        self.0.extend(format!("{name} {}\n", text.len()).bytes());
        self.0.extend(text);
    }

    fn add_file(&mut self, name: &str, file: &Path) -> Result<()> {
        let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;

        self.add(name, text);
        Ok(())
    }
}
