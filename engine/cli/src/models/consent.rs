//! Consent to a model's license: shows the license and asks the user, once.

use std::io::{self, BufRead, IsTerminal, Write};

use mertscope_hub::{Consent, ModelOffer};
use mertscope_model::catalogue::{CatalogueEntry, PublishedHeads};

use super::list::megabytes;
use crate::arguments::ConsentArguments;
use crate::{UsageError, log};

/// What the user agreed to.
pub(crate) struct Agreed {
    pub consent: Consent,
    /// Whether that includes the heads that were published for the model.
    pub to_heads: bool,
}

/// The user's consent to the license of a model, and of its published heads when these are wanted; `None` when the
/// user does not agree.
pub(crate) fn ask(
    offer: &ModelOffer,
    with_heads: bool,
    arguments: &ConsentArguments,
) -> anyhow::Result<Option<Agreed>> {
    let entry = offer.entry;
    let (id, license) = (&entry.id, &entry.license);
    check_accepted(entry, arguments)?;
    let heads = entry.heads.as_ref().filter(|_| with_heads);
    let unagreed_heads = heads.filter(|_| !offer.heads_agreed);
    if !offer.agreed {
        log(&terms(entry));
    }
    if let Some(heads) = unagreed_heads {
        log(&heads_terms(heads));
    }
    let agreed = |consent: Consent| {
        Ok(Some(Agreed {
            consent,
            to_heads: heads.is_some(),
        }))
    };
    if offer.agreed && unagreed_heads.is_none() {
        return agreed(Consent::OnRecord);
    }
    if arguments.yes {
        return agreed(Consent::Given);
    }
    let bare = |consent: Consent| {
        if let Some(heads) = unagreed_heads {
            log(&format!(
                "The heads of {} are left, because you did not agree to them; `mertscope models fetch {id} --yes` gets \
                 them.",
                heads.title
            ));
        }
        let to_heads = heads.is_some() && unagreed_heads.is_none();
        Ok(Some(Agreed { consent, to_heads }))
    };
    if arguments.accept_license.is_some() {
        return bare(Consent::Given);
    }
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        if offer.agreed {
            return bare(Consent::OnRecord);
        }
        let message = format!(
            "{id} needs your consent to its license: add --yes, or --accept-licence {license}."
        );
        return Err(UsageError(message).into());
    }
    if says_yes(offer, unagreed_heads)? {
        return agreed(Consent::Given);
    }
    log(if unagreed_heads.is_some() {
        "Nothing was done; --no-heads fetches the model without them."
    } else {
        "Nothing was done."
    });
    Ok(None)
}

/// Fails when another license than the model's is accepted.
fn check_accepted(entry: &CatalogueEntry, arguments: &ConsentArguments) -> Result<(), UsageError> {
    let (id, license) = (&entry.id, &entry.license);
    match &arguments.accept_license {
        Some(accepted) if !accepted.eq_ignore_ascii_case(license) => Err(UsageError(format!(
            "{id} is under {license}, not under {accepted}; nothing was done."
        ))),
        _ => Ok(()),
    }
}

/// The license of a model, a sentence or two.
fn terms(entry: &CatalogueEntry) -> String {
    let (id, license, url) = (&entry.id, &entry.license, &entry.license_url);
    let no_commerce = if license.contains("-NC") {
        " It does not allow commercial use."
    } else {
        ""
    };
    format!(
        "{id} is published by its authors under {license}, not under Mertscope's license: \
         {url}{no_commerce}"
    )
}

/// The terms of published heads, a sentence or two.
fn heads_terms(heads: &PublishedHeads) -> String {
    let tasks: Vec<&str> = heads.tasks().collect();
    let license = match &heads.license {
        Some(license) => format!("under {license}"),
        None => "whose authors state no license".to_owned(),
    };
    format!(
        "{} heads of {} come along, {license}: {}. They answer {}, and were fitted on {}; --no-heads leaves them.",
        heads.head.len(),
        heads.title,
        heads.license_url,
        tasks.join(", "),
        heads.fitted_on
    )
}

/// Asks on the terminal, once for the model and its heads.
fn says_yes(offer: &ModelOffer, heads: Option<&PublishedHeads>) -> anyhow::Result<bool> {
    let heads_size = heads.map(|heads| megabytes(heads.about_bytes));
    let model = (!offer.agreed).then(|| format!("The model has about {}", megabytes(offer.size())));
    let sizes = match (model, heads_size) {
        (Some(model), Some(heads)) => format!("{model}, its heads about {heads}."),
        (Some(model), None) => format!("{model}."),
        (None, heads) => format!("The heads have about {}.", heads.unwrap_or_default()),
    };
    write!(io::stderr(), "Do you agree? {sizes} [y/N] ")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}
