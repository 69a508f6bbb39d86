// The options of the verbs, from the query or a body, checked as upstream checks them.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "api/codec.h"
#include "api/selector.h"
#include "apiserver/rest/continue.h"
#include "apiserver/rest/query.h"
#include "base/revision.h"
#include "base/transport.h"

namespace ph::apiserver {

struct ListOptions {
  api::LabelSelector labels;
  api::FieldSelector fields;
  std::optional<Revision> revision;  // nothing: resourceVersion was not given
  std::string match;                 // "", "Exact", "NotOlderThan"
  std::optional<std::int64_t> timeout_seconds;
  std::int64_t limit = 0;
  std::string continue_token;
  std::optional<Continuation> continuation;  // of a list: what the token says
  bool bookmarks = false;
  std::optional<bool> send_initial_events;
};
ListOptions list_options(const Query& query, bool watch);

// Of create, update and patch.
struct WriteOptions {
  bool dry_run = false;
  api::Unknown unknown = api::Unknown::Warn;
  std::string manager;
  bool force = false;  // of apply
};
// `kind`: CreateOptions, UpdateOptions, PatchOptions, for the words of the errors. Whoever applies must say who he is.
WriteOptions write_options(const HttpRequest& request, const Query& query, std::string_view kind);

// Of delete and deletecollection: a body when there is one, else the query.
meta::v1::DeleteOptions delete_options(const HttpRequest& request, const Query& query);
bool is_dry_run(const meta::v1::DeleteOptions& options);

// A revision, or why the text is none, in Go's words.
std::expected<Revision, std::string> read_revision(std::string_view text);
// Of a query. Throws ApiError, 500 as upstream, for a text that is not a revision.
Revision parse_revision(std::string_view text);

}  // namespace ph::apiserver
