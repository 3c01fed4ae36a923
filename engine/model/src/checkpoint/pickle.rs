//! The small part of Python's pickle format that names tensors, read without running anything.
//!
//! A pickle is a program for a stack machine that may call any function of any Python module. This
//! machine knows a closed list of names ([`Known`]) and what they stand for, and calls nothing.
//! Values live in one list and refer to each other by index, so that a hostile file can build
//! neither deep recursion nor cycles that are never freed; each instruction adds at most one value.
//! Opcodes: `pickletools` of the Python standard library, protocols 2 to 5.

use std::collections::HashMap;

use super::tensor::Element;

/// What is done with a name that is not on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// The file is refused.
    Refused,
    /// It becomes a value without meaning, and so does everything made with it: for training
    /// checkpoints, which keep the state of optimizers and callbacks beside the weights.
    Inert,
}

/// Index of a value.
pub(super) type Ref = usize;

/// A value.
#[derive(Debug)]
pub(super) enum Value {
    /// `None`, a boolean, a float, bytes: nothing that names a tensor.
    Other,
    Int(i64),
    Text(String),
    /// A tuple or list.
    Sequence(Vec<Ref>),
    /// A dictionary, in the order of the file.
    Mapping(Vec<(Ref, Ref)>),
    Known(Known),
    Storage(Storage),
    Tensor(Stored),
    /// Something whose name is not on the list.
    Inert(String),
}

/// The names that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    RebuildTensor,
    OrderedDict,
    Storage(Element),
}

impl Known {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "torch._utils._rebuild_tensor_v2" => Self::RebuildTensor,
            "collections.OrderedDict" => Self::OrderedDict,
            "torch.FloatStorage" => Self::Storage(Element::F32),
            "torch.HalfStorage" => Self::Storage(Element::F16),
            "torch.BFloat16Storage" => Self::Storage(Element::Bf16),
            "torch.LongStorage" => Self::Storage(Element::I64),
            _ => return None,
        })
    }
}

/// The bytes behind tensors: the file's entry `data/<key>`.
#[derive(Debug, Clone)]
pub(super) struct Storage {
    pub(super) element: Element,
    pub(super) key: String,
    pub(super) count: u64,
}

/// A tensor: a view of a storage, counted in elements.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) storage: Storage,
    pub(super) offset: u64,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<u64>,
}

/// All the values of a pickle and which of them is the result.
#[derive(Debug)]
pub(super) struct Pickle {
    values: Vec<Value>,
    root: Ref,
}

impl Pickle {
    /// Reads a pickle; the error is a phrase that says what is wrong.
    pub(super) fn read(bytes: &[u8], unknown: Unknown) -> Result<Self, String> {
        let mut machine = Machine {
            rest: bytes,
            unknown,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
        };
        loop {
            let opcode = machine.byte()?;
            if opcode == b'.' {
                let root = machine.pop()?;
                let values = machine.values;
                return Ok(Self { values, root });
            }
            machine.step(opcode)?;
        }
    }

    /// The result.
    pub(super) fn root(&self) -> Ref {
        self.root
    }

    /// A value.
    pub(super) fn value(&self, at: Ref) -> &Value {
        self.values.get(at).unwrap_or(&Value::Other)
    }
}

const TRUNCATED: &str = "its pickle ends in the middle";
const MALFORMED: &str = "its pickle is malformed";

struct Machine<'a> {
    rest: &'a [u8],
    unknown: Unknown,
    values: Vec<Value>,
    stack: Vec<Ref>,
    marks: Vec<usize>,
    memo: HashMap<u64, Ref>,
}

impl<'a> Machine<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8], String> {
        let count = usize::try_from(count).map_err(|_| TRUNCATED)?;
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(TRUNCATED)?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    /// A little-endian number of `bytes` bytes, at most 8.
    fn number(&mut self, bytes: u64) -> Result<u64, String> {
        let taken = self.take(bytes)?.iter().rev();
        Ok(taken.fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn counted(&mut self, length_bytes: u64) -> Result<&'a [u8], String> {
        let length = self.number(length_bytes)?;
        self.take(length)
    }

    fn text(&mut self, length_bytes: u64) -> Result<Value, String> {
        let bytes = self.counted(length_bytes)?;
        let text = std::str::from_utf8(bytes).map_err(|_| MALFORMED)?;
        Ok(Value::Text(text.to_owned()))
    }

    fn line(&mut self) -> Result<&'a str, String> {
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let line = self.take(end.ok_or(TRUNCATED)? as u64)?;
        self.byte()?;
        std::str::from_utf8(line).map_err(|_| MALFORMED.to_owned())
    }

    fn push(&mut self, value: Value) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    fn pop(&mut self) -> Result<Ref, String> {
        let above_mark = self.stack.len() > self.marks.last().copied().unwrap_or(0);
        let popped = if above_mark { self.stack.pop() } else { None };
        popped.ok_or_else(|| MALFORMED.to_owned())
    }

    fn top(&self) -> Result<Ref, String> {
        self.stack
            .last()
            .copied()
            .ok_or_else(|| MALFORMED.to_owned())
    }

    fn since_mark(&mut self) -> Result<Vec<Ref>, String> {
        let mark = self.marks.pop().ok_or(MALFORMED)?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn last(&mut self, count: usize) -> Result<Vec<Ref>, String> {
        let mut values = (0..count)
            .map(|_| self.pop())
            .collect::<Result<Vec<_>, _>>()?;
        values.reverse();
        Ok(values)
    }

    fn step(&mut self, opcode: u8) -> Result<(), String> {
        match opcode {
            0x80 => drop(self.byte()?),                    // PROTO
            0x95 => drop(self.take(8)?),                   // FRAME
            b'(' => self.marks.push(self.stack.len()),     // MARK
            b'0' => drop(self.pop()?),                     // POP
            b'1' => drop(self.since_mark()?),              // POP_MARK
            b'N' | 0x88 | 0x89 => self.push(Value::Other), // NONE, NEWTRUE, NEWFALSE
            b'J' => {
                let number = self.number(4)? as u32 as i32;
                self.push(Value::Int(number.into())); // BININT
            }
            b'K' => self.integer(1)?, // BININT1
            b'M' => self.integer(2)?, // BININT2
            0x8a => self.long()?,     // LONG1
            b'G' => {
                self.take(8)?; // BINFLOAT
                self.push(Value::Other);
            }
            b'X' => self.push_text(4)?,         // BINUNICODE
            0x8c => self.push_text(1)?,         // SHORT_BINUNICODE
            b'B' | b'T' => self.push_bytes(4)?, // BINBYTES, BINSTRING
            b'C' | b'U' => self.push_bytes(1)?, // SHORT_BINBYTES, SHORT_BINSTRING
            b']' | b')' | 0x8f => self.push(Value::Sequence(Vec::new())), // EMPTY_LIST, _TUPLE, _SET
            b't' | b'l' => {
                let values = self.since_mark()?; // TUPLE, LIST
                self.push(Value::Sequence(values));
            }
            0x85..=0x87 => {
                let values = self.last(usize::from(opcode - 0x84))?; // TUPLE1, TUPLE2, TUPLE3
                self.push(Value::Sequence(values));
            }
            b'a' => {
                let values = self.last(1)?; // APPEND
                self.extend(values)?;
            }
            b'e' | 0x90 => {
                let values = self.since_mark()?; // APPENDS, ADDITEMS
                self.extend(values)?;
            }
            b'}' => self.push(Value::Mapping(Vec::new())), // EMPTY_DICT
            b'd' => {
                let values = self.since_mark()?; // DICT
                self.push(Value::Mapping(Vec::new()));
                self.insert(&values)?;
            }
            b's' => {
                let values = self.last(2)?; // SETITEM
                self.insert(&values)?;
            }
            b'u' => {
                let values = self.since_mark()?; // SETITEMS
                self.insert(&values)?;
            }
            b'q' => self.put(1)?, // BINPUT
            b'r' => self.put(4)?, // LONG_BINPUT
            0x94 => {
                let top = self.top()?; // MEMOIZE
                self.memo.insert(self.memo.len() as u64, top);
            }
            b'h' => self.get(1)?, // BINGET
            b'j' => self.get(4)?, // LONG_BINGET
            b'c' => {
                let (module, name) = (self.line()?, self.line()?); // GLOBAL
                self.global(&format!("{module}.{name}"))?;
            }
            0x93 => {
                let parts = self.last(2)?; // STACK_GLOBAL
                let name = format!("{}.{}", self.as_text(parts[0])?, self.as_text(parts[1])?);
                self.global(&name)?;
            }
            b'R' | 0x81 => self.call()?, // REDUCE, NEWOBJ
            b'b' => self.build()?,       // BUILD
            b'Q' => self.persistent()?,  // BINPERSID
            other => {
                return Err(format!(
                    "its pickle uses the instruction {other:#04x}, which weights don't need"
                ));
            }
        }
        Ok(())
    }

    fn integer(&mut self, bytes: u64) -> Result<(), String> {
        let number = self.number(bytes)?;
        self.push(Value::Int(i64::try_from(number).map_err(|_| MALFORMED)?));
        Ok(())
    }

    /// A number of up to 8 bytes in two's complement; longer ones mean nothing here.
    fn long(&mut self) -> Result<(), String> {
        let bytes = self.counted(1)?;
        let value = if bytes.len() > 8 {
            Value::Other
        } else {
            let sign = if bytes.last().is_some_and(|top| *top >= 0x80) {
                0xff
            } else {
                0
            };
            let mut wide = [sign; 8];
            wide[..bytes.len()].copy_from_slice(bytes);
            Value::Int(i64::from_le_bytes(wide))
        };
        self.push(value);
        Ok(())
    }

    fn push_text(&mut self, length_bytes: u64) -> Result<(), String> {
        let text = self.text(length_bytes)?;
        self.push(text);
        Ok(())
    }

    fn push_bytes(&mut self, length_bytes: u64) -> Result<(), String> {
        self.counted(length_bytes)?;
        self.push(Value::Other);
        Ok(())
    }

    fn put(&mut self, bytes: u64) -> Result<(), String> {
        let (index, top) = (self.number(bytes)?, self.top()?);
        self.memo.insert(index, top);
        Ok(())
    }

    fn get(&mut self, bytes: u64) -> Result<(), String> {
        let index = self.number(bytes)?;
        let value = *self.memo.get(&index).ok_or(MALFORMED)?;
        self.stack.push(value);
        Ok(())
    }

    fn extend(&mut self, values: Vec<Ref>) -> Result<(), String> {
        let list = self.top()?;
        match &mut self.values[list] {
            Value::Sequence(list) => list.extend(values),
            Value::Inert(_) => {}
            _ => return Err(MALFORMED.to_owned()),
        }
        Ok(())
    }

    fn insert(&mut self, values: &[Ref]) -> Result<(), String> {
        let mapping = self.top()?;
        match &mut self.values[mapping] {
            Value::Mapping(mapping) if values.len().is_multiple_of(2) => {
                mapping.extend(values.chunks_exact(2).map(|pair| (pair[0], pair[1])));
            }
            Value::Inert(_) => {}
            _ => return Err(MALFORMED.to_owned()),
        }
        Ok(())
    }

    fn global(&mut self, name: &str) -> Result<(), String> {
        let value = match (Known::from_name(name), self.unknown) {
            (Some(known), _) => Value::Known(known),
            (None, Unknown::Inert) => Value::Inert(name.to_owned()),
            (None, Unknown::Refused) => {
                return Err(format!(
                    "it asks for “{}”, which weights don't need and which is never run",
                    name.escape_debug()
                ));
            }
        };
        self.push(value);
        Ok(())
    }

    fn as_text(&self, at: Ref) -> Result<&str, String> {
        match &self.values[at] {
            Value::Text(text) => Ok(text),
            _ => Err(MALFORMED.to_owned()),
        }
    }

    fn as_numbers<T: TryFrom<i64>>(&self, at: Ref) -> Result<Vec<T>, String> {
        let Value::Sequence(items) = &self.values[at] else {
            return Err(MALFORMED.to_owned());
        };
        items.iter().map(|item| self.as_number(*item)).collect()
    }

    fn as_number<T: TryFrom<i64>>(&self, at: Ref) -> Result<T, String> {
        match &self.values[at] {
            Value::Int(number) => T::try_from(*number).map_err(|_| MALFORMED.to_owned()),
            _ => Err(MALFORMED.to_owned()),
        }
    }

    /// What stands for a call of one of the known names.
    fn call(&mut self) -> Result<(), String> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let value = match (&self.values[function], &self.values[arguments]) {
            (Value::Inert(name), _) => Value::Inert(name.clone()),
            (Value::Known(Known::OrderedDict), Value::Sequence(none)) if none.is_empty() => {
                Value::Mapping(Vec::new())
            }
            (Value::Known(Known::RebuildTensor), Value::Sequence(arguments)) => {
                self.tensor(arguments)?
            }
            _ => return Err(MALFORMED.to_owned()),
        };
        self.push(value);
        Ok(())
    }

    /// `_rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, hooks, …)`.
    fn tensor(&self, arguments: &[Ref]) -> Result<Value, String> {
        let [storage, offset, shape, strides, ..] = *arguments else {
            return Err(MALFORMED.to_owned());
        };
        let storage = match &self.values[storage] {
            Value::Storage(storage) => storage.clone(),
            Value::Inert(name) => return Ok(Value::Inert(name.clone())),
            _ => return Err(MALFORMED.to_owned()),
        };
        Ok(Value::Tensor(Stored {
            storage,
            offset: self.as_number(offset)?,
            shape: self.as_numbers(shape)?,
            strides: self.as_numbers(strides)?,
        }))
    }

    /// Attributes of an object: nothing that names a tensor.
    fn build(&mut self) -> Result<(), String> {
        self.pop()?;
        match &self.values[self.top()?] {
            Value::Mapping(_) | Value::Inert(_) => Ok(()),
            _ => Err(MALFORMED.to_owned()),
        }
    }

    /// `("storage", type, key, location, count)`.
    fn persistent(&mut self) -> Result<(), String> {
        let id = self.pop()?;
        let Value::Sequence(parts) = &self.values[id] else {
            return Err(MALFORMED.to_owned());
        };
        let [what, kind, key, _, count] = parts[..] else {
            return Err(MALFORMED.to_owned());
        };
        let value = match &self.values[kind] {
            Value::Inert(name) => Value::Inert(name.clone()),
            Value::Known(Known::Storage(element)) if self.as_text(what)? == "storage" => {
                Value::Storage(Storage {
                    element: *element,
                    key: self.as_text(key)?.to_owned(),
                    count: self.as_number(count)?,
                })
            }
            _ => return Err(MALFORMED.to_owned()),
        };
        self.push(value);
        Ok(())
    }
}
