//! Puts the icon, the version and the manifest into the programs for Windows. Nothing is done for other systems.

use std::env;
use std::error::Error;

const ICON: &str = "assets/icon.ico";
const MANIFEST: &str = "dist/windows/rollcall.manifest";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={ICON}");
    println!("cargo:rerun-if-changed={MANIFEST}");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("windows") {
        return Ok(());
    }
    // The same source gives the same program: no time of linking in it.
    let is_msvc = env::var("CARGO_CFG_TARGET_ENV").as_deref() == Ok("msvc");
    let no_time = if is_msvc {
        "/Brepro"
    } else {
        "-Wl,--no-insert-timestamp"
    };
    println!("cargo:rustc-link-arg-bins={no_time}");
    // The libraries that are linked come from System32 alone. The folder of the program would be the first that is
    // searched, which may be the downloads, and the copy that changes the firewall's rules runs as an administrator:
    // a library that somebody put there must not run as one. The linker of mingw has no such argument.
    if is_msvc {
        println!("cargo:rustc-link-arg-bins=/DEPENDENTLOADFLAG:0x800");
    }
    // Name and version come from Cargo.toml.
    winresource::WindowsResource::new()
        .set("ProductName", "Rollcall")
        .set("FileDescription", "Rollcall")
        .set("CompanyName", "The Rollcall contributors")
        .set("LegalCopyright", "MIT OR Apache-2.0")
        .set_icon(ICON)
        .set_manifest_file(MANIFEST)
        .compile()?;
    Ok(())
}
