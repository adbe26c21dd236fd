//! What the emulator costs: the program as it is, in a process of its own, beside a service that answers constants and beside the store without it.

mod process;
mod store;
mod within;

use std::fs;
use std::path::{Path, PathBuf};

use iothub::runtime::credential::SasKey;
use iothub::runtime::time::UnixTime;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use self::process::Process;
use self::store::{Bare, Record};
use self::within::Within;
use crate::Result;
use crate::client::KEY;
use crate::load::{Connection, Requests, load};
use crate::measure::{built, scratch};
use crate::table::{median, print};

pub(crate) use self::process::constant;

const CONNECTIONS: usize = 64;
/// How many requests one batch has.
const READS: usize = 16_000;
const WRITES: usize = 32 * CONNECTIONS;
/// How many devices there are where requests are counted, and how many where memory and queries are measured.
const SOME: usize = 10_000;
const MANY: usize = 100_000;
/// How many devices one request may make.
const BULK: usize = 100;
/// What twins hold, as JSON: tags, desired and reported properties, without what the hub adds.
const TWIN: usize = 500;

const VERSION: &str = "api-version=2016-11-14";

/// What prints a table.
type Table = fn(&Bench) -> Result<()>;

pub(crate) fn run(runs: usize, only: &str) -> Result<()> {
    let bench = Bench::new(runs)?;
    let tables: [(&str, Table); 4] =
        [("reads", Bench::reads), ("writes", Bench::writes), ("start", Bench::start), ("memory", Bench::memory)];
    tables.into_iter().filter(|(name, _)| name.contains(only)).try_for_each(|(_, table)| table(&bench))
}

struct Bench {
    runs: usize,
    binary: PathBuf,
    runtime: Runtime,
    token: String,
}

impl Bench {
    fn new(runs: usize) -> Result<Bench> {
        let never = UnixTime::new(4_102_444_800);
        // For the address that clients are given, as they sign.
        let token = SasKey::from_base64(KEY)?.token("127.0.0.1", Some(process::POLICY), never)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Bench { runs, binary: built("iothub-emulator")?, runtime, token: token.expose().to_owned() })
    }

    fn request(&self, method: &str, path: &str, more: &str, body: &str) -> String {
        let Bench { token, .. } = self;
        let content = match body {
            "" => String::new(),
            body => format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()),
        };
        format!(
            "{method} {path}?{VERSION} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: {token}\r\naccept: application/json\r\n{more}{content}\r\n{body}"
        )
    }

    /// A request for each device, in no order.
    fn requests(&self, request: impl Fn(&str) -> String) -> Requests {
        (0..SOME).map(|number| request(&id(spread(number)))).collect()
    }

    /// The answer to one request.
    fn ask(&self, process: &Process, request: &str) -> Result<String> {
        self.runtime.block_on(async { Ok(Connection::open(process.address).await?.ask(request).await?.to_owned()) })
    }

    fn emulator(&self, data: Option<&Path>) -> Result<Process> {
        Process::emulator(&self.binary, data)
    }

    /// Makes devices by bulk operations.
    fn fill(&self, process: &Process, devices: usize) -> Result<()> {
        self.runtime.block_on(async {
            let mut connection = Connection::open(process.address).await?;
            for first in (0..devices).step_by(BULK) {
                let devices: Vec<Value> = (first..first + BULK).map(device).collect();
                connection.ask(&self.request("POST", "/devices", "", &Value::from(devices).to_string())).await?;
            }
            Ok(())
        })
    }

    fn reads(&self) -> Result<()> {
        let (emulator, constant) = (self.emulator(None)?, Process::constant()?);
        self.fill(&emulator, SOME)?;
        let requests = self.requests(|id| self.request("GET", &format!("/devices/{id}"), "", ""));
        let sides = [&emulator, &constant];
        let mut seconds: [Vec<f64>; 2] = Default::default();
        let mut processor: [Vec<f64>; 2] = Default::default();
        for _ in 0..self.runs {
            for (at, side) in sides.iter().enumerate() {
                let before = side.processor()?;
                seconds[at].push(self.runtime.block_on(load(side.address, CONNECTIONS, READS, &requests))?);
                processor[at].push(side.processor()? - before);
            }
        }
        let ratios: Vec<f64> = seconds[0].iter().zip(&seconds[1]).map(|(ours, constant)| constant / ours).collect();
        let row = |name: &str, at: usize| {
            let second = format!("{:.0}", READS as f64 / median(&seconds[at]));
            let micros = format!("{:.1}", median(&processor[at]) * 1e6 / READS as f64);
            vec![name.to_owned(), second, micros]
        };
        let mut ours = row("the emulator", 0);
        ours.extend([format!("{:.2}", median(&ratios)), "0.50".to_owned()]);
        print(
            &format!("Identities read over {CONNECTIONS} connections, medians of {} batches of {READS}", self.runs),
            &["", "a second", "processor µs each", "to constants", "the aim"],
            &[ours, row("constants", 1)],
        );
        Ok(())
    }

    fn writes(&self) -> Result<()> {
        let folder = scratch()?.join("emulator");
        _ = fs::remove_dir_all(&folder);
        let emulator = self.emulator(Some(&folder))?;
        self.fill(&emulator, SOME)?;
        emulator.stop()?;
        // In the same folder, and with the same records.
        let records = store::records(&folder.join("iothub.redb"))?;
        let devices: Vec<_> = records.iter().filter(|(key, _)| key.contains("/device/")).collect();
        let devices: Vec<Record> = (0..devices.len()).map(|number| devices[spread(number)].clone()).collect();
        let size = devices.iter().map(|(_, value)| value.len()).sum::<usize>() / devices.len().max(1);
        let mut twice = Bare::create(&folder.join("bare.redb"), &records, true)?;
        let mut once = Bare::create(&folder.join("once.redb"), &records, false)?;
        // A folder of its own, since only one may have one.
        let own = folder.join("within");
        fs::create_dir(&own)?;
        fs::copy(folder.join("iothub.redb"), own.join("iothub.redb"))?;
        let within = Within::open(&own, &self.token)?;
        let emulator = self.emulator(Some(&folder))?;
        let requests = self.requests(|id| {
            let body = json!({ "deviceId": id }).to_string();
            self.request("PUT", &format!("/devices/{id}"), "if-match: *\r\n", &body)
        });
        let memory = self.emulator(None)?;
        self.fill(&memory, SOME)?;
        let mut processor = [0.0; 2];
        let mut seconds: [Vec<f64>; 5] = Default::default();
        for _ in 0..self.runs {
            for (at, (process, row)) in [(&emulator, 0), (&memory, 3)].into_iter().enumerate() {
                let before = process.processor()?;
                seconds[row].push(self.runtime.block_on(load(process.address, CONNECTIONS, WRITES, &requests))?);
                processor[at] += process.processor()? - before;
            }
            seconds[4].push(within.writes()?);
            seconds[1].push(twice.write(&devices, CONNECTIONS, WRITES)?);
            seconds[2].push(once.write(&devices, CONNECTIONS, WRITES)?);
        }
        let each = |seconds: f64| format!("{:.1}", seconds * 1e6 / (self.runs * WRITES) as f64);
        let row = |name: String, at: usize, micros: String, aim: &str| {
            let ratios: Vec<f64> = seconds[0].iter().zip(&seconds[at]).map(|(ours, bare)| bare / ours).collect();
            let second = format!("{:.0}", WRITES as f64 / median(&seconds[at]));
            vec![name, second, micros, format!("{:.2}", median(&ratios)), aim.to_owned()]
        };
        print(
            &format!(
                "Durable writes over {CONNECTIONS} connections, records of {size} bytes, medians of {} batches of {WRITES}",
                self.runs
            ),
            &["", "a second", "processor µs each", "the emulator to it", "the aim"],
            &[
                row("the emulator".to_owned(), 0, each(processor[0]), ""),
                row(
                    format!("the store, {CONNECTIONS} a commit, in two phases as the emulator's"),
                    1,
                    String::new(),
                    "0.70",
                ),
                row(format!("the store, {CONNECTIONS} a commit, in one phase"), 2, String::new(), ""),
                row("the emulator without sockets".to_owned(), 4, String::new(), ""),
                row("the emulator without a folder".to_owned(), 3, each(processor[1]), ""),
            ],
        );
        memory.stop()?;
        emulator.stop()?;
        Ok(fs::remove_dir_all(&folder)?)
    }

    fn start(&self) -> Result<()> {
        let folder = scratch()?.join("start");
        let mut times: [Vec<f64>; 3] = Default::default();
        for _ in 0..self.runs {
            _ = fs::remove_dir_all(&folder);
            let started = [self.emulator(None), self.emulator(Some(&folder)), Process::constant()];
            for (times, started) in times.iter_mut().zip(started) {
                times.push(started?.ready);
            }
        }
        let row = |(name, at, aim): (&str, usize, &str)| {
            let times: &Vec<f64> = &times[at];
            let least = times.iter().copied().fold(f64::INFINITY, f64::min);
            let (median, least) = (format!("{:.1}", median(times) * 1e3), format!("{:.1}", least * 1e3));
            vec![name.to_owned(), median, least, aim.to_owned()]
        };
        let rows = [("in memory", 0, "50"), ("with an empty folder", 1, "50"), ("constants", 2, "")].map(row);
        let title = format!("From the start of the process to its first answer, {} times", self.runs);
        print(&title, &["", "median ms", "least ms", "the aim"], &rows);
        Ok(fs::remove_dir_all(&folder)?)
    }

    fn memory(&self) -> Result<()> {
        let constant = Process::constant()?.resident()?;
        let emulator = self.emulator(None)?;
        let idle = emulator.resident()?;
        let list: Requests = [self.request("GET", "/devices", "", "")].into();
        self.runtime.block_on(load(emulator.address, CONNECTIONS, READS, &list))?;
        let asked = emulator.resident()?;
        self.fill(&emulator, MANY)?;
        let filled = emulator.resident()?;
        self.queries(&emulator)?;
        let queried = emulator.resident()?;
        emulator.stop()?;
        let folder = scratch()?.join("memory");
        _ = fs::remove_dir_all(&folder);
        let emulator = self.emulator(Some(&folder))?;
        self.fill(&emulator, MANY)?;
        let kept = emulator.resident()?;
        emulator.stop()?;
        let emulator = self.emulator(Some(&folder))?;
        let (reopened, ready) = (emulator.resident()?, emulator.ready);
        emulator.stop()?;
        fs::remove_dir_all(&folder)?;
        let row =
            |name: &str, bytes: f64, aim: &str| vec![name.to_owned(), format!("{:.1}", bytes / 1e6), aim.to_owned()];
        let rows = [
            row("constants, started", constant, ""),
            row("started", idle, "20"),
            row(&format!("after {READS} requests over {CONNECTIONS} connections"), asked, ""),
            row(&format!("{MANY} devices made"), filled, "300"),
            row("after the queries", queried, "300"),
            row(&format!("{MANY} devices made, in a folder"), kept, "300"),
            row(&format!("the same, opened again in {:.1} s", ready), reopened, "300"),
        ];
        print(&format!("Resident memory, twins of {TWIN} bytes"), &["", "MB", "the aim"], &rows);
        Ok(())
    }

    fn queries(&self, emulator: &Process) -> Result<()> {
        let last = id(MANY - 1);
        let texts = [
            ("SELECT * FROM devices WHERE tags.customer = 'nobody'".to_owned(), "100"),
            (format!("SELECT * FROM devices WHERE tags.serial = 'SN-{last}'"), "100"),
            ("SELECT * FROM devices WHERE properties.reported.uptime = 99999".to_owned(), "100"),
            ("SELECT * FROM devices WHERE tags.location.floor = 17".to_owned(), ""),
            (format!("SELECT * FROM devices WHERE deviceId = '{last}'"), ""),
        ];
        let mut rows = Vec::new();
        for (text, aim) in texts {
            let request = self.request("POST", "/devices/query", "", &json!({ "query": text }).to_string());
            let (mut seconds, mut found) = (Vec::new(), 0);
            let before = emulator.processor()?;
            for _ in 0..self.runs {
                let start = std::time::Instant::now();
                let answer = self.ask(emulator, &request)?;
                seconds.push(start.elapsed().as_secs_f64());
                found = serde_json::from_str::<Vec<Value>>(&answer)?.len();
            }
            let least = seconds.iter().copied().fold(f64::INFINITY, f64::min);
            let [median, least] = [median(&seconds), least].map(|seconds| format!("{:.1}", seconds * 1e3));
            let processor = format!("{:.1}", (emulator.processor()? - before) * 1e3 / self.runs as f64);
            rows.push(vec![text, found.to_string(), median, least, processor, aim.to_owned()]);
        }
        let answer = self.ask(emulator, &self.request("GET", &format!("/twins/{last}"), "", ""))?;
        let title = format!(
            "First pages of queries over {MANY} devices with twins of {TWIN} bytes ({} as they are answered), {} times",
            answer.len(),
            self.runs
        );
        print(&title, &["", "found", "median ms", "least ms", "processor ms", "the aim"], &rows);
        Ok(())
    }
}

/// Another number of [`SOME`], each once.
fn spread(number: usize) -> usize {
    number * 7_919 % SOME
}

fn id(number: usize) -> String {
    format!("device-{number:06}")
}

/// A device as bulk operations have it.
fn device(number: usize) -> Value {
    let twin = |note: usize| {
        json!({
            "tags": {
                "location": { "building": format!("HQ {}", number % 7), "floor": number % 100 },
                "customer": "contoso",
                "serial": format!("SN-{}", id(number)),
                "note": "x".repeat(note),
            },
            "properties": {
                "desired": { "interval": number % 13, "firmware": { "version": "2.17.4", "channel": "stable" } },
                "reported": { "uptime": number, "firmware": { "version": "2.17.3" }, "battery": 0.75 },
            },
        })
    };
    let mut device = twin(TWIN - twin(0).to_string().len());
    device["id"] = id(number).into();
    device["importMode"] = "create".into();
    device["status"] = "enabled".into();
    device
}
