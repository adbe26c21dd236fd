//! Generates the client; the compiler finds it in `OUT_DIR`.

fn main() -> Result<(), specsmith::Failure> {
    specsmith::Builder::new().spec("api/greenhouse.yaml").overlay("api/greenhouse.overlay.yaml").generate()?;
    Ok(())
}
