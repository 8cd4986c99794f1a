// How a job's payload is written down: JSON with a version, the same for every database. A program
// reads all versions up to its own and refuses newer ones by name.
//
// A field that an older program may ignore without doing anything else than it was asked for is
// added without a new version; anything else raises it.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "service/jobs/payload.h"

namespace imagined::storage {

struct StoredPayload {
  std::string kind;  // to_string(JobKind)
  int version = 0;
  std::string text;  // JSON
};

StoredPayload encode_payload(const service::JobPayload& payload);

/// `data_loss`, saying in `detail` what is wrong: damage, or a newer version.
Result<service::JobPayload> decode_payload(const StoredPayload& stored);

/// The newest version of a kind that this program reads.
int newest_payload_version(service::JobKind kind);

/// A list of texts as JSON, for statements that take any number of them as one parameter.
std::string encode_texts(std::span<const std::string> texts);

}  // namespace imagined::storage
