// SPDX-License-Identifier: GPL-2.0

//! Selftests: programs of the kernel tree that run in a guest.

use crate::{
    arch::Arch,
    base::Base,
    configuration,
    guest::{
        Content,
        Guest,
        Ran, //
    },
    kernel::{
        self,
        Image, //
    },
    outcome::Outcome,
    paths::Paths,
    step::Step,
    tap,
    toolchain::Toolchain,
    tree::Tree, //
};
use anyhow::{
    ensure,
    Result, //
};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::Command,
    time::Duration, //
};

/// The tests that the series adds.
const OWN: [&str; 5] = [
    "mremap_multi_vma",
    "mremap_multi_vma_dontunmap",
    "mremap_multi_vma_hugetlb",
    "mremap_multi_vma_refused",
    "mremap_multi_vma_seen",
];

/// The tests that the series and the fixes add or change. Those of fixes come last: where a fix is
/// missing, one of them may leave a task that never ends.
fn own_tests(base: &Base) -> Vec<&str> {
    let of_fixes = base.fixes_selftests.iter().map(String::as_str);

    OWN.into_iter().chain(of_fixes).collect()
}

/// Builds the selftests that guests of a configuration run, without shared libraries.
pub fn programs(tree: &Tree, config: &str) -> Result<Vec<Content>> {
    let arch = configuration::find(config)?.arch;
    let base = &tree.paths.base;
    let mut names: Vec<&str> = base
        .selftests_on(arch)
        .filter_map(|test| test.split_whitespace().next())
        .collect();

    names.extend(own_tests(base));
    names.dedup();
    compiled_by(tree, config, arch.compiler_prefix(), &names)
}

/// Those of the series and of the fixes as programs of 32 bits, which a 64-bit kernel runs as well.
fn programs_of_32_bits(tree: &Tree, config: &str) -> Result<Vec<Content>> {
    compiled_by(
        tree,
        config,
        "i686-linux-gnu-",
        &own_tests(&tree.paths.base),
    )
}

/// The folder of selftests that a test is in, and its program: `mm`, if its name has no other one.
fn place(test: &str) -> (&str, &str) {
    test.rsplit_once('/').unwrap_or(("mm", test))
}

/// Builds selftests by the compiler whose name begins so.
fn compiled_by(tree: &Tree, config: &str, prefix: &str, names: &[&str]) -> Result<Vec<Content>> {
    let paths = tree.paths;
    let toolchain = Toolchain::find(paths)?;
    let objects = tree.objects(config);
    let arch = configuration::find(config)?.arch;
    let out = paths
        .work
        .join(format!("{prefix}{}", tree.named("selftests")));

    std::fs::create_dir_all(&out)?;
    Step::new(paths, "headers")
        .run(kernel::make_on(tree, &toolchain, &objects, arch)?.args(["-s", "headers"]))?;
    let mut folders: BTreeMap<&str, Vec<PathBuf>> = BTreeMap::new();
    for (folder, program) in names.iter().map(|name| place(name)) {
        folders.entry(folder).or_default().push(out.join(program));
    }
    for (folder, programs) in &folders {
        let sources = tree
            .check_out()?
            .join("tools/testing/selftests")
            .join(folder);

        Step::new(paths, "build selftests").run(
            Command::new("make")
                .current_dir(sources)
                .arg(format!("OUTPUT={}", out.display()))
                .arg(format!("CROSS_COMPILE={prefix}"))
                .arg(format!(
                    "KHDR_INCLUDES=-isystem {}",
                    objects.join("usr/include").display()
                ))
                .args(["EXTRA_CFLAGS=-static -DLOCAL_CONFIG", "USERLDFLAGS=-static"])
                .args(programs),
        )?;
    }
    Ok(names
        .iter()
        .map(|name| place(name).1)
        .map(|program| (format!("guest/{program}"), out.join(program)))
        .collect())
}

/// What makes room for huge pages.
pub const HUGE_PAGES: &str = "echo 80 > /proc/sys/vm/nr_hugepages\n";

/// What makes a page of 1 GiB: the kernels here cannot when they have booted.
const GIGANTIC: &str = "hugepagesz=1G hugepages=1";

/// What makes a page of each further size.
const OF_EACH_SIZE: &str = "for size in /sys/kernel/mm/hugepages/*; do\n\
                            grep -qsx 0 $size/nr_hugepages && echo 1 > $size/nr_hugepages\n\
                            done\n";

/// In MiB, enough for a page of 1 GiB. The machine gets what the guest uses of it.
const FOR_EACH_SIZE: usize = 8192;

/// What the base's tests need: to map more than there is, and to find the addresses free that they
/// choose, which now and then they are not where programs are put at random.
const FOR_BASE: &str = "echo 1 > /proc/sys/vm/overcommit_memory\n\
                        echo 0 > /proc/sys/kernel/randomize_va_space\n";

/// Runs tests in a guest, each with a limit of seconds, and tells what each one printed.
fn run_in_guest(
    paths: &Paths,
    name: &str,
    guest: Guest<'_>,
    tests: &[&str],
    limit: u64,
) -> Result<Vec<Ran>> {
    let alone = |test: &&str| format!("timeout -s KILL {limit} ./{}", place(test).1);
    let commands: Vec<String> = tests.iter().map(alone).collect();
    let guest = Guest {
        limit: Duration::from_secs(60 + limit * tests.len() as u64),
        ..guest
    };

    guest.commands(paths, name, &commands)
}

/// A guest of an image, with the tests and with more settings, for as long as its commands take.
fn with_tests<'a>(image: &'a Image, content: &'a [Content], settings: &'a str) -> Guest<'a> {
    Guest {
        content,
        settings,
        ..Guest::of(image, Duration::ZERO)
    }
}

/// Builds a kernel and runs the tests of the series and of the fixes in it.
pub fn suite(tree: &Tree, config: &str) -> Result<Outcome> {
    let image = kernel::image(tree, config)?;
    let name = format!("{}-{config}", tree.named("selftests"));

    own(tree.paths, &name, &image, &programs(tree, config)?)
}

/// The same with programs of 32 bits.
pub fn suite_of_32_bits(tree: &Tree, config: &str) -> Result<Outcome> {
    let image = kernel::image(tree, config)?;
    let name = format!("{}-{config}", tree.named("selftests-32"));

    own(
        tree.paths,
        &name,
        &image,
        &programs_of_32_bits(tree, config)?,
    )
}

/// Runs the tests of the series and of the fixes in a kernel, in a guest of that name.
pub fn own(paths: &Paths, name: &str, image: &Image, content: &[Content]) -> Result<Outcome> {
    let tests = own_tests(&paths.base);
    let settings = [HUGE_PAGES, OF_EACH_SIZE].concat();
    let guest = Guest {
        parameters: match image.of.arch {
            Arch::X86_64 => GIGANTIC,
            Arch::Arm64 => "",
        },
        memory: FOR_EACH_SIZE,
        ..with_tests(image, content, &settings)
    };
    let all = run_in_guest(paths, name, guest, &tests, 1200)?;
    let mut outcome = Outcome::default();

    for (program, ran) in tests.iter().zip(&all) {
        ensure!(
            ran.output.contains("# Totals:"),
            "{program} did not reach its end; the console is {}",
            paths.console(name).display()
        );
        outcome.add(tap::outcome(&ran.output));
    }
    Ok(outcome)
}

/// What each test of the base kernel printed, behind its name.
pub struct Printed(Vec<(String, String)>);

/// Runs the tests of the base kernel in a kernel, with parameters on its command line.
fn of_base_with(
    paths: &Paths,
    name: &str,
    image: &Image,
    content: &[Content],
    parameters: &str,
) -> Result<Printed> {
    let tests: Vec<&str> = paths.base.selftests_on(image.of.arch).collect();
    let settings = [HUGE_PAGES, FOR_BASE].concat();
    let guest = Guest {
        parameters,
        ..with_tests(image, content, &settings)
    };
    let all = run_in_guest(paths, name, guest, &tests, 300)?;
    let names = tests.into_iter().map(str::to_owned);

    Ok(Printed(
        names.zip(all.into_iter().map(|ran| ran.output)).collect(),
    ))
}

/// Runs the tests of the base kernel in a kernel.
pub fn of_base(paths: &Paths, name: &str, image: &Image, content: &[Content]) -> Result<Printed> {
    of_base_with(paths, name, image, content, "")
}

/// Runs tests of the base kernel in it and in the patched one, and compares the results.
pub fn compare_with_base(tree: &Tree, config: &str) -> Result<Outcome> {
    let (base, series) = kernel::both(tree, config)?;
    let content = programs(tree, config)?;
    let paths = tree.paths;
    let before = of_base(paths, "base", &base, &content)?;
    let after = of_base(paths, "series", &series, &content)?;

    Ok(compare(&before, &after))
}

/// Runs tests of the base kernel in the patched one with range moves off, which is the base's own
/// way, and on, and compares the results. That needs no other kernel to be built.
pub fn compare_with_off(tree: &Tree, config: &str) -> Result<Outcome> {
    let image = kernel::image(tree, config)?;
    let content = programs(tree, config)?;
    let paths = tree.paths;
    let before = of_base_with(paths, "off", &image, &content, kernel::OFF)?;
    let after = of_base(paths, "series", &image, &content)?;

    Ok(compare(&before, &after))
}

/// Compares what the base's tests printed in one kernel with what they printed in another one: each
/// has to end as it did.
pub fn compare(before: &Printed, after: &Printed) -> Outcome {
    let mut outcome = Outcome::default();

    for ((command, before), (_, after)) in before.0.iter().zip(&after.0) {
        let (before, after) = (tap::results(before), tap::results(after));

        outcome.check(!before.is_empty(), || {
            format!("{command} printed no result")
        });
        for (index, (test, result)) in before.iter().enumerate() {
            match after.get(index) {
                Some((_, now)) if now != result => outcome.check(false, || {
                    format!("{command}: {test}: {result} without range moves, {now} with them")
                }),
                Some(_) if *result == "skip" => outcome.skipped += 1,
                Some(_) => outcome.passed += 1,
                None => outcome.check(false, || format!("{command}: {test} did not run")),
            }
        }
        outcome.check(before.len() == after.len(), || {
            format!("{command}: {} results, then {}", before.len(), after.len())
        });
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::{
        own_tests,
        place,
        OWN, //
    };
    use crate::{
        arch::Arch,
        base::{
            names,
            Base, //
        },
        paths, //
    };

    #[test]
    fn tests_are_in_folders() {
        assert_eq!(place("mremap_test"), ("mm", "mremap_test"));
        assert_eq!(place("proc/read -x"), ("proc", "read -x"));
    }

    // A fix makes the results of such a test differ, which is no fault.
    #[test]
    fn tests_of_fixes_are_not_compared_with_the_base() {
        let top = paths::top().unwrap();

        for name in names(&top).unwrap() {
            let base = Base::find(&top, &name).unwrap();
            let own = own_tests(&base);

            assert!(own.starts_with(&OWN) && own.len() > OWN.len(), "{name}");
            for test in base.selftests_on(Arch::X86_64) {
                let program = test.split_whitespace().next().unwrap();
                assert!(!own.contains(&program), "{name}: {test}");
            }
        }
    }
}
