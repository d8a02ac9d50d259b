//! Ctrl-C between two batches.

use std::io;
use std::process;

use tokio::select;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::error::STOPPED;

/// Whether the program was told to stop, by Ctrl-C or as a service manager does.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// From now on such a signal ends nothing by itself. A second one does: who asks twice does not want to wait.
    pub(crate) fn on_signal() -> io::Result<Self> {
        let (tell, asked) = watch::channel(false);
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::spawn(async move {
            either(&mut interrupt, &mut terminate).await;
            tell.send_replace(true);
            either(&mut interrupt, &mut terminate).await;
            process::exit(STOPPED.into());
        });
        Ok(Self(asked))
    }

    /// Ready when it was.
    pub(crate) async fn asked(mut self) {
        // It cannot fail: the task that tells lives as long as the program.
        let _ = self.0.wait_for(|asked| *asked).await;
    }
}

async fn either(one: &mut Signal, other: &mut Signal) {
    select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}
