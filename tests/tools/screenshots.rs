//! Takes the README's pictures of the window with a demo piece; `cargo xtask screenshots` runs it.
//!
//! Usage: `screenshots PLUGIN FOLDER`: the plugin's library, and the folder for the pictures. Linux
//! with Xvfb only.

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use std::process::ExitCode;

    use mertscope_tests::window::tool_on_a_screen;

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [plugin, folder] = &arguments[..] else {
        eprintln!("usage: screenshots PLUGIN FOLDER");
        return ExitCode::from(2);
    };
    tool_on_a_screen(&[plugin, folder], || {
        linux::take(plugin.as_ref(), folder.as_ref());
    })
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("screenshots are made on Linux only");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::Path;

    use mertscope_tests::demo;
    use mertscope_tests::host::{Instance, load};
    use mertscope_tests::window::{Picture, Screen};
    use serde_json::{Value, json};

    /// The piece: it modulates.
    const PIECE: &str = "two-rooms.ogg";

    /// Frames in a block.
    const FRAMES: usize = 2048;

    /// Each picture's name, size in pixels, theme and page.
    const PICTURES: [(&str, (u32, u32), &str, &str); 4] = [
        ("window-dark", (960, 600), "dark", "overview"),
        ("window-light", (960, 600), "light", "overview"),
        ("window-small-dark", (480, 320), "dark", "overview"),
        ("window-small-light", (480, 320), "light", "key"),
    ];

    /// Plays the piece once per picture, and takes the picture.
    pub(crate) fn take(plugin: &Path, folder: &Path) {
        let entry = load(plugin);
        let screen = Screen::connect();
        let pieces = demo();
        let piece = pieces.iter().find(|piece| piece.path.ends_with(PIECE));
        let (rate_hz, channels) = piece.expect("the piece").decoded();
        for (name, size, theme, page) in PICTURES {
            let mut instance = Instance::new(&entry);
            choose(&mut instance, size, theme, page);
            let mut processor = instance.activate(rate_hz, FRAMES);
            for start in (0..channels[0].len()).step_by(FRAMES) {
                let end = channels[0].len().min(start + FRAMES);
                for (n, input) in processor.input().iter_mut().enumerate() {
                    let channel = &channels[n % channels.len()];
                    input[..end - start].copy_from_slice(&channel[start..end]);
                }
                processor.play(end - start);
            }
            let editor = screen.open(&mut instance, (0, 0));
            editor.wait_for(name, Picture::is_covered);
            let path = folder.join(format!("{name}.png"));
            editor.wait_until_still().write(&path);
            println!("{}", path.display());
            editor.close(&mut instance);
            instance.deactivate(processor);
        }
    }

    /// Sets an exact offline render, and a window of this size, theme and page.
    fn choose(instance: &mut Instance, (width, height): (u32, u32), theme: &str, page: &str) {
        let mut state = instance.state();
        let text = state["fields"]["mertscope"].as_str().expect("our object");
        let mut object: Value = serde_json::from_str(text).expect("JSON");
        object["engine"] = json!({ "exact_offline": true, "cpu_share": 1.0 });
        object["window"] = json!({ "width": width, "height": height });
        object["look"] = json!({ "theme": theme, "page": page });
        state["fields"]["mertscope"] = json!(object.to_string());
        state["params"]["hop"] = json!({ "f32": 1.0 });
        assert!(instance.load_state(&state), "the state is taken");
        instance.set_offline(true);
    }
}
