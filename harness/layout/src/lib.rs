// SPDX-License-Identifier: GPL-2.0

//! Layouts of mappings, for programs that move them and look at what came of it.
//!
//! A [`Layout`] says what is mapped in an arena, a range of addresses that nobody else uses, and
//! what is to be moved. It is plain data: drawn from a seed or parsed from a line of text, made in
//! a process, moved by one call or by a call for each segment, and shrunk when something is wrong.
//! A [`Snapshot`] says what a process can find out about its arena; two of them are compared.

pub mod arena;
mod capture;
mod check;
mod child;
mod compare;
mod counter;
mod draw;
mod excuse;
mod features;
mod gauge;
mod kernel_log;
mod kind;
mod ksm;
mod late;
mod make;
mod mark;
mod movement;
mod page;
mod pagemap;
mod picture;
mod plan;
mod rejoin;
mod scope;
mod shrink;
mod smaps;
mod snapshot;
mod sys;
mod text;
mod verdict;
mod wire;

pub use capture::{
    Capture,
    Depth, //
};
pub use child::{
    in_child,
    Failure, //
};
pub use compare::compare;
pub use counter::counter;
pub use draw::{
    draw,
    shuffle, //
};
pub use features::Features;
pub use gauge::{
    Effect,
    Gauge, //
};
pub use kernel_log::KernelLog;
pub use kind::{
    Fill,
    Kind,
    Prot, //
};
pub use make::Made;
pub use mark::{
    Mark,
    Twist, //
};
pub use movement::{
    by_a_call_each,
    by_mistake,
    by_one_call,
    clear_destination,
    Mistake, //
};
pub use plan::{
    Layout,
    Move,
    Part,
    Unit, //
};
pub use scope::{
    Scope,
    Tables, //
};
pub use snapshot::{
    Mapping,
    Page,
    Snapshot, //
};
pub use verdict::{
    runs,
    Verdict, //
};
pub use wire::Wire;
