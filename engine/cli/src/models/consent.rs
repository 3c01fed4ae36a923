//! Consent to a model's license: shows the license and asks the user, once.

use std::io::{self, BufRead, IsTerminal, Write};

use mertscope_hub::{Consent, ModelOffer};

use super::list::megabytes;
use crate::arguments::ConsentArguments;
use crate::{UsageError, log};

/// The user's consent to the license of a model; `None` when the user does not agree.
pub(crate) fn ask(
    offer: &ModelOffer,
    arguments: &ConsentArguments,
) -> anyhow::Result<Option<Consent>> {
    let entry = offer.entry;
    let (id, license, url) = (&entry.id, &entry.license, &entry.license_url);
    if let Some(accepted) = &arguments.accept_license
        && !accepted.eq_ignore_ascii_case(license)
    {
        let message = format!("{id} is under {license}, not under {accepted}; nothing was done.");
        return Err(UsageError(message).into());
    }
    if offer.agreed {
        return Ok(Some(Consent::OnRecord));
    }
    let no_commerce = if license.contains("-NC") {
        " It does not allow commercial use."
    } else {
        ""
    };
    log(&format!(
        "{id} is published by its authors under {license}, not under Mertscope's license: \
         {url}{no_commerce}"
    ));
    if arguments.yes || arguments.accept_license.is_some() {
        return Ok(Some(Consent::Given));
    }
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        let message = format!(
            "{id} needs your consent to its license: add --yes, or --accept-licence {license}."
        );
        return Err(UsageError(message).into());
    }
    let size = megabytes(offer.size());
    write!(
        io::stderr(),
        "Do you agree? The model has about {size}. [y/N] "
    )?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()) {
        return Ok(Some(Consent::Given));
    }
    log("Nothing was done.");
    Ok(None)
}
