mod replies;
mod wording;
