//! async-openai, without the retries that it makes by itself.

use std::future::Future;
use std::time::Duration;
use std::{env, error::Error, fs};

use async_openai::config::OpenAIConfig;
use async_openai::middleware::ReqwestService;
use async_openai::types::images::{
    CreateImageEditRequest, CreateImageRequest, Image, ImageEditInput, ImageGenStreamEvent, ImageInput,
    ImageModel, ImageResponseFormat,
};
use async_openai::types::videos::CreateVideoRequest;
use async_openai::types::InputSource;
use async_openai::Client;
use base64::{engine::general_purpose::STANDARD, Engine};
use futures::StreamExt;

type Seen = Result<String, Box<dyn Error>>;

const MODEL: &str = "grok-imagine-image";
const PROMPT: &str = "a red house beside two trees";
const CANCEL_AFTER: Duration = Duration::from_secs(2);

fn given(name: &str) -> String {
    env::var(format!("CLIENTS_{name}")).expect("set by table.py")
}

fn client(key: &str) -> Client<OpenAIConfig> {
    let config = OpenAIConfig::new().with_api_base(given("URL") + "/v1").with_api_key(given(key));
    Client::with_config(config).with_http_service(ReqwestService::new(reqwest::Client::new()))
}

fn of(model: &str) -> CreateImageRequest {
    CreateImageRequest {
        model: ImageModel::Other(model.into()),
        prompt: PROMPT.into(),
        ..Default::default()
    }
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn check_jpeg(file: &[u8]) -> Result<(), Box<dyn Error>> {
    file.starts_with(&[0xff, 0xd8]).then_some(()).ok_or_else(|| "not a JPEG".into())
}

fn check_base64(text: &str) -> Result<(), Box<dyn Error>> {
    check_jpeg(&STANDARD.decode(text)?)
}

/// Each link is followed, without a key, each picture looked at.
async fn seen<I: AsRef<Image>>(data: &[I]) -> Seen {
    let mut what = "picture";
    for image in data {
        match image.as_ref() {
            Image::Url { url, .. } => {
                check_jpeg(&reqwest::get(url).await?.bytes().await?)?;
                what = "link";
            }
            Image::B64Json { b64_json, .. } => check_base64(b64_json)?,
        }
    }
    Ok(counted(data.len(), what))
}

async fn generate(key: &str, request: CreateImageRequest) -> Seen {
    seen(&client(key).images().generate(request).await?.data).await
}

async fn edit(count: usize) -> Seen {
    let mut files: Vec<ImageInput> = Vec::new();
    for (number, path) in env::split_paths(&given("PICTURES")).take(count).enumerate() {
        let filename = format!("{number}.png");
        files.push(ImageInput { source: InputSource::VecU8 { filename, vec: fs::read(path)? } });
    }
    let image = match count {
        1 => ImageEditInput::Image(files.remove(0)),
        _ => ImageEditInput::Images(files),
    };
    let request = CreateImageEditRequest {
        image,
        prompt: PROMPT.into(),
        model: ImageModel::Other("grok-imagine-image-quality".into()),
        ..Default::default()
    };
    seen(&client("KEY").images().edit(request).await?.data).await
}

async fn stream() -> Seen {
    let request = CreateImageRequest { partial_images: Some(2), ..of(MODEL) };
    let mut events = client("KEY").images().generate_stream(request).await?;
    let (mut previews, mut pictures) = (0, 0);
    while let Some(event) = events.next().await {
        match event? {
            ImageGenStreamEvent::PartialImage(_) => previews += 1,
            ImageGenStreamEvent::Completed(made) => {
                check_base64(&made.b64_json)?;
                pictures += 1;
            }
        }
    }
    Ok(format!("{}, {}", counted(previews, "preview"), counted(pictures, "picture")))
}

async fn limited() -> Seen {
    generate("LIMITED_KEY", of(MODEL)).await.map_err(|error| format!("the first: {error}"))?;
    generate("LIMITED_KEY", of(MODEL)).await
}

#[allow(deprecated)] // videos, by OpenAI
async fn video() -> Seen {
    let request = CreateVideoRequest {
        model: "grok-imagine-video".into(),
        prompt: PROMPT.into(),
        ..Default::default()
    };
    client("KEY").videos().create(request).await?;
    Ok(String::new())
}

async fn cancel() -> Seen {
    let request = CreateImageRequest { n: Some(10), ..of("slow") };
    tokio::time::timeout(CANCEL_AFTER, generate("KEY", request)).await?
}

/// Makes the call and prints a line for it: what came, or the error, as a developer sees it.
async fn tell(name: &str, call: impl Future<Output = Seen>) {
    let cell = call.await.unwrap_or_else(|error| format!("`{error}`"));
    println!("{name}\t{}", cell.split_whitespace().collect::<Vec<_>>().join(" "));
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    #[allow(deprecated)] // response_format, by OpenAI
    let base64 = CreateImageRequest { response_format: Some(ImageResponseFormat::B64Json), ..of(MODEL) };
    let of_count = |n| CreateImageRequest { n: Some(n), ..of(MODEL) };
    let moderated = CreateImageRequest { prompt: "a catapult on a hill".into(), ..of(MODEL) };

    tell("url", generate("KEY", of(MODEL))).await;
    tell("b64", generate("KEY", base64)).await;
    tell("n=3", generate("KEY", of_count(3))).await;
    for count in [1, 3, 8] {
        tell(&format!("edit {count}"), edit(count)).await;
    }
    tell("stream", stream()).await;
    tell("401", generate("WRONG_KEY", of(MODEL))).await;
    tell("404", generate("KEY", of("no-such-model"))).await;
    tell("400", generate("KEY", of_count(11))).await;
    tell("429", limited()).await;
    tell("moderated", generate("KEY", moderated)).await;
    tell("video", video()).await;
    tell("cancel", cancel()).await;
}
