fn main() -> Result<(), specsmith::Failure> {
    specsmith::Builder::new().spec("api.yaml").generate()?;
    Ok(())
}
