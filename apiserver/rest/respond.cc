#include "apiserver/rest/respond.h"

#include <fmt/format.h>

#include "api/errors.h"
#include "api/json_text.h"
#include "api/kinds.h"
#include "api/validation/quote.h"
#include "apiserver/rest/audited.h"
#include "apiserver/rest/list_writer.h"
#include "base/anywhere.h"

namespace ph::apiserver {
namespace {

// Smaller bodies are not worth compressing.
constexpr std::size_t kGzipMin = 128 * 1024;
// Larger ones are made when they are sent, and no faster.
constexpr std::size_t kInlineMax = 16 * 1024;

HttpResponse in_words(int status, std::string text) {
  HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.body.push_back(share(std::move(text)));
  return response;
}

HttpResponse with_type(const Form& form, int status) {
  HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", std::string(content_type(form.format, false)));
  return response;
}

IncludeObject include_of(const Query& query) {
  const std::string_view include = query.get("includeObject");
  if (include.empty() || include == "Metadata") return IncludeObject::Metadata;
  if (include == "None") return IncludeObject::None;
  if (include == "Object") return IncludeObject::Object;
  throw api::bad_request(
      fmt::format("Unable to convert to Table as requested: includeObject: Invalid value: {}: must be 'Metadata', "
                  "'Object', 'None', or empty",
                  api::quote(include)));
}

// Upstream's name of the type it holds such an object in: *core.Pod, *unstructured.Unstructured.
std::string held_type(const api::Resource& resource, bool list) {
  if (resource.schema->custom) return list ? "*unstructured.UnstructuredList" : "*unstructured.Unstructured";
  const std::string& group = resource.kind.group;
  std::string out = "*" + (group.empty() ? "core" : group.substr(0, group.find('.'))) + "." + resource.kind.kind;
  return list ? out + "List" : out;
}

// An object's metadata and a list of such are two kinds.
void check_partial(const Call& call, bool list) {
  if (call.form.as != As::PartialMetadata || call.form.of_list == list) return;
  meta::v1::Status status = api::not_acceptable({}).status();
  status.set_message(fmt::format("you requested {}, but the requested object is {} ({})",
                                 list ? "PartialObjectMetadata" : "PartialObjectMetadataList", list ? "a list" : "not a list",
                                 held_type(*call.served->resource, list)));
  throw api::ApiError(std::move(status));
}

}  // namespace

Encoding encoding_of(const Front& front, const Call& call) {
  Encoding encoding;
  encoding.resource = call.served->resource;
  encoding.owner = call.held;
  encoding.form = call.form;
  encoding.tables = front.tables;
  encoding.table.include = include_of(call.query);
  encoding.table.beta = call.form.beta;
  encoding.table.now = front.now();
  return encoding;
}

HttpResponse answer_entry(const Front& front, const Call& call, int status, EntryRef entry) {
  check_partial(call, false);
  if (call.trail) audit_entry(encoding_of(front, call), call, entry);
  HttpResponse response = with_type(call.form, status);
  if (call.form.format == Format::Protobuf && call.form.as == As::Object) {
    response.body.push_back(entry->protobuf);
    return response;
  }
  const Encoding encoding = encoding_of(front, call);
  if (Anywhere::here() && entry->protobuf->size() <= kInlineMax) {
    response.body.push_back(share(encode_entry(encoding, entry)));
  } else {
    response.render = [encoding, entry = std::move(entry)] { return std::vector{share(encode_entry(encoding, entry))}; };
  }
  return response;
}

HttpResponse answer_list(const Front& front, const Call& call, std::vector<EntryRef> entries, meta::v1::ListMeta metadata) {
  check_partial(call, true);
  HttpResponse response = with_type(call.form, 200);
  const Encoding encoding = encoding_of(front, call);
  if (call.trail) audit_list(encoding, call, entries, metadata);
  std::size_t size = 0;
  for (const EntryRef& entry : entries) size += entry->protobuf->size();
  if (size <= kInlineMax) {
    response.body.push_back(share(encode_list(encoding, std::move(entries), metadata)));
    return response;
  }
  // Decided before the body exists: it is never smaller than the objects, but for tables and metadata.
  const bool compress = call.form.gzip && size > kGzipMin;
  if (compress) {
    response.headers.add("Content-Encoding", "gzip");
    response.headers.add("Vary", "Accept-Encoding");
  }
  if (call.form.format == Format::Yaml) {  // made of the whole document
    response.render = [encoding, entries = std::move(entries), metadata = std::move(metadata), compress] {
      std::string body = encode_list(encoding, entries, metadata);
      if (compress) body = gzip(body);
      return std::vector<SharedBytes>{share(std::move(body))};
    };
    return response;
  }
  response.next_piece = [pieces = std::make_shared<ListPieces>(ListWriter(encoding, std::move(entries), std::move(metadata)),
                                                               compress)] { return pieces->next(); };
  return response;
}

HttpResponse answer_message(const Form& form, int status, const Message& object) {
  HttpResponse response = with_type(form, status);
  response.body.push_back(share(encode_message(form, object)));
  return response;
}

HttpResponse answer_status(const Form& form, const meta::v1::Status& status) {
  // What was asked may be quoted, and need not be text.
  if (!api::is_utf8(status.message())) {
    meta::v1::Status readable = status;
    readable.set_message(api::mend_json(status.message()));
    return answer_status(form, readable);
  }
  HttpResponse response = answer_message(form, status.code(), status);
  const int retry_after = status.details().retry_after_seconds();
  if (retry_after > 0) response.headers.add("Retry-After", std::to_string(retry_after));
  return response;
}

HttpResponse answer_no_page() { return in_words(404, "404 page not found\n"); }

HttpResponse answer_too_many() {
  HttpResponse response = in_words(429, "Too many requests, please try again later.\n");
  response.headers.add("Retry-After", "1");
  return response;
}

meta::v1::Status success() {
  meta::v1::Status status;
  status.set_status("Success");
  return status;
}

}  // namespace ph::apiserver
