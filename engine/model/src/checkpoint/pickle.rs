//! The small part of Python's pickle format that names tensors, read without running anything.
//!
//! A pickle is a program for a stack machine that may call any function of any Python module. The
//! [machine](machine) here knows a closed list of names ([`Global`](value::Global)), each with a fixed
//! meaning, and calls nothing. Values live in one list and refer to each other by index, so that a
//! hostile file can build neither deep recursion nor cycles that are never freed; each instruction
//! adds at most one value. Opcodes: `pickletools` of the Python standard library, protocols 2 to 5.

mod machine;
mod reader;
mod value;

use machine::Machine;
pub(super) use value::{Ref, TensorView, UnknownGlobals, Value};

/// All values of a pickle, and the index of its result.
#[derive(Debug)]
pub(super) struct Pickle {
    values: Vec<Value>,
    root: Ref,
}

impl Pickle {
    /// Reads a pickle; the error is a phrase that names the fault.
    pub(super) fn read(bytes: &[u8], unknown: UnknownGlobals) -> Result<Self, String> {
        let (values, root) = Machine::run(bytes, unknown)?;
        Ok(Self { values, root })
    }

    /// The index of the result.
    pub(super) fn root(&self) -> Ref {
        self.root
    }

    /// The value with this index.
    pub(super) fn value(&self, at: Ref) -> &Value {
        self.values.get(at).unwrap_or(&Value::Other)
    }
}
