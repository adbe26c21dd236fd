//! Queries.

use std::fmt;
use std::str::FromStr;

use iothub::hub::server::device_api::{QueryDevicesOk, QueryDevicesRequest, QueryDevicesResponse};
use iothub::runtime::server::{Context, Page, Paginator, ServiceError};
use serde_json::Value;

use super::{Services, identities};
use crate::errors;
use crate::query::{Aggregation, Query, Row, Source};
use crate::state::jobs::{DeviceJob, JobScan};
use crate::state::{Hub, Scan, TwinRow};

/// Answers a page of a query.
pub(super) async fn query_devices(
    services: &Services,
    cx: &Context,
    request: QueryDevicesRequest,
) -> Result<QueryDevicesResponse, ServiceError> {
    let QueryDevicesRequest { page_size, continuation, query, .. } = request;
    let hub = services.hub(cx)?;
    let text = query.query;
    let query = Query::parse(&text).map_err(|error| errors::invalid(format!("The query cannot be read: {error}.")))?;
    let size = services.page_size(page_size);
    let pages = Paginator::new(&["query", &hub.name, &text], size, continuation.as_deref())?;
    let page = match query.source() {
        Source::Devices => page(&query, Twins::of(&hub, &query, pages.after()), &pages).await?,
        Source::Jobs => page(&query, JobRows::of(&hub, &query, pages.after()), &pages).await?,
    };
    let kind = match (query.source(), query.selects_all()) {
        (Source::Devices, true) => "twin",
        (Source::Jobs, true) => "deviceJob",
        (_, false) => "raw",
    };
    let items = page.items.into_iter().map(|(_, item)| item).collect();
    let mut answer = QueryDevicesOk::new(items).with_item_type(kind);
    answer.continuation = page.next;
    Ok(QueryDevicesResponse::Ok(answer))
}

/// The most items of a page, whoever asks.
const PAGE: usize = 1_000;

impl Services {
    /// How many items a page has, if so many are asked for.
    pub(super) fn page_size(&self, asked: Option<i32>) -> usize {
        let asked = asked.and_then(|asked| usize::try_from(asked).ok()).filter(|asked| *asked > 0);
        asked.map_or(self.world.config.page_size, |asked| asked.min(PAGE))
    }
}

/// Where an answer goes on: behind this row, and behind so many that were answered.
///
/// Rows of aggregates are not rows of the collection, and have their number alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    row: String,
    answered: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.answered, self.row)
    }
}

impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Place, &'static str> {
        let (answered, row) = text.split_once(' ').ok_or("no place")?;
        Ok(Place { row: row.to_owned(), answered: answered.parse().map_err(|_| "no number")? })
    }
}

/// The rows of a collection that a query may be true for, in the order of their keys.
trait Rows: Send {
    type Row: Row + Send;

    /// The next part, which may be empty; `None` behind the last row.
    fn next(&mut self) -> Option<Vec<Self::Row>>;

    /// What a row is found by.
    fn key(row: &Self::Row) -> String;

    /// A row as it is answered.
    fn whole(row: &Self::Row) -> Result<Value, ServiceError>;
}

type Answer = Page<(Place, Value)>;

/// A page of the answer, from rows that begin behind the page before.
async fn page<R: Rows>(query: &Query, mut rows: R, pages: &Paginator<Place>) -> Result<Answer, ServiceError> {
    if query.is_aggregate() {
        return Ok(page_of_aggregate(query, rows, pages).await);
    }
    let mut answered = pages.after().map_or(0, |after| after.answered);
    let top = query.top().unwrap_or(u64::MAX);
    let mut items = Vec::new();
    // One more than there is room for tells that there is another page.
    while items.len() <= pages.size() && answered < top {
        let Some(part) = rows.next() else { break };
        for row in part.iter().filter(|row| query.matches(*row)) {
            answered += 1;
            let place = Place { row: R::key(row), answered };
            let item = match (items.len() < pages.size(), query.selects_all()) {
                (true, true) => R::whole(row)?,
                (true, false) => query.project(row),
                (false, _) => Value::Null,
            };
            items.push((place, item));
            if items.len() > pages.size() || answered == top {
                break;
            }
        }
        // Other requests have their turn.
        tokio::task::yield_now().await;
    }
    Ok(pages.page(items, |(place, _)| place.clone()))
}

/// An aggregate takes all rows, for each page anew.
async fn page_of_aggregate<R: Rows>(query: &Query, mut rows: R, pages: &Paginator<Place>) -> Answer {
    let mut aggregation = Aggregation::new(query);
    while let Some(part) = rows.next() {
        part.iter().for_each(|row| aggregation.add(row));
        tokio::task::yield_now().await;
    }
    let groups = (1..).zip(aggregation.finish());
    let items = groups.map(|(answered, item)| (Place { row: String::new(), answered }, item));
    pages.page(items, |(place, _)| place.clone())
}

/// The twins of all devices, or of those that a query names.
struct Twins<'a> {
    hub: &'a Hub,
    scan: Scan,
}

impl<'a> Twins<'a> {
    fn of(hub: &'a Hub, query: &Query, after: Option<&Place>) -> Twins<'a> {
        let after = after.map(|after| &*after.row).filter(|_| !query.is_aggregate());
        Twins { hub, scan: Scan::new(after, query.keys("deviceId")) }
    }
}

impl<'a> Rows for Twins<'a> {
    type Row = TwinRow<'a>;

    fn next(&mut self) -> Option<Vec<TwinRow<'a>>> {
        let devices = self.scan.next(self.hub)?;
        Some(devices.into_iter().map(|device| TwinRow { hub: self.hub, device }).collect())
    }

    fn key(row: &TwinRow<'a>) -> String {
        row.device.id.to_string()
    }

    fn whole(row: &TwinRow<'a>) -> Result<Value, ServiceError> {
        let live = row.hub.read().live(&row.device.id);
        serde_json::to_value(identities::twin(&row.device, live)).map_err(errors::internal)
    }
}

/// What jobs do with devices, or some jobs with some devices.
struct JobRows<'a> {
    hub: &'a Hub,
    scan: JobScan,
}

impl<'a> JobRows<'a> {
    fn of(hub: &'a Hub, query: &Query, after: Option<&Place>) -> JobRows<'a> {
        let after = after.and_then(|after| after.row.split_once(' '));
        let after = after.and_then(|(job, device)| Some((job.parse().ok()?, device)));
        JobRows { hub, scan: JobScan::new(after, query.keys("jobId"), query.keys("deviceId")) }
    }
}

impl Rows for JobRows<'_> {
    type Row = DeviceJob;

    fn next(&mut self) -> Option<Vec<DeviceJob>> {
        self.scan.next(self.hub)
    }

    fn key(row: &DeviceJob) -> String {
        let (job, device) = row.key();
        // Texts are in the order of numbers only if all are as long.
        format!("{job:020} {device}")
    }

    fn whole(row: &DeviceJob) -> Result<Value, ServiceError> {
        Ok(row.whole())
    }
}
