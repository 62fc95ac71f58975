//! What a unit's web page says: the server's name, the title, where it sends a browser, the icon's fingerprint. By TLS
//! where that works (see `tls`: nothing is validated), else plain. Only this one machine is asked, nothing is executed,
//! no form is sent and no name or passphrase is ever given.

use hyper::StatusCode;
use hyper::header;
use md5::{Digest as _, Md5};
use tokio::time::timeout;

use self::link::Link;
use self::page::Page;
use self::web::{Fetched, Web};
use super::Ask;
use super::ports::connection::{Place, ended, not_asked};
use super::tls::Refusal;
use crate::engine::clock;
use crate::model::probing::{Answer, ClueKind, Outcome, Probe};

mod link;
mod page;
mod tags;
mod web;

/// How many times it may send us on.
const REDIRECTS: usize = 3;

/// Where an icon is that no page names.
const USUAL_ICON: &str = "/favicon.ico";

/// Asks for the web page.
pub async fn ask(ask: &Ask) -> Answer {
    ask_after(ask, None).await
}

/// Asks for the web page, where the probe of TLS may have ended already. One that stayed silent or garbled is not tried
/// again.
pub async fn ask_after(ask: &Ask, tls: Option<&Outcome>) -> Answer {
    let Some(place) = Place::take(ask).await else {
        return not_asked(Probe::Http);
    };
    let mut answer = Answer::new(Probe::Http, Outcome::Silent, clock::now());
    let mut found = Found::default();
    let mut web = Web::new(ask, &place);
    // Ended by the limit, what came so far counts.
    let outcome = timeout(ask.limit, look(ask, tls, &mut web, &mut found)).await;
    let has_page = found.tell(&mut answer);
    answer.raw = found.raw.unwrap_or_else(|| web.said.raw());
    drop(web);
    let outcome = if has_page {
        Some(Outcome::Answered)
    } else {
        outcome.ok()
    };
    ended(answer, &place, outcome)
}

/// What came, in the order in which it came.
#[derive(Default)]
struct Found {
    pages: Vec<Fetched>,
    icon: Option<String>,
    raw: Option<crate::model::sighting::RawDatagram>,
}

async fn look(ask: &Ask, tls: Option<&Outcome>, web: &mut Web<'_>, found: &mut Found) -> Outcome {
    let mut endings = Vec::new();
    let ports = [(true, ask.ports.https), (false, ask.ports.http)];
    let is_tls_lost = matches!(tls, Some(Outcome::Silent | Outcome::Garbled(_)));
    for (is_tls, port) in ports.into_iter().skip(usize::from(is_tls_lost)) {
        // The second port has what the first one leaves, which must not be nothing.
        let limit = if is_tls { ask.limit / 2 } else { ask.limit };
        let opening = open(web, found, Link::root(ask.ip, is_tls, port));
        let opened = timeout(limit, opening).await.unwrap_or_else(|_elapsed| {
            if found.pages.last().is_some_and(|page| page.head.is_some()) {
                // Its head came in time: a page, as far as it goes.
                Ok(())
            } else if !web.has_heard() {
                Err(Refusal::Ends(Outcome::Silent))
            } else {
                let why = "what it says did not end in time".to_owned();
                Err(Refusal::Ends(Outcome::Garbled(why)))
            }
        });
        match opened {
            Ok(()) => {
                follow(web, found).await;
                look_at_icon(web, found).await;
                web.close().await;
                return Outcome::Answered;
            }
            Err(Refusal::Handshake(why)) => {
                endings.push(Outcome::Garbled(format!("the handshake failed ({why})")));
            }
            Err(Refusal::Ends(outcome)) => endings.push(outcome),
        }
    }
    // Neither has a page: the ending that tells most.
    endings.sort_by_key(|ending| match ending {
        Outcome::Answered | Outcome::Garbled(_) => 0,
        Outcome::Closed => 1,
        Outcome::Failed(_) => 2,
        Outcome::Silent => 3,
    });
    endings.into_iter().next().unwrap_or(Outcome::Silent)
}

/// Fetches one more page into `found`.
async fn open(web: &mut Web<'_>, found: &mut Found, link: Link) -> Result<(), Refusal> {
    found.pages.push(Fetched::nothing_of(link));
    let Some(page) = found.pages.last_mut() else {
        return Ok(());
    };
    web.fetch(page).await?;
    found.raw = Some(web.said.raw());
    Ok(())
}

/// Goes where it sends us, as long as that is itself.
async fn follow(web: &mut Web<'_>, found: &mut Found) {
    for _ in 0..REDIRECTS {
        let Some(page) = found.pages.last() else {
            return;
        };
        let to = sent_on(page).and_then(|to| page.link.follow(&to));
        let Some(link) = to.filter(|link| *link != page.link) else {
            return;
        };
        // What was found until here stays.
        if open(web, found, link).await.is_err() {
            return;
        }
    }
}

/// Where a page sends a browser: by its head, or by itself.
fn sent_on(page: &Fetched) -> Option<String> {
    let head = page.head.as_ref()?;
    let is_redirect = head.status.is_some_and(|status| status.is_redirection());
    if is_redirect && let Some(location) = head.header(header::LOCATION) {
        return Some(location);
    }
    Page::read(&page.body, &head.content_type()).refresh
}

async fn look_at_icon(web: &mut Web<'_>, found: &mut Found) {
    let Some(page) = found.pages.iter().rev().find(|page| page.head.is_some()) else {
        return;
    };
    let named = Page::read(&page.body, "").icon;
    // One that is elsewhere, or written into the page, is not looked at.
    let Some(link) = page.link.follow(named.as_deref().unwrap_or(USUAL_ICON)) else {
        return;
    };
    let mut icon = Fetched::nothing_of(link);
    if web.fetch(&mut icon).await.is_ok() && is_icon(&icon) {
        let digits: Vec<_> = Md5::digest(&icon.body)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        found.icon = Some(digits.concat());
    }
}

/// Whether it is whole, and no page that says that there is none.
fn is_icon(icon: &Fetched) -> bool {
    let Some(head) = &icon.head else {
        return false;
    };
    head.status == Some(StatusCode::OK)
        && icon.is_complete
        && !icon.body.is_empty()
        && !head.content_type().starts_with("text/html")
        && !page::is_html(&icon.body)
}

impl Found {
    /// Adds what was found, and tells whether there was a page at all.
    fn tell(&self, answer: &mut Answer) -> bool {
        let pages: Vec<_> = self
            .pages
            .iter()
            .filter_map(|page| page.head.as_ref().map(|head| (page, head)))
            .collect();
        let Some((last, head)) = pages.last() else {
            return false;
        };
        answer.add(ClueKind::HttpUrl, &last.link.to_string());
        if let Some(status) = head.status {
            answer.add(ClueKind::HttpStatus, status.as_str());
        }
        let mut servers: Vec<String> = Vec::new();
        for server in pages
            .iter()
            .filter_map(|(_, head)| head.header(header::SERVER))
        {
            if !servers.contains(&server) {
                answer.add(ClueKind::HttpServer, &server);
                servers.push(server);
            }
        }
        for (page, _) in &pages {
            answer.add(ClueKind::HttpRedirect, &sent_on(page).unwrap_or_default());
        }
        // A page that only sends on may be the only one with a title.
        let title = pages
            .iter()
            .rev()
            .find_map(|(page, head)| Page::read(&page.body, &head.content_type()).title);
        answer.add(ClueKind::HttpTitle, &title.unwrap_or_default());
        answer.add(
            ClueKind::FaviconMd5,
            self.icon.as_deref().unwrap_or_default(),
        );
        true
    }
}
