//! What a query over many twins costs, which are kept as JSON text.

use std::hint::black_box;
use std::time::Instant;

use iothub_emulator::query::{Aggregation, JsonRow, Query};
use serde_json::{Value, json};

use crate::Result;
use crate::table::{median, print, ratio};

const TWINS: usize = 100_000;

const QUERIES: [&str; 7] = [
    "SELECT * FROM devices WHERE deviceId = 'device-000017'",
    "SELECT * FROM devices WHERE tags.location.floor = 17",
    "SELECT * FROM devices WHERE tags.customer = 'nobody'",
    "SELECT * FROM devices WHERE properties.reported.speed = 17",
    "SELECT * FROM devices WHERE tags.location.floor = 17 AND properties.reported.speed > 100",
    "SELECT * FROM devices WHERE STARTS_WITH(tags.location.building, 'HQ') AND IS_DEFINED(tags.missing)",
    "SELECT tags.location.floor, COUNT(), AVG(properties.reported.speed) FROM devices GROUP BY tags.location.floor",
];

pub(crate) fn run(runs: usize) -> Result<()> {
    let twins: Vec<Vec<u8>> = (0..TWINS).map(|number| twin(number).to_string().into_bytes()).collect();
    let bytes: usize = twins.iter().map(Vec::len).sum();
    let mut rows = Vec::new();
    for text in QUERIES {
        let query = Query::parse(text)?;
        let (mut ours, mut reading, mut found) = (Vec::new(), Vec::new(), 0);
        for _ in 0..runs {
            let start = Instant::now();
            found = black_box(count(&query, &twins));
            ours.push(start.elapsed().as_secs_f64());
            // A tenth of them is enough to compare with.
            let start = Instant::now();
            for twin in twins.iter().step_by(10) {
                black_box(serde_json::from_slice::<Value>(twin)?);
            }
            reading.push(start.elapsed().as_secs_f64() * 10.0);
        }
        let (ours, reading) = (median(&ours), median(&reading));
        rows.push(vec![
            text.to_owned(),
            found.to_string(),
            format!("{:.1}", ours * 1e3),
            format!("{:.0}", ours * 1e9 / TWINS as f64),
            ratio(ours, reading),
        ]);
    }
    let title = format!("Queries over {TWINS} twins of {} bytes, medians of {runs}", bytes / TWINS);
    print(&title, &["", "found", "ms", "ns a twin", "to reading all with serde_json"], &rows);
    Ok(())
}

/// How many rows match, or how many groups there are.
fn count(query: &Query, twins: &[Vec<u8>]) -> usize {
    let rows = twins.iter().map(|twin| JsonRow(twin));
    if query.is_aggregate() {
        let mut aggregation = Aggregation::new(query);
        rows.for_each(|row| aggregation.add(&row));
        return aggregation.finish().len();
    }
    rows.filter(|row| query.matches(row)).count()
}

fn twin(number: usize) -> Value {
    let updated = "2017-08-03T12:00:00.1234567Z";
    json!({
        "deviceId": format!("device-{number:06}"),
        "etag": "AAAAAAAAAAw=",
        "version": number,
        "status": "enabled",
        "connectionState": "Disconnected",
        "cloudToDeviceMessageCount": 0,
        "tags": {
            "location": {"building": format!("HQ {}", number % 7), "floor": number % 100},
            "customer": "contoso"
        },
        "properties": {
            "desired": {
                "speed": number % 13,
                "$metadata": {
                    "$lastUpdated": updated,
                    "$lastUpdatedVersion": 4,
                    "speed": {"$lastUpdated": updated, "$lastUpdatedVersion": 4}
                },
                "$version": 4
            },
            "reported": {"speed": number, "$metadata": {"$lastUpdated": updated}, "$version": 1}
        }
    })
}
