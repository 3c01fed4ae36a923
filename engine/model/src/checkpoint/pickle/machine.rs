//! The stack machine that reads a pickle and calls nothing.

use std::collections::HashMap;

use super::reader::{MALFORMED, Reader};
use super::value::{Global, Ref, Storage, TensorView, UnknownGlobals, Value};

/// The machine's state between two instructions.
pub(super) struct Machine<'a> {
    input: Reader<'a>,
    unknown_globals: UnknownGlobals,
    values: Vec<Value>,
    stack: Vec<Ref>,
    marks: Vec<usize>,
    memo: HashMap<u64, Ref>,
}

impl<'a> Machine<'a> {
    /// Runs a pickle: all its values, and the index of its result. The error is a phrase that names the
    /// fault.
    pub(super) fn run(
        bytes: &'a [u8],
        unknown_globals: UnknownGlobals,
    ) -> Result<(Vec<Value>, Ref), String> {
        let mut machine = Self {
            input: Reader(bytes),
            unknown_globals,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
        };
        loop {
            let opcode = machine.input.byte()?;
            if opcode == b'.' {
                let root = machine.pop()?;
                return Ok((machine.values, root));
            }
            machine.step(opcode)?;
        }
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

    /// Carries out one instruction.
    fn step(&mut self, opcode: u8) -> Result<(), String> {
        let is_done = self.scalar(opcode)?
            || self.container(opcode)?
            || self.stack_or_memo(opcode)?
            || self.object(opcode)?;
        if is_done {
            return Ok(());
        }
        Err(format!(
            "its pickle uses the instruction {opcode:#04x}, which weights don't need"
        ))
    }

    /// Instructions that push a number, text, bytes or a constant; `false` for any other.
    fn scalar(&mut self, opcode: u8) -> Result<bool, String> {
        match opcode {
            b'N' | 0x88 | 0x89 => self.push(Value::Other), // NONE, NEWTRUE, NEWFALSE
            b'J' => {
                let number = self.input.number(4)? as u32 as i32;
                self.push(Value::Int(number.into())); // BININT
            }
            b'K' => self.integer(1)?, // BININT1
            b'M' => self.integer(2)?, // BININT2
            0x8a => self.long()?,     // LONG1
            b'G' => {
                self.input.take(8)?; // BINFLOAT
                self.push(Value::Other);
            }
            b'X' => self.push_text(4)?,         // BINUNICODE
            0x8c => self.push_text(1)?,         // SHORT_BINUNICODE
            b'B' | b'T' => self.push_bytes(4)?, // BINBYTES, BINSTRING
            b'C' | b'U' => self.push_bytes(1)?, // SHORT_BINBYTES, SHORT_BINSTRING
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Instructions that make or fill tuples, lists, sets and dictionaries; `false` for any other.
    fn container(&mut self, opcode: u8) -> Result<bool, String> {
        match opcode {
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
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Instructions for the frame, the stack and the memo; `false` for any other.
    fn stack_or_memo(&mut self, opcode: u8) -> Result<bool, String> {
        match opcode {
            0x80 => drop(self.input.byte()?),          // PROTO
            0x95 => drop(self.input.take(8)?),         // FRAME
            b'(' => self.marks.push(self.stack.len()), // MARK
            b'0' => drop(self.pop()?),                 // POP
            b'1' => drop(self.since_mark()?),          // POP_MARK
            b'q' => self.put(1)?,                      // BINPUT
            b'r' => self.put(4)?,                      // LONG_BINPUT
            0x94 => {
                let top = self.top()?; // MEMOIZE
                self.memo.insert(self.memo.len() as u64, top);
            }
            b'h' => self.get(1)?, // BINGET
            b'j' => self.get(4)?, // LONG_BINGET
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Instructions that look up a global or make an object; `false` for any other.
    fn object(&mut self, opcode: u8) -> Result<bool, String> {
        match opcode {
            b'c' => {
                let (module, name) = (self.input.line()?, self.input.line()?); // GLOBAL
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
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn integer(&mut self, bytes: u64) -> Result<(), String> {
        let number = self.input.number(bytes)?;
        self.push(Value::Int(i64::try_from(number).map_err(|_| MALFORMED)?));
        Ok(())
    }

    /// A number of up to 8 bytes in two's complement; a longer one has no meaning here.
    fn long(&mut self) -> Result<(), String> {
        let bytes = self.input.counted(1)?;
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
        let text = self.input.text(length_bytes)?.to_owned();
        self.push(Value::Text(text));
        Ok(())
    }

    fn push_bytes(&mut self, length_bytes: u64) -> Result<(), String> {
        self.input.counted(length_bytes)?;
        self.push(Value::Other);
        Ok(())
    }

    fn put(&mut self, bytes: u64) -> Result<(), String> {
        let (index, top) = (self.input.number(bytes)?, self.top()?);
        self.memo.insert(index, top);
        Ok(())
    }

    fn get(&mut self, bytes: u64) -> Result<(), String> {
        let index = self.input.number(bytes)?;
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

    /// The value of a global name, or an error when it is not on the list.
    fn global(&mut self, name: &str) -> Result<(), String> {
        let value = match (Global::from_name(name), self.unknown_globals) {
            (Some(global), _) => Value::Global(global),
            (None, UnknownGlobals::Inert) => Value::Inert(name.to_owned()),
            (None, UnknownGlobals::Refused) => {
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

    /// The result of a call of a listed global, which is never really called.
    fn call(&mut self) -> Result<(), String> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let value = match (&self.values[function], &self.values[arguments]) {
            (Value::Inert(name), _) => Value::Inert(name.clone()),
            (Value::Global(Global::OrderedDict), Value::Sequence(none)) if none.is_empty() => {
                Value::Mapping(Vec::new())
            }
            (Value::Global(Global::RebuildTensor), Value::Sequence(arguments)) => {
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
        Ok(Value::Tensor(TensorView {
            storage,
            offset: self.as_number(offset)?,
            shape: self.as_numbers(shape)?,
            strides: self.as_numbers(strides)?,
        }))
    }

    /// The attributes of an object, none of which names a tensor.
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
        let [tag, storage_type, key, _, count] = parts[..] else {
            return Err(MALFORMED.to_owned());
        };
        let value = match &self.values[storage_type] {
            Value::Inert(name) => Value::Inert(name.clone()),
            Value::Global(Global::Storage(element)) if self.as_text(tag)? == "storage" => {
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
