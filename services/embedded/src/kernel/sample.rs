//! What cells look at: two frames (0 and 5) of a rendered office, with depth, intrinsics, poses and instance masks.

use std::collections::HashMap;

use bytes::Bytes;
use spatialclaw_bus::Bus;
use spatialclaw_domain::Question;
use spatialclaw_ingest as ingest;

const ROW: &[u8] = include_bytes!("sample/row.json");
const FILES: [(&str, &[u8]); 6] = [
    ("0.jpg", include_bytes!("sample/0.jpg")),
    ("0.depth.png", include_bytes!("sample/0.depth.png")),
    ("0.ids.png", include_bytes!("sample/0.ids.png")),
    ("1.jpg", include_bytes!("sample/1.jpg")),
    ("1.depth.png", include_bytes!("sample/1.depth.png")),
    ("1.ids.png", include_bytes!("sample/1.ids.png")),
];

pub(super) async fn question(bus: &Bus, limits: &ingest::Limits) -> anyhow::Result<Question> {
    let row = ingest::Row::parse(ROW, limits)?;
    let files: HashMap<_, _> =
        FILES.iter().map(|(name, bytes)| ((*name).to_owned(), Bytes::from_static(bytes))).collect();
    Ok(ingest::question(&row, &ingest::Uploaded::new(files), bus.artifacts(), limits).await?)
}
