// SPDX-License-Identifier: GPL-2.0

//! What the kernel complains about.

use std::{
    fs::File,
    io::{
        Read,
        Seek,
        SeekFrom, //
    },
    os::unix::fs::OpenOptionsExt, //
};

/// Lines with one of these are complaints, whatever their level is.
const WORDS: [&str; 4] = ["BUG", "WARNING", "Bad ", "Oops"];

/// The kernel's messages, from when this was made on.
pub struct KernelLog(Option<File>);

impl KernelLog {
    /// Without the right to read them there are none.
    pub fn open() -> Self {
        let open = || -> std::io::Result<File> {
            let mut file = File::options()
                .read(true)
                .custom_flags(libc::O_NONBLOCK)
                .open("/dev/kmsg")?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        };
        KernelLog(open().ok())
    }

    /// Complaints since the last time.
    pub fn complaints(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        let mut record = [0; 8192];
        let Some(file) = &mut self.0 else {
            return all;
        };

        // Each read gives one message, and fails when there is none.
        while let Ok(len) = file.read(&mut record) {
            let record = String::from_utf8_lossy(&record[..len]).into_owned();
            let Some((head, text)) = record.split_once(';') else {
                continue;
            };
            let level = head
                .split(',')
                .next()
                .and_then(|head| head.parse::<u32>().ok());
            let severe = level.is_some_and(|level| level % 8 <= 3);
            if severe || WORDS.iter().any(|word| text.contains(word)) {
                let line = text.lines().next().unwrap_or_default();
                all.push(format!("the kernel says: {line}"));
            }
        }
        all
    }
}
