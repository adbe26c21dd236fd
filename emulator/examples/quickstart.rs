//! A hub on this machine, and a back end and a device that use it.
//!
//! ```sh
//! cargo run -p iothub-emulator --example quickstart
//! ```

use std::error::Error;

use iothub::hub::models::{Device, DirectMethod, Twin};
use iothub_emulator::{Emulator, Message, MethodAnswer};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::builder().listen("127.0.0.1:0").start().await?;
    println!("a hub at {}", emulator.url());
    let hub = iothub::hub::Client::from_connection_string(&emulator.connection_string())?;

    let made = hub.devices().put("thermostat-7", &Device::new("thermostat-7")).await?;
    println!("created a device of generation {}", made.generation_id.as_deref().unwrap_or("?"));

    let desired = json!({"tags": {"floor": 2}, "properties": {"desired": {"celsius": 21}}});
    let changes: Twin = serde_json::from_value(desired)?;
    let twin = hub.twins().update("thermostat-7", &changes).await?;
    println!("its twin is at version {}", twin.version.unwrap_or_default());

    let connection = emulator.device_connection_string("thermostat-7").ok_or("the device is gone")?;
    let device = iothub::device::Client::from_connection_string(&connection)?;
    device.messages().send("20.5").property("unit", "C").await?;
    for event in emulator.events() {
        println!("it sent {:?} with {:?}", event.body, event.properties);
    }
    emulator.send("thermostat-7", Message::new("open the window").id("m1")).await?;
    let message = device.messages().receive().await?;
    println!("it received {:?}", message.body());
    device.messages().complete(message.etag()?.opaque()).await?;

    emulator.on_method("thermostat-7", "reboot", |_| async { MethodAnswer::new(200, json!("done")) })?;
    let result = hub.twins().invoke_method("thermostat-7", &DirectMethod::new("reboot")).await?;
    println!("it answered a method with {:?}", result.payload);

    let found = hub.devices().query("SELECT deviceId FROM devices WHERE tags.floor = 2").await?;
    println!("on the second floor: {}", serde_json::to_string(found.body())?);

    hub.devices().delete("thermostat-7").if_match(made.etag()?).await?;
    println!("deleted it again");
    emulator.stop().await;
    Ok(())
}
