//! Frames out of a video, by the ffmpeg programs.
//!
//! ```text
//! probe (ffprobe: size, rate, every packet's time) ──▶ which frames ──▶ Sampler (ffmpeg: pictures through a pipe)
//!                                                         ▲                 │ ended before the last
//!                                                         └── recount ──────┘ (ffprobe, decoding)
//! ```
//!
//! A packet is nearly always a frame; where it is not, the frames are counted by
//! decoding and sampled once more. Only the container formats listed here are
//! read and no protocol but `file`, because playlists name other files.
//!
//! Nothing here has a deadline of its own: the caller brings one for the whole
//! of it, and dropping the future kills the program that runs.
//!
//! Failures: no program, a file the program refuses, a video that ends before
//! its own index says.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use image::RgbImage;
use serde::Deserialize;
use spatialclaw_domain::Video;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, ChildStderr, ChildStdout, Command},
    task::JoinHandle,
};

use crate::{Limits, VideoError};

const CONTAINERS: &str =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,ogg,flv,asf,gif,h264,hevc";
const ENTRIES: &str = "packet=pts_time:stream=width,height,avg_frame_rate,nb_frames:format=duration";
/// A probe's answer: some 30 bytes a packet, so about two million frames.
const MAX_PROBE_BYTES: u64 = 64 << 20;
const MAX_COMPLAINT_BYTES: u64 = 64 << 10;
const COMPLAINT_CHARS: usize = 300;
/// A container's own count may exceed what is there by so much before the file counts as cut short.
const LOST_PERCENT: u64 = 2;
const LOST_FRAMES: u64 = 2;
const PPM_HEADER_BYTES: u64 = 64;

/// What there is to sample.
#[derive(Debug, PartialEq)]
pub(crate) struct Probe {
    pub(crate) video: Video,
    /// Seconds since the first frame, rising; one for each frame where the container knows.
    times: Vec<f64>,
}

impl Probe {
    /// Reads the container.
    pub(crate) async fn read(path: &Path, limits: &Limits) -> Result<Self, VideoError> {
        let told = ask(path, limits, &["-show_entries", ENTRIES]).await?;
        Self::understand(&told, limits.max_image_pixels)
    }

    /// Counts the frames by decoding them all, for a video whose packets are not its frames.
    pub(crate) async fn recount(&mut self, path: &Path, limits: &Limits) -> Result<(), VideoError> {
        let told = ask(path, limits, &["-count_frames", "-show_entries", "stream=nb_read_frames"]).await?;
        let counted =
            parse(&told)?.streams.first().and_then(|stream| stream.nb_read_frames.as_deref()?.parse().ok());
        self.video.total_frames = counted.filter(|&frames| frames > 0).ok_or(VideoError::NoFrames)?;
        Ok(())
    }

    fn understand(told: &[u8], max_pixels: u64) -> Result<Self, VideoError> {
        let told = parse(told)?;
        let stream = told.streams.first().ok_or(VideoError::NoFrames)?;
        let (width, height) = (stream.width.unwrap_or(0), stream.height.unwrap_or(0));
        if u64::from(width) * u64::from(height) > max_pixels {
            let told = format!("its frames have {width}×{height} pixels, over the limit of {max_pixels}");
            return Err(VideoError::Refused(format!("{told} (ingest.max_image_pixels)")));
        }
        let there = told.packets.len() as u64;
        let total_frames =
            u32::try_from(there).ok().filter(|&frames| frames > 0).ok_or(VideoError::NoFrames)?;
        let declared: u64 = stream.nb_frames.as_deref().and_then(|count| count.parse().ok()).unwrap_or(0);
        if declared > there + there * LOST_PERCENT / 100 + LOST_FRAMES {
            let total = u32::try_from(declared).unwrap_or(u32::MAX);
            return Err(VideoError::EndsEarly { wanted: total_frames, total });
        }
        let times = times(&told.packets);
        let declared_s = told.format.and_then(|format| format.duration?.parse::<f64>().ok());
        let fps = stream.avg_frame_rate.as_deref().and_then(rate).or_else(|| mean_rate(&times));
        let fps =
            fps.ok_or_else(|| VideoError::Refused("it says neither its frame rate nor its times".into()))?;
        let duration_s =
            declared_s.filter(|seconds| *seconds > 0.0).unwrap_or_else(|| f64::from(total_frames) / fps);
        Ok(Self { video: Video { fps, total_frames, duration_s }, times })
    }

    /// When a frame is shown, seconds since the first.
    fn time_s(&self, index: u32) -> f64 {
        self.times.get(index as usize).copied().unwrap_or_else(|| f64::from(index) / self.video.fps)
    }
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    packets: Vec<Packet>,
    #[serde(default)]
    streams: Vec<Stream>,
    format: Option<Format>,
}

#[derive(Deserialize)]
struct Packet {
    pts_time: Option<String>,
}

#[derive(Deserialize)]
struct Stream {
    width: Option<u32>,
    height: Option<u32>,
    avg_frame_rate: Option<String>,
    nb_frames: Option<String>,
    nb_read_frames: Option<String>,
}

#[derive(Deserialize)]
struct Format {
    duration: Option<String>,
}

fn parse(told: &[u8]) -> Result<Told, VideoError> {
    serde_json::from_slice(told)
        .map_err(|error| VideoError::Refused(format!("ffprobe's answer is no JSON: {error}")))
}

/// In the order shown, from 0; empty unless every packet has a time.
fn times(packets: &[Packet]) -> Vec<f64> {
    let parsed: Option<Vec<f64>> = packets
        .iter()
        .map(|packet| packet.pts_time.as_deref()?.parse().ok().filter(|seconds: &f64| seconds.is_finite()))
        .collect();
    let mut times = parsed.unwrap_or_default();
    times.sort_by(f64::total_cmp);
    let start = times.first().copied().unwrap_or(0.0);
    times.iter_mut().for_each(|time| *time -= start);
    times
}

/// `30000/1001`.
fn rate(text: &str) -> Option<f64> {
    let (frames, seconds) = text.split_once('/')?;
    let rate = frames.parse::<f64>().ok()? / seconds.parse::<f64>().ok()?;
    (rate.is_finite() && rate > 0.0).then_some(rate)
}

fn mean_rate(times: &[f64]) -> Option<f64> {
    let length = times.last()?;
    (*length > 0.0).then(|| (times.len() - 1) as f64 / length)
}

/// `count` of `total` indices, evenly spread, first and last included.
fn spread(total: u32, count: usize) -> Vec<u32> {
    let count = u64::try_from(count).unwrap_or(u64::MAX).min(total.into());
    let Some(last) = u64::from(total).checked_sub(1) else { return Vec::new() };
    match count {
        0 => Vec::new(),
        1 => vec![0],
        _ => (0..count).map(|at| ((at * last + (count - 1) / 2) / (count - 1)) as u32).collect(),
    }
}

/// One sampled frame.
pub(crate) struct Sample {
    /// Absolute index.
    pub(crate) index: u32,
    /// Seconds since the first frame.
    pub(crate) time_s: f64,
    pub(crate) image: RgbImage,
}

/// Frames of one video, decoded as they are taken.
pub(crate) struct Sampler {
    running: Running,
    left: std::vec::IntoIter<(u32, f64)>,
    total: u32,
    max_pixels: u64,
}

impl Sampler {
    /// Starts decoding evenly spread frames, first and last included.
    pub(crate) fn start(path: &Path, limits: &Limits, probe: &Probe) -> Result<Self, VideoError> {
        let wanted = spread(probe.video.total_frames, limits.max_video_frames.min(limits.max_images));
        let tests: Vec<String> = wanted.iter().map(|index| format!("eq(n,{index})")).collect();
        // Times are made even, so that no output rate drops or doubles what was selected.
        let filter = format!("select='{}',setpts=N/25/TB", tests.join("+"));
        let mut command = program(&limits.ffmpeg, path, limits);
        command.args(["-map", "0:V:0", "-vf", &filter, "-r", "25", "-frames:v", &wanted.len().to_string()]);
        command.args(["-c:v", "ppm", "-pix_fmt", "rgb24", "-f", "image2pipe", "pipe:1"]);
        let running = Running::start(command, &limits.ffmpeg, "ingest.ffmpeg", path)?;
        let left: Vec<(u32, f64)> = wanted.into_iter().map(|index| (index, probe.time_s(index))).collect();
        Ok(Self {
            running,
            left: left.into_iter(),
            total: probe.video.total_frames,
            max_pixels: limits.max_image_pixels,
        })
    }

    /// The next frame; `None` when all came, [`VideoError::EndsEarly`] if they did not.
    pub(crate) async fn next(&mut self) -> Result<Option<Sample>, VideoError> {
        let Some((index, time_s)) = self.left.next() else { return Ok(None) };
        match ppm(&mut self.running.output, self.max_pixels).await? {
            Some(image) => Ok(Some(Sample { index, time_s, image })),
            None => {
                self.running.finish().await?;
                Err(VideoError::EndsEarly { wanted: index, total: self.total })
            }
        }
    }
}

/// One binary PPM; `None` at the end.
async fn ppm(from: &mut BufReader<ChildStdout>, max_pixels: u64) -> Result<Option<RgbImage>, VideoError> {
    let refuse = |problem: String| VideoError::Refused(problem);
    let mut header = [const { String::new() }; 3];
    for (at, line) in header.iter_mut().enumerate() {
        let read =
            from.take(PPM_HEADER_BYTES).read_line(line).await.map_err(|error| refuse(error.to_string()))?;
        if read == 0 && at == 0 {
            return Ok(None);
        }
    }
    let sides: Vec<u32> = header[1].split_whitespace().filter_map(|side| side.parse().ok()).collect();
    let (["P6", "255"], &[width, height]) = ([header[0].trim(), header[2].trim()], sides.as_slice()) else {
        return Err(refuse("ffmpeg wrote something other than pictures".into()));
    };
    if u64::from(width) * u64::from(height) > max_pixels {
        return Err(refuse(format!("a frame has {width}×{height} pixels (ingest.max_image_pixels)")));
    }
    let mut pixels = vec![0; width as usize * height as usize * 3];
    from.read_exact(&mut pixels).await.map_err(|error| refuse(error.to_string()))?;
    Ok(RgbImage::from_raw(width, height, pixels))
}

/// Runs ffprobe for JSON.
async fn ask(path: &Path, limits: &Limits, what: &[&str]) -> Result<Vec<u8>, VideoError> {
    let mut command = program(&limits.ffprobe, path, limits);
    command.args(["-select_streams", "V:0", "-of", "json=compact=1"]).args(what);
    let mut running = Running::start(command, &limits.ffprobe, "ingest.ffprobe", path)?;
    let mut told = Vec::new();
    let read = (&mut running.output).take(MAX_PROBE_BYTES).read_to_end(&mut told).await;
    read.map_err(|error| VideoError::Refused(error.to_string()))?;
    if told.len() as u64 == MAX_PROBE_BYTES {
        return Err(VideoError::Refused("it has too many frames".into()));
    }
    running.finish().await?;
    Ok(told)
}

/// `ffmpeg` or `ffprobe` on a file, shut in.
fn program(program: &Path, path: &Path, limits: &Limits) -> Command {
    let mut input = std::ffi::OsString::from("file:");
    input.push(path);
    let mut command = Command::new(program);
    command.args(["-v", "error", "-protocol_whitelist", "file,pipe", "-format_whitelist", CONTAINERS]);
    command.args(["-max_pixels", &limits.max_image_pixels.min(i32::MAX as u64).to_string()]);
    command.arg("-i").arg(input);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// A started program.
struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
    complaint: JoinHandle<String>,
    path: PathBuf,
}

impl Running {
    fn start(
        mut command: Command,
        program: &Path,
        setting: &'static str,
        path: &Path,
    ) -> Result<Self, VideoError> {
        let program = program.display().to_string();
        let failed = |cause: std::io::Error| match cause.kind() {
            std::io::ErrorKind::NotFound => VideoError::NoProgram { program: program.clone(), setting },
            _ => VideoError::Start { program: program.clone(), cause },
        };
        let mut child = command.spawn().map_err(failed)?;
        let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(failed(std::io::Error::other("its output is not piped")));
        };
        let complaint = tokio::spawn(complaint(errors));
        Ok(Self {
            child,
            output: BufReader::with_capacity(1 << 16, output),
            complaint,
            path: path.to_owned(),
        })
    }

    /// Waits for its end, which must be a success.
    async fn finish(&mut self) -> Result<(), VideoError> {
        let status = self.child.wait().await.map_err(|error| VideoError::Refused(error.to_string()))?;
        if status.success() {
            return Ok(());
        }
        let told = (&mut self.complaint).await.unwrap_or_default();
        Err(VideoError::Refused(last_words(&told, &self.path)))
    }
}

/// Reads what a program complains of; past a bound it is read but not kept.
async fn complaint(mut errors: ChildStderr) -> String {
    let mut told = Vec::new();
    let _ = (&mut errors).take(MAX_COMPLAINT_BYTES).read_to_end(&mut told).await;
    let _ = tokio::io::copy(&mut errors, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&told).into_owned()
}

/// The last line, without the file's path, which the caller tells in its own words.
fn last_words(complaint: &str, path: &Path) -> String {
    let line = complaint.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("ffmpeg does not say why");
    let line =
        line.replace(&format!("file:{}: ", path.display()), "").replace(&path.display().to_string(), "it");
    line.chars().take(COMPLAINT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_spread_with_the_first_and_the_last() {
        assert_eq!(spread(10, 4), [0, 3, 6, 9]);
        assert_eq!(spread(3, 64), [0, 1, 2]);
        assert_eq!(spread(1, 64), [0]);
        assert_eq!(spread(100, 1), [0]);
        assert!(spread(0, 4).is_empty());
        let many = spread(u32::MAX, 512);
        assert_eq!((many[0], many[511]), (0, u32::MAX - 1));
        assert!(many.is_sorted_by(|a, b| a < b));
    }

    fn understood(told: &str) -> Result<Probe, VideoError> {
        Probe::understand(told.as_bytes(), 1_000_000)
    }

    #[test]
    fn times_are_in_the_order_shown_and_start_at_0() {
        let told = r#"{"packets":[{"pts_time":"5.0"},{"pts_time":"5.4"},{"pts_time":"5.1"}],
            "streams":[{"width":64,"height":48,"avg_frame_rate":"0/0"}],"format":{"duration":"0.6"}}"#;
        let probe = understood(told).unwrap();
        assert!((probe.time_s(1) - 0.1).abs() < 1e-9 && (probe.time_s(2) - 0.4).abs() < 1e-9);
        assert_eq!(probe.video.total_frames, 3);
        assert!(
            (probe.video.fps - 5.0).abs() < 1e-9,
            "the mean of the times, as the container names no rate"
        );
    }

    #[test]
    fn without_times_the_rate_counts() {
        let told =
            r#"{"packets":[{},{}],"streams":[{"width":64,"height":48,"avg_frame_rate":"30000/1001"}]}"#;
        let probe = understood(told).unwrap();
        assert!((probe.time_s(1) - 1001.0 / 30000.0).abs() < 1e-9);
        assert!((probe.video.duration_s - 2.0 * 1001.0 / 30000.0).abs() < 1e-9);
    }

    #[test]
    fn a_video_without_frames_or_with_too_few_says_so() {
        assert!(matches!(understood(r#"{"packets":[],"streams":[]}"#), Err(VideoError::NoFrames)));
        let told =
            r#"{"packets":[{"pts_time":"0"}],"streams":[{"avg_frame_rate":"25/1","nb_frames":"250"}]}"#;
        assert!(matches!(understood(told), Err(VideoError::EndsEarly { wanted: 1, total: 250 })));
        let told = r#"{"packets":[{}],"streams":[{"avg_frame_rate":"0/0"}]}"#;
        assert!(understood(told).unwrap_err().to_string().contains("frame rate"));
    }
}
