//! Journals.

use spatialclaw_bus::{AppendError, Error, MAX_BODY};
use spatialclaw_domain::SessionId;

use crate::world::{World, entry, text};

pub(crate) async fn an_unknown_session_has_no_entries(world: &World) -> anyhow::Result<()> {
    let session = SessionId::random();
    assert!(world.bus.read(session, 0).await?.is_empty());
    let refused = world.bus.append(session, &entry("x"), 7).await;
    assert!(matches!(refused, Err(AppendError::Conflict { .. })), "{refused:?}");
    Ok(())
}

pub(crate) async fn entries_are_replayed_in_order(world: &World) -> anyhow::Result<()> {
    let (session, other) = (SessionId::random(), SessionId::random());
    let (mut last, mut others, mut middle) = (0, 0, 0);
    for number in 0..40 {
        last = world.bus.append(session, &entry(&number.to_string()), last).await?;
        others = world.bus.append(other, &entry("other"), others).await?;
        if number == 19 {
            middle = last;
        }
    }
    let entries = world.other().await?.read(session, 0).await?;
    assert!(entries.is_sorted_by(|(a, _), (b, _)| a < b), "numbers rise");
    let texts: Vec<_> = entries.iter().map(|(_, event)| text(event).to_owned()).collect();
    assert_eq!(texts, (0..40).map(|number| number.to_string()).collect::<Vec<_>>());
    let rest = world.bus.read(session, middle).await?;
    assert_eq!((rest.len(), text(&rest[0].1)), (20, "20"));
    assert!(world.bus.read(session, last).await?.is_empty());
    Ok(())
}

pub(crate) async fn the_second_writer_is_refused(world: &World) -> anyhow::Result<()> {
    let session = SessionId::random();
    let other = world.other().await?;
    let first = world.bus.append(session, &entry("submitted"), 0).await?;
    let again = other.append(session, &entry("submitted"), 0).await;
    assert!(matches!(again, Err(AppendError::Conflict { last: Some(last) }) if last == first), "{again:?}");
    let second = other.append(session, &entry("cancelled"), first).await?;
    let late = world.bus.append(session, &entry("observed"), first).await;
    assert!(matches!(late, Err(AppendError::Conflict { last: Some(last) }) if last == second), "{late:?}");
    world.bus.append(session, &entry("after reading again"), second).await?;
    Ok(())
}

pub(crate) async fn one_of_many_writers_wins(world: &World) -> anyhow::Result<()> {
    let session = SessionId::random();
    let other = world.other().await?;
    let writers = (0..10).map(|number| {
        let bus = if number % 2 == 0 { world.bus.clone() } else { other.clone() };
        // Equal entries: the writer is told apart, not what it writes.
        tokio::spawn(async move { bus.append(session, &entry("mine"), 0).await })
    });
    let mut won = 0;
    for writer in writers.collect::<Vec<_>>() {
        match writer.await? {
            Ok(_) => won += 1,
            Err(AppendError::Conflict { .. }) => {}
            Err(AppendError::Carrier(error)) => return Err(error.into()),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(world.bus.read(session, 0).await?.len(), 1);
    Ok(())
}

pub(crate) async fn a_follower_sees_what_was_and_what_comes(world: &World) -> anyhow::Result<()> {
    let session = SessionId::random();
    let first = world.bus.append(session, &entry("first"), 0).await?;
    let mut follow = world.other().await?.follow(session, 0).await?;
    assert_eq!(follow.next().await?, (first, entry("first")));
    let bus = world.bus.clone();
    let writer = tokio::spawn(async move {
        let mut last = first;
        for number in 0..100 {
            last = bus.append(session, &entry(&number.to_string()), last).await?;
        }
        anyhow::Ok(last)
    });
    let mut seen = first;
    for number in 0..100 {
        let (seq, event) = follow.next().await?;
        assert_eq!(text(&event), number.to_string());
        assert!(seq > seen);
        seen = seq;
    }
    assert_eq!(writer.await??, seen);
    Ok(())
}

pub(crate) async fn followers_of_one_session_see_the_same(world: &World) -> anyhow::Result<()> {
    let session = SessionId::random();
    let mut early = world.bus.follow(session, 0).await?;
    let dropped = world.bus.follow(session, 0).await?;
    let first = world.bus.append(session, &entry("first"), 0).await?;
    drop(dropped);
    let mut late = world.bus.follow(session, first).await?;
    let second = world.bus.append(session, &entry("second"), first).await?;
    assert_eq!(early.next().await?.0, first);
    assert_eq!(early.next().await?.0, second);
    assert_eq!(late.next().await?.0, second);
    Ok(())
}

pub(crate) async fn an_entry_too_large_is_refused(world: &World) -> anyhow::Result<()> {
    let session = SessionId::random();
    let refused = world.bus.append(session, &entry(&"x".repeat(MAX_BODY + 1)), 0).await;
    assert!(matches!(refused, Err(AppendError::Carrier(Error::TooLarge { .. }))), "{refused:?}");
    world.bus.append(session, &entry(&"x".repeat(MAX_BODY - 100)), 0).await?;
    assert_eq!(world.bus.read(session, 0).await?.len(), 1);
    Ok(())
}
