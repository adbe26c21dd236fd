//! Files that devices upload.

use iothub::device::models::{FileUploadCompletionStatus, FileUploadRequest};

use super::{Machine, Outcome};
use crate::machine::step::Key;
use crate::support::send;

impl Machine {
    pub(super) async fn begin_upload(&mut self, id: &'static str, name: &str) {
        let answer = self.device(id, Key::Hub).files().create_upload(&FileUploadRequest::new(name)).await;
        if let Err(refused) = self.model.begin_upload(id, name) {
            return self.check(refused, &Outcome::of(answer));
        }
        let target = answer.unwrap().into_body();
        let seen = [&*target.host_name, &*target.container_name, &*target.blob_name];
        assert_eq!(seen, ["localhost", "uploads-emulator", &format!("{id}/{name}")]);
        let escaped: String = target.blob_name.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let address = format!("/{}/{escaped}{}", target.container_name, target.sas_token.expose());
        self.model.begun_upload(id, target.correlation_id, target.blob_name, address);
    }

    pub(super) async fn end_upload(&mut self, id: &'static str, back: usize, is_success: bool) {
        let (at, correlation_id) = match self.model.upload(back) {
            Some((at, upload)) => (Some(at), upload.correlation_id),
            None => (None, "never".to_owned()),
        };
        let outcome = FileUploadCompletionStatus::new(correlation_id).with_is_success(is_success);
        let answer = self.device(id, Key::Hub).files().notify_upload(&outcome).await;
        let expected = self.model.end_upload(id, at);
        self.check(expected, &Outcome::of(answer));
    }

    pub(super) async fn put_file(&mut self, back: usize, body: &'static str) {
        let Some((at, upload)) = self.model.upload(back) else { return };
        let headers = [("x-ms-blob-type", "BlockBlob")];
        let answer = send(&self.emulator, ("PUT", &upload.address), &headers, body).await;
        assert_eq!(answer.status, self.model.put_file(at, body), "{answer:?}");
    }

    pub(super) async fn get_file(&mut self, back: usize) {
        let Some((at, upload)) = self.model.upload(back) else { return };
        let answer = send(&self.emulator, ("GET", &upload.address), &[], "").await;
        let (status, body) = self.model.get_file(at);
        assert_eq!(answer.status, status, "{answer:?}");
        match body {
            Some(body) => assert_eq!(answer.text, body),
            None => {
                let code = if status == 404 { "BlobNotFound" } else { "AuthenticationFailed" };
                assert_eq!(answer.header("x-ms-error-code"), Some(code), "{answer:?}");
            }
        }
    }
}
