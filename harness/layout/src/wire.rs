// SPDX-License-Identifier: GPL-2.0

//! Numbers and bytes, as one process hands them to another.

use anyhow::{
    Context,
    Result, //
};

/// Something that can be handed over.
pub trait Wire: Sized {
    fn put(&self, out: &mut Vec<u8>);
    fn get(from: &mut &[u8]) -> Result<Self>;
}

fn take<'a>(from: &mut &'a [u8], len: usize) -> Result<&'a [u8]> {
    let (head, tail) = from
        .split_at_checked(len)
        .context("what a child has to say ends too early")?;
    *from = tail;
    Ok(head)
}

impl Wire for u64 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.to_ne_bytes());
    }

    fn get(from: &mut &[u8]) -> Result<Self> {
        Ok(u64::from_ne_bytes(take(from, 8)?.try_into()?))
    }
}

impl Wire for i64 {
    fn put(&self, out: &mut Vec<u8>) {
        (*self as u64).put(out);
    }

    fn get(from: &mut &[u8]) -> Result<Self> {
        Ok(u64::get(from)? as i64)
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u64).put(out);
        self.iter().for_each(|value| value.put(out));
    }

    fn get(from: &mut &[u8]) -> Result<Self> {
        let len = u64::get(from)?;
        (0..len).map(|_| T::get(from)).collect()
    }
}

impl Wire for () {
    fn put(&self, _: &mut Vec<u8>) {}

    fn get(_: &mut &[u8]) -> Result<Self> {
        Ok(())
    }
}

impl Wire for String {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u64).put(out);
        out.extend(self.as_bytes());
    }

    fn get(from: &mut &[u8]) -> Result<Self> {
        let len = u64::get(from)? as usize;
        Ok(String::from_utf8(take(from, len)?.to_vec())?)
    }
}

/// Makes a structure something that can be handed over, field by field.
#[macro_export]
macro_rules! wire {
    ($type:ident { $($field:ident),* $(,)? }) => {
        impl $crate::Wire for $type {
            fn put(&self, out: &mut Vec<u8>) {
                $($crate::Wire::put(&self.$field, out);)*
            }

            fn get(from: &mut &[u8]) -> anyhow::Result<Self> {
                Ok($type { $($field: $crate::Wire::get(from)?,)* })
            }
        }
    };
}
