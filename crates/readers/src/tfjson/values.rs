//! What the attributes of one resource say: its place, its tags, the images and endpoints that it uses.

use super::recording;
use super::scan::{Scan, Stop};
use crate::endpoint;
use crate::image::{self, ImageRef};
use crate::terraform::recording::{Said, argument, concerns};

/// Images, endpoints and data classes of one resource; more are made by a generator and say nothing new.
const MAX_SIGHTINGS: usize = 64;
/// Labels of one resource that are held while it is read; what is kept of them has a limit of its own.
const MAX_LABELS: usize = 256;
/// The longest name of a region or zone.
const MAX_PLACE_BYTES: usize = 64;

/// What was found among the attributes of a resource or instance.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    pub place: Option<Seen>,
    rank: u8,
    pub data: Vec<String>,
    pub environment: Option<String>,
    /// Tags, labels and annotations.
    pub labels: Vec<(String, String)>,
    /// Arguments that may show something of recording, when the type of the resource is one that does.
    pub said: Option<Vec<Said<u32>>>,
    pub images: Vec<(ImageRef, u32)>,
    /// Texts of attributes that can be endpoints; the type of the resource decides which of them are.
    pub endpoints: Vec<(Attribute, Seen)>,
    pub chart: Option<Seen>,
    pub repository: Option<Seen>,
    /// Of a remote state: the type of its backend.
    pub backend: Option<Seen>,
}

/// A text and its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub text: String,
    pub line: u32,
}

/// Attributes whose value can be something that the resource sends to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attribute {
    Url,
    Uri,
    Endpoint,
    /// Named so that it can be nothing else: `webhook_url`, `push_endpoint`.
    Outward,
    /// Whose tokens are believed: `issuer_uri`.
    Issuer,
    /// Where code is fetched from; kept as a whole URL.
    Source,
}

#[derive(Clone, Copy)]
enum Key {
    Place(u8),
    Arn,
    Tags,
    Metadata,
    /// An argument that may show something of recording.
    Recorded(&'static str),
    Image,
    Definitions,
    Endpoint(Attribute),
    Chart,
    Repository,
    Backend,
    Other,
}

/// `rank`: which attribute decides when several tell a place; the lower, the better.
fn key_of(name: &str) -> Key {
    match name {
        "region" => Key::Place(0),
        "location" => Key::Place(1),
        "zone" => Key::Place(2),
        "availability_zone" => Key::Place(3),
        "datacenter" | "data_center" => Key::Place(4),
        "arn" => Key::Arn,
        "id" | "self_link" => Key::Place(6),
        "tags" | "labels" | "user_labels" | "resource_labels" | "freeform_tags" | "tags_all" | "effective_labels" => {
            Key::Tags
        }
        "metadata" => Key::Metadata,
        "image" | "image_uri" | "image_url" | "image_identifier" => Key::Image,
        "container_definitions" => Key::Definitions,
        "url" | "endpoint_url" => Key::Endpoint(Attribute::Url),
        "uri" | "service_uri" => Key::Endpoint(Attribute::Uri),
        "endpoint" => Key::Endpoint(Attribute::Endpoint),
        "webhook_url" | "push_endpoint" | "invocation_endpoint" | "callback_url" | "integration_uri" => {
            Key::Endpoint(Attribute::Outward)
        }
        "issuer" | "issuer_uri" | "issuer_url" => Key::Endpoint(Attribute::Issuer),
        "repository_url" | "repo_url" | "git_url" => Key::Endpoint(Attribute::Source),
        "chart" => Key::Chart,
        "repository" => Key::Repository,
        "backend" => Key::Backend,
        _ => Key::Other,
    }
}

impl Values {
    /// Reads the attributes that come next; anything but an object is passed over.
    pub fn read(&mut self, scan: &mut Scan<'_>) -> Result<(), Stop> {
        self.object(scan, true)
    }

    /// What is read is that of a resource of a type, if that is known yet.
    pub fn look_at(&mut self, kind: &str) {
        self.said = (kind.is_empty() || concerns(kind)).then(Vec::new);
    }

    /// The recursion is bounded by the scanner's depth.
    fn object(&mut self, scan: &mut Scan<'_>, top: bool) -> Result<(), Stop> {
        let Some(mut open) = scan.object()? else { return Ok(()) };
        let looks = top && self.said.is_some();
        let as_key = |name: &str| match looks.then(|| argument(name)).flatten() {
            Some(argument) => Key::Recorded(argument),
            None => key_of(name),
        };
        while let Some(key) = scan.key(&mut open, as_key)? {
            match key {
                Key::Recorded(argument) => recording::read(scan, argument, self.said.get_or_insert_default())?,
                Key::Metadata if top => self.metadata(scan)?,
                Key::Place(rank) if top => self.place(scan, rank)?,
                Key::Arn if top => self.arn(scan)?,
                Key::Tags if top => self.tags(scan)?,
                Key::Chart if top => self.chart = seen(scan)?,
                Key::Repository if top => self.repository = seen(scan)?,
                Key::Backend if top => self.backend = seen(scan)?,
                Key::Image => self.image(scan)?,
                // Deeper inside it is no region: a build project says there where its source is.
                Key::Place(1) => self.endpoint(scan, Attribute::Source)?,
                Key::Definitions => self.definitions(scan)?,
                Key::Endpoint(attribute) => self.endpoint(scan, attribute)?,
                _ => self.inside(scan)?,
            }
        }
        Ok(())
    }

    /// Whatever comes next: blocks are looked into, the rest is passed over.
    fn inside(&mut self, scan: &mut Scan<'_>) -> Result<(), Stop> {
        match scan.next_byte()? {
            b'{' => self.object(scan, false),
            b'[' => {
                let Some(mut open) = scan.array()? else { return Ok(()) };
                while scan.item(&mut open)? {
                    self.inside(scan)?;
                }
                Ok(())
            }
            _ => scan.skip(),
        }
    }

    fn place(&mut self, scan: &mut Scan<'_>, rank: u8) -> Result<(), Stop> {
        if self.place.is_some() && self.rank <= rank {
            return scan.skip();
        }
        let line = scan.value_line()?;
        if let Some(place) =
            scan.string()?.and_then(|text| if rank == 6 { place_in_path(text) } else { place_name(text) })
        {
            let text = place.to_owned();
            (self.place, self.rank) = (Some(Seen { text, line }), rank);
        }
        Ok(())
    }

    fn arn(&mut self, scan: &mut Scan<'_>) -> Result<(), Stop> {
        const RANK: u8 = 5;
        let line = scan.value_line()?;
        if self.place.is_some() && self.rank <= RANK {
            return scan.skip();
        }
        if let Some(region) = scan.string()?.and_then(arn_region) {
            let text = region.to_owned();
            (self.place, self.rank) = (Some(Seen { text, line }), RANK);
        }
        Ok(())
    }

    /// Tags as a map, or as a list of texts (of which one without `=` has no value). Among them `allod-data` and
    /// `allod-environment`, with dashes, underscores or slashes (not every cloud allows each).
    fn tags(&mut self, scan: &mut Scan<'_>) -> Result<(), Stop> {
        if scan.next_byte()? == b'[' {
            let Some(mut open) = scan.array()? else { return Ok(()) };
            while scan.item(&mut open)? {
                if let Some(text) = scan.string()? {
                    let (key, value) = text.split_once('=').unwrap_or((text, ""));
                    let label = (key.to_owned(), value.to_owned());
                    self.label(label);
                }
            }
            return Ok(());
        }
        let Some(mut open) = scan.object()? else { return Ok(()) };
        while let Some(key) = scan.key(&mut open, str::to_owned)? {
            let Some(value) = scan.scalar()? else { continue };
            match key.as_str() {
                "allod-data" | "allod_data" | "allod/data" => {
                    let classes = value.split([',', '/', ' ']).filter(|class| !class.is_empty());
                    self.data.extend(classes.take(MAX_SIGHTINGS).map(str::to_owned));
                    self.data.sort();
                    self.data.dedup();
                }
                "allod-environment" | "allod_environment" | "allod/environment" => {
                    self.environment = Some(value.clone());
                }
                _ => {}
            }
            self.label((key, value));
        }
        Ok(())
    }

    fn label(&mut self, label: (String, String)) {
        if self.labels.len() < MAX_LABELS {
            self.labels.push(label);
        }
    }

    /// Where resources of Kubernetes have their labels: in a list of one block.
    fn metadata(&mut self, scan: &mut Scan<'_>) -> Result<(), Stop> {
        if scan.next_byte()? != b'[' {
            return self.inside(scan);
        }
        let Some(mut blocks) = scan.array()? else { return Ok(()) };
        while scan.item(&mut blocks)? {
            let Some(mut open) = scan.object()? else { continue };
            while let Some(labels) = scan.key(&mut open, |name| matches!(name, "labels" | "annotations"))? {
                if labels { self.tags(scan)? } else { scan.skip()? }
            }
        }
        Ok(())
    }

    fn image(&mut self, scan: &mut Scan<'_>) -> Result<(), Stop> {
        if scan.next_byte()? != b'"' {
            return self.inside(scan);
        }
        let line = scan.value_line()?;
        let image = scan.string()?.and_then(image::parse);
        if let Some(image) = image.filter(|_| self.images.len() < MAX_SIGHTINGS) {
            self.images.push((image, line));
        }
        Ok(())
    }

    /// The container definitions of an ECS task: JSON in a string.
    fn definitions(&mut self, scan: &mut Scan<'_>) -> Result<(), Stop> {
        #[derive(serde::Deserialize)]
        struct Definition {
            image: Option<String>,
        }
        let line = scan.value_line()?;
        let parsed = scan.string()?.and_then(|text| serde_json::from_str::<Vec<Definition>>(text).ok());
        for definition in parsed.unwrap_or_default().into_iter().take(MAX_SIGHTINGS) {
            if let Some(image) = definition.image.as_deref().and_then(image::parse) {
                self.images.push((image, line));
            }
        }
        Ok(())
    }

    fn endpoint(&mut self, scan: &mut Scan<'_>, attribute: Attribute) -> Result<(), Stop> {
        if scan.next_byte()? != b'"' {
            return self.inside(scan);
        }
        let line = scan.value_line()?;
        let text = scan.string()?;
        let host = match attribute {
            Attribute::Source => text.filter(|text| text.contains("://") || text.contains('@')).map(str::to_owned),
            _ => text.and_then(endpoint::host_of),
        };
        if let Some(text) = host.filter(|_| self.endpoints.len() < MAX_SIGHTINGS) {
            self.endpoints.push((attribute, Seen { text, line }));
        }
        Ok(())
    }
}

/// The string that comes next, with its line.
pub(super) fn seen(scan: &mut Scan<'_>) -> Result<Option<Seen>, Stop> {
    let line = scan.value_line()?;
    Ok(scan.string()?.map(|text| Seen { text: text.to_owned(), line }))
}

/// A text that can be the name of a region or zone. Google writes whole URLs, of which the last part is the name; a
/// name with dots is a DNS zone.
fn place_name(text: &str) -> Option<&str> {
    if text.contains('/') {
        return place_in_path(text);
    }
    let fine = !text.is_empty() && text.len() <= MAX_PLACE_BYTES && !text.contains(['.', ':', '$', '{', '<']);
    fine.then_some(text)
}

/// The region in a path such as `projects/p/locations/europe-west1/clusters/c`.
fn place_in_path(text: &str) -> Option<&str> {
    let mut parts = text.split('/');
    parts.find(|part| matches!(*part, "locations" | "regions" | "zones"))?;
    parts.next().filter(|name| !name.is_empty() && *name != "global" && name.len() <= MAX_PLACE_BYTES)
}

/// The region in `arn:partition:service:region:account:...`; global services have none.
fn arn_region(arn: &str) -> Option<&str> {
    let mut parts = arn.split(':');
    let is_arn = parts.next() == Some("arn");
    parts.nth(2).filter(|region| is_arn && !region.is_empty() && region.len() <= MAX_PLACE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(json: &str) -> Option<(String, u32)> {
        let mut from = json.as_bytes();
        let mut values = Values::default();
        values.read(&mut Scan::new(&mut from).unwrap()).unwrap();
        values.place.map(|seen| (seen.text, seen.line))
    }

    #[test]
    fn the_best_attribute_tells_the_place() {
        let check = |json: &str, expect: Option<(&str, u32)>| {
            let expect = expect.map(|(text, line)| (text.to_owned(), line));
            assert_eq!(place(json), expect, "{json}");
        };
        check(r#"{"region": "eu-west-3", "availability_zone": "x"}"#, Some(("eu-west-3", 1)));
        check("{\n\"availability_zone\": \"eu-west-3a\",\n\"region\": \"eu-west-3\"}", Some(("eu-west-3", 3)));
        check(r#"{"arn": "arn:aws:sqs:eu-central-1:1:q"}"#, Some(("eu-central-1", 1)));
        check(r#"{"arn": "arn:aws:s3:::bucket"}"#, None);
        check(r#"{"location": "West Europe"}"#, Some(("West Europe", 1)));
        check(r#"{"zone": "clinic.example"}"#, None);
        check(r#"{"id": "projects/p/locations/europe-west1/clusters/c"}"#, Some(("europe-west1", 1)));
        check(r#"{"id": "projects/p/locations/global/x"}"#, None);
        check(r#"{"region": null, "nested": [{"region": "us-east-1"}]}"#, None);
    }
}
