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
    let no_time = match env::var("CARGO_CFG_TARGET_ENV").as_deref() {
        Ok("msvc") => "/Brepro",
        _ => "-Wl,--no-insert-timestamp",
    };
    println!("cargo:rustc-link-arg-bins={no_time}");
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
