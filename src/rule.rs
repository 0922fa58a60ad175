//! What a rule is: a page of Markdown that happens to run.

pub mod expr;
pub mod page;

pub use page::Page;

include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// The page of that id among those that come with the program.
pub fn built_in(id: &str) -> Option<&'static Page> {
    index(id).map(|index| &PAGES[index])
}

/// Where the page of that id stands in [`PAGES`].
pub fn index(id: &str) -> Option<usize> {
    PAGES.binary_search_by(|page| page.id.as_ref().cmp(id)).ok()
}
