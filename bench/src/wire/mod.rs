//! What reading and writing models costs at run time.

mod derived;
mod payloads;

pub(crate) use self::derived::Device;

use std::hint::black_box;

use iothub::hub::models::{self, Twin};
use iothub::management::models::IotHubDescription;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Result;
use crate::table::print;

pub(crate) fn run(runs: usize, only: &str) -> Result<()> {
    let device = payloads::device(7);
    let devices = Value::Array((0..100).map(payloads::device).collect());
    let extended = payloads::extended(&device);
    let mut table = Table { runs, only, rows: Vec::new() };
    table.compare::<models::Device, derived::Device>("device", &device)?;
    table.compare::<models::Device, derived::Device>("device, other order", &payloads::shuffled(&device))?;
    table.compare::<models::Device, derived::Device>("device, unknown properties (derives drop them)", &extended)?;
    table
        .compare::<models::Device, derived::kept::Device>("device, unknown properties (derives flatten)", &extended)?;
    table.compare::<Vec<models::Device>, Vec<derived::Device>>("100 devices", &devices)?;
    table.compare::<Vec<models::Device>, Vec<derived::Device>>(
        "100 devices, other order",
        &Value::Array(devices.as_array().into_iter().flatten().map(payloads::shuffled).collect()),
    )?;
    table.compare::<Twin, derived::Twin>("twin", &payloads::twin())?;
    table.compare::<IotHubDescription, derived::IotHub>("hub description", &payloads::hub())?;
    table.compare::<IotHubDescription, derived::IotHub>(
        "hub description, other order",
        &payloads::shuffled(&payloads::hub()),
    )?;
    let unit = if cfg!(feature = "allocations") { "allocations" } else { "ns" };
    let title = format!(
        "Reading and writing JSON, {unit} a value, medians of {runs} batches; `ratio` is ours to serde's derives"
    );
    print(&title, &["", "bytes", "read: ours", "derives", "ratio", "write: ours", "derives", "ratio"], &table.rows);
    Ok(())
}

struct Table<'a> {
    runs: usize,
    only: &'a str,
    rows: Vec<Vec<String>>,
}

impl Table<'_> {
    /// Adds a row: `O` is ours, `D` has serde's derives.
    fn compare<O, D>(&mut self, name: &str, payload: &Value) -> Result<()>
    where
        O: Serialize + DeserializeOwned,
        D: Serialize + DeserializeOwned,
    {
        if !name.contains(self.only) {
            return Ok(());
        }
        let json = serde_json::to_vec(payload)?;
        let (ours, theirs): (O, D) = (serde_json::from_slice(&json)?, serde_json::from_slice(&json)?);
        check(name, &serde_json::to_value(&ours)?, &serde_json::to_value(&theirs)?)?;
        let read = measure(self.runs, &|| drop(black_box(serde_json::from_slice::<O>(black_box(&json)))), &|| {
            drop(black_box(serde_json::from_slice::<D>(black_box(&json))))
        });
        let write = measure(self.runs, &|| drop(black_box(serde_json::to_vec(black_box(&ours)))), &|| {
            drop(black_box(serde_json::to_vec(black_box(&theirs))))
        });
        let mut row = vec![name.to_owned(), json.len().to_string()];
        for [ours, theirs, ratio] in [read, write] {
            row.extend([format!("{ours:.0}"), format!("{theirs:.0}"), format!("{ratio:.2}")]);
        }
        self.rows.push(row);
        Ok(())
    }
}

/// Both must have read the same: whatever the derives write, ours must write as well.
fn check(name: &str, ours: &Value, theirs: &Value) -> Result<()> {
    let same = match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            return theirs.iter().try_for_each(|(key, value)| check(&format!("{name}: {key}"), &ours[key], value));
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            return ours.iter().zip(theirs).try_for_each(|(ours, theirs)| check(name, ours, theirs));
        }
        (ours, theirs) => ours == theirs,
    };
    if same { Ok(()) } else { Err(format!("{name}: {ours} is not {theirs}").into()) }
}

/// The medians of two functions that take turns, and the median of the ratios of batches that stand side by side.
#[cfg(not(feature = "allocations"))]
fn measure(runs: usize, ours: &dyn Fn(), theirs: &dyn Fn()) -> [f64; 3] {
    use std::time::{Duration, Instant};

    use crate::table::median;

    /// How long a batch is.
    const BATCH: Duration = Duration::from_millis(2);

    let batch = |function: &dyn Fn(), count: u32| {
        let start = Instant::now();
        (0..count).for_each(|_| function());
        start.elapsed()
    };
    let mut count = 1;
    while batch(theirs, count) < BATCH {
        count *= 2;
    }
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..runs {
        for (times, function) in times.iter_mut().zip([ours, theirs]) {
            times.push(batch(function, count).as_secs_f64() * 1e9 / f64::from(count));
        }
    }
    let ratios: Vec<f64> = times[0].iter().zip(&times[1]).map(|(ours, theirs)| ours / theirs).collect();
    [median(&times[0]), median(&times[1]), median(&ratios)]
}

/// The allocations of two functions, and their ratio.
#[cfg(feature = "allocations")]
fn measure(_: usize, ours: &dyn Fn(), theirs: &dyn Fn()) -> [f64; 3] {
    let [ours, theirs] = [ours, theirs].map(|function| allocation_counter::measure(function).count_total as f64);
    [ours, theirs, ours / theirs]
}
