//! Linker arguments of an extension module; macOS needs some.

fn main() {
    pyo3_build_config::add_extension_module_link_args();
}
