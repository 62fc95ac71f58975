//! One page after the other from one unit: over one connection at a time, which is used again where the unit allows it.
//! Tolerant of what small servers send, and bounded.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::header::{self, HeaderMap, HeaderName};
use hyper::{Request, StatusCode, Version};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::link::Link;
use super::page::is_html;
use crate::engine::identify::Ask;
use crate::engine::identify::ports::connection::{FAREWELL, Heard, Place};
use crate::engine::identify::tls::{self, Refusal};
use crate::model::probing::Outcome;

/// How much of a page is read, and how much its head may have.
pub(super) const PAGE_BYTES: usize = 64 * 1024;

/// How many headers a page may have.
const HEADERS: usize = 128;

/// What is said of us.
const USER_AGENT: &str = concat!("Rollcall/", env!("CARGO_PKG_VERSION"));

/// What came of one page so far.
#[derive(Debug)]
pub(super) struct Fetched {
    /// Where it is.
    pub(super) link: Link,
    /// Its head; `None` while none came.
    pub(super) head: Option<Head>,
    /// The first of its bytes.
    pub(super) body: Vec<u8>,
    /// Whether the body is whole.
    pub(super) is_complete: bool,
}

/// The head of a page.
#[derive(Debug)]
pub(super) struct Head {
    /// `None` before HTTP/1.0, which had none.
    pub(super) status: Option<StatusCode>,
    headers: HeaderMap,
}

impl Head {
    /// A header as text; Latin-1 where it is not UTF-8.
    pub(super) fn header(&self, name: HeaderName) -> Option<String> {
        let bytes = self.headers.get(name)?.as_bytes();
        Some(match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().copied().map(char::from).collect(),
        })
    }

    /// What kind of page it says it is.
    pub(super) fn content_type(&self) -> String {
        self.header(header::CONTENT_TYPE).unwrap_or_default()
    }
}

impl Fetched {
    /// Nothing yet.
    pub(super) const fn nothing_of(link: Link) -> Self {
        Self {
            link,
            head: None,
            body: Vec::new(),
            is_complete: false,
        }
    }
}

/// Fetches pages.
pub(super) struct Web<'a> {
    ask: &'a Ask,
    place: &'a Place,
    /// What came since the last page was asked for, below TLS taken off.
    pub(super) said: Arc<Heard>,
    open: Option<Open>,
}

/// An open connection.
struct Open {
    is_tls: bool,
    port: u16,
    sender: SendRequest<Empty<Bytes>>,
    driver: Driver,
}

impl Open {
    /// Whether it can be used for this page too.
    async fn serves(&mut self, link: &Link) -> bool {
        let is_same = (self.is_tls, self.port) == (link.is_tls, link.port);
        is_same && matches!(timeout(FAREWELL, self.sender.ready()).await, Ok(Ok(())))
    }

    async fn close(self) {
        let Self { sender, driver, .. } = self;
        drop(sender);
        let mut driver = driver;
        // Without a sender the driver closes the connection and ends; if it does not, it is ended.
        timeout(FAREWELL, &mut driver.0).await.ok();
    }
}

/// The task that moves the bytes. It ends with its owner.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<'a> Web<'a> {
    /// Nothing is open yet.
    pub(super) fn new(ask: &'a Ask, place: &'a Place) -> Self {
        Self {
            ask,
            place,
            said: Arc::default(),
            open: None,
        }
    }

    /// Fetches what `page` is the place of. What came stands in `page` also when this is ended from outside.
    pub(super) async fn fetch(&mut self, page: &mut Fetched) -> Result<(), Refusal> {
        let is_used = self.open.is_some();
        let mut result = self.try_fetch(page).await;
        // The unit may have closed the connection since the last page. One that stalls would only stall again.
        let is_silent = matches!(result, Err(Refusal::Ends(Outcome::Silent)));
        if result.is_err() && !is_silent && is_used && self.said.is_empty() {
            self.close().await;
            result = self.try_fetch(page).await;
        }
        if result.is_err() || !page.is_complete {
            self.close().await;
        }
        result
    }

    /// Whether anything came at all on the connection that is open, or was last.
    pub(super) fn has_heard(&self) -> bool {
        !self.place.heard.is_empty()
    }

    /// Closes what is open.
    pub(super) async fn close(&mut self) {
        if let Some(open) = self.open.take() {
            open.close().await;
        }
    }

    async fn try_fetch(&mut self, page: &mut Fetched) -> Result<(), Refusal> {
        let request = request_of(&page.link)?;
        let mut open = self.open.take();
        if let Some(other) = &mut open
            && !other.serves(&page.link).await
            && let Some(other) = open.take()
        {
            other.close().await;
        }
        let open = match open {
            Some(open) => open,
            None => self.connect(&page.link).await?,
        };
        let open = self.open.insert(open);
        self.said.clear();
        let response = tokio::select! {
            response = open.sender.send_request(request) => response.map_err(|error| no_page(&error)),
            () = self.said.silent_for(self.ask.silence) => Err(Refusal::Ends(Outcome::Silent)),
        }?;
        let (head, body) = response.into_parts();
        let has_head = head.version != Version::HTTP_09;
        page.head = Some(Head {
            status: has_head.then_some(head.status),
            headers: head.headers,
        });
        self.read(body, page).await;
        if !has_head && !is_html(&page.body) {
            page.head = None;
            let why = "what it speaks there is not HTTP".to_owned();
            return Err(Refusal::Ends(Outcome::Garbled(why)));
        }
        Ok(())
    }

    /// Reads until the end, the bound, or a silence: what came until then is the page.
    async fn read(&self, mut body: Incoming, page: &mut Fetched) {
        loop {
            let frame = match timeout(self.ask.silence, body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(None) => {
                    page.is_complete = true;
                    return;
                }
                Ok(Some(Err(_))) | Err(_) => return,
            };
            let Some(bytes) = frame.data_ref() else {
                continue;
            };
            let room = PAGE_BYTES - page.body.len();
            page.body.extend_from_slice(&bytes[..bytes.len().min(room)]);
            if bytes.len() > room {
                return;
            }
        }
    }

    async fn connect(&self, link: &Link) -> Result<Open, Refusal> {
        let said = Arc::clone(&self.said);
        let (sender, driver) = if link.is_tls {
            let stream = tls::connect(self.ask, self.place, link.port).await?;
            shake_hands(Said { stream, said }).await?
        } else {
            let stream = self.place.connect(self.ask, link.port).await;
            let stream = stream.map_err(Refusal::Ends)?;
            shake_hands(Said { stream, said }).await?
        };
        Ok(Open {
            is_tls: link.is_tls,
            port: link.port,
            sender,
            driver,
        })
    }
}

fn request_of(link: &Link) -> Result<Request<Empty<Bytes>>, Refusal> {
    Request::get(&link.path)
        .header(header::HOST, link.authority())
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::ACCEPT, "text/html, */*")
        .header(header::ACCEPT_ENCODING, "identity")
        .body(Empty::new())
        .map_err(|_invalid| Refusal::Ends(Outcome::Garbled("it leads to no page".to_owned())))
}

/// No bytes go either way yet.
async fn shake_hands<S>(said: Said<S>) -> Result<(SendRequest<Empty<Bytes>>, Driver), Refusal>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = Builder::new()
        .http09_responses(true)
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .ignore_invalid_headers_in_responses(true)
        .max_headers(HEADERS)
        .max_buf_size(PAGE_BYTES)
        .handshake(TokioIo::new(said))
        .await
        .map_err(|error| no_page(&error))?;
    let driver = tokio::spawn(async move {
        // What breaks here is told to the sender, or to the reader of the body.
        connection.await.ok();
    });
    Ok((sender, Driver(driver)))
}

fn no_page(error: &hyper::Error) -> Refusal {
    let why = if error.is_parse() || error.is_parse_status() {
        // The library's words tell a head that is too large from one that is none.
        format!("what it sends is no web page ({error})")
    } else {
        "it closed the connection without a page".to_owned()
    };
    Refusal::Ends(Outcome::Garbled(why))
}

/// Notes what comes, and takes a connection that is cut for one that was closed: many small servers end their pages so.
struct Said<S> {
    stream: S,
    said: Arc<Heard>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Said<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match ready!(Pin::new(&mut this.stream).poll_read(cx, buffer)) {
            Ok(()) => this.said.note(&buffer.filled()[before..]),
            // TLS without its farewell.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => return Poll::Ready(Err(error)),
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Said<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
