//! Leases.

use std::time::Duration;

use spatialclaw_bus::Error;

use crate::world::World;

const TTL: Duration = Duration::from_millis(900);
/// So long that only a release can end it within a test.
const LONG: Duration = Duration::from_secs(600);

pub(crate) async fn a_free_key_has_lapsed(world: &World) -> anyhow::Result<()> {
    world.bus.lapsed("kernel.7").await?;
    Ok(())
}

pub(crate) async fn a_lease_lapses_when_dropped(world: &World) -> anyhow::Result<()> {
    let lease = world.bus.hold("kernel.7", LONG).await?;
    let other = world.other().await?;
    let lapsed = tokio::spawn(async move { other.lapsed("kernel.7").await });
    drop(lease);
    lapsed.await??;
    world.bus.lapsed("kernel.7").await?;
    Ok(())
}

pub(crate) async fn a_lease_lapses_when_released(world: &World) -> anyhow::Result<()> {
    let lease = world.bus.hold("kernel.7", LONG).await?;
    let elsewhere = world.bus.hold("kernel.8", LONG).await?;
    lease.release().await;
    world.other().await?.lapsed("kernel.7").await?;
    let again = world.bus.hold("kernel.7", LONG).await?;
    again.release().await;
    elsewhere.release().await;
    Ok(())
}

pub(crate) async fn a_held_key_is_refused(world: &World) -> anyhow::Result<()> {
    let lease = world.bus.hold("kernel.7", TTL).await?;
    let refused = world.other().await?.hold("kernel.7", TTL).await.err();
    assert!(matches!(&refused, Some(Error::Held(key)) if key == "kernel.7"), "{refused:?}");
    lease.release().await;
    Ok(())
}

pub(crate) async fn a_renewed_lease_stays(world: &World) -> anyhow::Result<()> {
    let mut lease = world.bus.hold("kernel.7", TTL).await?;
    let other = world.other().await?;
    // The time that passes is what is tested.
    tokio::select! {
        lapsed = other.lapsed("kernel.7") => panic!("it lapsed although it is held: {lapsed:?}"),
        () = lease.lost() => panic!("it was lost although the carrier is there"),
        () = tokio::time::sleep(TTL * 4) => {}
    }
    lease.release().await;
    other.lapsed("kernel.7").await?;
    Ok(())
}
