//! A provider library for the tests, that needs no hardware but the CPU: three execution providers
//! that go wrong in their own ways.
//!
//! | name | what it does |
//! |---|---|
//! | `stumbling` | runs every `Mul` of a graph, and fails for good with the first product above 1 |
//! | `broken` | is listed, and fails when a session is made |
//! | `idle` | is listed and starts, and runs nothing |
//!
//! ONNX Runtime calls it through tables of functions, whose beginning is declared here; the types
//! that are shared with it are `ort`'s.

use std::ffi::{CStr, c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use ort::sys::{
    OrtApi, OrtApiBase, OrtEpDevice, OrtErrorCode, OrtGraph, OrtHardwareDevice,
    OrtHardwareDeviceType, OrtKernelContext, OrtKeyValuePairs, OrtNode, OrtStatusPtr,
};

/// The version of ONNX Runtime's interface that is declared here.
const API_VERSION: u32 = 23;

const NAMES: [&CStr; 3] = [
    c"StumblingExecutionProvider",
    c"BrokenExecutionProvider",
    c"IdleExecutionProvider",
];

/// `OrtEpFactory` up to version 1.23 of ONNX Runtime; null where a function is optional.
#[repr(C)]
struct Factory {
    version: u32,
    name: unsafe extern "system" fn(*const Factory) -> *const c_char,
    vendor: unsafe extern "system" fn(*const Factory) -> *const c_char,
    supported_devices: unsafe extern "system" fn(
        *mut Factory,
        *const *const OrtHardwareDevice,
        usize,
        *mut *mut OrtEpDevice,
        usize,
        *mut usize,
    ) -> OrtStatusPtr,
    create: unsafe extern "system" fn(
        *mut Factory,
        *const *const OrtHardwareDevice,
        *const *const OrtKeyValuePairs,
        usize,
        *const c_void,
        *const c_void,
        *mut *mut Provider,
    ) -> OrtStatusPtr,
    release: unsafe extern "system" fn(*mut Factory, *mut Provider),
    vendor_id: unsafe extern "system" fn(*const Factory) -> u32,
    own_version: unsafe extern "system" fn(*const Factory) -> *const c_char,
    validate: *const c_void,
    create_allocator: *const c_void,
    release_allocator: *const c_void,
    create_data_transfer: unsafe extern "system" fn(*mut Factory, *mut *mut c_void) -> OrtStatusPtr,
    is_stream_aware: unsafe extern "system" fn(*const Factory) -> bool,
    create_stream: *const c_void,
    /// Ours: which of [`NAMES`] it is.
    kind: usize,
}

/// `OrtEp`.
#[repr(C)]
struct Provider {
    version: u32,
    name: unsafe extern "system" fn(*const Provider) -> *const c_char,
    capability:
        unsafe extern "system" fn(*mut Provider, *const OrtGraph, *mut c_void) -> OrtStatusPtr,
    compile: unsafe extern "system" fn(
        *mut Provider,
        *mut *const OrtGraph,
        *mut *const OrtNode,
        usize,
        *mut *mut Compute,
        *mut *mut OrtNode,
    ) -> OrtStatusPtr,
    release_computes: unsafe extern "system" fn(*mut Provider, *mut *mut Compute, usize),
    optional: [*const c_void; 10],
    /// Ours: which of [`NAMES`] it is.
    kind: usize,
}

/// `OrtNodeComputeInfo`.
#[repr(C)]
struct Compute {
    version: u32,
    create_state:
        unsafe extern "system" fn(*mut Compute, *mut c_void, *mut *mut c_void) -> OrtStatusPtr,
    run:
        unsafe extern "system" fn(*mut Compute, *mut c_void, *mut OrtKernelContext) -> OrtStatusPtr,
    release_state: unsafe extern "system" fn(*mut Compute, *mut c_void),
}

/// The beginning of `OrtEpApi`.
#[repr(C)]
struct ProviderApi {
    create_device: unsafe extern "system" fn(
        *mut Factory,
        *const OrtHardwareDevice,
        *const OrtKeyValuePairs,
        *const OrtKeyValuePairs,
        *mut *mut OrtEpDevice,
    ) -> OrtStatusPtr,
    release_device: unsafe extern "system" fn(*mut OrtEpDevice),
    add_nodes_to_fuse: unsafe extern "system" fn(
        *mut c_void,
        *const *const OrtNode,
        usize,
        *const c_void,
    ) -> OrtStatusPtr,
}

static API: OnceLock<&'static OrtApi> = OnceLock::new();
/// Once lost, a device stays lost, as a real one does.
static LOST: AtomicBool = AtomicBool::new(false);

const OK: OrtStatusPtr = OrtStatusPtr(null_mut());

fn api() -> &'static OrtApi {
    API.get().expect("ONNX Runtime makes the factories first")
}

fn provider_api() -> &'static ProviderApi {
    // SAFETY: the table is static, and begins as declared above in every version since 1.23.
    unsafe { &*(api().GetEpApi)().cast() }
}

fn failure(message: &CStr) -> OrtStatusPtr {
    // SAFETY: the message is copied.
    unsafe { (api().CreateStatus)(OrtErrorCode::ORT_FAIL, message.as_ptr()) }
}

/// Returns early with a status that is no success.
macro_rules! tried {
    ($call:expr) => {
        // SAFETY: ONNX Runtime owns what the pointers in the call point to, and keeps it meanwhile.
        let status = unsafe { $call };
        if !status.0.is_null() {
            return status;
        }
    };
}

/// ONNX Runtime looks this function up by name.
///
/// # Safety
/// It is called by ONNX Runtime, with room for `most` factories.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn CreateEpFactories(
    _registered_as: *const c_char,
    base: *const OrtApiBase,
    _logger: *const c_void,
    factories: *mut *mut c_void,
    most: usize,
    count: *mut usize,
) -> OrtStatusPtr {
    // SAFETY: ONNX Runtime gives a table of its own, and a null pointer for a version it has not.
    let api = unsafe { ((*base).GetApi)(API_VERSION).as_ref() };
    API.get_or_init(|| api.expect("a version of ONNX Runtime that has provider libraries"));
    let made = NAMES.len().min(most);
    for kind in 0..made {
        let factory = Factory {
            version: API_VERSION,
            name: factory_name,
            vendor,
            supported_devices,
            create,
            release,
            vendor_id,
            own_version,
            validate: null(),
            create_allocator: null(),
            release_allocator: null(),
            create_data_transfer,
            is_stream_aware,
            create_stream: null(),
            kind,
        };
        // SAFETY: there is room for `most`.
        unsafe { *factories.add(kind) = Box::into_raw(Box::new(factory)).cast() };
    }
    // SAFETY: a place for the number.
    unsafe { *count = made };
    OK
}

/// ONNX Runtime looks this function up by name.
///
/// # Safety
/// It is called once for each factory that was made above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ReleaseEpFactory(factory: *mut c_void) -> OrtStatusPtr {
    // SAFETY: by this function's own contract.
    drop(unsafe { Box::from_raw(factory.cast::<Factory>()) });
    OK
}

unsafe extern "system" fn factory_name(this: *const Factory) -> *const c_char {
    // SAFETY: ONNX Runtime passes what we made.
    NAMES[unsafe { (*this).kind }].as_ptr()
}

unsafe extern "system" fn vendor(_this: *const Factory) -> *const c_char {
    c"Mertscope's tests".as_ptr()
}

unsafe extern "system" fn vendor_id(_this: *const Factory) -> u32 {
    0
}

unsafe extern "system" fn own_version(_this: *const Factory) -> *const c_char {
    c"1.0.0".as_ptr()
}

unsafe extern "system" fn is_stream_aware(_this: *const Factory) -> bool {
    false
}

/// Data needs no transfer to the CPU.
unsafe extern "system" fn create_data_transfer(
    _this: *mut Factory,
    transfer: *mut *mut c_void,
) -> OrtStatusPtr {
    // SAFETY: a place for the pointer.
    unsafe { *transfer = null_mut() };
    OK
}

unsafe extern "system" fn supported_devices(
    this: *mut Factory,
    devices: *const *const OrtHardwareDevice,
    count: usize,
    listed: *mut *mut OrtEpDevice,
    most: usize,
    listed_count: *mut usize,
) -> OrtStatusPtr {
    // SAFETY: ONNX Runtime passes `count` devices.
    let devices = unsafe { std::slice::from_raw_parts(devices, count) };
    let is_cpu = |device: &&*const OrtHardwareDevice| {
        // SAFETY: each of them is alive.
        let kind = unsafe { (api().HardwareDevice_Type)(**device) };
        kind == OrtHardwareDeviceType::OrtHardwareDeviceType_CPU
    };
    let mut number = 0;
    for device in devices.iter().filter(is_cpu).take(most) {
        tried!((provider_api().create_device)(
            this,
            *device,
            null(),
            null(),
            listed.add(number)
        ));
        number += 1;
    }
    // SAFETY: a place for the number.
    unsafe { *listed_count = number };
    OK
}

unsafe extern "system" fn create(
    this: *mut Factory,
    _devices: *const *const OrtHardwareDevice,
    _metadata: *const *const OrtKeyValuePairs,
    _count: usize,
    _options: *const c_void,
    _logger: *const c_void,
    provider: *mut *mut Provider,
) -> OrtStatusPtr {
    // SAFETY: ONNX Runtime passes what we made.
    let kind = unsafe { (*this).kind };
    if kind == 1 {
        return failure(c"out of memory: 12 GB were asked for, 3 GB are free");
    }
    let new = Provider {
        version: API_VERSION,
        name: provider_name,
        capability,
        compile,
        release_computes,
        optional: [null(); 10],
        kind,
    };
    // SAFETY: a place for the pointer.
    unsafe { *provider = Box::into_raw(Box::new(new)) };
    OK
}

unsafe extern "system" fn release(_this: *mut Factory, provider: *mut Provider) {
    // SAFETY: it is one that `create` made, and ONNX Runtime is done with it.
    drop(unsafe { Box::from_raw(provider) });
}

unsafe extern "system" fn provider_name(this: *const Provider) -> *const c_char {
    // SAFETY: ONNX Runtime passes what we made.
    NAMES[unsafe { (*this).kind }].as_ptr()
}

unsafe extern "system" fn capability(
    this: *mut Provider,
    graph: *const OrtGraph,
    support: *mut c_void,
) -> OrtStatusPtr {
    // SAFETY: ONNX Runtime passes what we made.
    if unsafe { (*this).kind } != 0 {
        return OK;
    }
    let mut count = 0;
    tried!((api().Graph_GetNumNodes)(graph, &mut count));
    let mut nodes = vec![null(); count];
    tried!((api().Graph_GetNodes)(graph, nodes.as_mut_ptr(), count));
    for node in nodes {
        let mut operator = null();
        tried!((api().Node_GetOperatorType)(node, &mut operator));
        // SAFETY: the graph owns the name.
        if unsafe { CStr::from_ptr(operator) } == c"Mul" {
            tried!((provider_api().add_nodes_to_fuse)(
                support,
                &node,
                1,
                null()
            ));
        }
    }
    OK
}

unsafe extern "system" fn compile(
    _this: *mut Provider,
    _graphs: *mut *const OrtGraph,
    _nodes: *mut *const OrtNode,
    count: usize,
    computes: *mut *mut Compute,
    _contexts: *mut *mut OrtNode,
) -> OrtStatusPtr {
    for place in 0..count {
        let compute = Compute {
            version: API_VERSION,
            create_state,
            run,
            release_state,
        };
        // SAFETY: there is room for `count`.
        unsafe { *computes.add(place) = Box::into_raw(Box::new(compute)) };
    }
    OK
}

unsafe extern "system" fn release_computes(
    _this: *mut Provider,
    computes: *mut *mut Compute,
    count: usize,
) {
    for place in 0..count {
        // SAFETY: they are those that `compile` made.
        drop(unsafe { Box::from_raw(*computes.add(place)) });
    }
}

unsafe extern "system" fn create_state(
    _this: *mut Compute,
    _context: *mut c_void,
    state: *mut *mut c_void,
) -> OrtStatusPtr {
    // SAFETY: a place for the pointer.
    unsafe { *state = null_mut() };
    OK
}

unsafe extern "system" fn release_state(_this: *mut Compute, _state: *mut c_void) {}

/// Multiplies two inputs, the second of which may be one number, or one with itself.
unsafe extern "system" fn run(
    _this: *mut Compute,
    _state: *mut c_void,
    context: *mut OrtKernelContext,
) -> OrtStatusPtr {
    let api = api();
    let mut count = 0;
    tried!((api.KernelContext_GetInputCount)(context, &mut count));
    let mut shape = Vec::new();
    let mut inputs: Vec<&[f32]> = Vec::new();
    for index in 0..count {
        let (mut value, mut info, mut data) = (null(), null_mut(), null());
        let (mut rank, mut length) = (0, 0);
        tried!((api.KernelContext_GetInput)(context, index, &mut value));
        tried!((api.GetTensorTypeAndShape)(value, &mut info));
        tried!((api.GetDimensionsCount)(info, &mut rank));
        let mut dimensions = vec![0; rank];
        tried!((api.GetDimensions)(info, dimensions.as_mut_ptr(), rank));
        tried!((api.GetTensorShapeElementCount)(info, &mut length));
        tried!((api.GetTensorData)(value, &mut data));
        // SAFETY: it was made above.
        unsafe { (api.ReleaseTensorTypeAndShapeInfo)(info) };
        // SAFETY: the models of the tests hold 32-bit floats, and the input outlives this call.
        inputs.push(unsafe { std::slice::from_raw_parts(data.cast(), length) });
        if dimensions.len() > shape.len() {
            shape = dimensions;
        }
    }
    let (long, short) = match inputs[..] {
        [one] => (one, one),
        [one, other] if one.len() < other.len() => (other, one),
        [one, other] => (one, other),
        _ => return failure(c"this takes one or two inputs"),
    };
    let products: Vec<f32> = long
        .iter()
        .zip(short.iter().cycle())
        .map(|(a, b)| a * b)
        .collect();
    if LOST.load(Ordering::Relaxed) || products.iter().any(|product| *product > 1.0) {
        LOST.store(true, Ordering::Relaxed);
        return failure(c"the device was lost");
    }
    let (mut output, mut data) = (null_mut(), null_mut());
    tried!((api.KernelContext_GetOutput)(
        context,
        0,
        shape.as_ptr(),
        shape.len(),
        &mut output
    ));
    tried!((api.GetTensorMutableData)(output, &mut data));
    // SAFETY: the output was made with the shape of the longer input.
    unsafe { std::ptr::copy_nonoverlapping(products.as_ptr(), data.cast(), products.len()) };
    OK
}
