//! The values that a pickle of tensors may hold, and the closed list of its global names.

use crate::checkpoint::tensor::ElementType;

/// The treatment of global names that are not on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::checkpoint) enum UnknownGlobals {
    /// The file is refused.
    Refused,
    /// The name becomes a value without meaning, and so does everything made with it: for training
    /// checkpoints, which keep the state of optimizers and callbacks beside the weights.
    Inert,
}

/// Index of a value in its pickle.
pub(in crate::checkpoint) type Ref = usize;

/// A value.
#[derive(Debug)]
pub(in crate::checkpoint) enum Value {
    /// `None`, a boolean, a float or bytes, none of which names a tensor.
    Other,
    Int(i64),
    Text(String),
    /// A tuple or list.
    Sequence(Vec<Ref>),
    /// A dictionary, in the order of the file.
    Mapping(Vec<(Ref, Ref)>),
    Global(Global),
    Storage(Storage),
    Tensor(TensorView),
    /// A global that is not on the list, or a value made with it; its name.
    Inert(String),
}

/// The global names on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::checkpoint) enum Global {
    RebuildTensor,
    OrderedDict,
    Storage(ElementType),
}

impl Global {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "torch._utils._rebuild_tensor_v2" => Self::RebuildTensor,
            "collections.OrderedDict" => Self::OrderedDict,
            "torch.FloatStorage" => Self::Storage(ElementType::F32),
            "torch.HalfStorage" => Self::Storage(ElementType::F16),
            "torch.BFloat16Storage" => Self::Storage(ElementType::Bf16),
            "torch.LongStorage" => Self::Storage(ElementType::I64),
            _ => return None,
        })
    }
}

/// The bytes of one or several tensors: the file's entry `data/<key>`.
#[derive(Debug, Clone)]
pub(in crate::checkpoint) struct Storage {
    pub(in crate::checkpoint) element: ElementType,
    pub(in crate::checkpoint) key: String,
    pub(in crate::checkpoint) count: u64,
}

/// A tensor: a view of a storage; offset and strides count elements.
#[derive(Debug, Clone)]
pub(in crate::checkpoint) struct TensorView {
    pub(in crate::checkpoint) storage: Storage,
    pub(in crate::checkpoint) offset: u64,
    pub(in crate::checkpoint) shape: Vec<usize>,
    pub(in crate::checkpoint) strides: Vec<u64>,
}
