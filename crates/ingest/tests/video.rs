//! Videos become evenly spread frames. The tests that decode make their own videos with `ffmpeg` and say so where it is
//! not installed.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by where it panics")]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use spatialclaw_bus::ArtifactStore;
use spatialclaw_domain::Question;
use spatialclaw_ingest::{Error, Folder, Limits, Row, question};

struct World {
    dir: tempfile::TempDir,
    artifacts: ArtifactStore,
    limits: Limits,
}

impl World {
    fn make() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let artifacts = ArtifactStore::open(&dir.path().join("artifacts").display().to_string()).unwrap();
        fs::create_dir(dir.path().join("rows")).unwrap();
        let limits = Limits { max_video_frames: 4, ..Limits::default() };
        Self { dir, artifacts, limits }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join("rows").join(name)
    }

    async fn ask(&self, name: &str) -> Result<Question, Error> {
        let row = format!(r#"{{"id":"v","question":"what happens?","video":"{name}"}}"#);
        let row = Row::parse(row.as_bytes(), &self.limits)?;
        let folder = Folder::open(&self.dir.path().join("rows")).unwrap();
        question(&row, &folder, &self.artifacts, &self.limits).await
    }

    async fn refused(&self, name: &str) -> String {
        self.ask(name).await.unwrap_err().to_string()
    }

    /// A stand-in for ffprobe.
    fn script(&self, text: &str) -> PathBuf {
        let path = self.dir.path().join("ffprobe");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}

/// 30 frames at 10 a second, frame n of grey 8·n; `false` where there is no ffmpeg.
fn make_video(path: &Path, more: &[&str]) -> bool {
    let source = "nullsrc=s=64x48:r=10:d=3,format=gray,geq=lum='8*N'";
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", source])
        .args(more)
        .arg(path)
        .status();
    match made {
        Ok(status) => assert!(status.success()),
        Err(error) => eprintln!("skipped: ffmpeg cannot be run: {error}"),
    }
    path.exists()
}

const MPEG4: [&str; 6] = ["-c:v", "mpeg4", "-q:v", "2", "-movflags", "+faststart"];

#[tokio::test]
async fn frames_are_spread_evenly_with_the_first_and_the_last() {
    let world = World::make();
    for name in ["a.mp4", "a.avi", "a.mkv"] {
        if !make_video(&world.file(name), &MPEG4[..4]) {
            return;
        }
        let question = world.ask(name).await.unwrap();
        let video = question.video.unwrap();
        assert_eq!((video.total_frames, video.fps.round()), (30, 10.0), "{name}");
        assert!((video.duration_s - 3.0).abs() < 0.2, "{name}: {}", video.duration_s);
        let indices: Vec<u32> = question.frames.iter().map(|frame| frame.index).collect();
        assert_eq!(indices, [0, 10, 19, 29], "{name}");
        for frame in &question.frames {
            assert!(
                (frame.time_s.unwrap() - f64::from(frame.index) / 10.0).abs() < 0.01,
                "{name}: {frame:?}"
            );
            let image = image::load_from_memory(&world.artifacts.get(&frame.image).await.unwrap()).unwrap();
            let grey = image.into_rgb8().get_pixel(32, 24).0[1];
            assert!(grey.abs_diff(frame.index as u8 * 8) < 6, "{name}: frame {} is {grey}", frame.index);
        }
    }
}

#[tokio::test]
async fn a_video_shorter_than_its_samples_gives_every_frame() {
    let mut world = World::make();
    world.limits.max_video_frames = 64;
    if make_video(&world.file("a.mp4"), &MPEG4) {
        let frames = world.ask("a.mp4").await.unwrap().frames;
        assert_eq!(frames.iter().map(|frame| frame.index).collect::<Vec<_>>(), (0..30).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn what_is_no_whole_video_is_refused() {
    let world = World::make();
    if !make_video(&world.file("a.mp4"), &MPEG4) {
        return;
    }
    let whole = fs::read(world.file("a.mp4")).unwrap();
    fs::write(world.file("cut.mp4"), &whole[..whole.len() * 2 / 3]).unwrap();
    fs::write(world.file("words.mp4"), "this is no video").unwrap();
    let playlist = format!("#EXTM3U\n#EXTINF:1,\nfile://{}\n#EXT-X-ENDLIST\n", world.file("a.mp4").display());
    fs::write(world.file("list.m3u8"), playlist).unwrap();
    fs::write(world.file("empty.mp4"), "").unwrap();
    for (name, words) in [
        ("cut.mp4", "ends early"),
        ("words.mp4", "cannot be read as a video"),
        ("list.m3u8", "cannot be read as a video"),
        ("empty.mp4", "is empty"),
        ("none.mp4", "does not exist"),
    ] {
        let refused = world.refused(name).await;
        assert!(refused.starts_with(&format!("video: `{name}` ")) && refused.contains(words), "{refused}");
        assert!(!refused.contains(&world.dir.path().display().to_string()), "{refused}");
    }
    let sound = ["-f", "lavfi", "-i", "sine=d=1", "-map", "1:a", "-c:a", "pcm_s16le"];
    if make_video(&world.file("sound.avi"), &sound) {
        assert!(world.refused("sound.avi").await.contains("no video frames"));
    }
}

#[tokio::test]
async fn without_ffmpeg_the_row_says_what_to_install() {
    let mut world = World::make();
    fs::write(world.file("a.mp4"), "anything").unwrap();
    world.limits.ffprobe = "no-such-ffprobe".into();
    let refused = world.refused("a.mp4").await;
    assert!(refused.contains("`no-such-ffprobe`") && refused.contains("install ffmpeg"), "{refused}");
    assert!(refused.contains("ingest.ffprobe"), "{refused}");
}

#[tokio::test]
async fn a_probe_that_hangs_is_killed_at_its_deadline() {
    let mut world = World::make();
    fs::write(world.file("a.mp4"), "anything").unwrap();
    world.limits.video_deadline = Duration::from_secs(1);
    world.limits.ffprobe = world.script("exec sleep 600");
    let refused = world.refused("a.mp4").await;
    assert!(refused.contains("was not read within 1 s"), "{refused}");
}

#[tokio::test]
async fn frames_too_large_are_refused_before_they_are_decoded() {
    let mut world = World::make();
    fs::write(world.file("a.mp4"), "anything").unwrap();
    let told = r#"{"packets":[{"pts_time":"0"}],"streams":[{"width":30000,"height":30000,"avg_frame_rate":"25/1"}]}"#;
    world.limits.ffprobe = world.script(&format!("echo '{told}'"));
    world.limits.ffmpeg = "never-reached".into();
    let refused = world.refused("a.mp4").await;
    assert!(refused.contains("30000×30000") && refused.contains("ingest.max_image_pixels"), "{refused}");
}
